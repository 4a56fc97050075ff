"""What a registry costs: by Cost Explorer, and what its images take up.

Needs `ce:GetCostAndUsage` (each request costs $0.01: https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/)
and `ecr:DescribeImages`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ecr_stack.aws.lifecycle import Document, Image, evaluate
from ecr_stack.aws.names import COST_SERVICE
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.images.reading import RepositoryImages, read_repositories
from ecr_stack.operations.live_registry import LiveRegistry

__all__ = ["Charge", "Storage", "charges", "months_before", "storage"]


@dataclass(frozen=True)
class Charge:
    """What was charged in one month."""

    month: str
    """Its first day, ISO 8601."""
    name: str
    """The usage type, e.g. `USE1-TimedStorage-ByteHrs`, or the tag's value."""
    amount: float
    unit: str
    """The currency."""
    estimated: bool


def months_before(today: date, months: int) -> tuple[str, str]:
    """The first day of the month so many months before this one, and tomorrow; Cost Explorer's end is exclusive."""
    first = today.year * 12 + today.month - 1 - (months - 1)
    following = date.fromordinal(today.toordinal() + 1)
    return date(first // 12, first % 12 + 1, 1).isoformat(), following.isoformat()


def charges(registry: LiveRegistry, start: str, end: str, tag: str | None = None) -> list[Charge]:
    """Ask Cost Explorer what ECR cost in the registry's Region and account, by usage type or by a tag.

    Args:
        registry: whose costs.
        start: the first day, ISO 8601.
        end: the day after the last.
        tag: the tag's key. Images without it are left out.

    Raises:
        Unavailable: Cost Explorer rejects, or does not answer.
    """
    selected: list[dict[str, Any]] = [
        {"Dimensions": {"Key": "SERVICE", "Values": [COST_SERVICE]}},
        {"Dimensions": {"Key": "REGION", "Values": [registry.region]}},
        # In a management account the others' costs would be in it.
        {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": [registry.account]}},
    ]
    group = {"Type": "TAG", "Key": tag} if tag else {"Type": "DIMENSION", "Key": "USAGE_TYPE"}
    found: list[Charge] = []
    token: str | None = None
    with answered("Cost Explorer"):
        # Its API is in us-east-1 for all Regions of the partition.
        explorer = registry.client("ce", "us-east-1")
        while True:
            more = {"NextPageToken": token} if token else {}
            answer = explorer.get_cost_and_usage(
                TimePeriod={"Start": start, "End": end}, Granularity="MONTHLY", Metrics=["UnblendedCost"],
                Filter={"And": selected}, GroupBy=[group], **more,
            )  # fmt: skip
            found += _charges(answer["ResultsByTime"], tag)
            token = answer.get("NextPageToken")
            if not token:
                return found


def _charges(results: Iterable[dict[str, Any]], tag: str | None) -> Iterator[Charge]:
    for result in results:
        for group in result.get("Groups", ()):
            key, cost = group["Keys"][0], group["Metrics"]["UnblendedCost"]
            prefix = f"{tag}$" if tag else ""
            # `Name$` alone is what has no such tag, or is older than its activation.
            if not key.startswith(prefix) or not key.removeprefix(prefix):
                continue
            yield Charge(
                result["TimePeriod"]["Start"], key.removeprefix(prefix), float(cost["Amount"]), cost["Unit"],
                bool(result.get("Estimated")),
            )  # fmt: skip


@dataclass(frozen=True)
class Storage:
    """What the images of one repository take up, layers that they share counted for each of them."""

    repository: str
    standard: int = 0
    archived: int = 0
    freed: int = 0
    """What the stack's lifecycle would delete now."""
    moved: int = 0
    """What it would move to the archive."""
    problem: str | None = None


def storage(
    registry: LiveRegistry,
    lifecycles: dict[str, Document | None],
    at: datetime,
    progress: Callable[[str, int], None] = lambda _repository, _images: None,
) -> Iterator[Storage]:
    """Read what repositories take up.

    Args:
        registry: whose they are.
        lifecycles: the stack's lifecycle document of each repository, by its name in ECR.
        at: the instant.
        progress: called as by `read_repositories`.
    """
    for found in read_repositories(registry, lifecycles, manifests=False, progress=progress):
        yield _storage(found, lifecycles[found.repository], at)


def _storage(found: RepositoryImages, lifecycle: Document | None, at: datetime) -> Storage:
    if found.problem:
        return Storage(found.repository, problem=found.problem)
    members = {member.digest: member for image in found.images for member in image.members}
    # ECR says of an index the size of its largest part, which is counted as a part.
    stored = [member for member in members.values() if not member.is_index]
    freed = moved = 0
    if lifecycle is not None:
        images = [
            Image(
                digest=each.digest, pushed_at=each.pushed_at, tags=each.tags, pulled_at=each.pulled_at,
                status=each.status,  # type: ignore[arg-type]
                archived_at=each.archived_at, size=0 if each.is_index else each.size, media_type=each.media_type,
                subject=each.subject,
            )
            for each in members.values()
        ]  # fmt: skip
        evaluation = evaluate(lifecycle, images, at)
        freed = evaluation.bytes_freed
        moved = sum(decision.image.size for decision in evaluation.archive)
    return Storage(
        found.repository,
        sum(each.size for each in stored if each.status != "ARCHIVED"),
        sum(each.size for each in stored if each.status == "ARCHIVED"),
        freed, moved,
    )  # fmt: skip
