"""Lifecycle: every repository expires images, and its rules do what they seem to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pulumi_policy import EnforcementLevel, Severity
from pulumi_policy.policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError

from ecr_stack.aws.lifecycle import findings
from ecr_stack.aws.lifecycle.requirements import errors_in
from guardrails.document import UnreadableDocument, documents, plain, read_json
from guardrails.policy import WEAKER, Config, Resource, resource_policy, stack_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import (
    CREATION_TEMPLATE,
    LIFECYCLE_POLICY,
    REPOSITORY,
    UNKNOWN,
    Repositories,
    called,
    look,
    text,
)

_NOT_UNDERSTOOD = {kind.code for kind in (findings.UNKNOWN_KEY, findings.UNKNOWN_VALUE)}


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
    reason="Without a lifecycle policy, every image is kept and paid for, including vulnerable ones.",
    control="Security Hub ECR.3",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html#ecr-3",
    severity=Severity.MEDIUM,
    remedy="Add an aws.ecr.LifecyclePolicy for the repository, or a lifecyclePolicy to the template.",
    stack_file=_stack_file("Add rules that act to"),
    config={
        "maximumDays": {
            WEAKER: "higher",
            "type": "integer",
            "minimum": 1,
            "maximum": 36500,
            "default": 3650,
            "description": "The maximum age in a rule; rules with a longer one are ignored. ECR itself has no limit.",
        },
        "maximumImages": {
            WEAKER: "higher",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000000,
            "default": 99999,
            "description": "The maximum number of images in a rule; rules that keep more are ignored. ECR's default "
            "quota is 100,000 per repository.",
        },
    },
)
def every_repository_has_a_lifecycle_policy(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report repositories and templates without a lifecycle policy, and policies that never act."""
    repositories = Repositories(resources)
    covered = set()
    for resource in resources:
        if resource.resource_type == LIFECYCLE_POLICY:
            covered |= {repository.urn for repository in repositories.of(resource)}
        if resource.resource_type != REPOSITORY and _is_idle(resource, config):
            report(
                f"The lifecycle policy of {called(resource)} never acts: each of its rules keeps more than"
                f" {config['maximumImages']:,g} images, or waits longer than {config['maximumDays']:,g} days.",
                resource.urn,
            )
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


def _is_idle(resource: PolicyResource, config: Config) -> bool:
    """Whether a lifecycle policy has rules, but none of them ever seems to act."""
    document = look(resource.props, "lifecyclePolicy" if resource.resource_type == CREATION_TEMPLATE else "policy")
    if document is UNKNOWN or not document:
        return False
    try:
        rules = _rules(document)
    except (UnreadableDocument, UnknownValueError):  # other policies report this
        return False
    return all(_waits_for_ever(_parts(rule)[0], config["maximumDays"], config["maximumImages"]) for rule in rules)


def _waits_for_ever(selection: Mapping[str, Any], days: float, images: float) -> bool:
    count = selection.get("countNumber")
    limit = images if selection.get("countType") == "imageCountMoreThan" else days
    return isinstance(count, int | float) and count > limit


@resource_policy(
    types=[LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="Each push of a moving tag leaves an untagged image behind, which no rule for tagged images removes.",
    control="Security Hub ECR.3",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    severity=Severity.LOW,
    remedy='Add a rule with "tagStatus": "untagged" that expires images some days after the push.',
    stack_file=_stack_file("Add `{untagged: true, expireAfterDays: 1}` to", " (with a description)"),
    config={
        "anyCounts": {
            "type": "boolean",
            "default": True,
            "description": 'Whether a rule with "tagStatus": "any" is sufficient, since it also removes untagged images.',
        },
        "maximumDays": {
            WEAKER: "higher",
            "type": "integer",
            "minimum": 1,
            "maximum": 36500,
            "default": 365,
            "description": "The maximum age of untagged images in a rule; rules with a longer one are ignored.",
        },
        "maximumImages": {
            WEAKER: "higher",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000000,
            "default": 10000,
            "description": "The maximum number of images in a rule; rules that keep more are ignored.",
        },
    },
)
def lifecycle_policies_expire_untagged_images(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report lifecycle policies that keep untagged images."""
    for _, document in documents(resource.props, "policy", "lifecyclePolicy"):
        statuses = {"untagged", "any"} if config["anyCounts"] else {"untagged"}
        rules = [rule for rule in _rules(document) if _parts(rule)[0].get("tagStatus") in statuses]
        acting = [
            rule
            for rule in rules
            if not _waits_for_ever(_parts(rule)[0], config["maximumDays"], config["maximumImages"])
        ]
        if not _expire(acting):
            most = f", or for more than {config['maximumDays']:g} days" if _expire(rules) else ""
            report(f"The lifecycle policy of {called(resource)} keeps untagged images for ever{most}.")


def _expire(rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether images go by some rules: at once, or to the archive and from there."""
    steps = {
        (action.get("type"), str(selection.get("storageClass") or "standard").lower())
        for selection, action in map(_parts, rules)
    }
    return ("expire", "standard") in steps or {("transition", "standard"), ("expire", "archive")} <= steps


@resource_policy(
    types=[LIFECYCLE_POLICY, CREATION_TEMPLATE],
    reason="An image must match all entries in a rule's list, so a list of several prefixes matches almost nothing.",
    control="Amazon ECR tagPrefixList",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html",
    severity=Severity.MEDIUM,
    remedy="Write one rule for each prefix or pattern.",
    stack_file=_stack_file("Use `tagPrefixes` or `tagPatterns`, where any entry is enough, in"),
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
    reason="A rule for any image also expires tags that its author did not think of, including releases.",
    control="Amazon ECR tagStatus",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
    severity=Severity.LOW,
    level=EnforcementLevel.ADVISORY,
    remedy="Select images to expire by tag, with prefixes or patterns that do not match releases.",
    stack_file=_stack_file(
        "Select images to expire with `tagPrefixes` or `tagPatterns` that do not match releases, in"
    ),
    config=PRODUCTION,
)
def lifecycle_rules_in_production_expire_by_tag(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report production rules that expire every image that no other rule selects."""
    if not in_production(resource, config):
        return
    for _, document in documents(resource.props, "policy", "lifecyclePolicy"):
        for rule in _rules(document):
            selection, action = _parts(rule)
            archived = str(selection.get("storageClass")).lower() == "archive"
            if action.get("type") == "expire" and not archived and (which := _whatever(selection)):
                report(
                    f"Rule {rule.get('rulePriority')} of the lifecycle policy of {called(resource)}, in production, "
                    f"expires {which}, including releases."
                )


def _whatever(selection: Mapping[str, Any]) -> str:
    """What a rule selects if its tags limit nothing; "" if they do."""
    if selection.get("tagStatus") == "any":
        return "every image that no other rule selects"
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
    # Unknown parts may select less than they seem to, or do something else.
    strange = next((each for each in errors_in(document) if each.code in _NOT_UNDERSTOOD), None)
    if strange:
        raise UnreadableDocument(
            f"The effect of the lifecycle policy is unknown: {strange.message}. {strange.remedy[:1].upper()}"
            f"{strange.remedy[1:]}."
        )
    return tuple(dict(rule) for rule in rules)
