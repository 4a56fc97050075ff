"""What counts as production, by the stack's name, its configuration or a resource's tag."""

from __future__ import annotations

from typing import Any

from ecr_stack.schema.production import NOT_PRODUCTION, PRODUCTION_NAMES, means_production
from guardrails.policy import WEAKER, Config, Resource
from guardrails.resources import stack_of, tags_of
from guardrails.stack import configured


def _texts(default: list[str], weaker: str, description: str) -> dict[str, Any]:
    items = {"type": "string"}
    return {WEAKER: weaker, "type": "array", "items": items, "default": default, "description": description}


PRODUCTION: dict[str, dict[str, Any]] = {
    "productionTag": {
        WEAKER: "other",
        "type": "string",
        "default": "Environment",
        "description": "The tag that names a resource's environment. Its case does not matter.",
    },
    "productionValues": _texts(
        [*PRODUCTION_NAMES],
        "fewer",
        "Patterns that mean production in that tag and in `ecr-stack:environment`, for the whole name or one of its "
        "words. Omitting a default needs a `reason`.",
    ),
    "productionStacks": _texts(
        [*PRODUCTION_NAMES], "fewer", "Patterns that mean production in a stack's name, in the same form."
    ),
    "notProduction": _texts(
        [*NOT_PRODUCTION],
        "more",
        "Words that are ignored in a name, with or without hyphens: `preprod-2` is not production, `preprod-prod` is.",
    ),
}
"""The part of a policy's configuration that says where it applies."""


def in_production(resource: Resource, config: Config) -> bool:
    """Whether the resource is production's: one of the three saying so is enough."""
    values = [configured("ecr-stack:environment"), *tagged(resource, config)]
    return says_production(stack_of(resource), "productionStacks", config) or any(
        says_production(value, "productionValues", config) for value in values
    )


def tagged(resource: Resource, config: Config) -> list[Any]:
    """The values of the tag that names a resource's environment, in whatever case; one may be UNKNOWN."""
    tag = str(config["productionTag"]).casefold()
    return [value for name, value in tags_of(resource).items() if name.casefold() == tag]


def says_production(name: Any, patterns: str, config: Config) -> bool:
    """Whether a name, if it is one, means production by a configuration."""
    return isinstance(name, str) and means_production(name, config[patterns], config["notProduction"])
