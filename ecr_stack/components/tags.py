"""The tags that everything carries: Name, Environment, ManagedBy, and the team's own."""

from collections.abc import Mapping
from typing import Optional

import pulumi

from ecr_stack.aws.names import TagKey, TagValue
from ecr_stack.components.arguments import plain_parts, refusing
from ecr_stack.model import Model, parse

__all__ = ["all_tags"]

MANAGED_BY = "Pulumi"


class _Tags(Model):
    tags: dict[TagKey, TagValue]


def all_tags(
    name: str, environment: str, own: Optional[Mapping[str, pulumi.Input[str]]] = None
) -> dict[str, pulumi.Input[str]]:
    """Lay the program's own tags over the team's.

    Raises:
        Refused: where a tag of the team's is not one that AWS takes.
    """
    with refusing():
        parse(_Tags, {"tags": plain_parts(own or {})}, "", source=name)
    return {**(own or {}), "Name": name, "Environment": environment, "ManagedBy": MANAGED_BY}
