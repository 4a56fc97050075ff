"""The tags that everything carries: Name, Environment, ManagedBy, and the team's own."""

from collections.abc import Mapping
from typing import Any, Optional

import pulumi

__all__ = ["all_tags"]

MANAGED_BY = "Pulumi"


def all_tags(name: str, environment: str, own: Optional[Mapping[str, Any]] = None) -> dict[str, "pulumi.Input[str]"]:
    """Lay the program's own tags over the team's."""
    return {**(own or {}), "Name": name, "Environment": environment, "ManagedBy": MANAGED_BY}
