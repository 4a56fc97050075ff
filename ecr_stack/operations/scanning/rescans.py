"""Basic rescans of recently pulled images, because vulnerabilities become known after an image was scanned.

Under basic scanning, ECR scans an image on push, and again only on request, at most once in 24 hours. No AWS scheduler can
select images by their last pull, so this runs in a scheduled pipeline.

Indexes are skipped: ECR scans the images that they list, records a pull of each image separately, and would record reading
the index as another pull. Needs `ecr:GetRegistryScanningConfiguration`, `ecr:DescribeImages` and `ecr:StartImageScan`.

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
    """The outcome for one image, or for a repository that cannot be read."""

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
    """Start a basic scan of every image that was pulled since a point in time, a few repositories at a time.

    ECR updates pull times once in 24 hours, so the actual last pull may be up to a day later than recorded.

    Args:
        registry: the registry.
        repositories: the names of its repositories.
        since: images whose last recorded pull is older are skipped.
        progress: called with the name of each finished repository.

    Raises:
        InvalidInput: the registry has enhanced scanning, which rescans automatically.
        Unavailable: ECR rejects the request, or does not respond.
    """
    configuration = registry.ask_registry("get_registry_scanning_configuration")["scanningConfiguration"]
    if configuration.get("scanType") == "ENHANCED":
        rule = "the registry has enhanced scanning, which rescans automatically and not on request"
        remedy = "use a `CONTINUOUS_SCAN` rule and Inspector's re-scan duration"
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
    return Rescan(repository, digest, tags, "started", "findings will be available within minutes")
