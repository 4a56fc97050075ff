"""Image references: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG`, with `@sha256:…`, or just `REPOSITORY:TAG`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ecr_stack.aws.names import REGIONS, REPOSITORY_NAME
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import nearest

__all__ = ["ImageReference", "parse_reference"]

# The two forms of a private registry's host: IPv4 only (also FIPS) and dual-stack.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.(?:dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
    r"|dkr-ecr(?:-fips)?\.(?P<dual>[a-z0-9-]+)\.on\.[a-z0-9.-]+)"
)
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageReference:
    """A reference to one image."""

    text: str
    """The reference as written."""
    repository: str
    tag: str | None
    digest: str | None
    """Takes precedence over a tag."""
    account: str | None = None
    region: str | None = None
    host: str | None = None

    @property
    def image_id(self) -> dict[str, str]:
        """The `imageId` of ECR's API."""
        return {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag or ""}

    @property
    def registry(self) -> dict[str, str]:
        """The `registryId` of ECR's API, if the reference names an account."""
        return {"registryId": self.account} if self.account else {}


def parse_reference(text: str, region: str | None = None) -> ImageReference:
    """Parse a reference.

    Args:
        text: the reference as written.
        region: the Region of a reference without one.

    Raises:
        InvalidInput: it is not a reference to an image in ECR, it names neither a tag nor a digest, or its Region is
            not `region`.
    """

    def refuse(rule: str, remedy: str) -> InvalidInput:
        return InvalidInput("the command line", [Problem("IMAGE", text, rule, remedy)])

    host_text, slash, rest = text.partition("/")
    host = _HOST.fullmatch(host_text) if slash else None
    if host is None and slash and ("." in host_text or ":" in host_text):
        raise refuse(
            "the host of a private ECR registry must be ACCOUNT.dkr.ecr.REGION.amazonaws.com",
            "write e.g. 123456789012.dkr.ecr.us-east-1.amazonaws.com/api:v1, or api:v1 with --region",
        )
    name = rest if host else text
    name, at, digest = name.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise refuse(
            "a digest must be `sha256:` and 64 hexadecimal digits", "write the digest that `docker push` printed"
        )
    repository, colon, tag = name.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise refuse(
            "a tag has 1 to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`",
            "write the tag as `aws ecr list-images` prints it",
        )
    if not (2 <= len(repository) <= 256 and REPOSITORY_NAME.fullmatch(repository)):
        raise refuse(
            "a repository name has 2 to 256 lowercase letters, digits and single separators",
            "write e.g. team/api:v1",
        )
    if not at and not colon:
        # Docker defaults to `latest`; here the tag must be explicit.
        raise refuse("an image reference must have a tag or a digest", f"write {text}:TAG or {text}@sha256:…")
    own_region = (host["region"] or host["dual"]) if host else None
    if own_region and own_region not in REGIONS:
        guess = nearest(own_region, REGIONS)
        raise refuse(f"AWS has no Region {own_region} with ECR", f"write {guess}" if guess else "write e.g. us-east-1")
    if own_region and region and own_region != region:
        raise refuse(
            f"the reference is in {own_region}, but --region or the stack says {region}",
            "omit --region, or use the image in that Region",
        )
    return ImageReference(
        text, repository, tag if colon else None, digest if at else None,
        host["account"] if host else None, own_region or region, host_text if host else None,
    )  # fmt: skip
