"""The configuration of a policy pack, read as the engine reads it: levels, properties, defaults of the schemas.

The file's shape: https://www.pulumi.com/docs/insights/policy/policy-packs/configuration/
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import EnforcementLevel

from ecr_stack.schema.reasons import PROPOSED, reason_problem
from guardrails.policy import WEAKER, Config, ResourceGuardrail, StackGuardrail

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with a configuration."""

    place: str
    """The keys that lead there, e.g. `keys-rotate.maximumDays`; "" for the whole."""
    value: Any
    """The value there."""
    rule: str
    """What it breaks, a clause that begins with `must`."""
    remedy: str
    """What to write instead, a clause."""

    def __str__(self) -> str:
        """The mistake in three sentences."""
        remedy = self.remedy[:1].upper() + self.remedy[1:]
        return f"{self.place or 'The configuration'} is {self.value!r}. It {self.rule}. {remedy}."


@dataclass(frozen=True)
class Configured:
    """One policy with its level and its properties."""

    policy: ResourceGuardrail | StackGuardrail
    level: EnforcementLevel
    config: Config
    mistakes: tuple[Mistake, ...]
    """What is wrong with the configuration; the policy then runs with its defaults."""


def configured(
    policies: Sequence[ResourceGuardrail | StackGuardrail], given: Any
) -> tuple[list[Configured], list[Mistake]]:
    """Each policy with what the configuration says of it, and what is wrong beside: keys that name no policy."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        rule = "must be an object that maps policy names to levels or objects"
        return configured(policies, None)[0], [Mistake("", given, rule, 'write {"all": "mandatory"}')]
    names = [policy.name for policy in policies]
    strange = [
        Mistake(str(key), given[key], "must be the name of a policy, or all", _nearest(str(key), names))
        for key in given
        if key != "all" and key not in names
    ]
    everywhere = given.get("all")
    if everywhere is not None and (wrong := _level("all", everywhere)[1]):
        strange.append(wrong)
        everywhere = None
    elif everywhere is not None and _is_lower(_level("all", everywhere)[0], EnforcementLevel.MANDATORY):
        remedy = (
            f"relax each policy individually: "
            f"{json.dumps({'POLICY': {'enforcementLevel': 'advisory', 'reason': PROPOSED}})}"
        )
        strange.append(Mistake("all", everywhere, "must not be less than mandatory", remedy))
        everywhere = None
    return [_one(policy, everywhere, given.get(policy.name)) for policy in policies], strange


def _one(policy: ResourceGuardrail | StackGuardrail, everywhere: Any, own: Any) -> Configured:
    default = policy.enforcement_level or EnforcementLevel.MANDATORY
    named, wrong = _level(policy.name, own)
    level = named or _level("all", everywhere)[0] or default
    mistakes = [wrong] if wrong else []
    properties = {key: value for key, value in own.items() if key != "enforcementLevel"} if _is_object(own) else {}
    for key, value in properties.items():
        place, schema = f"{policy.name}.{key}", policy.facts.config.get(key)
        if schema is None:
            rule = "must be a property of this policy"
            mistakes.append(Mistake(place, value, rule, _nearest(key, ["enforcementLevel", *policy.facts.config])))
        elif mistake := _mismatch(place, value, schema):
            mistakes.append(mistake)
    config = {**policy.facts.defaults, **(properties if not mistakes else {})}
    if not mistakes and (wrong := unexplained(policy, level, config)):
        mistakes.append(wrong)
    if mistakes:  # a configuration that is half understood relaxes nothing
        return Configured(policy, default, policy.facts.defaults, tuple(mistakes))
    return Configured(policy, level, config, ())


def unexplained(
    policy: ResourceGuardrail | StackGuardrail, level: EnforcementLevel | None, properties: Config
) -> Mistake | None:
    """What a configuration gives up without saying why: the policy, its level, or a part of what it finds.

    Args:
        policy: the policy.
        level: its level, if one is set.
        properties: its properties, defaults included.
    """
    given_up = [name for name, schema in policy.facts.config.items() if _weakens(properties[name], schema)]
    if level is not None and _is_lower(level, policy.enforcement_level or EnforcementLevel.MANDATORY):
        what: tuple[str, Any] = "enforcementLevel", level.value
    elif given_up:
        what = given_up[0], properties[given_up[0]]
    else:
        return None
    reason = str(properties.get("reason", ""))
    if not reason.strip():
        written = {what[0]: what[1], "reason": PROPOSED}
        remedy = f"write {json.dumps({policy.name: written})}, with your own reason in place of NAME and TICKET"
        return Mistake(f"{policy.name}.{what[0]}", what[1], "must come with a reason", remedy)
    if problem := reason_problem(reason):
        rule = f"must say why: this {problem}"
    elif sum(map(str.isalnum, reason)) < MINIMUM_LETTERS:
        rule = f"must have at least {MINIMUM_LETTERS} letters and digits: it is the only record of the exception"
    else:
        return None
    return Mistake(f"{policy.name}.reason", reason, rule, "write who decided it, why, and until when")


def _is_lower(level: EnforcementLevel | None, than: EnforcementLevel) -> bool:
    ranks = {EnforcementLevel.DISABLED: 0, EnforcementLevel.ADVISORY: 1}
    return level is not None and ranks.get(level, 2) < ranks.get(than, 2)


def _weakens(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a property, other than its default, makes a policy find less; its schema says which way that is."""
    default = schema["default"]
    match schema.get(WEAKER):
        case "fewer":
            return not set(default) <= set(value)
        case "more":
            return not set(value) <= set(default)
        case "lower":
            return bool(value < default)
        case "higher":
            return bool(value > default)
        case "other":
            return bool(value != default)
    return False


MINIMUM_LETTERS = 8
"""Letters and digits of a reason: it is all that stays of a policy that is relaxed."""


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _level(place: str, part: Any) -> tuple[EnforcementLevel | None, Mistake | None]:
    """The level that a part of the configuration sets, if it does, and what is wrong with it."""
    if part is None:
        return None, None
    levels = ", ".join(each.value for each in EnforcementLevel)
    if not isinstance(part, str | Mapping):
        return None, Mistake(place, part, "must be a level, or an object with properties", f"write one of {levels}")
    named = part if isinstance(part, str) else part.get("enforcementLevel")
    try:
        return (None if named is None else EnforcementLevel(named)), None
    except ValueError:
        where = place if isinstance(part, str) else f"{place}.enforcementLevel"
        return None, Mistake(where, named, f"must be one of {levels}", _nearest(str(named), ["advisory", "mandatory"]))


def _mismatch(place: str, value: Any, schema: Any) -> Mistake | None:
    """What is wrong with a value. Knows as much of JSON Schema as the policies use."""
    kind = schema["type"]
    remedy = f"write e.g. {json.dumps(schema['default'])}" if "default" in schema else "write it so"
    right: bool = isinstance(value, _TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))
    if not right:
        return Mistake(place, value, f"must be of type {kind}", remedy)
    low, high = schema.get("minimum"), schema.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        return Mistake(place, value, f"must be from {low} to {high}", remedy)
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return Mistake(place, value, f"must match {schema['pattern']}", "write it in quotes, as AWS shows it")
    if kind == "array":
        inside = ((f"{place}[{index}]", element, schema["items"]) for index, element in enumerate(value))
        return next((wrong for each in inside if (wrong := _mismatch(*each))), None)
    if kind == "object":
        for key, element in value.items():
            inner = schema.get("properties", {}).get(key) or schema.get("additionalProperties")
            if inner and (wrong := _mismatch(f"{place}.{key}", element, inner)):
                return wrong
    return None


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"write {near[0]}" if near else f"write one of {', '.join(names)}"
