"""Parses and formats sizes, ages, times and money."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ecr_stack.aws.lifecycle import parse_time
from ecr_stack.errors import InvalidInput, Problem

__all__ = ["age", "bytes_in", "duration", "moment", "short", "size"]


def moment(at: str | None) -> datetime:
    """Parse `--at`, in ISO 8601. Default: now.

    Raises: InvalidInput: it is invalid.
    """
    if at is None:
        return datetime.now(UTC)
    read = parse_time(at)
    if read is None:
        rule = "a time must be in ISO 8601"
        raise InvalidInput("the command line", [Problem("--at", at, rule, "write e.g. 2026-03-01T12:00:00Z")])
    return read


def size(count: float) -> str:
    """Write bytes with a decimal unit, e.g. `1.8 TB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit != "GB" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def age(since: datetime, at: datetime) -> str:
    """Write how long ago something was."""
    days = (at - since).total_seconds() / 86_400
    if days < 0:
        return f"in {-days:.0f} d"
    return f"{days:.0f} d ago" if days >= 2 else f"{days * 24:.0f} h ago"


def short(digest: str) -> str:
    """Abbreviate a digest to its first twelve digits."""
    algorithm, colon, digits = digest.partition(":")
    return f"{algorithm}{colon}{digits[:12]}" if colon else digest


_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def bytes_in(text: str, option: str) -> int:
    """Read a size, e.g. `500MB` or `1.5GiB`.

    Raises:
        InvalidInput: it is invalid.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]i?|)b?", text.strip().lower())
    if match is None:
        rule, remedy = "a size must be a number with a unit", "write e.g. 500MB or 1.5GiB"
        raise InvalidInput("the command line", [Problem(option, text, rule, remedy)])
    return int(float(match[1]) * _UNITS[match[2]])


def duration(text: str, option: str) -> timedelta:
    """Read a time span, e.g. `30d`, `12h` or `4w`.

    Raises:
        InvalidInput: it is invalid.
    """
    match = re.fullmatch(r"([0-9]{1,6})([hdw])", text.strip().lower())
    if match is None:
        rule, remedy = "a time span must be a whole number of hours, days or weeks", "write e.g. 12h, 30d or 4w"
        raise InvalidInput("the command line", [Problem(option, text, rule, remedy)])
    return int(match[1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[match[2]]
