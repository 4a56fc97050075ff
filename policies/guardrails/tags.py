"""AWS tags: whose a resource is, which environment it belongs to, and what made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.secret import Secret

from guardrails.policy import WEAKER, Config, Resource, resource_policy
from guardrails.resources import KEY, PUBLIC_REPOSITORY, REPOSITORY, called, stack_of, tags_are_known, tags_of


def _with_the_required_tags(resource: Resource, config: Config) -> Mapping[str, Any] | None:
    """The inputs with the tags that are missing, where the configuration says what they are."""
    if not tags_are_known(resource):
        return None
    tags = tags_of(resource)
    known = {"name": called(resource), "stack": stack_of(resource)}
    missing = {}
    for name in config["required"]:
        template = config["values"].get(name)
        if not tags.get(name) and isinstance(template, str):
            missing[name] = template.replace("{name}", known["name"]).replace("{stack}", known["stack"])
    if not missing:
        return None
    inputs = _unwrapped(resource.props)
    own = inputs.get("tags")
    if isinstance(own, Secret):
        return {**inputs, "tags": Secret({**_unwrapped(own.value), **missing})}
    return {**inputs, "tags": {**_unwrapped(own), **missing}}


def _unwrapped(values: Any) -> dict[str, Any]:
    """The values behind the engine's wrappers: what is unknown and what is secret stays so in what is given back."""
    if isinstance(values, dict):
        return dict(values)
    return dict(values["__target"]) if isinstance(values, Mapping) else {}


@resource_policy(
    types=[REPOSITORY, KEY, PUBLIC_REPOSITORY],
    reason="Tags say whose a registry is and what may touch it; costs, access by tag and these guardrails read them.",
    control="AWS Well-Architected COST02-BP03",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html",
    severity=Severity.LOW,
    remedy="Add the tags, or set this policy's level to `remediate`, which adds them.",
    stack_file=dict.fromkeys([REPOSITORY, KEY], "Add the tags to `ecr-stack:tags`."),
    config={
        "required": {
            WEAKER: "fewer",
            "type": "array",
            "items": {"type": "string"},
            "default": ["Name", "Environment", "ManagedBy"],
            "description": "The tags that every repository and key must have, with a value.",
        },
        "values": {
            "type": "object",
            "default": {"Name": "{name}", "Environment": "{stack}", "ManagedBy": "Pulumi"},
            "description": "What remediation sets a missing tag to; {name} is the resource's name, {stack} the stack's."
            " A tag without a value here is reported and not added.",
        },
    },
    remediate=_with_the_required_tags,
)
def repositories_and_keys_have_the_required_tags(
    resource: Resource, config: Config, report: Callable[[str], None]
) -> None:
    """Report tags that are missing or empty."""
    if not tags_are_known(resource):
        return
    tags = tags_of(resource)
    missing = [name for name in config["required"] if not tags.get(name)]
    if missing:
        report(f"{called(resource)} lacks the tag{'s' * (len(missing) > 1)} {', '.join(missing)}.")
