"""What counts as production: a tag of the resource, and where it has none, the name of its stack."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from guardrails.policy import Config, Resource
from guardrails.resources import stack_of, tags_of


def _texts(default: list[str], description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "default": default, "description": description}


PRODUCTION: dict[str, dict[str, Any]] = {
    "productionTag": {
        "type": "string",
        "default": "Environment",
        "description": "The tag that says which environment a resource belongs to.",
    },
    "productionValues": _texts(
        ["*prod*"], "The values of that tag that mean production, as patterns in any case, e.g. prod, prod-eu."
    ),
    "productionStacks": _texts(
        ["*prod*"], "Where a resource has no such tag: the stacks that are production, as patterns in any case."
    ),
    "notProduction": _texts(
        ["*nonprod*", "*non-prod*", "*non_prod*", "*preprod*", "*pre-prod*", "*pre_prod*"],
        "What is not production although it matches, tags and stacks alike.",
    ),
}
"""The part of a policy's configuration that says where it applies."""


def in_production(resource: Resource, config: Config) -> bool:
    """Whether the resource is production's."""
    environment = tags_of(resource).get(config["productionTag"])
    if isinstance(environment, str) and environment.strip():
        return _means_production(environment, "productionValues", config)
    return _means_production(stack_of(resource), "productionStacks", config)


def _means_production(name: str, patterns: str, config: Config) -> bool:
    return _any(name, config[patterns]) and not _any(name, config["notProduction"])


def _any(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name.strip().lower(), pattern.lower()) for pattern in patterns)
