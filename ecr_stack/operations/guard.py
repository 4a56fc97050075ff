"""Checks a lifecycle document before it is applied: asks ECR which images it would remove.

Needs `ecr:StartLifecyclePolicyPreview`, `ecr:GetLifecyclePolicyPreview` and `ecr:DescribeImages` on the repository.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartLifecyclePolicyPreview.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from ecr_stack.aws.lifecycle import Tie, evaluate, parse_images
from ecr_stack.errors import Unavailable, counted
from ecr_stack.operations.ecr import answered, describe_images

__all__ = ["AffectedImage", "Limits", "Verdict", "guard", "judge", "preview", "report", "tied"]


@dataclass(frozen=True)
class Limits:
    """Limits on a lifecycle change; `None` means no limit."""

    max_expire: int | None = None
    max_expire_percent: int | None = None
    max_archive: int | None = None
    """Default: `max_expire`. An archived image cannot be pulled."""
    max_archive_percent: int | None = None
    """Default: `max_expire_percent`."""
    protect_pulled_within_days: int | None = None
    reason: str | None = None
    """Why these limits differ from the registry's."""

    @classmethod
    def of(cls, settings: Any) -> Limits:
        """The limits in a stack file."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class AffectedImage:
    """An image that would expire or be archived."""

    digest: str
    tags: tuple[str, ...]
    pulled: datetime | None
    """The last recorded pull."""
    rule: int | None
    """The priority of the rule that removes it."""
    action: str
    """`EXPIRE` or `TRANSITION`."""


@dataclass(frozen=True)
class Verdict:
    """The result, with its reasons."""

    repository: str
    images: int
    """The number of images in the repository."""
    affected: tuple[AffectedImage, ...]
    """The images that would expire or be archived, most recently pulled first."""
    exceeded: tuple[str, ...]
    """Descriptions of the exceeded limits; empty if the document may be applied."""
    reason: str | None = None
    ties: tuple[Tie, ...] = ()
    """Images with the same push time, of which ECR may choose different ones."""


_ACTIONS = {
    "EXPIRE": ("would expire", "max_expire", "maxExpire"),
    "TRANSITION": ("would be archived, after which they cannot be pulled", "max_archive", "maxArchive"),
}


def judge(
    repository: str,
    results: Iterable[Mapping[str, Any]],
    images: Sequence[Mapping[str, Any]],
    limits: Limits,
    at: datetime,
    ties: Sequence[Tie] = (),
) -> Verdict:
    """Check a document's effect against the limits.

    Args:
        repository: the repository's name.
        results: `previewResults` of ECR's answer.
        images: `imageDetails` of all images of the repository.
        limits: what may happen.
        at: the instant, with a time zone.
        ties: groups in which ECR may choose other images.
    """
    pulled = {image["imageDigest"]: image.get("lastRecordedPullTime") for image in images}
    affected = [
        AffectedImage(
            digest=result["imageDigest"],
            tags=tuple(result.get("imageTags") or ()),
            pulled=pulled.get(result["imageDigest"]),
            rule=result.get("appliedRulePriority"),
            action=(result.get("action") or {}).get("type", "EXPIRE"),
        )
        # A multi-architecture image is listed several times; each digest is one image.
        for result in {result["imageDigest"]: result for result in results}.values()
    ]
    oldest = datetime.min.replace(tzinfo=at.tzinfo)
    affected.sort(key=lambda image: (image.pulled or oldest, image.digest), reverse=True)
    exceeded = []
    total = max(len(images), len(affected))
    for action, (happens, name, key) in _ACTIONS.items():
        count = sum(image.action == action for image in affected)
        limit, percent = getattr(limits, name), getattr(limits, f"{name}_percent")
        if action == "TRANSITION":
            limit = limits.max_expire if limit is None else limit
            percent = limits.max_expire_percent if percent is None else percent
        if limit is not None and count > limit:
            exceeded.append(f"{counted(count, 'image')} {happens}; {key} is {limit}")
        if percent is not None and count * 100 > percent * total:
            exceeded.append(
                f"{count * 100 / total:.0f}% of {counted(total, 'image')} {happens}; {key}Percent is {percent}"
            )
    if limits.protect_pulled_within_days is not None:
        since = _days_before(at, limits.protect_pulled_within_days)
        late = {digest for digest, when in pulled.items() if when is not None and when >= since}
        recent = _most_of(late, {image.digest for image in affected}, ties)
        if recent:
            exceeded.append(
                f"{recent} of them {'was' if recent == 1 else 'were'} pulled within the last "
                f"{counted(limits.protect_pulled_within_days, 'day')}, which protectPulledWithinDays forbids"
            )
    return Verdict(repository, len(images), tuple(affected), tuple(exceeded), limits.reason, tuple(ties))


def _days_before(at: datetime, days: int) -> datetime:
    try:
        return at - timedelta(days=days)
    except OverflowError:  # longer ago than there are dates: every pull is later
        return datetime.min.replace(tzinfo=at.tzinfo)


def _most_of(some: set[str], gone: set[str], ties: Sequence[Tie]) -> int:
    """The maximum number of some images that may be removed, as ECR is free to choose within each tie."""
    count = len(some & gone)
    for tie in ties:
        level = {image.digest for image in (*tie.taken, *tie.left)}
        taken = level & gone
        count += min(len(taken), len(level & some)) - len(taken & some)
    return count


def guard(ecr: Any, repository: str, document: str, limits: Limits, at: datetime) -> Verdict:
    """Ask ECR what a document would do to the images of a repository, and hold it against the limits.

    Args:
        ecr: a client of ECR.
        repository: the repository's name.
        document: the lifecycle document, as JSON.
        limits: what may happen.
        at: the instant, with a time zone.

    Raises:
        NotFound: there is no such repository.
        Unavailable: ECR does not answer, or the preview fails.
        InvalidInput: ECR would reject the document.
    """
    images = list(describe_images(ecr, repository))
    results = preview(ecr, repository, document) if images else []
    return judge(repository, results, images, limits, at, evaluate(document, parse_images(images), at).ties)


_SHOWN = 20


def report(verdict: Verdict, *, replacing: bool = False) -> str:
    """A verdict as plain text, which Pulumi shows among its own messages.

    Args:
        verdict: the answer.
        replacing: whether the current policy may already have been removed in order to be recreated.
    """
    lines = []
    if verdict.reason:
        lines.append(f"{verdict.repository}: the registry's limits are overridden: {verdict.reason}")
    if not verdict.images:
        return "\n".join([*lines, f"{verdict.repository}: no images"])
    counts = {action: sum(image.action == action for image in verdict.affected) for action in _ACTIONS}
    archived = f", {counts['TRANSITION']} archived" if counts["TRANSITION"] else ""
    lines.append(
        f"{verdict.repository}: up to {counts['EXPIRE']} of {counted(verdict.images, 'image')} would expire{archived}"
    )
    lines += [f"{verdict.repository}: {tied(tie)}" for tie in verdict.ties]
    if not verdict.exceeded:
        return "\n".join(lines)
    count = len(verdict.affected)
    limits = f"maxExpire: {counts['EXPIRE']}, maxExpirePercent: 100"
    if counts["TRANSITION"]:
        limits += f", maxArchive: {counts['TRANSITION']}, maxArchivePercent: 100"
    return "\n".join(
        [
            *lines,
            f"{verdict.repository}: the lifecycle change was stopped; "
            + (
                "the current policy may have been removed, which deletes no images"
                if replacing
                else "nothing was changed"
            ),
            *(f"  {limit}" for limit in verdict.exceeded),
            "Most recently pulled:",
            *(f"  {_described(image)}" for image in verdict.affected[:_SHOWN]),
            *([f"  … and {count - _SHOWN} more"] if count > _SHOWN else []),
            "To allow this, add an override with a reason:",
            "  ecr-stack:lifecycleGuard:",
            "    overrides:",
            f"      {verdict.repository}: {{{limits}, reason: …}}",
        ]
    )


def tied(tie: Tie) -> str:
    """Describe the images in a tie, without a full stop."""
    level = [*tie.taken, *tie.left]
    names = [", ".join(image.tags) or f"{image.digest[:19]}…" for image in level[:_SHOWN]]
    more = f" and {len(level) - _SHOWN} more" if len(level) > _SHOWN else ""
    return (
        f"rule {tie.rule_priority} takes {len(tie.taken)} of {len(level)} images pushed at the same instant, and ECR "
        f"may choose others: {'; '.join(names)}{more}"
    )


def _described(image: AffectedImage) -> str:
    name = ", ".join(image.tags) or "untagged"
    pulled = f"pulled {image.pulled:%Y-%m-%d}" if image.pulled else "no pull recorded"
    return f"{image.digest[:19]}… {name}; {pulled}; rule {image.rule}"


def preview(
    ecr: Any, repository: str, document: str, *, patience: float = 600, pause: float = 1
) -> list[dict[str, Any]]:
    """Have ECR evaluate a document on a repository's images, without applying it.

    Args:
        ecr: a client of ECR.
        repository: the repository's name.
        document: the lifecycle document, as JSON.
        patience: seconds to wait for the result.
        pause: seconds between requests; grows up to ten.

    Returns:
        `previewResults`: the images that an action would be taken on.

    Raises:
        NotFound: there is no such repository.
        Unavailable: the preview fails or takes longer than `patience`.
    """
    give_up = time.monotonic() + patience
    while True:
        try:
            with answered():
                ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=document)
            break
        except Unavailable as error:
            # Another preview of this repository is running: ECR runs one at a time.
            if "LifecyclePolicyPreviewInProgressException" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(pause)
    while True:
        status, results, text = _answer(ecr, repository)
        if status == "COMPLETE" and not _same(text, document):
            raise Unavailable(
                f"{repository}: ECR returned the preview of another document, which somebody else requested; try again"
            )
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


def _same(one: Any, other: str) -> bool:
    """Whether two documents are equal to ECR, ignoring white space."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except (TypeError, ValueError):
        return False


def _answer(ecr: Any, repository: str) -> tuple[str, list[dict[str, Any]], Any]:
    results: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        with answered():
            page = ecr.get_lifecycle_policy_preview(repositoryName=repository, maxResults=100, **token)
        results += page.get("previewResults") or []
        if page["status"] != "COMPLETE" or not page.get("nextToken"):
            return page["status"], results, page.get("lifecyclePolicyText")
        token = {"nextToken": page["nextToken"]}
