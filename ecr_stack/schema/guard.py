"""How many images a lifecycle change may remove: `ecr-stack:lifecycleGuard`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ecr_stack.errors import Problem
from ecr_stack.model import Whole, nearest, refusal
from ecr_stack.schema.section import Section

__all__ = ["GuardLimits", "GuardOverride", "LifecycleGuard"]


def _not_negative(value: int) -> int:
    if value < 0:
        raise refusal("a limit is 0 or more", "write 0 to let nothing through")
    return value


def _percent(value: int) -> int:
    if not 0 <= value <= 100:
        raise refusal("a percentage is 0 to 100", "write a number from 0 to 100")
    return value


Limit = Annotated[Whole, AfterValidator(_not_negative), Field(json_schema_extra={"minimum": 0})]
Percent = Annotated[Whole, AfterValidator(_percent), Field(json_schema_extra={"minimum": 0, "maximum": 100})]


class GuardLimits(Section):
    """What a lifecycle change may remove from one repository; each limit counts."""

    max_expire: Limit | None = None
    """At most so many images."""
    max_expire_percent: Percent | None = None
    """At most so many of a hundred images of the repository."""
    protect_pulled_within_days: Limit | None = None
    """No image that was pulled within so many days."""


def _reason(value: str) -> str:
    if not value.strip():
        raise refusal("an override says why", "write who decided it and why, e.g. a ticket's number")
    return value


class GuardOverride(GuardLimits):
    """Other limits for one repository, on purpose. It stays on record here and in the stack's state."""

    reason: Annotated[str, AfterValidator(_reason)]
    """Who decided it and why."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """An override changes a limit."""
        if "reason" in values and len(values) == 1:
            yield Problem(
                place, {"reason": values["reason"]}, "an override changes a limit", "add e.g. `maxExpire: 400`"
            )


class LifecycleGuard(GuardLimits):
    """Asks ECR before each lifecycle change which images it would remove, and stops it where a limit is passed."""

    overrides: dict[str, GuardOverride] = {}
    """Other limits for single repositories, by their name in ECR."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """An override changes a limit."""
        for name, override in values.get("overrides", {}).items():
            given = {field: getattr(override, field) for field in override.model_fields_set}
            yield from GuardOverride.contradictions(given, f"{place}.overrides.{name}")

    def limits_of(self, repository: str) -> dict[str, Any]:
        """The limits that hold for a repository, by Python name, with the reason where they are overridden.

        Empty where nothing is guarded.
        """
        own = self.overrides.get(repository)
        fields = [*GuardLimits.model_fields, "reason"]
        merged = {field: getattr(self, field, None) for field in GuardLimits.model_fields}
        if own is not None:
            merged |= {field: getattr(own, field) for field in fields if getattr(own, field) is not None}
        return {field: value for field, value in merged.items() if value is not None}


def strangers(guard: LifecycleGuard, names: list[str], place: str) -> Iterator[Problem]:
    """Yield the overrides for repositories that the stack does not have."""
    for name in guard.overrides:
        if name not in names:
            guess = nearest(name, names)
            yield Problem(
                f"{place}.overrides.{name}",
                name,
                "no repository of this stack has this name",
                f"write `{guess}`" if guess else "remove it",
            )
