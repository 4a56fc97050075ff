"""The configuration of a policy pack, read as the engine reads it: levels, properties, defaults of the schemas.

The file's shape: https://www.pulumi.com/docs/insights/policy/policy-packs/configuration/
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import EnforcementLevel

from guardrails.policy import Config, ResourceGuardrail, StackGuardrail

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass(frozen=True)
class Configured:
    """One policy with its level and its properties."""

    policy: ResourceGuardrail | StackGuardrail
    level: EnforcementLevel
    config: Config
    problems: tuple[str, ...]
    """What is wrong with the configuration; the policy then runs with its defaults."""


def configured(
    policies: Sequence[ResourceGuardrail | StackGuardrail], given: Mapping[str, Any] | None
) -> tuple[list[Configured], list[tuple[str, str]]]:
    """Each policy with what the configuration says of it, and the keys that name no policy, with why."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        return configured(policies, None)[0], [("", f"The configuration is {given!r}. It must be an object.")]
    names = [policy.name for policy in policies]
    strange = [
        (str(key), f"There is no policy {key!r}.{_nearest(str(key), names)}")
        for key in given
        if key != "all" and key not in names
    ]
    return [_one(policy, given.get("all"), given.get(policy.name)) for policy in policies], strange


def _one(policy: ResourceGuardrail | StackGuardrail, everywhere: Any, own: Any) -> Configured:
    level = policy.enforcement_level or EnforcementLevel.MANDATORY
    properties: dict[str, Any] = {}
    problems: list[str] = []
    for part in (everywhere, own):
        if part is None:
            continue
        if not isinstance(part, str | Mapping):
            problems.append(f"The configuration is {part!r}. It must be a level, or an object with enforcementLevel.")
            continue
        named = part if isinstance(part, str) else part.get("enforcementLevel")
        try:
            level = level if named is None else EnforcementLevel(named)
        except ValueError:
            levels = ", ".join(each.value for each in EnforcementLevel)
            problems.append(f"The enforcement level is {named!r}. It must be one of {levels}.")
        if isinstance(part, Mapping) and part is own:
            properties = {key: value for key, value in part.items() if key != "enforcementLevel"}
    for key, value in properties.items():
        schema = policy.facts.config.get(key)
        if schema is None:
            problems.append(f"There is no property {key!r}.{_nearest(key, list(policy.facts.config))}")
        elif wrong := _mismatch(value, schema):
            problems.append(f"{key} is {value!r}. {wrong}")
    config = {**policy.facts.defaults, **(properties if not problems else {})}
    return Configured(policy, level, config, tuple(problems))


def _mismatch(value: Any, schema: Any) -> str:
    """What a value must be; "" where it is. Knows as much of JSON Schema as the policies use."""
    kind = schema["type"]
    right: bool = isinstance(value, _TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))
    if not right:
        return f"It must be of type {kind}."
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        return f"It must be from {low} to {high}."
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"It must match {schema['pattern']}."
    if kind == "array":
        return next((wrong for element in value if (wrong := _mismatch(element, schema["items"]))), "")
    if kind == "object":
        for key, element in value.items():
            inner = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            wrong = _mismatch(element, inner) if inner else ""
            if wrong:
                return f"{key}: {wrong}"
    return ""


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" There are {', '.join(names)}." if names else ""
