"""What can go wrong, written down in one place.

Everything that ecr-stack raises on purpose is an `EcrStackError`; the command line turns it into a message on
standard error and exit code 2, the Pulumi program into `pulumi.RunError`. Nobody sees a traceback.

    EcrStackError
    ├── InvalidInput     what somebody wrote breaks a rule: one or more `Problem`s, all of them at once
    ├── NotFound         something that was named does not exist (a stack, a file, a repository)
    └── Unavailable      something outside did not answer, or not as it should (AWS, a tool)
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
    """One mistake: where it stands, what stands there, which rule it breaks and how to write it instead."""

    place: str
    """The key path as the author sees it, e.g. `ecr-stack:repositories.api-gateway.tagMutability`."""
    value: Any
    """What stands there (plain JSON data), or `None` where the mistake is that nothing does."""
    rule: str
    """The rule that it breaks, a clause without a full stop."""
    remedy: str
    """What to write instead, a clause without a full stop."""
    line: int | None = None
    """The line of the file that it is in, from 1, where that is known."""

    def __str__(self) -> str:
        """Three lines: the place and the value, the rule, the remedy."""
        value = "" if self.value is None else f": {shown(self.value)}"
        return f"{self.place}{value}\n  rule:   {self.rule}\n  remedy: {self.remedy}"


class EcrStackError(Exception):
    """Base of all errors that ecr-stack raises on purpose. `str()` of one is fit for a person to read."""


class InvalidInput(EcrStackError):
    """What somebody wrote breaks one or more rules; `problems` holds them all."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{source}: {counted(count, 'mistake')}"
        super().__init__("\n\n".join([head, *map(self._written, self.problems)]))

    def _written(self, problem: Problem) -> str:
        """One problem, after the file and the line as compilers write them, so that editors and terminals link them."""
        return f"{self.source}:{problem.line}: {problem}" if problem.line else str(problem)


class NotFound(EcrStackError):
    """Something that was named does not exist."""


class Unavailable(EcrStackError):
    """Something outside this program did not answer, or answered with an error."""


class MissingExtra(Unavailable, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not installed; run: pip install 'ecr-stack[rehearsal]'")


@contextmanager
def needing_extra() -> Iterator[None]:
    """Name the extra if an import in this context fails because one of its packages is not installed.

    Raises:
        MissingExtra: so it is.
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
    """Write a number with what it counts, e.g. `1 image`, `2,000 images` or `1 repository`.

    Args:
        count: how many.
        noun: what one of them is called.
        plural: what several are called. Default: the noun with an `s`, or `ies` for a `y` after a consonant.
    """
    if count == 1:
        return f"1 {noun}"
    regular = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"
    return f"{count:,} {plural or regular}"


def shown(value: Any, limit: int = 200) -> str:
    """Write a value as JSON on one line, at most `limit` characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        # a number of thousands of digits, or data that holds itself
        text = f"({type(value).__name__})"
    return text if len(text) <= limit else text[: limit - 1] + "…"
