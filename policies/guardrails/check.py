"""The policies over plain records of resources, without an engine: what a rehearsal runs.

They are the very objects that the engine runs. What it does beside them is done here: it fills defaults of their
configuration in, reads levels, and leaves out what is disabled.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from guardrails import POLICIES

__all__ = ["violations"]

Record = Mapping[str, Any]


def violations(
    resources: Sequence[Record], *, stack: str, config: Mapping[str, Any] | None = None
) -> list[dict[str, str]]:
    """Run every policy over the resources of a stack.

    Args:
        resources: records with `urn`, `type`, `name`, `inputs`, `outputs`, `parent`, `dependencies` and `options`.
        stack: the stack's name.
        config: for a policy's name its level (`mandatory`, `advisory`, `disabled`, `remediate`), or a map of its
            parameters with `enforcementLevel` among them, as `--policy-pack-config` takes it. `all` sets a level for
            every policy that has none of its own.

    Returns:
        For each violation `policy`, `level`, `urn` (empty where the whole stack is meant) and `message`.
    """
    physical = [record for record in resources if record.get("id", True) is not None]
    options = {record["urn"]: _options(record) for record in physical}
    whole = [
        PolicyResource(
            record["type"], record["outputs"] or record["inputs"], record["urn"], record["name"],
            options[record["urn"]], None, None, [], {},
        )
        for record in physical
    ]  # fmt: skip
    found: list[dict[str, str]] = []
    for policy in POLICIES:
        level, parameters = _configured(policy, config or {})
        if level is EnforcementLevel.DISABLED:
            continue

        report = _reporter(found, policy.name, level)
        if isinstance(policy, ResourceValidationPolicy):
            if level is EnforcementLevel.REMEDIATE and policy.has_remediation():
                continue  # the engine mends what it would report
            for record in physical:
                _run(policy.validate, _resource(record, options, parameters), report(record["urn"]), record["urn"])
        elif isinstance(policy, StackValidationPolicy):
            _run(policy.validate, StackValidationArgs(whole, parameters), report(""), stack)
    return found


def _reporter(
    found: list[dict[str, str]], policy: str, level: EnforcementLevel
) -> Callable[[str], Callable[..., None]]:
    """Make, for each resource, the function by which a policy reports what is wrong with it."""
    named = "advisory" if level is EnforcementLevel.ADVISORY else "mandatory"

    def about(urn: str) -> Callable[..., None]:
        def report(message: str, other: str | None = None) -> None:
            found.append({"policy": policy, "level": named, "urn": other or urn, "message": message})

        return report

    return about


def _resource(
    record: Record, options: Mapping[str, PolicyResourceOptions], parameters: dict[str, Any]
) -> ResourceValidationArgs:
    urn = record["urn"]
    return ResourceValidationArgs(record["type"], record["inputs"], urn, record["name"], options[urn], None, parameters)


def _run(validate: Callable[..., Any], args: Any, report: Callable[..., None], what: str) -> None:
    try:
        result = validate(args, report)
        if inspect.isawaitable(result):
            asyncio.run(_awaited(result))
    except Exception as error:
        report(f"this policy cannot judge {what}: {type(error).__name__}: {error}; look at the resource by hand")


async def _awaited(result: Any) -> None:
    await result


def _configured(policy: Policy, config: Mapping[str, Any]) -> tuple[EnforcementLevel, dict[str, Any]]:
    """The level of a policy and its parameters, defaults filled in."""
    given = config.get(policy.name)
    schema = policy.config_schema.properties if policy.config_schema else {}
    parameters = {name: shape["default"] for name, shape in schema.items() if "default" in shape}
    level: Any = policy.enforcement_level or EnforcementLevel.ADVISORY
    for source in (config.get("all"), given):
        if isinstance(source, (str, EnforcementLevel)):
            level = source
        elif isinstance(source, Mapping):
            level = source.get("enforcementLevel", level)
            parameters |= {key: value for key, value in source.items() if key != "enforcementLevel"}
    return level if isinstance(level, EnforcementLevel) else EnforcementLevel(level), parameters


def _options(record: Record) -> PolicyResourceOptions:
    options = record["options"]
    return PolicyResourceOptions(
        protect=bool(options.get("protect")),
        ignore_changes=list(options.get("ignoreChanges") or []),
        delete_before_replace=options.get("deleteBeforeReplace"),
        aliases=list(options.get("aliases") or []),
        custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
        additional_secret_outputs=[],
        parent=record.get("parent"),
    )
