"""The same policies without an engine: over resources given as plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.policy import _NotApplicableError
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from guardrails.configuration import Configured, Mistake, configured
from guardrails.pack import POLICIES
from guardrails.policy import ResourceGuardrail, StackGuardrail
from guardrails.stack import GIVEN

_TIMEOUTS = PolicyCustomTimeouts(0, 0, 0)


def violations(
    resources: list[dict[str, Any]],
    *,
    stack: str,
    config: Mapping[str, Any] | None = None,
    stack_config: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Judge the resources of a stack.

    Args:
        resources: Each `{"urn", "type", "name", "inputs", "outputs", "parent", "dependencies", "options"}`; `parent` a
            URN or None, `dependencies` URNs, `options` with `protect`. As in the engine, policies about one resource
            read its inputs and policies about the stack read the outputs.
        stack: The stack's name, for resources whose URN does not say it.
        config: What a configuration file of a policy pack says: a policy's name, or `all`, to a level or to an object
            with `enforcementLevel` and the policy's properties.
        stack_config: The stack's own configuration, by full key, e.g. `ecr-stack:environment`; a value may be the JSON
            text of a list or an object, as Pulumi gives it.

    Returns:
        Each `{"policy", "level", "urn", "message"}`; `level` is `mandatory` or `advisory`, `urn` is "" where the stack
        is meant. None of disabled policies.
    """
    given = GIVEN.set(stack_config or {})
    try:
        return _violations(resources, stack, config)
    finally:
        GIVEN.reset(given)


def _violations(resources: list[dict[str, Any]], stack: str, config: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    policies, strange = configured(POLICIES, config)
    found = [_violation(wrong.place, EnforcementLevel.MANDATORY, "", str(wrong)) for wrong in strange]
    wanted = frozenset[str]().union(*(each.policy.facts.types for each in policies))
    judged = [_Judged(resource, stack) for resource in resources if resource.get("type") in wanted]
    by_type: dict[str, list[_Judged]] = {}
    for resource in judged:
        by_type.setdefault(resource.type, []).append(resource)
    together = _stack(judged)
    for each in policies:
        if each.level is EnforcementLevel.DISABLED:
            continue
        found.extend(
            _violation(each.policy.name, EnforcementLevel.MANDATORY, "", f"Its configuration is wrong. {wrong}")
            for wrong in each.mistakes
        )
        if isinstance(each.policy, ResourceGuardrail):
            for kind in sorted(each.policy.facts.types):
                for resource in by_type.get(kind, ()):
                    found.extend(_of_resource(each, each.policy, resource))
        else:
            found.extend(_of_stack(each, each.policy, together))
    return found


def mistakes(config: Any) -> list[Mistake]:
    """What is wrong with a configuration, in all its parts."""
    policies, strange = configured(POLICIES, config)
    return [*strange, *(wrong for each in policies for wrong in each.mistakes)]


class _Judged:
    """A resource as the policies see it, made once for all of them."""

    def __init__(self, given: Mapping[str, Any], stack: str) -> None:
        self.type: str = given["type"]
        self.name: str = given.get("name") or ""
        self.urn: str = given.get("urn") or f"urn:pulumi:{stack}::project::{self.type}::{self.name}"
        self.parent: str | None = given.get("parent")
        self.dependencies: list[str] = list(given.get("dependencies") or [])
        inputs, outputs = given.get("inputs") or {}, given.get("outputs") or {}
        self.inputs = unknown_checking_proxy(dict(inputs))
        # A resource that is not made yet has no outputs; the engine then goes by the inputs too.
        self.outputs = unknown_checking_proxy({**inputs, **outputs})
        options = given.get("options") or {}
        self.options = PolicyResourceOptions(
            protect=bool(options.get("protect")),
            ignore_changes=list(options.get("ignoreChanges") or []),
            delete_before_replace=options.get("deleteBeforeReplace"),
            aliases=list(options.get("aliases") or []),
            custom_timeouts=_TIMEOUTS,
            additional_secret_outputs=list(options.get("additionalSecretOutputs") or []),
            parent=self.parent,
        )


def _stack(judged: Iterable[_Judged]) -> list[PolicyResource]:
    """The resources with references to one another, as far as policies look at them."""
    pairs = [
        (
            resource,
            PolicyResource(
                resource.type, resource.outputs, resource.urn, resource.name, resource.options, None, None, [], {}
            ),
        )
        for resource in judged
    ]
    by_urn = {made.urn: made for _, made in pairs}
    for resource, made in pairs:
        made.parent = by_urn.get(resource.parent or "")
        made.dependencies = [by_urn[urn] for urn in resource.dependencies if urn in by_urn]
    return [made for _, made in pairs]


def _of_resource(each: Configured, policy: ResourceGuardrail, resource: _Judged) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    inputs: list[Mapping[str, Any]] = [resource.inputs]

    def arguments() -> ResourceValidationArgs:
        return ResourceValidationArgs(
            resource.type, inputs[-1], resource.urn, resource.name, resource.options, None, each.config
        )

    def remedy() -> None:
        if remedied := policy.remediate(arguments()):
            inputs.append(cast("Mapping[str, Any]", remedied))

    def report(message: str, _urn: str | None = None) -> None:
        found.append(_violation(each.policy.name, each.level, resource.urn, message))

    if each.level is EnforcementLevel.REMEDIATE:
        found.extend(_run(each, resource.urn, remedy))
    found.extend(_run(each, resource.urn, lambda: policy.validate(arguments(), report)))
    return found


def _of_stack(each: Configured, policy: StackGuardrail, resources: list[PolicyResource]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def report(message: str, urn: str | None = None) -> None:
        found.append(_violation(each.policy.name, each.level, urn or "", message))

    args = StackValidationArgs(resources, each.config)
    found.extend(_run(each, "", lambda: policy.validate(args, report)))
    return found


def _run(each: Configured, urn: str, judge: Callable[[], Any]) -> list[dict[str, Any]]:
    """Run a policy as the engine's servant does; whatever it raises becomes a message."""
    try:
        judge()
    except UnknownValueError as error:
        return [_violation(each.policy.name, EnforcementLevel.ADVISORY, urn, f"Not judged yet: {error.message}.")]
    except _NotApplicableError:
        return []
    except Exception as error:  # a policy of any kind must not end the run
        message = f"The policy itself failed, so the result is unknown ({type(error).__name__}: {error})."
        return [_violation(each.policy.name, each.level, urn, message)]
    return []


def _violation(policy: str, level: EnforcementLevel, urn: str, message: str) -> dict[str, Any]:
    # As in the engine, what could not be remedied is mandatory.
    level = EnforcementLevel.MANDATORY if level is EnforcementLevel.REMEDIATE else level
    return {"policy": policy, "level": level.value, "urn": urn, "message": message}
