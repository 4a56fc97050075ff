"""What counts as production: a tag of the resource, and where it has none, the name of its stack."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from guardrails.policy import Config, Resource
from guardrails.resources import UNKNOWN, stack_of, tags_of


def _texts(default: list[str], description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "default": default, "description": description}


PRODUCTION: dict[str, dict[str, Any]] = {
    "productionTag": {
        "type": "string",
        "default": "Environment",
        "description": "The tag that says which environment a resource belongs to.",
    },
    "productionValues": _texts(["prod", "production"], "The values of that tag that mean production, in any case."),
    "productionStacks": _texts(
        ["*prod*"], "Where a resource has no such tag: the stacks that are production, as name patterns in any case."
    ),
    "otherStacks": _texts(
        ["*nonprod*", "*non-prod*", "*non_prod*", "*preprod*", "*pre-prod*", "*pre_prod*"],
        "Of those, the stacks that are not.",
    ),
}
"""The part of a policy's configuration that says where it applies."""


def in_production(resource: Resource, config: Config) -> bool:
    """Whether the resource is production's."""
    environment = tags_of(resource).get(config["productionTag"])
    if isinstance(environment, str):
        return environment.strip().lower() in {value.lower() for value in config["productionValues"]}
    if environment is UNKNOWN or environment is None:
        return production_stack(stack_of(resource), config)
    return False


def production_stack(stack: str, config: Config) -> bool:
    """Whether a stack is production by its name."""
    name = stack.lower()
    return _any(name, config["productionStacks"]) and not _any(name, config["otherStacks"])


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)
