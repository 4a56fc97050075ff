"""Parses the findings of a scan from both formats of ECR.

Basic scanning returns `findings`, enhanced scanning `enhancedFindings`; a COMPLETE response may have either.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFindings.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ecr_stack.aws.scanning import SEVERITIES, severity_of

__all__ = ["Finding", "Package", "ScanResult", "read_result"]


@dataclass(frozen=True, slots=True)
class Package:
    """A vulnerable package."""

    name: str
    version: str | None = None
    manager: str | None = None
    """Inspector's package manager, e.g. `OS` or `NPM`; `None` for basic scanning, which only covers OS packages."""
    fixed_in: str | None = None
    path: str | None = None
    """The path of a language package in the image."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability in one image."""

    name: str
    """Usually a CVE."""
    severity: str
    """One of `SEVERITIES`."""
    packages: tuple[Package, ...] = ()
    fixable: bool | None = None
    """Whether at least one package has a fixed version; `None` if the scan does not say. Basic scanning rarely does."""
    uri: str | None = None
    description: str = ""
    score: float | None = None
    """CVSS, 0 to 10."""
    exploitable: bool | None = None
    """Whether Inspector knows of an exploit."""
    first_observed_at: datetime | None = None
    suppressed: bool = False
    """Suppressed by an Inspector rule. It still counts: the gate accepts only its own exceptions."""

    @property
    def package(self) -> str:
        """The packages' names, separated by `, `."""
        return ", ".join(dict.fromkeys(package.name for package in self.packages))


@dataclass(frozen=True)
class ScanResult:
    """The scan result of one image."""

    status: str
    """A `ScanStatus` of ECR."""
    description: str = ""
    completed_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """By severity: the larger of ECR's count and the number of listed findings; severities without findings are omitted."""
    findings: tuple[Finding, ...] = ()
    architecture: str | None = None
    """Only under enhanced scanning."""
    in_use_count: int | None = None
    """ECS tasks and EKS pods that run the image; only under enhanced scanning, and only if there is a finding."""
    last_in_use_at: datetime | None = None

    @property
    def unlisted(self) -> dict[str, int]:
        """The number of findings by severity that ECR counts but does not list."""
        listed = Counter(finding.severity for finding in self.findings)
        return {name: count - listed[name] for name, count in self.counts.items() if count > listed[name]}

    @property
    def signature(self) -> tuple[Any, ...]:
        """Equal for responses with the same content."""
        return (
            self.status,
            tuple(sorted(self.counts.items())),
            tuple(sorted((each.name, each.severity, each.package) for each in self.findings)),
        )


def read_result(pages: Iterable[Mapping[str, Any]]) -> ScanResult:
    """Combine the pages of `DescribeImageScanFindings` for one image."""
    status: Mapping[str, Any] = {}
    completed: datetime | None = None
    counted: dict[str, int] = {}
    findings: list[Finding] = []
    architecture: str | None = None
    in_use: int | None = None
    last_in_use: datetime | None = None
    for page in pages:
        status = page.get("imageScanStatus") or status
        body = page.get("imageScanFindings") or {}
        completed = _time(body.get("imageScanCompletedAt")) or completed
        for word, count in (body.get("findingSeverityCounts") or {}).items():
            name = severity_of(word)
            # Every page repeats the counts of the whole image.
            counted[name] = max(counted.get(name, 0), int(count))
        findings.extend(_basic(entry) for entry in body.get("findings") or ())
        for entry in body.get("enhancedFindings") or ():
            for image in _images(entry):
                architecture = image.get("architecture") or architecture
                if image.get("inUseCount") is not None:
                    in_use = max(in_use or 0, int(image["inUseCount"]))
                seen = _time(image.get("lastInUseAt"))
                last_in_use = max(filter(None, (seen, last_in_use)), default=None)
            if entry.get("status") != "CLOSED":
                findings.append(_enhanced(entry))
    listed = Counter(finding.severity for finding in findings)
    counts = {
        name: most for name in SEVERITIES if (most := max(counted.get(name, 0), listed[name]))
    }  # fmt: skip
    return ScanResult(
        str(status.get("status") or "UNKNOWN"), str(status.get("description") or ""), completed, counts, tuple(findings),
        architecture, in_use, last_in_use,
    )  # fmt: skip


def _basic(entry: Mapping[str, Any]) -> Finding:
    attributes = {each.get("key"): each.get("value") for each in entry.get("attributes") or ()}
    name = attributes.get("package_name")
    # The API reference does not list the attributes. Both spellings are read: Inspector's finding has one version a
    # package, and a finding of basic scanning may have several.
    fixed_in = attributes.get("fixed_in_versions") or attributes.get("fixed_in_version")
    packages = (Package(name, attributes.get("package_version"), fixed_in=fixed_in),) if name else ()
    score = next((attributes[key] for key in ("CVSS4_SCORE", "CVSS3_SCORE", "CVSS2_SCORE") if key in attributes), None)
    return Finding(
        name=str(entry.get("name") or "(unnamed)"),
        severity=severity_of(entry.get("severity")),
        packages=packages,
        # a missing attribute means unknown
        fixable=True if fixed_in else None,
        uri=entry.get("uri"),
        description=str(entry.get("description") or ""),
        score=_number(score),
    )


def _enhanced(entry: Mapping[str, Any]) -> Finding:
    details = entry.get("packageVulnerabilityDetails") or {}
    packages = tuple(
        Package(
            str(each.get("name") or "(unnamed)"),
            _version(each),
            each.get("packageManager"),
            # Inspector writes `NotAvailable` if there is no fix.
            None if each.get("fixedInVersion") in (None, "", "NotAvailable") else each["fixedInVersion"],
            each.get("filePath"),
        )
        for each in details.get("vulnerablePackages") or ()
    )
    urls = [details.get("sourceUrl"), *(details.get("referenceUrls") or ())]
    return Finding(
        name=str(details.get("vulnerabilityId") or entry.get("title") or entry.get("findingArn") or "(unnamed)"),
        severity=severity_of(entry.get("severity")),
        packages=packages,
        fixable={"YES": True, "PARTIAL": True, "NO": False}.get(str(entry.get("fixAvailable"))),
        uri=next((url for url in urls if url), None),
        description=str(entry.get("description") or ""),
        score=_number(entry.get("score")),
        exploitable={"YES": True, "NO": False}.get(str(entry.get("exploitAvailable"))),
        first_observed_at=_time(entry.get("firstObservedAt")),
        suppressed=entry.get("status") == "SUPPRESSED",
    )


def _version(package: Mapping[str, Any]) -> str | None:
    version: str | None = package.get("version")
    if not version:
        return None
    epoch, release = package.get("epoch"), package.get("release")
    return (f"{epoch}:" if epoch else "") + version + (f"-{release}" if release else "")


def _images(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = [resource.get("details") or {} for resource in entry.get("resources") or ()]
    return [image for each in details if (image := each.get("awsEcrContainerImage"))]


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
