"""Violations as people read them: what is the same in several Regions is said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecr_stack.review.report import at

if TYPE_CHECKING:
    from ecr_stack.rehearsal.report import Report

__all__ = ["Told", "places_of", "told", "told_in"]

Place = tuple[str, str]
"""The name of a resource, and its Region; empty if it has none."""


@dataclass
class Told:
    """One thing that is wrong, wherever it is."""

    level: str
    policy: str
    message: str
    places: list[Place] = field(default_factory=list)
    """The resources that it is said of; none if it is the stack."""

    @property
    def regions(self) -> list[str]:
        """The Regions, the first one first."""
        return list(dict.fromkeys(region for _, region in self.places if region))

    @property
    def where(self) -> str:
        """The resources, those of other Regions by their Regions alone, e.g. `api (us-east-1, us-west-2)`."""
        if not self.places:
            return "the stack"
        first = self.places[0][1]
        names = ", ".join(dict.fromkeys(name for name, region in self.places if region == first))
        return f"{names} ({', '.join(self.regions)})" if len(self.regions) > 1 else names


def places_of(resources: Iterable[Any]) -> dict[str, Place]:
    """The places of the resources of a report, as plain data, by their URNs."""
    places = {}
    for each in resources:
        region = at(each, "outputs", "region") or at(each, "inputs", "region")
        places[each["urn"]] = (each["name"], region if isinstance(region, str) else "")
    return places


def told_in(report: Report) -> list[Told]:
    """Say each violation of a rehearsal once."""
    return told(map(vars, report.violations), places_of(map(vars, report.resources)))


def told(violations: Iterable[Mapping[str, Any]], places: Mapping[str, Place]) -> list[Told]:
    """Say each violation once, in the order in which they first come.

    Args:
        violations: with `policy`, `level`, `urn` and `message`.
        places: the place of each resource, by its URN.
    """
    found: dict[tuple[str, str, str], Told] = {}
    for each in violations:
        key = (each["level"], each["policy"], each["message"])
        one = found.setdefault(key, Told(*key))
        if each["urn"]:
            one.places.append(places.get(each["urn"]) or (each["urn"].rpartition("::")[2], ""))
    return list(found.values())
