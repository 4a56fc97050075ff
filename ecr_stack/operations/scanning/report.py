"""A report on the newest image of every repository: its scan results, its age, and what is running.

`DescribeImages` no longer returns scan results, so they are read for each newest image
(https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html). For an index that takes `BatchGetImage`, which
ECR records as a pull of that one image.

Several repositories are read concurrently through one client in adaptive mode, which slows down when ECR throttles. Only a
few are in memory at a time, and only a row of each is kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.errors import EcrStackError, InvalidInput, NotFound, Problem
from ecr_stack.model import Model, parse, refusal
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.scanning.reading import ScanReader, clause
from ecr_stack.operations.scanning.references import ImageReference

__all__ = [
    "OldestFix",
    "PlatformRow",
    "Report",
    "RepositoryRow",
    "Trend",
    "is_image",
    "read_earlier",
    "read_rows",
    "trend",
]

_AT_ONCE = 8
# cosign and notation store signatures and attestations under such tags
_SIGNATURE_TAG = re.compile(r"sha256-[0-9a-f]{64}(\..*)?")
_IMAGE_CONFIGS = (
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.oci.image.config.v1+json",
)


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise refusal("a time must be ISO 8601 with a time zone", "write e.g. 2026-03-01T12:00:00+00:00")
    return read.astimezone(UTC)


_Instant = Annotated[datetime, BeforeValidator(_instant)]
_Count = Annotated[int, Field(ge=0)]
_Counts = dict[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"], _Count]


class OldestFix(Model):
    """The oldest known CRITICAL finding with a fix."""

    name: str
    package: str
    first_observed_at: _Instant


class PlatformRow(Model):
    """The newest image of a repository, for one platform."""

    platform: str | None = None
    image_digest: str | None = None
    status: str
    counts: _Counts | None = None
    """`None` if there is no result."""
    problem: str | None = None


class RepositoryRow(Model):
    """One repository."""

    repository: str
    image_digest: str | None = None
    """Of the newest image; `None` if there is none, or it could not be read."""
    image_tags: list[str] = []
    image_pushed_at: _Instant | None = None
    platforms: list[PlatformRow] = []
    counts: _Counts | None = None
    """The largest number of each severity in any platform; `None` if no platform has a result."""
    fixable: _Counts = {}
    """Findings that are known to have a fix."""
    fixability_known: bool = True
    """Whether the scan says for every finding whether there is a fix."""
    oldest_fixable_critical: OldestFix | None = None
    in_use_count: int | None = None
    """ECS tasks and EKS pods that run it; `None` if ECR does not say."""
    last_in_use_at: _Instant | None = None
    problem: str | None = None
    """Why the row is empty or incomplete."""
    unreadable: bool = False
    """Whether ECR rejected or did not answer, so that nothing is known."""


class Report(Model):
    """A registry at a point in time."""

    stack: str
    region: str | None = None
    at: _Instant
    repositories: list[RepositoryRow]
    version: Literal[1] = 1

    @property
    def totals(self) -> dict[str, int]:
        """Findings of all repositories, by severity."""
        totals: Counter[str] = Counter()
        for row in self.repositories:
            totals.update(row.counts or {})
        return {name: totals[name] for name in SEVERITIES}

    @property
    def unknown(self) -> int:
        """Repositories with an image but without a result."""
        return sum((row.image_digest is not None and row.counts is None) or row.unreadable for row in self.repositories)

    def as_json(self) -> dict[str, Any]:
        """For scripts, and for a later comparison."""
        return {**self.model_dump(mode="json"), "totals": self.totals}


@dataclass(frozen=True)
class Trend:
    """The changes since an earlier report, by repository and severity."""

    since: datetime
    totals: Mapping[str, int]
    """The change of each severity's total, for repositories with a result in both reports."""
    repositories: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    incomparable: tuple[str, ...] = ()
    """Repositories without a result in one of the reports."""

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "since": self.since.isoformat(),
            "totals": dict(self.totals),
            "repositories": {
                name: dict(changes) for name, changes in self.repositories.items() if any(changes.values())
            },
            "added": list(self.added),
            "removed": list(self.removed),
            "incomparable": list(self.incomparable),
        }


def trend(report: Report, earlier: Report) -> Trend:
    """Compare two reports."""
    before = {row.repository: row for row in earlier.repositories}
    after = {row.repository: row for row in report.repositories}
    changes: dict[str, dict[str, int]] = {}
    incomparable = []
    for name in after.keys() & before.keys():
        old, new = before[name].counts, after[name].counts
        if old is None or new is None:
            incomparable.append(name)
        else:
            changes[name] = {each: new.get(each, 0) - old.get(each, 0) for each in SEVERITIES}  # type: ignore[call-overload]
    totals = {each: sum(change[each] for change in changes.values()) for each in SEVERITIES}
    return Trend(
        earlier.at, totals, changes,
        tuple(sorted(after.keys() - before.keys())), tuple(sorted(before.keys() - after.keys())), tuple(sorted(incomparable)),
    )  # fmt: skip


def read_earlier(path: Path) -> Report:
    """Read a report that `ecr-stack scan report --format json` printed.

    Raises:
        NotFound: the file cannot be read.
        InvalidInput: it is not such a report.
    """
    remedy = "pass the output of `ecr-stack scan report --format json`"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(str(path), [Problem("(the file)", None, f"it is not JSON: {error}", remedy)]) from None
    if not isinstance(data, dict) or "repositories" not in data:
        raise InvalidInput(str(path), [Problem("(the file)", None, "it is not a scan report", remedy)])
    return parse(
        Report, {name: value for name, value in data.items() if name not in ("totals", "trend")}, "", source=str(path)
    )


def read_rows(
    ecr: Any,
    reader: ScanReader,
    repositories: Sequence[str],
    progress: Callable[[str], None] = lambda _name: None,
) -> Iterator[RepositoryRow]:
    """Read repositories concurrently.

    Args:
        ecr: an ECR client that retries by itself.
        reader: reads scans with the same client.
        repositories: the names.
        progress: called with a name when its row has been read.

    Yields:
        A row for each, in their order, with the reason if it cannot be read.
    """
    names = iter(repositories)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # a window instead of all futures at once limits the number of results that wait
        window: deque[tuple[str, Future[RepositoryRow]]] = deque(
            (name, pool.submit(_row, ecr, reader, name)) for name in islice(names, 4 * _AT_ONCE)
        )
        while window:
            name, future = window.popleft()
            row = future.result()
            progress(name)
            for following in islice(names, 1):
                window.append((following, pool.submit(_row, ecr, reader, following)))
            yield row


def _row(ecr: Any, reader: ScanReader, repository: str) -> RepositoryRow:
    try:
        newest = _newest(ecr, repository)
        if newest is None:
            return RepositoryRow(repository=repository, problem="it has no image")
        return _read(reader, repository, newest)
    except NotFound:
        return RepositoryRow(repository=repository, problem="the repository does not exist yet")
    except EcrStackError as error:
        return RepositoryRow(repository=repository, problem=clause(str(error)), unreadable=True)


def _newest(ecr: Any, repository: str) -> Mapping[str, Any] | None:
    """The image that was pushed last, preferably tagged, since the parts of an index have no tags."""
    for tag_status in ("TAGGED", "ANY"):
        newest: Mapping[str, Any] | None = None
        with answered():
            pages = ecr.get_paginator("describe_images").paginate(
                repositoryName=repository,
                filter={"tagStatus": tag_status, "imageStatus": "ACTIVE"},
                PaginationConfig={"PageSize": 1000},
            )
            for page in pages:
                for details in page["imageDetails"]:
                    if is_image(details) and (newest is None or details["imagePushedAt"] > newest["imagePushedAt"]):
                        newest = details
        if newest is not None:
            return newest
    return None


def is_image(details: Mapping[str, Any]) -> bool:
    """Whether it can be run, unlike a signature, an SBOM or a chart."""
    if details.get("subjectManifestDigest"):
        return False
    tags = details.get("imageTags") or ()
    if tags and all(_SIGNATURE_TAG.fullmatch(tag) for tag in tags):
        return False
    artifact = details.get("artifactMediaType")
    return artifact is None or artifact in _IMAGE_CONFIGS


def _read(reader: ScanReader, repository: str, newest: Mapping[str, Any]) -> RepositoryRow:
    digest = newest["imageDigest"]
    scans = reader.read_once(ImageReference(f"{repository}@{digest}", repository, None, digest))
    results = [scan.result for scan in scans if scan.result is not None]
    fixes = [
        OldestFix(name=each.name, package=each.package, first_observed_at=each.first_observed_at)
        for result in results
        for each in result.findings
        if each.severity == "CRITICAL" and each.fixable and each.first_observed_at
    ]
    fixable = [Counter(each.severity for each in result.findings if each.fixable) for result in results]
    return RepositoryRow(
        repository=repository,
        image_digest=digest,
        image_tags=sorted(newest.get("imageTags") or ()),
        image_pushed_at=newest["imagePushedAt"].astimezone(UTC),
        platforms=[
            PlatformRow(
                platform=scan.platform, image_digest=scan.digest, status=scan.status,
                counts=dict(scan.result.counts) if scan.result else None,  # type: ignore[arg-type]
                problem=scan.problem,
            )
            for scan in scans
        ],
        counts=_most([result.counts for result in results]) if results else None,  # type: ignore[arg-type]
        fixable=_most(fixable),  # type: ignore[arg-type]
        fixability_known=all(each.fixable is not None for result in results for each in result.findings),
        oldest_fixable_critical=min(fixes, key=lambda each: each.first_observed_at, default=None),
        in_use_count=max((result.in_use_count for result in results if result.in_use_count is not None), default=None),
        last_in_use_at=max((result.last_in_use_at for result in results if result.last_in_use_at), default=None),
        problem="; ".join(
            f"{scan.platform}: {scan.problem}" if scan.platform else scan.problem for scan in scans if scan.problem
        )
        or None,
    )  # fmt: skip


def _most(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The maximum, not the sum, since a vulnerability is usually in every platform."""
    return {name: most for name in SEVERITIES if (most := max((each.get(name, 0) for each in counts), default=0))}
