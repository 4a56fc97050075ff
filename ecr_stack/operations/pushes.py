"""Which images pipelines push: so many a day for each tag scheme, as someone says or as the history shows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, Whole, check, parse, refusal
from ecr_stack.schema.lifecycle import Pattern

__all__ = [
    "DEFAULT_SIZE",
    "MAX_PER_DAY",
    "MAX_PULL_DAYS",
    "UNTAGGED",
    "Pushes",
    "Shape",
    "Stream",
    "parse_pushes",
    "parse_size",
    "pushes_of",
]

DEFAULT_SIZE = 250_000_000
"""Bytes of an image of which nothing is said."""
MAX_PER_DAY = 1000.0
"""Builds a day of one repository. ECR's quota is 100,000 images in a repository, which these fill in 100 days."""

MAX_PULL_DAYS = 3650
UNTAGGED = "untagged"

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?i?B)\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a pushed image looks like."""

    tags: tuple[str, ...]
    """Its tags; a `*` stands for the image's number. None for an untagged image."""
    size: int
    """Bytes."""

    def numbered(self, number: int) -> tuple[str, ...]:
        """The tags of one image."""
        return tuple(tag.replace("*", str(number)) for tag in self.tags)


@dataclass(frozen=True)
class Stream:
    """Images of one tag scheme that keep coming, evenly spread over time."""

    name: str
    per_day: float
    shapes: tuple[Shape, ...]
    """What they look like, in turn."""
    origin: str = "given"
    """Where the rate comes from, in words."""

    @property
    def size(self) -> float:
        """Bytes of an image, on average."""
        return sum(shape.size for shape in self.shapes) / len(self.shapes)


@dataclass(frozen=True)
class Pushes:
    """What is pushed to one repository."""

    streams: tuple[Stream, ...]
    pulled_for_days: int = 0
    """So many days after its push an image is pulled for the last time."""


def parse_size(text: str) -> int:
    """Read a size such as `250MB` or `1.5 GiB`, in bytes.

    Raises:
        ValueError: it is none.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * _UNITS[match[2].upper()])


def _size(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_size(value)
        except ValueError:
            pass
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise refusal(
        "a size is a number of bytes, or a number with B, kB, MB, GB, TB, KiB, MiB or GiB", "write e.g. 250MB"
    )


def _rate(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= MAX_PER_DAY:
        return float(value)
    raise refusal(f"a rate is 0 to {MAX_PER_DAY:,.0f} images a day", "write a number, e.g. 0.5 for one in two days")


Size = Annotated[int, BeforeValidator(_size)]
Rate = Annotated[float, BeforeValidator(_rate)]


def _scheme(value: str) -> str:
    for tag in _tags(value):
        if not check(Pattern, tag):
            raise refusal(
                f"`{value}` is not a tag scheme: tags consist of letters, digits, `_`, `.` and `-`",
                "write a prefix such as `v`, a pattern such as `v*.*.*`, two with `+` for images with both tags, "
                f"or `{UNTAGGED}`",
            )
    return value


def _tags(scheme: str) -> tuple[str, ...]:
    """The tags of a scheme: a prefix is what numbers are put after."""
    if scheme == UNTAGGED:
        return ()
    return tuple(tag if "*" in tag else f"{tag}*" for tag in scheme.split("+"))


class _PushScheme(Model):
    """The images of one tag scheme."""

    per_day: Rate
    """How many are pushed a day."""
    image_size: Size | None = None
    """How big each is."""


def _in_full(value: object) -> object:
    """Take a bare rate for a scheme that says nothing else."""
    return value if isinstance(value, Mapping) else {"perDay": value}


def _pull_days(value: int) -> int:
    if not 0 <= value <= MAX_PULL_DAYS:
        raise refusal(
            f"images are pulled for 0 to {MAX_PULL_DAYS:,} days",
            "write 0 for images that are pulled on the day of their push",
        )
    return value


class _PushPattern(Model):
    """A file that says what is pushed to a repository."""

    image_size: Size | None = None
    """How big an image is of whose scheme nothing else is said."""
    pulled_for_days: Annotated[Whole, AfterValidator(_pull_days)] | None = None
    """So many days after its push an image is pulled for the last time."""
    pushes: Annotated[
        dict[Annotated[str, AfterValidator(_scheme)], Annotated[_PushScheme, BeforeValidator(_in_full)]],
        Field(min_length=1),
    ]
    """The tag schemes: a prefix, a pattern, two joined by `+`, or `untagged`."""


def pushes_of(data: object, *, source: str, size: int | None = None, pulled_for_days: int = 0) -> Pushes:
    """Read the data of a file that says what is pushed.

    Args:
        data: plain data: `pushes`, a map of tag schemes to builds a day or to `{perDay, imageSize}`, and `imageSize` and
            `pulledForDays` where they are the same for all.
        source: the file's name.
        size: bytes of an image where the file says nothing.
        pulled_for_days: how long an image is pulled where the file says nothing.

    Raises:
        InvalidInput: with every error.
    """
    pattern = parse(_PushPattern, data, "", source=source)
    usual = pattern.image_size if pattern.image_size is not None else size
    streams = tuple(
        Stream(
            name,
            scheme.per_day,
            (Shape(_tags(name), _first(scheme.image_size, usual, DEFAULT_SIZE)),),
        )
        for name, scheme in pattern.pushes.items()
    )
    if sum(stream.per_day for stream in streams) > MAX_PER_DAY:
        rule = f"all schemes together push at most {MAX_PER_DAY:,.0f} images a day to a repository"
        raise InvalidInput(source, [Problem("pushes", None, rule, "write lower rates")])
    return Pushes(streams, _first(pattern.pulled_for_days, pulled_for_days))


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def parse_pushes(text: str, *, size: int | None = None, pulled_for_days: int = 0) -> Pushes:
    """Read `v=0.5,sha-=20`: tag schemes with their builds a day.

    Raises:
        InvalidInput: with every error.
    """
    remedy = "write tag schemes with their builds per day, e.g. `v=0.5,sha-=20,untagged=2`"
    problems: list[Problem] = []
    rates: dict[str, Any] = {}
    for entry in text.split(","):
        name, equals, rate = (part.strip() for part in entry.partition("="))
        number = _number(rate)
        if not (name and equals) or number is None:
            problems.append(Problem("--pushes", entry, "must be a scheme, `=` and a number", remedy))
        elif name in rates:
            problems.append(Problem("--pushes", entry, f"`{name}` is repeated", "add the two together"))
        else:
            rates[name] = number
    if problems:
        raise InvalidInput("the command line", problems)
    return pushes_of({"pushes": rates}, source="--pushes", size=size, pulled_for_days=pulled_for_days)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
