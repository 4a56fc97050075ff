"""Scanning: every image is looked through for known vulnerabilities when it is pushed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource

from guardrails.policy import Config, stack_policy
from guardrails.resources import (
    REGISTRY_SCANNING,
    REPOSITORY,
    UNKNOWN,
    called,
    each,
    look,
    region_of,
    same_region,
    text,
)


@stack_policy(
    types=[REPOSITORY, REGISTRY_SCANNING],
    reason="An image that nobody scans carries its known vulnerabilities into whatever runs it.",
    control="Security Hub ECR.1",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-1",
    severity=Severity.HIGH,
    remedy="Set imageScanningConfiguration.scanOnPush to true, or cover the repository by a SCAN_ON_PUSH or"
    " CONTINUOUS_SCAN rule of the registry's scanning configuration.",
)
def repositories_are_scanned_on_push(
    resources: Sequence[PolicyResource], _config: Config, report: Callable[[str, str], None]
) -> None:
    """Report repositories that neither their own flag nor the registry's rules have scanned."""
    registries = [
        (region_of(resource), text(resource.props, "scanType"), _filters(resource))
        for resource in resources
        if resource.resource_type == REGISTRY_SCANNING
    ]
    for repository in resources:
        if repository.resource_type != REPOSITORY:
            continue
        here = [found for found in registries if same_region(found[0], region_of(repository))]
        name = called(repository)
        if any(filters is UNKNOWN or any(_matches(name, wild) for wild in filters) for _, _, filters in here):
            continue
        # Where the registry has rules, they alone decide: what they do not match is not scanned under ENHANCED, and
        # only by hand under BASIC, whatever the repository's flag says.
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
        deciding = next((kind or "BASIC" for _, kind, filters in here if kind == "ENHANCED" or filters), "")
        flag = look(look(repository.props, "imageScanningConfiguration"), "scanOnPush")
        if deciding and look(repository.props, "name") is not UNKNOWN:
            report(
                f"{name} is not scanned when images are pushed: the registry's scanning is {deciding}, its rules decide,"
                " and none of them matches this name. Add a repository filter.",
                repository.urn,
            )
        elif not deciding and not flag:  # UNKNOWN is not reported
            report(
                f"{name} is not scanned when images are pushed. Set imageScanningConfiguration.scanOnPush to true.",
                repository.urn,
            )


def _filters(resource: PolicyResource) -> Any:
    """The repository filters of the rules that scan by themselves; UNKNOWN while they are not known."""
    found = [
        look(wild, "filter")
        for rule in each(resource.props, "rules")
        if look(rule, "scanFrequency") in {"SCAN_ON_PUSH", "CONTINUOUS_SCAN", UNKNOWN}
        for wild in (each(rule, "repositoryFilters") if rule is not UNKNOWN else [UNKNOWN])
    ]
    return UNKNOWN if UNKNOWN in found else [wild for wild in found if isinstance(wild, str)]


def _matches(name: str, wild: str) -> bool:
    """A filter without `*` matches every name that contains it.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
    """
    return bool(wild) and (fnmatchcase(name, wild) if "*" in wild else wild in name)
