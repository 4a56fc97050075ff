"""EventBridge event patterns for ECR images.

ECR sends events on a best-effort basis. Replication events are sent in the destination Region. Findings of enhanced
scanning come from Amazon Inspector, not from ECR.

- https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
- https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-events.html
- https://docs.aws.amazon.com/inspector/latest/user/eventbridge-integration.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecr_stack.aws.scanning import SEVERITIES

__all__ = [
    "EventPattern",
    "RepositoryMatch",
    "archives",
    "basic_scans",
    "beginning_with",
    "deletions",
    "finding_patterns",
    "inspector_findings",
    "inspector_scans",
    "pull_through_failures",
    "pushes",
    "replications",
    "restores",
    "scan_configuration_changes",
]

EventPattern = dict[str, Any]
"""An EventBridge event pattern; write it with `json.dumps`."""


RepositoryMatch = str | dict[str, str]
"""A repository's name, or `beginning_with(...)`."""


def beginning_with(prefix: str) -> dict[str, str]:
    """Matches every repository whose name begins with a prefix."""
    return {"prefix": prefix}


def _repositories(names: Sequence[RepositoryMatch] | None) -> dict[str, Any]:
    return {} if names is None else {"repository-name": list(names)}


def _ecr(detail_type: str, repositories: Sequence[RepositoryMatch] | None, **detail: list[Any]) -> EventPattern:
    fields = {name.replace("_", "-"): values for name, values in detail.items()} | _repositories(repositories)
    return {"source": ["aws.ecr"], "detail-type": [detail_type], "detail": fields}


def pushes(repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches image pushes.

    Args:
        repositories: only these, by exact name or `beginning_with(...)`. Default: every repository of the registry.
    """
    return _ecr("ECR Image Action", repositories, action_type=["PUSH"], result=["SUCCESS"])


def deletions(repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches image deletions, by a user or a lifecycle rule: the event does not distinguish the two."""
    return _ecr("ECR Image Action", repositories, action_type=["DELETE"], result=["SUCCESS"])


def archives(repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches images that were archived. Archived images cannot be pulled."""
    return _ecr(
        "ECR Image Action", repositories, action_type=["UPDATE_STORAGE_CLASS"], target_storage_class=["ARCHIVE"]
    )


def restores(repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches images that were restored from the archive."""
    return _ecr(
        "ECR Image Action", repositories, action_type=["UPDATE_STORAGE_CLASS"], target_storage_class=["STANDARD"]
    )


def replications(
    repositories: Sequence[RepositoryMatch] | None = None, results: Sequence[str] = ("SUCCESS", "FAILED")
) -> EventPattern:
    """Matches replications into the Region of the rule, successful or failed."""
    return _ecr("ECR Replication Action", repositories, action_type=["REPLICATE"], result=list(results))


def pull_through_failures(repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches pulls through a cache that failed to synchronise with the upstream registry.

    AWS documents only the status `SUCCESS`, so every other status matches.
    """
    return _ecr("ECR Pull Through Cache Action", repositories, sync_status=[{"anything-but": ["SUCCESS"]}])


def scan_configuration_changes() -> EventPattern:
    """Matches changes of a repository's enhanced scanning frequency."""
    return _ecr("ECR Scan Resource Change", None, action_type=["SCAN_FREQUENCY_CHANGE"])


def basic_scans(repositories: Sequence[RepositoryMatch] | None = None, severity: str | None = None) -> EventPattern:
    """Matches completed basic scans.

    Args:
        repositories: only these. Default: every repository of the registry.
        severity: only scans with a finding of this severity or higher. Default: every completed scan.

    Raises:
        ValueError: `severity` is not one of `SEVERITIES`.
    """
    pattern = _ecr("ECR Image Scan", repositories, scan_status=["COMPLETE"])
    if severity is not None:
        # A count is in the event only if it is not zero. Sibling fields are ANDed, hence `$or`, which EventBridge rejects
        # with a single alternative.
        counts = [{"finding-severity-counts": {each: [{"numeric": [">", 0]}]}} for each in _at_or_above(severity)]
        pattern["detail"] |= {"$or": counts} if len(counts) > 1 else counts[0]
    return pattern


def inspector_scans(arn_prefixes: Sequence[str] | None = None) -> EventPattern:
    """Matches completed first enhanced scans of images.

    Args:
        arn_prefixes: only repositories whose ARNs begin with one of these; the event has no repository names. Default:
            every repository of the registry.
    """
    return {
        "source": ["aws.inspector2"],
        "detail-type": ["Inspector2 Scan"],
        "detail": {"scan-status": ["INITIAL_SCAN_COMPLETE"]},
        "resources": [{"wildcard": "arn:aws*:ecr:*:repository/*"}]
        if arn_prefixes is None
        else [beginning_with(prefix) for prefix in arn_prefixes],
    }


def inspector_findings(severity: str = "HIGH", repositories: Sequence[RepositoryMatch] | None = None) -> EventPattern:
    """Matches open vulnerabilities that Inspector found in ECR images.

    Args:
        severity: this severity or higher.
        repositories: only these. Default: every repository of the registry.

    Raises:
        ValueError: `severity` is not one of `SEVERITIES`.
    """
    resource: dict[str, Any] = {"type": ["AWS_ECR_CONTAINER_IMAGE"]}
    if repositories is not None:
        resource["details"] = {"awsEcrContainerImage": {"repositoryName": list(repositories)}}
    # Findings without a severity are UNTRIAGED in Inspector, UNDEFINED in ECR.
    words = ["UNTRIAGED" if each == "UNDEFINED" else each for each in _at_or_above(severity)]
    return {
        "source": ["aws.inspector2"],
        "detail-type": ["Inspector2 Finding"],
        "detail": {
            "severity": words,
            "status": ["ACTIVE"],
            "type": ["PACKAGE_VULNERABILITY"],
            "resources": resource,
        },
    }


def finding_patterns(
    severity: str = "HIGH", repositories: Sequence[RepositoryMatch] | None = None
) -> dict[str, EventPattern]:
    """The patterns that match findings of both scan types, keyed by a name for their rules."""
    return {
        "basic-scan-findings": basic_scans(repositories, severity),
        "inspector-findings": inspector_findings(severity, repositories),
    }


def _at_or_above(severity: str) -> list[str]:
    if severity not in SEVERITIES:
        raise ValueError(f"{severity!r} is not a severity: write one of {', '.join(SEVERITIES)}")
    return list(SEVERITIES[: SEVERITIES.index(severity) + 1])
