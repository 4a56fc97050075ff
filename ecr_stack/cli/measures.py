"""How commands read and write sizes, ages, instants and money."""

from __future__ import annotations

from datetime import UTC, datetime

from ecr_stack.aws.lifecycle import parse_time
from ecr_stack.errors import InvalidInput, Problem

__all__ = ["age", "moment", "short", "size"]


def moment(at: str | None) -> datetime:
    """Read `--at`: ISO 8601; now, unless given.

    Raises:
        InvalidInput: where it is no instant.
    """
    if at is None:
        return datetime.now(UTC)
    read = parse_time(at)
    if read is None:
        rule = "an instant is written as ISO 8601"
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
    """Write a digest by its first twelve digits."""
    algorithm, colon, digits = digest.partition(":")
    return f"{algorithm}{colon}{digits[:12]}" if colon else digest
