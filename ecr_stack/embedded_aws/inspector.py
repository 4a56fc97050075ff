"""Amazon Inspector as enhanced scanning needs it: enabled for ECR, its configuration, its findings and its coverage.

https://docs.aws.amazon.com/inspector/v2/APIReference/Welcome.html. Findings are those of `scanning`.
"""

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_aws import moto_backend, scanning
from ecr_stack.embedded_aws.paging import page
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "batch_get_account_status",
    "disable",
    "enable",
    "follow_scan_type",
    "get_configuration",
    "list_coverage",
    "list_findings",
    "update_configuration",
]

Answer = dict[str, Any]

_ENABLED = "inspector"
_CONFIGURATION = "inspector configuration"
_TYPES = {
    "EC2": "ec2",
    "ECR": "ecr",
    "LAMBDA": "lambda",
    "LAMBDA_CODE": "lambdaCode",
    "CODE_REPOSITORY": "codeRepository",
}
_DEFAULTS = {"rescanDuration": "DAYS_14", "pullDateRescanDuration": "DAYS_14", "pullDateRescanMode": "LAST_PULL_DATE"}


def _statuses(request: Request) -> dict[str, str]:
    enabled = request.state.of(_ENABLED, request.region)
    return {name: "ENABLED" if kind in enabled else "DISABLED" for kind, name in _TYPES.items()}


def _account(request: Request) -> Answer:
    statuses = _statuses(request)
    return {
        "accountId": request.account,
        "status": "ENABLED" if "ENABLED" in statuses.values() else "DISABLED",
        "resourceStatus": statuses,
    }


def _others(request: Request) -> list[Answer]:
    return [
        {"accountId": account, "errorCode": "ACCESS_DENIED", "errorMessage": "The account is not a member"}
        for account in request.get("accountIds", [])
        if account != request.account
    ]


def enable(request: Request) -> Answer:
    """Answer `Enable`."""
    for kind in request.get("resourceTypes"):
        request.state.of(_ENABLED, request.region)[kind] = True
    return {"accounts": [_account(request)], "failedAccounts": _others(request)}


def disable(request: Request) -> Answer:
    """Answer `Disable`: for some types of resources, or for all."""
    for kind in request.get("resourceTypes") or list(_TYPES):
        request.state.of(_ENABLED, request.region).pop(kind, None)
    return {"accounts": [_account(request)], "failedAccounts": _others(request)}


def follow_scan_type(request: Request, scan_type: str) -> None:
    """Enable scanning of ECR with enhanced scanning of the registry, and disable it with basic scanning.

    ECR does so with the caller's permissions:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-iam.html.
    """
    enabled = request.state.of(_ENABLED, request.region)
    if scan_type == "ENHANCED":
        enabled["ECR"] = True
    else:
        enabled.pop("ECR", None)


def batch_get_account_status(request: Request) -> Answer:
    """Answer `BatchGetAccountStatus`."""

    def state(status: str) -> Answer:
        return {"status": status, "errorCode": "ALREADY_ENABLED" if status == "ENABLED" else "", "errorMessage": ""}

    account = _account(request)
    described = {
        "accountId": request.account,
        "state": state(account["status"]),
        "resourceState": {name: state(status) for name, status in account["resourceStatus"].items()},
    }
    return {"accounts": [described], "failedAccounts": _others(request)}


def update_configuration(request: Request) -> Answer:
    """Answer `UpdateConfiguration`: how long images are scanned anew."""
    configuration = request.state.of(_CONFIGURATION, request.region)
    if "ecrConfiguration" in request.parameters:
        configuration.update(request.get("ecrConfiguration"), updatedAt=request.state.now())
    return {}


def get_configuration(request: Request) -> Answer:
    """Answer `GetConfiguration`."""
    configuration = request.state.of(_CONFIGURATION, request.region)
    known = {**_DEFAULTS, "updatedAt": request.state.now(), **configuration, "status": "SUCCESS"}
    return {"ecrConfiguration": {"rescanDurationState": known}}


def _is_enabled(request: Request) -> bool:
    return "ECR" in request.state.of(_ENABLED, request.region)


def list_findings(request: Request) -> Answer:
    """Answer `ListFindings`: those of all images, under enhanced scanning; of the filters, repository, severity, digest."""
    wanted = request.get("filterCriteria", {})
    findings: list[Answer] = []
    if _is_enabled(request):
        for name in moto_backend.ecr_state(request.account, request.region).repositories:
            findings += scanning.inspector_findings(request, name)
    chosen = [
        finding
        for finding in findings
        if _matches(wanted.get("severity"), finding["severity"])
        and _matches(wanted.get("ecrImageRepositoryName"), _image(finding)["repositoryName"])
        and _matches(wanted.get("ecrImageHash"), _image(finding)["imageHash"])
    ]
    found, more = page(request, chosen, 100)
    return {"findings": found, **more}


def _image(finding: Answer) -> Answer:
    image: Answer = finding["resources"][0]["details"]["awsEcrContainerImage"]
    return image


def _matches(filters: list[Answer] | None, value: str) -> bool:
    return not filters or any(_compares(value, entry["comparison"], entry["value"]) for entry in filters)


def _compares(value: str, comparison: str, wanted: str) -> bool:
    if comparison == "PREFIX":
        return value.startswith(wanted)
    return (value == wanted) == (comparison == "EQUALS")


def list_coverage(request: Request) -> Answer:
    """Answer `ListCoverage`: each repository that enhanced scanning covers."""
    covered = []
    if _is_enabled(request) and scanning.scan_type(request.state, request.region) == "ENHANCED":
        for repository in moto_backend.ecr_state(request.account, request.region).repositories.values():
            how, _ = scanning.frequency(request.state, request.region, repository.name)
            covered.append(
                {
                    "resourceType": "AWS_ECR_REPOSITORY",
                    "resourceId": repository.arn,
                    "accountId": request.account,
                    "scanType": "PACKAGE",
                    "scanStatus": {
                        "statusCode": "ACTIVE" if how else "INACTIVE",
                        "reason": "SUCCESSFUL" if how else "SCAN_FREQUENCY_MANUAL",
                    },
                    "resourceMetadata": {"ecrRepository": {"name": repository.name, "scanFrequency": how or "MANUAL"}},
                }
            )
    found, more = page(request, covered, 100)
    return {"coveredResources": found, **more}
