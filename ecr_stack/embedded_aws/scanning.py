"""Scanning: what is scanned when, and what a scan says.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html. The registry's scanning configuration decides
what is scanned when it is pushed; a test or a file says what a scan finds (`EmbeddedAws.seed_findings`) or which states
it goes through (`EmbeddedAws.script_scan`). Without either a scan finds nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, TypedDict

from ecr_stack.aws.scanning import filter_matches
from ecr_stack.embedded_aws import api_model, moto_backend
from ecr_stack.embedded_aws.image_store import StoredImage, platforms
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.request import Request, State
from ecr_stack.errors import InvalidInput, NotFound, Problem

__all__ = [
    "ScanState",
    "batch_get_repository_scanning_configuration",
    "describe_image_scan_findings",
    "frequency",
    "inspector_findings",
    "scan_on_push",
    "scan_type",
    "script_scan",
    "seed_findings",
    "start_image_scan",
    "summary",
]

Answer = dict[str, Any]
ScanType = Literal["BASIC", "ENHANCED"]

_NOT_FOUND = "ScanNotFoundException"
_SCANS = "scan"
_SCRIPTS = "scan script"
_FINDINGS = "scan findings"
_INTERVAL = timedelta(hours=24)
_SEVERITIES = ("INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL", "UNDEFINED")
_SHORT_KEYS = {"name", "severity", "package", "version", "fixedInVersion", "description", "uri"}


class ScanState(TypedDict):
    """One state that a scan is in, until it was read, or for a time."""

    status: str
    """A `ScanStatus` of the API model (`PENDING`, `IN_PROGRESS`, `COMPLETE`, `ACTIVE`, `FAILED`, `UNSUPPORTED_IMAGE`,
    `SCAN_ELIGIBILITY_EXPIRED`, `FINDINGS_UNAVAILABLE`, `LIMIT_EXCEEDED`, `IMAGE_ARCHIVED`, `IMAGE_SIZE_EXCEEDED`), or
    `ScanNotFoundException` for a scan that does not exist yet."""
    description: NotRequired[str]
    findings: NotRequired[Sequence[Mapping[str, Any]]]
    """In any form that `seed_findings` takes. Default: those that were seeded."""
    reads: NotRequired[int]
    """How many times `DescribeImageScanFindings` answers this state (further pages are not counted). Default: 1, and the
    last state for ever."""
    seconds: NotRequired[float]
    """How long the state lasts instead, in seconds of real time from its first read."""


@dataclass
class _Script:
    states: list[ScanState]
    position: int = 0
    reads: int = 0
    since: float | None = None

    def read(self) -> ScanState:
        """Return the state that a first page shows, and go on to the next one when its time is over."""
        while self.position < len(self.states) - 1 and self._is_over():
            self.position, self.reads, self.since = self.position + 1, 0, None
        self.reads += 1
        self.since = self.since or time.monotonic()
        return self.current

    def _is_over(self) -> bool:
        if "seconds" in self.current:
            return self.since is not None and time.monotonic() - self.since >= self.current["seconds"]
        return self.reads >= self.current.get("reads", 1)

    @property
    def current(self) -> ScanState:
        return self.states[self.position]


@dataclass
class _Scan:
    kind: ScanType
    continuous: bool
    started_at: datetime
    requested_at: datetime | None = field(default=None)
    """When it was last asked for or caused by a push: once in 24 hours."""


def scan_type(state: State, region: str) -> ScanType:
    """Return the registry's scan type."""
    kind: ScanType = moto_backend.ecr_state(state.account, region).registry_scanning_configuration["scanType"]
    return kind


def frequency(state: State, region: str, repository: str) -> tuple[str | None, list[Answer]]:
    """Return how often a repository is scanned, and the filters that say so.

    Continuous scanning wins over scanning on push. A repository that no filter matches is scanned manually under BASIC, and
    not at all under ENHANCED.
    """
    configuration = moto_backend.ecr_state(state.account, region).registry_scanning_configuration
    applied: dict[str, list[Answer]] = {}
    for rule in configuration["rules"]:
        filters = [entry for entry in rule["repositoryFilters"] if filter_matches(entry["filter"], repository)]
        if filters:
            applied.setdefault(rule["scanFrequency"], []).extend(filters)
    for name in ("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL"):
        if name in applied:
            return name, applied[name]
    if configuration["scanType"] == "ENHANCED":
        return None, []
    # deprecated, and still read: the repository's own setting
    settings: Any = moto_backend.ecr_state(state.account, region).repositories[repository].image_scanning_configuration
    return ("SCAN_ON_PUSH" if (settings or {}).get("scanOnPush") else "MANUAL"), []


def batch_get_repository_scanning_configuration(request: Request) -> Answer:
    """Answer `BatchGetRepositoryScanningConfiguration`: what applies to each repository in the end."""
    registered = moto_backend.ecr_state(request.account, request.region).repositories
    found, failures = [], []
    for name in request.get("repositoryNames"):
        if name not in registered:
            failures.append(
                {
                    "repositoryName": name,
                    "failureCode": "REPOSITORY_NOT_FOUND",
                    "failureReason": "REPOSITORY_NOT_FOUND",
                }
            )
            continue
        how, filters = frequency(request.state, request.region, name)
        found.append(
            {
                "repositoryArn": registered[name].arn,
                "repositoryName": name,
                "scanOnPush": how in ("SCAN_ON_PUSH", "CONTINUOUS_SCAN"),
                "scanFrequency": how or "MANUAL",
                "appliedScanFilters": filters,
            }
        )
    return {"scanningConfigurations": found, "failures": failures}


def scan_on_push(state: State, region: str, repository: str, image: StoredImage) -> None:
    """Scan an image that was pushed, if the configuration says so. The images of an index are scanned, not the index."""
    how, _ = frequency(state, region, repository)
    if how in (None, "MANUAL") or image.is_index:
        return
    now = state.now()
    scan = _Scan(scan_type(state, region), how == "CONTINUOUS_SCAN", now, now)
    state.contents(region, repository).notes(_SCANS)[image.digest] = scan


def start_image_scan(request: Request, image: StoredImage) -> Answer:
    """Answer `StartImageScan`: under basic scanning, once in 24 hours, scans on push counted.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html
    """
    if scan_type(request.state, request.region) == "ENHANCED":
        raise request.refuse("ValidationException", "This feature is disabled")
    if image.status != "ACTIVE":
        raise request.refuse(
            "ImageArchivedException", f"The image with digest '{image.digest}' is archived and cannot be scanned"
        )
    if image.is_index or not image.layers:
        raise request.refuse(
            "UnsupportedImageTypeException", f"The image with media type '{image.media_type}' cannot be scanned"
        )
    now = request.state.now()
    contents, key = request.contents, image.digest
    scan: _Scan | None = contents.notes(_SCANS).get(key)
    if scan is not None and scan.requested_at is not None and now - scan.requested_at < _INTERVAL:
        raise request.refuse(
            "LimitExceededException", "The scan quota per image has been exceeded. Wait and try again."
        )
    contents.notes(_SCANS)[key] = _Scan("BASIC", False, now, now)
    script: _Script | None = contents.notes(_SCRIPTS).get(key)
    if script is not None and script.current["status"] in ("COMPLETE", "FAILED"):
        script.position = script.reads = 0
    return {**_head(request, image), "imageScanStatus": {"status": "IN_PROGRESS"}}


def _head(request: Request, image: StoredImage) -> Answer:
    return {
        "registryId": request.account,
        "repositoryName": request.get("repositoryName"),
        "imageId": {**request.get("imageId"), "imageDigest": image.digest},
    }


def describe_image_scan_findings(request: Request, image: StoredImage) -> Answer:
    """Answer `DescribeImageScanFindings`, in pages of 100 findings."""
    contents, key = request.contents, image.digest
    scan: _Scan | None = contents.notes(_SCANS).get(key)
    script: _Script | None = contents.notes(_SCRIPTS).get(key)
    if script is not None:
        current = script.current if "nextToken" in request.parameters else script.read()
    elif scan is None:
        current = ScanState(status=_NOT_FOUND)
    else:
        current = ScanState(status="ACTIVE" if scan.continuous else "COMPLETE")
    if image.status != "ACTIVE":
        current = ScanState(status="IMAGE_ARCHIVED", description="The image is archived.")
    if current["status"] == _NOT_FOUND:
        raise request.refuse(
            _NOT_FOUND,
            f"Image scan does not exist for the image with '{{imageDigest:'{image.digest}', "
            f"imageTag:'{request.get('imageId').get('imageTag', 'null')}'}}' in the repository with name "
            f"'{request.get('repositoryName')}' in the registry with id '{request.account}'",
        )
    status = {"status": current["status"], "description": current.get("description", "")}
    answer = {**_head(request, image), "imageScanStatus": status}
    if current["status"] not in ("COMPLETE", "ACTIVE"):
        return answer
    given = current.get("findings", contents.notes(_FINDINGS).get(key, ()))
    is_enhanced = (scan.kind if scan is not None else scan_type(request.state, request.region)) == "ENHANCED"
    is_enhanced = is_enhanced or any("packageVulnerabilityDetails" in finding for finding in given)
    name = request.get("repositoryName")
    findings = [_enhanced(finding, request, image, name) if is_enhanced else _basic(finding) for finding in given]
    found, more = page(request, findings, 100)
    counts = {
        severity: sum(finding["severity"] == severity for finding in findings)
        for severity in _SEVERITIES
        if any(finding["severity"] == severity for finding in findings)
    }
    completed = scan.started_at if scan is not None else image.pushed_at
    answer["imageScanFindings"] = {
        "imageScanCompletedAt": completed,
        "vulnerabilitySourceUpdatedAt": completed,
        "findingSeverityCounts": counts,
        ("enhancedFindings" if is_enhanced else "findings"): found,
    }
    return {**answer, **more}


def _basic(finding: Mapping[str, Any]) -> Answer:
    if "package" not in finding:
        return dict(finding)
    attributes = [("package_name", "package"), ("package_version", "version"), ("fixed_in_versions", "fixedInVersion")]
    shown = {name: finding[name] for name in ("name", "description", "uri", "severity") if name in finding}
    values = [{"key": key, "value": finding[name]} for key, name in attributes if finding.get(name)]
    return {**shown, "attributes": values}


def _enhanced(finding: Mapping[str, Any], request: Request, image: StoredImage, repository: str) -> Answer:
    if "packageVulnerabilityDetails" in finding:
        return dict(finding)
    attributes = {entry["key"]: entry.get("value") for entry in finding.get("attributes", ())}
    package = {
        "name": finding.get("package", attributes.get("package_name")),
        "version": finding.get("version", attributes.get("package_version")),
        "fixedInVersion": finding.get("fixedInVersion", attributes.get("fixed_in_versions")),
        "packageManager": "OS",
    }
    fixed = package["fixedInVersion"]
    arn = f"arn:{request.partition}:inspector2:{request.region}:{request.account}:finding"
    now = request.state.now()
    return {
        "awsAccountId": request.account,
        "description": finding.get("description", finding["name"]),
        "findingArn": f"{arn}/{image.digest[7:23]}{finding['name']}",
        "firstObservedAt": image.pushed_at,
        "lastObservedAt": now,
        "updatedAt": now,
        "packageVulnerabilityDetails": {
            "vulnerabilityId": finding["name"],
            "source": "NVD",
            "sourceUrl": finding.get("uri", f"https://nvd.nist.gov/vuln/detail/{finding['name']}"),
            "vulnerablePackages": [{name: value for name, value in package.items() if value is not None}],
        },
        "resources": [
            {
                "id": f"arn:{request.partition}:ecr:{request.region}:{request.account}:repository/"
                f"{repository}/{image.digest}",
                "type": "AWS_ECR_CONTAINER_IMAGE",
                "details": {
                    "awsEcrContainerImage": {
                        "imageHash": image.digest,
                        "imageTags": list(image.tags),
                        "pushedAt": image.pushed_at,
                        "registry": request.account,
                        "repositoryName": repository,
                    }
                },
            }
        ],
        "severity": finding["severity"],
        "status": "ACTIVE",
        "title": f"{finding['name']} - {package['name']}",
        "type": "PACKAGE_VULNERABILITY",
        "fixAvailable": "YES" if fixed else "NO",
        "exploitAvailable": "NO",
    }


def inspector_findings(request: Request, repository: str) -> list[Answer]:
    """Return the findings of a repository's images that enhanced scanning has found, as Amazon Inspector tells them."""
    contents = request.state.contents(request.region, repository)
    scans, seeded = contents.notes(_SCANS), contents.notes(_FINDINGS)
    told = [
        _enhanced(finding, request, image, repository)
        for digest, image in contents.images.items()
        if digest in scans and scans[digest].kind == "ENHANCED"
        for finding in seeded.get(digest, ())
    ]
    return [{"remediation": {"recommendation": {"text": "None Provided"}}, **finding} for finding in told]


def summary(state: State, region: str, repository: str, image: StoredImage) -> Answer:
    """Return what `DescribeImages` says of a scan: under basic scanning only, and only of one that was not scripted."""
    contents = state.contents(region, repository)
    scan: _Scan | None = contents.notes(_SCANS).get(image.digest)
    if scan is None or scan.kind != "BASIC" or image.digest in contents.notes(_SCRIPTS):
        return {}
    return {"imageScanStatus": {"status": "COMPLETE", "description": "The scan was completed successfully."}}


def _targets(state: State, region: str, repository: str, image: str, platform: str | None) -> list[str]:
    if repository not in moto_backend.ecr_state(state.account, region).repositories:
        raise NotFound(f"there is no repository `{repository}` in {region}")
    contents = state.contents(region, repository)
    found = contents.find(digest=image) if image.startswith("sha256:") else contents.find(tag=image)
    if found is None:
        raise NotFound(f"there is no image `{image}` in the repository `{repository}` in {region}")
    if not found.is_index:
        return [found.digest]
    named = platforms(found)
    if platform is None:
        return list(named.values())
    if platform not in named:
        raise NotFound(f"the image `{image}` has no platform `{platform}`; it has {', '.join(named)}")
    return [named[platform]]


def _checked(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    problems = []
    known = list(findings)
    for index, finding in enumerate(known):
        place = f"findings[{index}]"
        if finding.get("severity") not in _SEVERITIES:
            rule = f"must be one of {', '.join(_SEVERITIES)}"
            problems.append(Problem(f"{place}.severity", finding.get("severity"), rule, "write one of them"))
        if "name" not in finding and "packageVulnerabilityDetails" not in finding:
            problems.append(Problem(f"{place}.name", None, "a finding has a name, e.g. a CVE", "write its name"))
        if "package" in finding and set(finding) - _SHORT_KEYS:
            unknown = ", ".join(sorted(set(finding) - _SHORT_KEYS))
            problems.append(Problem(place, unknown, "not a key of the short form", f"use {sorted(_SHORT_KEYS)}"))
    if problems:
        raise InvalidInput("the findings", problems)
    return known


def seed_findings(
    state: State,
    region: str,
    repository: str,
    image: str,
    findings: Iterable[Mapping[str, Any]],
    platform: str | None = None,
) -> None:
    """Set what a scan of an image finds; see `EmbeddedAws.seed_findings`."""
    known = _checked(findings)
    for digest in _targets(state, region, repository, image, platform):
        state.contents(region, repository).notes(_FINDINGS)[digest] = known


def script_scan(
    state: State, region: str, repository: str, image: str, states: Iterable[ScanState], platform: str | None = None
) -> None:
    """Set which states a scan goes through; see `EmbeddedAws.script_scan`."""
    script = list(states)
    known = {_NOT_FOUND, *api_model.service("ecr").shape_for("ScanStatus").enum}
    problems = [
        Problem(
            f"states[{index}].status", entry["status"], "no status of a scan", f"use one of {', '.join(sorted(known))}"
        )
        for index, entry in enumerate(script)
        if entry["status"] not in known
    ]
    if problems or not script:
        raise InvalidInput(
            "the script", problems or [Problem("states", [], "at least one state", "write the states in order")]
        )
    for entry in script:
        _checked(entry.get("findings", ()))
    for digest in _targets(state, region, repository, image, platform):
        state.contents(region, repository).notes(_SCRIPTS)[digest] = _Script(list(script))
