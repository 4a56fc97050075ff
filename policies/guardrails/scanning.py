"""Scanning: every image is looked through for known vulnerabilities when it is pushed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource

from ecr_stack.aws.scanning import filter_matches
from guardrails.policy import Config, Resource, resource_policy, stack_policy
from guardrails.resources import (
    ACCOUNT_SETTING,
    REGISTRY_SCANNING,
    REPOSITORY,
    UNKNOWN,
    called,
    each,
    flag,
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
    stack_file=dict.fromkeys(
        [REPOSITORY, REGISTRY_SCANNING],
        "Add a rule with `frequency: SCAN_ON_PUSH` and a filter for {name} to `ecr-stack:scanning.rules`; if there are"
        " no rules, set `ecr-stack:repositories.{name}.scanOnPush` (or `repositoryDefaults.scanOnPush`) to true.",
    ),
)
def repositories_are_scanned_on_push(
    resources: Sequence[PolicyResource], _config: Config, report: Callable[[str, str], None]
) -> None:
    """Report repositories that neither their own flag nor the registry's rules have scanned."""
    registries = [
        (region_of(resource), text(resource.props, "scanType"), _filters(resource), any(each(resource.props, "rules")))
        for resource in resources
        if resource.resource_type == REGISTRY_SCANNING
    ]
    for repository in resources:
        if repository.resource_type != REPOSITORY:
            continue
        here = [found for found in registries if same_region(found[0], region_of(repository))]
        name = called(repository)
        if any(
            filters is UNKNOWN or any(filter_matches(wild, name) for wild in filters if wild)
            for _, _, filters, _ in here
        ):
            continue
        # Where the registry has rules, they alone decide: what they do not match is not scanned under ENHANCED, and
        # only by hand under BASIC, whatever the repository's flag says.
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
        deciding = next((kind or "BASIC" for _, kind, _, rules in here if kind == "ENHANCED" or rules), "")
        asked = flag(look(repository.props, "imageScanningConfiguration"), "scanOnPush")
        if deciding and look(repository.props, "name") is not UNKNOWN:
            report(
                f"{name} is not scanned when images are pushed: the registry's scanning is {deciding}, its rules decide,"
                " and none that scans by itself matches this name.",
                repository.urn,
            )
        elif not deciding and not asked:  # UNKNOWN is not reported
            report(
                f"{name} is not scanned when images are pushed: scanOnPush is not true.",
                repository.urn,
            )


def _filters(resource: PolicyResource) -> Any:
    """The repository filters of the rules that scan by themselves; UNKNOWN while they are not known."""
    found = [
        # ECR has no other kind of filter: of another one nobody knows what it covers, so it counts for nothing.
        look(wild, "filter") if look(wild, "filterType") in {"WILDCARD", UNKNOWN, None} else ""
        for rule in each(resource.props, "rules")
        if look(rule, "scanFrequency") in {"SCAN_ON_PUSH", "CONTINUOUS_SCAN", UNKNOWN}
        for wild in (each(rule, "repositoryFilters") if rule is not UNKNOWN else [UNKNOWN])
    ]
    return UNKNOWN if UNKNOWN in found else [wild for wild in found if isinstance(wild, str)]


@resource_policy(
    types=[ACCOUNT_SETTING],
    reason="An older scanner misses what it does not know, and an older scope of the registry's policy leaves most"
    " actions free of its denials.",
    control="Amazon ECR PutAccountSetting",
    url="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html",
    severity=Severity.MEDIUM,
    remedy="Set BASIC_SCAN_TYPE_VERSION to AWS_NATIVE and REGISTRY_POLICY_SCOPE to V2.",
)
def account_settings_are_the_supported_ones(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report account settings of ECR that ask for the old scanner or the old scope of the registry's policy."""
    supported = {"BASIC_SCAN_TYPE_VERSION": "AWS_NATIVE", "REGISTRY_POLICY_SCOPE": "V2"}
    name, value = text(resource.props, "name"), text(resource.props, "value")
    if value and value != supported.get(name, value):
        report(f"The account setting {name} of ECR is {value}.")
