"""Basic scans of what was pulled lately: vulnerabilities become known after an image was scanned.

ECR scans an image under basic scanning when it is pushed, and again only if someone asks, once in 24 hours for an image.
No AWS scheduler can choose images by their last pull, so a pipeline's schedule runs this.

An index is left out: ECR scans the images that it lists, records a pull of each by itself, and would record reading the
index as another pull. Needs `ecr:GetRegistryScanningConfiguration`, `ecr:DescribeImages` and `ecr:StartImageScan`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ecr_stack.errors import EcrStackError, InvalidInput, Problem
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.live_registry import LiveRegistry, in_order
from ecr_stack.operations.scanning.reading import INDEX_MEDIA_TYPES, clause
from ecr_stack.operations.scanning.report import is_image

__all__ = ["Rescan", "rescans"]

Outcome = Literal["started", "not due", "refused"]


@dataclass(frozen=True)
class Rescan:
    """What came of one image, or of a repository that cannot be read."""

    repository: str
    digest: str | None
    tags: tuple[str, ...]
    outcome: Outcome
    message: str

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "repository": self.repository,
            "imageDigest": self.digest,
            "imageTags": list(self.tags),
            "outcome": self.outcome,
            "message": self.message,
        }


def rescans(
    registry: LiveRegistry,
    repositories: Iterable[str],
    since: datetime,
    progress: Callable[[str], None] = lambda _name: None,
) -> Iterator[Rescan]:
    """Start a basic scan of every image that was pulled since an instant, a few repositories at once.

    ECR notes pulls once in 24 hours, so an image may have been pulled up to a day after the pull that it tells of.

    Args:
        registry: the registry.
        repositories: the names of its repositories.
        since: images whose last recorded pull is older are left alone.
        progress: called with a repository's name once it is done.

    Raises:
        InvalidInput: the registry has enhanced scanning, which scans by itself.
        Unavailable: ECR rejects the request, or does not respond.
    """
    configuration = registry.ask_registry("get_registry_scanning_configuration")["scanningConfiguration"]
    if configuration.get("scanType") == "ENHANCED":
        rule = "the registry has enhanced scanning, which scans again by itself and takes no requests"
        remedy = "use a `CONTINUOUS_SCAN` rule, and Inspector's re-scan duration"
        raise InvalidInput("the command line", [Problem("--pulled-within", None, rule, remedy)])

    def work(name: str) -> list[Rescan]:
        try:
            found = [_start(registry, name, details) for details in _pulled(registry, name, since)]
        except EcrStackError as error:
            found = [Rescan(name, None, (), "refused", clause(str(error)))]
        progress(name)
        return found

    for found in in_order(work, repositories):
        yield from found


def _pulled(registry: LiveRegistry, repository: str, since: datetime) -> Iterator[dict[str, Any]]:
    for details in registry.images(repository):
        pulled = details.get("lastRecordedPullTime")
        if (
            pulled is not None
            and pulled >= since
            and details.get("imageStatus", "ACTIVE") == "ACTIVE"
            and details.get("imageManifestMediaType") not in INDEX_MEDIA_TYPES
            and is_image(details)
        ):
            yield details


def _start(registry: LiveRegistry, repository: str, details: dict[str, Any]) -> Rescan:
    from botocore.exceptions import ClientError

    digest = details["imageDigest"]
    tags = tuple(sorted(details.get("imageTags") or ()))
    try:
        with answered():
            try:
                registry.ecr.start_image_scan(
                    registryId=registry.account, repositoryName=repository, imageId={"imageDigest": digest}
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "LimitExceededException":
                    raise
                message = "ECR allows one basic scan of an image in 24 hours"
                return Rescan(repository, digest, tags, "not due", message)
    except EcrStackError as error:
        return Rescan(repository, digest, tags, "refused", clause(str(error)))
    return Rescan(repository, digest, tags, "started", "its findings come within minutes")
