"""Formats of single values, each defined once for the program and for the JSON Schema.

A form is metadata of an annotated type, e.g. `Annotated[str, Form(…)]`. The program rejects invalid values with a rule
and a remedy, and editors get the same pattern, lengths and rule from the schema.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from ecr_stack.model import refusal

__all__ = ["Described", "Form", "Range", "at_most", "in_full"]

T = TypeVar("T")


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def in_full(pattern: str) -> str:
    """A pattern for a whole value, for JSON Schema, whose patterns match anywhere."""
    pattern = pattern.replace(r"\w", "A-Za-z0-9_")  # always in a character class; Python's includes more than ASCII
    bare = pattern.removeprefix("^").removesuffix("$") if pattern.endswith("$") else pattern
    return f"^(?:{bare})$" if "|" in bare else f"^{bare}$"


def at_most(count: int, character: str) -> str:
    """The beginning of a pattern that limits how often a character occurs."""
    char = re.escape(character)
    return rf"(?!(?:[^{char}]*{char}){{{count + 1}}})"


class Described:
    """Metadata for the JSON Schema only, e.g. `Described(uniqueItems=True)`."""

    def __init__(self, **extra: Any) -> None:
        self.extra = extra

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | self.extra


class _Checked(Generic[T]):
    """Metadata that rejects the values that do not fit."""

    rule: str
    remedy: str
    explain: Callable[[T], PydanticCustomError | None] | None

    def fits(self, value: T) -> bool:
        raise NotImplementedError

    def checked(self, value: T) -> T:
        """Return the value.

        Raises:
            PydanticCustomError: if it does not fit.
        """
        if self.fits(value):
            return value
        raise (self.explain(value) if self.explain else None) or refusal(self.rule, self.remedy)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))


@dataclass(frozen=True)
class Form(_Checked[str]):
    """The form of a string."""

    pattern: str
    """What the whole value matches, in the syntax that Python and ECMA-262 share; `\\w` is in character classes only."""
    rule: str
    """The rule, without a full stop."""
    remedy: str
    """The remedy."""
    shortest: int = 0
    """Minimum number of characters."""
    longest: int | None = None
    """Maximum number of characters."""
    also: Callable[[str], bool] | None = None
    """A further check that a pattern cannot express."""
    explain: Callable[[str], PydanticCustomError | None] | None = None
    """A more specific rule and remedy for some invalid values."""

    def fits(self, value: str) -> bool:
        """Whether a value has this format."""
        return (
            len(value) >= self.shortest
            and (self.longest is None or len(value) <= self.longest)
            and _compiled(in_full(self.pattern)).fullmatch(value) is not None
            and (self.also is None or self.also(value))
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        described: dict[str, Any] = dict(handler(schema))
        described["pattern"] = in_full(self.pattern)
        if self.shortest:
            described["minLength"] = self.shortest
        if self.longest is not None:
            described["maxLength"] = self.longest
        # used by editors' language servers; validators ignore it
        described["patternErrorMessage"] = self.rule
        return described


@dataclass(frozen=True)
class Range(_Checked[float]):
    """The range of a number."""

    rule: str
    """The rule, without a full stop."""
    remedy: str
    """The remedy."""
    least: float | None = None
    """The smallest value."""
    most: float | None = None
    """The largest value."""
    above: float | None = None
    """An exclusive bound."""
    also: Callable[[float], bool] | None = None
    """A further check that a range cannot express."""
    explain: Callable[[float], PydanticCustomError | None] | None = None
    """A more specific rule and remedy for some values."""

    def fits(self, value: float) -> bool:
        """Whether a value is in the range."""
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.also is None or self.also(value))
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most, "exclusiveMinimum": self.above}
        return dict(handler(schema)) | {key: bound for key, bound in bounds.items() if bound is not None}
