"""The gate's decision, based on scan results, limits and exceptions. Pure.

It passes only if every platform of every image was scanned and no limit is exceeded; anything that cannot be evaluated
fails it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.operations.scanning.exceptions import Acceptance, Exceptions, JudgedImage
from ecr_stack.operations.scanning.findings import Finding, ScanResult

__all__ = ["Gate", "JudgedFinding", "JudgedScan", "Limits", "PlatformScan", "judge"]


@dataclass(frozen=True)
class Limits:
    """The maximum number of findings in one image."""

    most: Mapping[str, int | None] = field(default_factory=lambda: {"CRITICAL": 0, "HIGH": 0})
    """By severity; a severity that is missing or `None` has no limit."""
    fixable_only: bool = False
    """Count only findings that have a fix, or of which it is not known."""


@dataclass(frozen=True)
class PlatformScan:
    """One image of one platform, with its scan as last read."""

    reference: str
    """The image as requested."""
    repository: str
    digest: str | None
    platform: str | None
    """E.g. `linux/arm64/v8`; None if the image is not part of an index and its scan does not say."""
    status: str
    """ECR's status of the scan, or `SCAN_NOT_FOUND`, `IMAGE_NOT_FOUND`, `NOT_READ`."""
    image: JudgedImage
    result: ScanResult | None = None
    """Only if the scan is conclusive."""
    problem: str | None = None
    """Why it cannot be evaluated, without a full stop; `None` if it can."""
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The reference with the platform."""
        return f"{self.reference} ({self.platform})" if self.platform else self.reference


@dataclass(frozen=True)
class JudgedFinding:
    """A finding, and whether it counts."""

    finding: Finding
    scan: PlatformScan
    acceptance: Acceptance | None
    counted: bool
    """Towards the limit of its severity."""


@dataclass(frozen=True)
class JudgedScan:
    """One platform's scan against the limits."""

    scan: PlatformScan
    counted: Mapping[str, int]
    """Findings that count, by severity."""
    over: Mapping[str, int]
    """Severities over their limit, with the limit."""


@dataclass(frozen=True)
class Gate:
    """The decision."""

    verdict: Literal["open", "closed"]
    reason: str
    scans: tuple[JudgedScan, ...]
    findings: tuple[JudgedFinding, ...]
    used: tuple[Acceptance, ...]
    unused: tuple[Acceptance, ...]
    expired: tuple[Acceptance, ...]
    limits: Limits
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as plain data, for scripts."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "limits": {name.lower(): self.limits.most.get(name) for name in SEVERITIES},
            "fixableOnly": self.limits.fixable_only,
            "images": [_scan_as_json(each) for each in self.scans],
            "findings": [finding_as_json(each) for each in self.findings],
            "exceptions": {
                "used": [each.as_json() for each in self.used],
                "unused": [each.as_json() for each in self.unused],
                "expired": [each.as_json() for each in self.expired],
            },
            "notes": list(self.notes),
        }


def _scan_as_json(judged: JudgedScan) -> dict[str, Any]:
    scan = judged.scan
    return {
        "image": scan.reference,
        "repository": scan.repository,
        "imageDigest": scan.digest,
        "platform": scan.platform,
        "status": scan.status,
        "counts": dict(scan.result.counts) if scan.result else {},
        "counted": dict(judged.counted),
        "overLimit": list(judged.over),
        "scannedAt": scan.result.completed_at.isoformat() if scan.result and scan.result.completed_at else None,
        "problem": scan.problem,
    }


def finding_as_json(judged: JudgedFinding) -> dict[str, Any]:
    """One finding as plain data, for scripts."""
    finding = judged.finding
    return {
        "name": finding.name,
        "severity": finding.severity,
        "package": finding.package,
        "excepted": judged.acceptance is not None,
        "counted": judged.counted,
        "fixable": finding.fixable,
        "packages": [
            {"name": each.name, "version": each.version, "fixedIn": each.fixed_in, "path": each.path}
            for each in finding.packages
        ],
        "score": finding.score,
        "exploitAvailable": finding.exploitable,
        "uri": finding.uri,
        "repository": judged.scan.repository,
        "imageDigest": judged.scan.digest,
        "platform": judged.scan.platform,
    }


def judge(scans: Sequence[PlatformScan], exceptions: Exceptions, limits: Limits, today: date) -> Gate:
    """Decide whether the images pass.

    Args:
        scans: every platform of every requested image. The gate fails if there are none.
        exceptions: the accepted findings.
        limits: the limits for each platform of each image.
        today: the current date in UTC, for expiry dates.
    """
    judged_scans: list[JudgedScan] = []
    findings: list[JudgedFinding] = []
    used: set[int] = set()
    notes: dict[str, None] = {}
    for scan in scans:
        notes |= dict.fromkeys(f"{scan.label}: {note}" for note in scan.notes)
        counted = dict.fromkeys(SEVERITIES, 0)
        if scan.result is not None:
            for finding in scan.result.findings:
                acceptance = exceptions.accepting(finding, scan.image, today)
                if acceptance is not None:
                    # every one that covers the finding is in use, not only the first
                    used |= {
                        id(each)
                        for each in exceptions.accepting_entries
                        if not each.expired(today) and each.covers(finding, scan.image)
                    }
                counts = acceptance is None and not (limits.fixable_only and finding.fixable is False)
                counted[finding.severity] += counts
                findings.append(JudgedFinding(finding, scan, acceptance, counts))
            # unlisted findings can neither be accepted nor be known to lack a fix
            for name, count in scan.result.unlisted.items():
                counted[name] += count
                notes[f"{scan.label}: ECR counts {count} more {name} than it lists; all of them count"] = None
            if limits.fixable_only and any(finding.fixable is None for finding in scan.result.findings):
                notes[f"{scan.label}: this scan does not say whether findings have a fix, so they count"] = None
        over = {
            name: limit for name in SEVERITIES if (limit := limits.most.get(name)) is not None and counted[name] > limit
        }
        judged_scans.append(JudgedScan(scan, {name: count for name, count in counted.items() if count}, over))
    rank = {name: position for position, name in enumerate(SEVERITIES)}
    findings.sort(
        key=lambda each: (rank[each.finding.severity], each.finding.name, each.finding.package, each.scan.label)
    )
    expired = tuple(exceptions.expired(today))
    accepting = [each for each in exceptions.accepting_entries if not each.expired(today)]
    reasons = _reasons(judged_scans, len(expired))
    return Gate(
        verdict="closed" if reasons else "open",
        reason="; ".join(reasons) or _open_reason(judged_scans),
        scans=tuple(judged_scans),
        findings=tuple(findings),
        used=tuple(each for each in accepting if id(each) in used),
        unused=tuple(each for each in accepting if id(each) not in used),
        expired=expired,
        limits=limits,
        notes=tuple(notes),
    )


def _reasons(scans: Sequence[JudgedScan], expired: int) -> list[str]:
    reasons = [] if scans else ["there is no image to evaluate"]
    reasons += [f"{each.scan.label} cannot be evaluated: {each.scan.problem}" for each in scans if each.scan.problem]
    reasons += [
        f"{each.scan.label} has {', '.join(f'{each.counted[name]} {name} (at most {limit})' for name, limit in each.over.items())}"
        for each in scans
        if each.over
    ]
    if expired:
        reasons.append(f"{expired} exception{' has' if expired == 1 else 's have'} expired")
    return reasons


def _open_reason(scans: Sequence[JudgedScan]) -> str:
    count = len(scans)
    return f"{count} image{' was' if count == 1 else 's were'} scanned and {'is' if count == 1 else 'are'} within the limits"
