"""What a guardrail is: a function, its reason, the control that it serves, and what may be configured about it.

The decorators turn a function into the policy object that the Pulumi engine runs. The function's name, with hyphens, is
the policy's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyResourceOptions,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.policy import PolicyProviderResource, PolicyResource
from pulumi_policy.proxy import UnknownValueError

from ecr_stack.schema.reasons import PROPOSED
from guardrails.stack import configured

Config = Mapping[str, Any]
"""The configuration of one policy, with the defaults of its schema filled in."""

Schema = Mapping[str, dict[str, Any]]
"""JSON Schema of each property that may be configured; every one has a `default` and a `description`."""

WEAKER = "weaker"
"""The key of a property's schema that says which values make the policy find less, and so need a reason: `fewer` or `more`
entries than the default has, a `lower` or `higher` number, or any `other` value."""

REASON: Schema = {
    "reason": {
        "type": "string",
        "default": "",
        "description": "Why the policy is relaxed. Required for a lower level, and for values that make the policy "
        "report less.",
    }
}
"""What may be configured of every policy."""


class Resource(Protocol):
    """What a resource policy and a stack policy both know of a resource."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str
    opts: PolicyResourceOptions
    provider: PolicyProviderResource | None


class Unjudgeable(ValueError):
    """What a policy was given cannot be judged; the text says why, and is reported as it stands."""


Validate = Callable[[Resource, Config, Callable[[str], None]], None]
"""Judges one resource of the policy's types; calls its last argument with each thing that is wrong."""

ValidateStack = Callable[[Sequence[PolicyResource], Config, Callable[[str, str], None]], None]
"""Judges the resources of the policy's types together; reports messages with the URN that each is about, or ""."""

Remediate = Callable[[Resource, Config], Mapping[str, Any] | None]
"""Gives the inputs that the resource should have instead; None where they are fine."""


@dataclass(frozen=True)
class Facts:
    """What a policy says of itself."""

    reason: str
    """Why, in a sentence or two."""
    control: str
    """The control that it serves, such as "Security Hub ECR.5"."""
    url: str
    """The page that says so."""
    severity: Severity
    remedy: str
    """What to write instead."""
    types: frozenset[str]
    """The resource types that it looks at."""
    stack_file: Mapping[str, str]
    """What to write instead in a stack file, where one made the resource, by resource type; {name} is the resource's."""
    config: Schema

    @property
    def defaults(self) -> dict[str, Any]:
        """What each configurable property is unless it is configured."""
        return {name: schema["default"] for name, schema in self.config.items()}

    def fix(self, policy: str, level: EnforcementLevel, resource: Resource | None) -> str:
        """How to fix a violation, in terms of the stack file or the program, and how to accept it instead."""
        remedy = self.remedy
        if resource is not None and "ecr-stack:index:Registry$" in resource.urn:
            remedy = self.stack_file.get(resource.resource_type, remedy).replace("{name}", _key(_name(resource)))
        lower = "disabled" if level is EnforcementLevel.ADVISORY else "advisory"
        accept = json.dumps({policy: {"enforcementLevel": lower, "reason": PROPOSED}})
        return (
            f"{remedy} To accept this, give a reason in policies/config.json, in place of NAME and TICKET: `{accept}`."
        )


def _key(name: str) -> str:
    """The key in the stack file of a repository with this name in ECR; the name, if the file is not known."""
    repositories, prefix = configured("ecr-stack:repositories"), configured("ecr-stack:namePrefix")
    start = prefix if isinstance(prefix, str) else ""
    for key, settings in repositories.items() if isinstance(repositories, Mapping) else ():
        own = settings.get("name") if isinstance(settings, Mapping) else None
        if start + str(own or key) == name:
            return str(key)
    return name


def _name(resource: Resource) -> str:
    """The name in ECR."""
    for key in ("name", "repository"):
        try:
            name = resource.props.get(key)
        except UnknownValueError:
            continue
        if isinstance(name, str):
            return name
    return resource.name


class ResourceGuardrail(ResourceValidationPolicy):
    """A policy about one resource at a time, as the program asks for it (its inputs)."""

    facts: Facts


class StackGuardrail(StackValidationPolicy):
    """A policy about resources together, as they are or will be (their outputs)."""

    facts: Facts


def sentence(function: Callable[..., Any]) -> str:
    """The policy's name: the function's, with hyphens."""
    return function.__name__.replace("_", "-")


def resource_policy(
    *,
    types: Sequence[str],
    reason: str,
    control: str,
    url: str,
    severity: Severity,
    remedy: str,
    stack_file: Mapping[str, str] | None = None,
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    config: Schema | None = None,
    remediate: Remediate | None = None,
) -> Callable[[Validate], ResourceGuardrail]:
    """Make a policy of a function that judges one resource."""
    facts = Facts(
        reason, control, url, severity, remedy, frozenset(types), stack_file or {}, {**(config or {}), **REASON}
    )

    def make(function: Validate) -> ResourceGuardrail:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if args.resource_type not in facts.types:
                return

            def tell(text: str) -> None:
                report(f"{text} {facts.fix(policy.name, level, args)}", None)

            _judge(lambda: function(args, _configured(facts, args.get_config()), tell), tell)

        def remedied(args: ResourceValidationArgs) -> Any:
            if remediate is None or args.resource_type not in facts.types:
                return None
            return remediate(args, _configured(facts, args.get_config()))

        policy = ResourceGuardrail(
            validate=validate,
            remediate=remedied if remediate else None,
            **_described(function, facts, level),
        )
        policy.facts = facts
        return policy

    return make


def stack_policy(
    *,
    types: Sequence[str],
    reason: str,
    control: str,
    url: str,
    severity: Severity,
    remedy: str,
    stack_file: Mapping[str, str] | None = None,
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    config: Schema | None = None,
) -> Callable[[ValidateStack], StackGuardrail]:
    """Make a policy of a function that judges resources together."""
    facts = Facts(
        reason, control, url, severity, remedy, frozenset(types), stack_file or {}, {**(config or {}), **REASON}
    )

    def make(function: ValidateStack) -> StackGuardrail:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            resources = [each for each in args.resources if each.resource_type in facts.types]
            by_urn = {each.urn: each for each in resources}

            def tell(text: str, urn: str = "") -> None:
                about = by_urn.get(urn) or next(iter(resources), None)
                report(f"{text} {facts.fix(policy.name, level, about)}", urn or None)

            # None at all is judged too: a repository that is missed may have been the last one.
            _judge(lambda: function(resources, _configured(facts, args.get_config()), tell), tell)

        policy = StackGuardrail(validate=validate, **_described(function, facts, level))
        policy.facts = facts
        return policy

    return make


def _described(function: Callable[..., Any], facts: Facts, level: EnforcementLevel) -> dict[str, Any]:
    name = sentence(function)
    framework, _, number = facts.control.rpartition(" ")
    return {
        "name": name,
        "display_name": name.replace("-", " ").capitalize(),
        "description": f"{facts.reason} [{facts.control}] {facts.url}",
        "enforcement_level": level,
        "config_schema": PolicyConfigSchema(properties=dict(facts.config)) if facts.config else None,
        "severity": facts.severity,
        "framework": PolicyComplianceFramework(name=framework, specification=number),
        "tags": sorted({"ecr", *re.findall(r"aws:(\w+)/", " ".join(facts.types))}),
        "remediation_steps": facts.remedy,
        "url": facts.url,
    }


def _configured(facts: Facts, given: Config) -> Config:
    # The engine fills in the defaults, a test or an older engine may not.
    return {**facts.defaults, **given}


def _judge(judge: Callable[[], None], report: Callable[[str], None]) -> None:
    """Run a policy; a resource that nobody foresaw becomes a message, not the end of the whole pack."""
    try:
        judge()
    except UnknownValueError:
        raise  # the engine says in its own words that this cannot be known during a preview
    except Unjudgeable as error:
        report(str(error))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        report(
            f"This could not be checked, because the resource has an unexpected shape ({type(error).__name__}: "
            f"{error}). Write the property in the form given in the provider's documentation."
        )
