"""Images that nobody needs go, and those that somebody needs stay.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import EnforcementLevel, ResourceValidationArgs, Severity, StackValidationArgs

from guardrails.production import PRODUCTION, Report, is_production, resource_policy, stack_policy
from guardrails.statements import document_of, listed

__all__ = ["POLICIES"]

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
URL = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-3"


def rules(policy: object) -> Iterator[Mapping[str, Any]]:
    """The rules of a lifecycle document that can be read."""
    for rule in listed(document_of(policy).get("rules")):
        if isinstance(rule, Mapping) and isinstance(rule.get("selection"), Mapping):
            yield rule


def _has_lifecycle(args: StackValidationArgs, report: Report) -> None:
    policies: dict[tuple[Any, str], Any] = {}
    for resource in args.resources:
        if resource.resource_type == LIFECYCLE:
            policies[_region(resource.props), str(resource.props.get("repository"))] = resource.props.get("policy")
    for resource in args.resources:
        if resource.resource_type != REPOSITORY:
            continue
        key = (_region(resource.props), str(resource.props.get("name")))
        if key not in policies:
            report("it has no lifecycle policy: its images stay, and are paid for, for ever", resource.urn)
        elif not any(rule["selection"].get("tagStatus") in ("untagged", "any") for rule in rules(policies[key])):
            report("no rule of its lifecycle policy removes untagged images", resource.urn)


def _region(props: Mapping[str, Any]) -> Any:
    return props["region"] if "region" in props.keys() else None  # noqa: SIM118


def _one_kind_of_tag(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type != LIFECYCLE:
        return
    for rule in rules(args.props.get("policy")):
        for key in ("tagPrefixList", "tagPatternList"):
            entries = listed(rule["selection"].get(key))
            if len(entries) > 1:
                report(
                    f"rule {rule.get('rulePriority')}: an image must have a tag of each of {', '.join(map(str, entries))} "
                    "to be selected, not of any of them"
                )


def _releases_stay(args: ResourceValidationArgs, report: Report) -> None:
    if args.resource_type != LIFECYCLE or not is_production(args.props, args.urn, args.get_config()):
        return
    for rule in rules(args.props.get("policy")):
        selection, action = rule["selection"], rule.get("action")
        expires = isinstance(action, Mapping) and action.get("type") == "expire"
        if selection.get("tagStatus") == "any" and expires and selection.get("storageClass") != "archive":
            report(f"rule {rule.get('rulePriority')} expires whatever no other rule selects, releases among it")


POLICIES = [
    stack_policy(
        "repositories-have-a-lifecycle-that-removes-untagged-images",
        "Every push of a tag that exists leaves an untagged image behind, which is paid for until it is removed.",
        _has_lifecycle,
        remedy="Add a lifecycle policy with a rule for untagged images.",
        url=URL,
        control="ECR.3",
        severity=Severity.MEDIUM,
    ),
    resource_policy(
        "lifecycle-rules-name-one-kind-of-tag",
        "ECR reads several prefixes or patterns of one rule as all of them, so that such a rule hardly ever matches.",
        _one_kind_of_tag,
        remedy="Write a rule for each prefix or pattern.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
        severity=Severity.MEDIUM,
    ),
    resource_policy(
        "production-lifecycles-expire-by-tag",
        "A rule for any image also expires the tags that nobody thought of.",
        _releases_stay,
        remedy="Select what may go by its tags.",
        url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
        severity=Severity.MEDIUM,
        level=EnforcementLevel.ADVISORY,
        config=PRODUCTION,
    ),
]
