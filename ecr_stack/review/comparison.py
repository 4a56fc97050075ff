"""What a comparison of two rehearsals says: its parts, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Change", "Comparison", "Property", "Risk", "worst_first"]


@dataclass(frozen=True)
class Property:
    """One property that differs; `None` if there is none."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One resource that differs."""

    urn: str
    type: str
    name: str
    properties: tuple[Property, ...] = ()
    replaces: tuple[str, ...] = ()
    """The properties that AWS cannot change: the resource would be deleted and created again."""
    was: str | None = None
    """The URN that it had, if it is renamed."""


@dataclass(frozen=True)
class Risk:
    """Something that a reviewer must not miss."""

    level: str
    """`danger`: images or access may be lost, or access is opened; `attention`: a safeguard is weakened."""
    urn: str
    name: str
    """The resource's name."""
    message: str
    """What happens to it, in words that follow its name."""


def worst_first(risks: Iterable[Risk]) -> list[Risk]:
    """Sort risks, each once."""
    return sorted(dict.fromkeys(risks), key=lambda risk: risk.level != "danger")


@dataclass
class Comparison:
    """Everything that differs between a base and a head."""

    stack: str
    added: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    replaced: list[Change] = field(default_factory=list)
    renamed: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    violations: dict[str, list[Any]] = field(default_factory=lambda: {"new": [], "resolved": [], "remaining": []})
    """Violations that the base has not, that the head has not, and that both have."""
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The name and the Region of each resource that violates something, by its URN."""
    guarded: bool = True
    """Whether guardrails were run at all."""
    production: bool = True
    """Whether the stack, or a resource of it, counts as production."""
    warnings: list[str] = field(default_factory=list)
    """What the rehearsal of the head warns of, and that of the base does not."""

    @property
    def same(self) -> bool:
        """Whether a deployment would change nothing."""
        return not (self.added or self.changed or self.replaced or self.renamed or self.removed)

    @property
    def stops(self) -> bool:
        """Whether a mandatory guardrail is violated that the base does not violate."""
        return any(item["level"] == "mandatory" for item in self.violations["new"])

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)
