"""The exception hierarchy.

Everything that ecr-stack raises deliberately is an `EcrStackError`. The command line prints it to standard error and
exits with code 2; the Pulumi program raises `pulumi.RunError`. Users never see a traceback.

    EcrStackError
    ├── InvalidInput     the input is invalid: one or more `Problem`s, all reported together
    ├── NotFound         something that the user named does not exist (a stack, a file, a repository)
    └── Unavailable      an external system failed or did not respond (AWS, a tool)
        └── MissingExtra an optional dependency is not installed
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = [
    "EcrStackError",
    "InvalidInput",
    "MissingExtra",
    "NotFound",
    "Problem",
    "Unavailable",
    "counted",
    "needing_extra",
    "shown",
]


@dataclass(frozen=True)
class Problem:
    """One error in the input: the place, the value, the rule that it breaks, and the remedy."""

    place: str
    """The key path as the author sees it, e.g. `ecr-stack:repositories.api-gateway.tagMutability`."""
    value: Any
    """The value (plain JSON data), or `None` if it is missing."""
    rule: str
    """The rule that it breaks, without a full stop."""
    remedy: str
    """What to write instead, without a full stop."""
    line: int | None = None
    """The line in the file, from 1, or `None` if it is not known."""

    def __str__(self) -> str:
        """Three lines: place and value, rule, remedy."""
        value = "" if self.value is None else f": {shown(self.value)}"
        return f"{self.place}{value}\n  rule:   {self.rule}\n  remedy: {self.remedy}"


class EcrStackError(Exception):
    """Base class of all errors that ecr-stack raises deliberately. `str()` returns a message for users."""


class InvalidInput(EcrStackError):
    """The input is invalid; `problems` holds all errors in it."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source}: {counted(count, 'error')}"
        super().__init__("\n\n".join([head, *map(self._written, self.problems)]))

    def _written(self, problem: Problem) -> str:
        """A problem prefixed with file and line in the format of compilers, so that editors and terminals link it."""
        return f"{self.source}:{problem.line}: {problem}" if problem.line else str(problem)


class NotFound(EcrStackError):
    """Something that the user named does not exist."""


class Unavailable(EcrStackError):
    """An external system did not respond, or returned an error."""


class MissingExtra(Unavailable, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed; run: pip install 'ecr-stack[rehearsal]'")


@contextmanager
def needing_extra() -> Iterator[None]:
    """Convert import errors in this context into `MissingExtra`, which names the extra to install.

    Raises:
        MissingExtra: an import fails because a package of the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtra(_EXTRA[package]) from None


_EXTRA = {
    "moto": "moto, which the embedded AWS is built on,",
    "responses": "moto, which the embedded AWS is built on,",
    "starlette": "starlette, which serves the embedded AWS,",
    "uvicorn": "uvicorn, which serves the embedded AWS,",
    "pulumi_policy": "pulumi-policy, which runs the guardrails,",
}


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Format a count with its noun, e.g. `1 image`, `2,000 images` or `1 repository`.

    Args:
        count: the number.
        noun: the singular.
        plural: the plural. Default: the noun with an `s`, or `ies` for a `y` after a consonant.
    """
    if count == 1:
        return f"1 {noun}"
    regular = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{count:,} {plural or regular}"


def shown(value: Any, limit: int = 200) -> str:
    """Format a value as one line of JSON with at most `limit` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        # a number of thousands of digits, or data that holds itself
        text = f"({type(value).__name__})"
    return text if len(text) <= limit else text[: limit - 1] + "…"
