"""Lifecycle: every repository forgets images, and its rules do what they read like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.policy import PolicyResource

from guardrails.document import UnreadableDocument, documents, plain, read_json
from guardrails.policy import Config, Resource, resource_policy, stack_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import CREATION_TEMPLATE, LIFECYCLE_POLICY, REPOSITORY, Repositories, called, look, text


def _stack_file(before: str, after: str = "") -> dict[str, str]:
    """What to write in a stack file: the rules of a repository, or those of the defaults."""
    here = f"{before} `ecr-stack:repositories.{{name}}.lifecycle` or `repositoryDefaults.lifecycle`{after}."
    return {
        REPOSITORY: here,
        LIFECYCLE_POLICY: here,
        CREATION_TEMPLATE: f"{before} `ecr-stack:repositoryDefaults.lifecycle`{after}.",
    }


@stack_policy(
    types=[REPOSITORY, LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="Without a lifecycle policy every image stays and is paid for, the vulnerable ones as well.",
    control="Security Hub ECR.3",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-3",
    severity=Severity.MEDIUM,
    remedy="Add an aws.ecr.LifecyclePolicy for the repository, or a lifecyclePolicy to the template.",
    stack_file=_stack_file("Add rules to"),
)
def every_repository_has_a_lifecycle_policy(
    resources: Sequence[PolicyResource], _config: Config, report: Callable[[str, str], None]
) -> None:
    """Report repositories that no lifecycle policy of the stack is about, and templates without one."""
    repositories = Repositories(resources)
    covered = {
        repository.urn
        for resource in resources
        if resource.resource_type == LIFECYCLE_POLICY
        for repository in repositories.of(resource)
    }
    for repository in repositories.all:
        if repository.urn not in covered:
            report(f"{called(repository)} has no lifecycle policy in this stack.", repository.urn)
    for template in resources:
        if template.resource_type == CREATION_TEMPLATE and not look(template.props, "lifecyclePolicy"):
            prefix = text(template.props, "prefix") or template.name
            report(
                f"The repositories that ECR makes by the template for {prefix!r} get no lifecycle policy.",
                template.urn,
            )


@resource_policy(
    types=[LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="Each push of a moving tag leaves an untagged image behind; no rule for tagged images ever removes it.",
    control="Security Hub ECR.3",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    severity=Severity.LOW,
    remedy='Add a rule with "tagStatus": "untagged" that expires images some days after they were pushed.',
    stack_file=_stack_file("Add `{untagged: true, expireAfterDays: 1}` to", " (with a description)"),
    config={
        "anyCounts": {
            "type": "boolean",
            "default": True,
            "description": 'Whether a rule with "tagStatus": "any" counts, since it removes untagged images too.',
        }
    },
)
def lifecycle_policies_expire_untagged_images(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report lifecycle policies that let untagged images stay."""
    for _, document in documents(resource.props, "policy", "lifecyclePolicy"):
        if not _expire_untagged(_rules(document), {"untagged", "any"} if config["anyCounts"] else {"untagged"}):
            report(f"The lifecycle policy of {called(resource)} lets untagged images stay for ever.")


def _expire_untagged(rules: Sequence[Mapping[str, Any]], statuses: set[str]) -> bool:
    """Whether untagged images go: at once, or to the archive and from there."""
    steps = {
        (action.get("type"), str(selection.get("storageClass") or "standard").lower())
        for selection, action in map(_parts, rules)
        if selection.get("tagStatus") in statuses
    }
    return ("expire", "standard") in steps or {("transition", "standard"), ("expire", "archive")} <= steps


@resource_policy(
    types=[LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="An image must match all entries of a rule's list, so a list of several prefixes matches next to nothing.",
    control="Amazon ECR tagPrefixList",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    severity=Severity.MEDIUM,
    remedy="Write one rule for each prefix or pattern.",
    stack_file=_stack_file("Use `tagPrefixes` or `tagPatterns`, of which any is enough, in"),
)
def lifecycle_rules_name_one_prefix_each(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report rules with several prefixes, or several patterns, in one list."""
    for _, document in documents(resource.props, "policy", "lifecyclePolicy"):
        for rule in _rules(document):
            selection, _ = _parts(rule)
            for name in ("tagPrefixList", "tagPatternList"):
                entries = selection.get(name)
                if isinstance(entries, list) and len(entries) > 1:
                    report(
                        f"Rule {rule.get('rulePriority')} of the lifecycle policy of {called(resource)} applies only to"
                        f" images that match all of {name} {entries}."
                    )


@resource_policy(
    types=[LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="A rule for any image also expires the tags that nobody thought of when it was written, releases among them.",
    control="Amazon ECR tagStatus",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    severity=Severity.LOW,
    level=EnforcementLevel.ADVISORY,
    remedy="Select what may go by its tags, with prefixes or patterns that releases do not have.",
    stack_file=_stack_file("Select what may go by `tagPrefixes` or `tagPatterns` that releases do not have, in"),
    config=PRODUCTION,
)
def lifecycle_rules_in_production_expire_by_tag(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report production's rules that expire whatever no other rule selects."""
    if not in_production(resource, config):
        return
    for _, document in documents(resource.props, "policy", "lifecyclePolicy"):
        for rule in _rules(document):
            selection, action = _parts(rule)
            archived = str(selection.get("storageClass")).lower() == "archive"
            if action.get("type") == "expire" and not archived and (which := _whatever(selection)):
                report(
                    f"Rule {rule.get('rulePriority')} of the lifecycle policy of {called(resource)}, in production,"
                    f" expires {which}, releases among them."
                )


def _whatever(selection: Mapping[str, Any]) -> str:
    """What a rule selects if its tags limit nothing; "" if they do."""
    if selection.get("tagStatus") == "any":
        return "whatever no other rule selects"
    for name in ("tagPrefixList", "tagPatternList"):
        entries = selection.get(name)
        if isinstance(entries, list) and entries and not any(str(each).strip("*") for each in entries):
            return f"every tagged image ({name} {entries})"
    return ""


def _parts(rule: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A rule's selection and action; empty where they are none."""
    selection, action = rule.get("selection"), rule.get("action")
    return (
        selection if isinstance(selection, dict) else {},
        action if isinstance(action, dict) else {},
    )


def _rules(document: Any) -> tuple[dict[str, Any], ...]:
    return _read(document) if isinstance(document, str) else _read_rules(plain(document))


@lru_cache(maxsize=8192)
def _read(text: str) -> tuple[dict[str, Any], ...]:
    return _read_rules(read_json(text))


def _read_rules(document: Any) -> tuple[dict[str, Any], ...]:
    rules = document.get("rules") if isinstance(document, Mapping) else None
    if (
        not isinstance(rules, Sequence)
        or isinstance(rules, str)
        or not all(isinstance(rule, Mapping) for rule in rules)
    ):
        raise UnreadableDocument('The lifecycle policy has no list of rules. It must be {"rules": [{…}]}.')
    return tuple(dict(rule) for rule in rules)
