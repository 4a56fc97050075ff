"""Whether a lifecycle document may be put in place: ECR is asked which images it would remove.

Needs `ecr:StartLifecyclePolicyPreview`, `ecr:GetLifecyclePolicyPreview` and `ecr:DescribeImages` on the repository.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartLifecyclePolicyPreview.html
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ecr_stack.errors import NotFound, Unavailable
from ecr_stack.operations.ecr import answered, describe_images

__all__ = ["Limits", "Loss", "Verdict", "guard", "judge", "preview"]


@dataclass(frozen=True)
class Limits:
    """What a lifecycle change may remove; nothing stands for no limit."""

    max_expire: int | None = None
    max_expire_percent: int | None = None
    protect_pulled_within_days: int | None = None
    reason: str | None = None
    """Why these limits differ from the registry's."""


@dataclass(frozen=True)
class Loss:
    """An image that would be removed."""

    digest: str
    tags: tuple[str, ...]
    pulled: datetime | None
    """When it was last pulled, as far as ECR knows."""
    rule: int | None
    """The priority of the rule that removes it."""


@dataclass(frozen=True)
class Verdict:
    """The answer, with its reasons."""

    repository: str
    images: int
    """How many images the repository holds."""
    losses: tuple[Loss, ...]
    """The images that would be removed, those pulled most recently first."""
    passed: tuple[str, ...]
    """The limits that are passed, in words; empty where the document may be put in place."""
    reason: str | None = None


def judge(
    repository: str,
    results: Iterable[Mapping[str, Any]],
    images: Sequence[Mapping[str, Any]],
    limits: Limits,
    at: datetime,
) -> Verdict:
    """Hold what a document would remove against the limits.

    Args:
        repository: the repository's name.
        results: `previewResults` of ECR's answer.
        images: `imageDetails` of all images of the repository.
        limits: what may be removed.
        at: the instant, with a time zone.
    """
    pulled = {image["imageDigest"]: image.get("lastRecordedPullTime") for image in images}
    losses = [
        Loss(
            digest=result["imageDigest"],
            tags=tuple(result.get("imageTags") or ()),
            pulled=pulled.get(result["imageDigest"]),
            rule=result.get("appliedRulePriority"),
        )
        # A multi-architecture image is listed once for each of its tags' sets; a digest is one image.
        for result in {result["imageDigest"]: result for result in results}.values()
        if (result.get("action") or {}).get("type") == "EXPIRE"
    ]
    oldest = datetime.min.replace(tzinfo=at.tzinfo)
    losses.sort(key=lambda loss: (loss.pulled or oldest, loss.digest), reverse=True)
    passed = []
    if limits.max_expire is not None and len(losses) > limits.max_expire:
        passed.append(f"{len(losses)} images would go, and maxExpire is {limits.max_expire}")
    total = max(len(images), len(losses))
    if limits.max_expire_percent is not None and len(losses) * 100 > limits.max_expire_percent * total:
        percent = len(losses) * 100 / total
        passed.append(
            f"{percent:.0f} % of {total} images would go, and maxExpirePercent is {limits.max_expire_percent}"
        )
    if limits.protect_pulled_within_days is not None:
        since = at - timedelta(days=limits.protect_pulled_within_days)
        recent = sum(loss.pulled is not None and loss.pulled >= since for loss in losses)
        if recent:
            passed.append(
                f"{recent} of them {'was' if recent == 1 else 'were'} pulled within the last "
                f"{limits.protect_pulled_within_days} days, which protectPulledWithinDays forbids"
            )
    return Verdict(repository, len(images), tuple(losses), tuple(passed), limits.reason)


def guard(ecr: Any, repository: str, document: str, limits: Limits, at: datetime) -> Verdict:
    """Ask ECR what a document would remove from a repository, and judge it.

    Args:
        ecr: a client of ECR.
        repository: the repository's name; one that does not exist yet has nothing to lose.
        document: the lifecycle document, as JSON.
        limits: what may be removed.
        at: the instant, with a time zone.

    Raises:
        Unavailable: where ECR does not answer, or the preview fails.
    """
    try:
        images = list(describe_images(ecr, repository))
        results = preview(ecr, repository, document) if images else []
    except NotFound:
        return Verdict(repository, 0, (), (), limits.reason)
    return judge(repository, results, images, limits, at)


def preview(
    ecr: Any, repository: str, document: str, *, patience: float = 600, pause: float = 1
) -> list[dict[str, Any]]:
    """Have ECR evaluate a document over a repository's images, without putting it in place.

    Args:
        ecr: a client of ECR.
        repository: the repository's name.
        document: the lifecycle document, as JSON.
        patience: seconds to wait for the answer.
        pause: seconds between questions; grows up to ten.

    Returns:
        `previewResults`: the images that an action would be taken on.

    Raises:
        NotFound: where there is no such repository.
        Unavailable: where the preview fails or takes longer than `patience`.
    """
    give_up = time.monotonic() + patience
    while True:
        try:
            with answered():
                ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=document)
            break
        except Unavailable as error:
            # Somebody else's preview of this repository is under way: ECR makes one at a time.
            if "LifecyclePolicyPreviewInProgressException" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(pause)
    while True:
        status, results = _answer(ecr, repository)
        if status == "COMPLETE":
            return results
        if status != "IN_PROGRESS":
            raise Unavailable(f"{repository}: ECR's lifecycle policy preview ended as {status}; try again")
        if time.monotonic() > give_up:
            raise Unavailable(
                f"{repository}: ECR's lifecycle policy preview took more than {patience:.0f} s; try again"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 10)


def _answer(ecr: Any, repository: str) -> tuple[str, list[dict[str, Any]]]:
    results: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        with answered():
            page = ecr.get_lifecycle_policy_preview(repositoryName=repository, maxResults=100, **token)
        results += page.get("previewResults") or []
        if page["status"] != "COMPLETE" or not page.get("nextToken"):
            return page["status"], results
        token = {"nextToken": page["nextToken"]}
