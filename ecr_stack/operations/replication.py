"""What of a registry has reached its destinations, and the copying of what was pushed before they were added.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecr_stack.errors import NotFound
from ecr_stack.operations.ecr import answered, describe_images

__all__ = [
    "Backfill", "ReplicaStatus", "configured_destinations", "follow", "replica_statuses", "repository_names", "start_backfill",
]  # fmt: skip

UNDER_WAY = ("PREPARING", "IN_PROGRESS")

Destination = tuple[str, str]
"""Region and account."""


@dataclass(frozen=True)
class ReplicaStatus:
    """One image in one destination."""

    repository: str
    image_digest: str
    image_tags: tuple[str, ...]
    region: str
    registry_id: str
    status: str
    """ECR's `COMPLETE`, `IN_PROGRESS` and `FAILED`; `MISSING` if it has not been replicated, or is not there any more."""
    reason: str = ""
    """Why it is missing or has failed, a clause without a full stop."""


@dataclass
class Backfill:
    """A replication backfill to one destination."""

    backfill_id: str
    region: str
    registry_id: str
    status: str
    total: int = 0
    completed: int = 0
    failed: int = 0
    started_here: bool = True
    """Whether this call started it; otherwise it was under way already."""
    failures: list[Mapping[str, Any]] = field(default_factory=list)
    """The images that were not copied, as `DescribeReplicationBackfillResults` gives them."""


def configured_destinations(ecr: Any, repository: str | None = None) -> list[Destination]:
    """The destinations of a registry, or of one of its repositories, in the order of the rules.

    Raises:
        Unavailable: ECR does not answer.
    """
    with answered():
        rules = ecr.describe_registry()["replicationConfiguration"]["rules"]
    found: dict[Destination, None] = {}
    for rule in rules:
        filters = [entry["filter"] for entry in rule.get("repositoryFilters") or []]
        if repository is None or not filters or any(repository.startswith(prefix) for prefix in filters):
            found |= dict.fromkeys((entry["region"], entry["registryId"]) for entry in rule["destinations"])
    return list(found)


def repository_names(ecr: Any) -> list[str]:
    """The repositories of a registry, in alphabetical order.

    Raises:
        Unavailable: ECR does not answer.
    """
    with answered():
        pages = list(ecr.get_paginator("describe_repositories").paginate())
    return sorted(each["repositoryName"] for page in pages for each in page["repositories"])


def replica_statuses(
    ecr: Any, repository: str, reference: str | None = None, there: Callable[[Destination], Any | None] = lambda _: None
) -> Iterator[ReplicaStatus]:
    """Yield each image of a repository in each of its destinations.

    Args:
        ecr: a client of ECR in the home Region.
        repository: the repository's name.
        reference: a tag or a digest. Default: every image.
        there: gives a client of ECR in a destination, or `None` if one cannot be looked into: ECR's word is then taken.

    Raises:
        NotFound: there is no such repository or image, or it is not replicated.
        Unavailable: ECR does not answer.
    """
    images = [
        image
        for image in describe_images(ecr, repository)
        if reference is None or reference == image["imageDigest"] or reference in image.get("imageTags", [])
    ]
    if reference is not None and not images:
        raise NotFound(f"repository {repository} has no image `{reference}`")
    destinations = configured_destinations(ecr, repository)
    if not destinations:
        raise NotFound(f"repository {repository} is not replicated: no replication rule selects it")
    replicas = {destination: _replicas(there(destination), repository) for destination in destinations}
    for image in images:
        with answered():
            asked = {"repositoryName": repository, "imageId": {"imageDigest": image["imageDigest"]}}
            told = ecr.describe_image_replication_status(**asked)["replicationStatuses"]
        statuses = {(each["region"], each["registryId"]): each for each in told}
        for destination in destinations:
            status, reason = _judged(image, statuses.get(destination), replicas[destination])
            tags = tuple(sorted(image.get("imageTags", [])))
            yield ReplicaStatus(repository, image["imageDigest"], tags, *destination, status, reason)


def _replicas(ecr: Any | None, repository: str) -> dict[str, list[str]] | None:
    """The tags of each image of a destination by digest, or `None` if no one can look."""
    if ecr is None:
        return None
    try:
        return {image["imageDigest"]: image.get("imageTags", []) for image in describe_images(ecr, repository)}
    except NotFound:
        return {}


def _judged(
    image: Mapping[str, Any], told: Mapping[str, Any] | None, replicas: Mapping[str, Sequence[str]] | None
) -> tuple[str, str]:
    if replicas is not None and image["imageDigest"] in replicas:
        lost = sorted(set(image.get("imageTags", [])) - set(replicas[image["imageDigest"]]))
        if not lost:
            return "COMPLETE", ""
        return "MISSING", (
            f"the image is there without the tag{'' if len(lost) == 1 else 's'} {', '.join(lost)}: it belongs to "
            "another image there and cannot be moved, or it was pushed before the destination was added"
        )
    if told is not None and told["status"] == "FAILED":
        return "FAILED", str(told.get("failureCode") or "ECR gives no reason")
    if told is not None and told["status"] != "COMPLETE":
        return str(told["status"]), ""
    if told is not None and replicas is None:
        return "COMPLETE", ""
    if told is not None:
        return (
            "MISSING",
            "it was replicated, but no longer exists: a lifecycle policy expired it, or it was deleted",
        )
    if image.get("imageStatus", "ACTIVE") != "ACTIVE":
        return "MISSING", "it is archived, and only active images are replicated"
    return "MISSING", "it was pushed before the destination was added; `ecr-stack replication backfill` copies it"


def start_backfill(ecr: Any, destination: Destination) -> Backfill:
    """Start to copy what was pushed before a destination was added, unless that is under way already.

    Raises:
        Unavailable: ECR rejects the request, or does not respond.
    """
    region, registry = destination
    with answered():
        for known in _backfills(ecr):
            if known["destination"] == {"region": region, "registryId": registry} and known["status"] in UNDER_WAY:
                return Backfill(known["replicationBackfillId"], region, registry, known["status"], started_here=False)
        made = ecr.start_replication_backfill(destination={"region": region, "registryId": registry})
    return Backfill(made["replicationBackfillId"], region, registry, made["status"])


def _backfills(ecr: Any) -> Iterator[Mapping[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = ecr.list_replication_backfills(**token)
        yield from page["backfills"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def follow(
    ecr: Any,
    backfill: Backfill,
    progress: Callable[[Backfill], None] = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
) -> Backfill:
    """Wait for the end of a backfill, and read what failed.

    Args:
        ecr: a client of ECR in the home Region.
        backfill: what `start_backfill` gave; it is brought up to date.
        progress: called each time that ECR was asked.
        wait: called with the seconds to wait between.

    Raises:
        Unavailable: ECR does not answer.
    """
    seconds = 1.0
    while True:
        with answered():
            told = ecr.describe_replication_backfill_results(
                replicationBackfillId=backfill.backfill_id, resultStatusFilter="FAILED"
            )
        counts = told.get("progress") or {}
        backfill.status = told["status"]
        backfill.total = counts.get("totalReplicationCount", 0)
        backfill.completed = counts.get("completedReplicationCount", 0)
        backfill.failed = counts.get("failedReplicationCount", 0)
        progress(backfill)
        if backfill.status not in UNDER_WAY:
            break
        wait(seconds)
        seconds = min(seconds * 1.5, 30.0)
    backfill.failures = list(told["results"])
    while told.get("nextToken"):
        with answered():
            told = ecr.describe_replication_backfill_results(
                replicationBackfillId=backfill.backfill_id, resultStatusFilter="FAILED", nextToken=told["nextToken"]
            )
        backfill.failures += told["results"]
    return backfill
