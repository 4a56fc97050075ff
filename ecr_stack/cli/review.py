"""`ecr-stack review`: what a change does to every stack, for the reviewers of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecr_stack.cli import comparison
from ecr_stack.errors import NotFound
from ecr_stack.review.markdown import code, fenced

if TYPE_CHECKING:
    from ecr_stack.review.branches import StackChange

__all__ = ["command", "document"]


class FailOn(StrEnum):
    """What makes the exit code 1."""

    DANGER = "danger"
    """Whatever the document shows as 🛑 for a stack that the base has."""
    VIOLATION = "violation"
    """A mandatory guardrail that is newly violated."""


def command(
    base: Annotated[
        Path, typer.Option("--base", help="The folder that holds the project as it is, e.g. the base branch.")
    ],
    fail_on: Annotated[
        FailOn,
        typer.Option(
            "--fail-on",
            help="When the exit code is 1: for every danger (🛑), or only for new mandatory violations, once somebody has "
            "accepted the dangers.",
        ),
    ] = FailOn.DANGER,
) -> None:
    """Rehearse every stack as it is and as it would be, and write what differs as one Markdown document.

    Exits with 1 where the document shows 🛑 for a stack that the base has: images, copies or safeguards would be lost,
    access would be opened, or a stack file is gone; and where a mandatory guardrail is violated that the base does not
    violate. Exits with 2 if a stack cannot be rehearsed. Whatever is wrong with the base is said in the document, and
    stops nothing.
    """
    from ecr_stack.rehearsal import rehearse
    from ecr_stack.review.branches import changes

    if not base.is_dir():
        raise NotFound(f"{base}: there is no such folder")
    found = list(changes(Path.cwd(), base, rehearse))
    typer.echo(document(found), nl=False)
    if any(change.mistake for change in found):
        raise typer.Exit(2)
    if any(change.stops or (fail_on is FailOn.DANGER and _is_danger(change)) for change in found):
        raise typer.Exit(1)


def _is_danger(change: StackChange) -> bool:
    """Whether something that is there would be lost. A new stack, or one whose base is not known, has nothing to lose."""
    return _sign(change) == "🛑" and not change.new and change.base_mistake is None


def document(changes: Sequence[StackChange]) -> str:
    """Write what a change does to the stacks: first what nobody must miss, of all of them, then the details."""
    calls = sum(sum(change.report.calls.values()) for change in changes if change.report)
    lines = [comparison.disclaimer(calls), ""]
    if not changes:
        lines += ["## ✅ No stacks", "", "There is no stack file here, and there was none.", ""]
    else:
        ordered = sorted(changes, key=lambda change: _ORDER.index(_sign(change)))
        lines += ["## " + " · ".join(f"{_sign(change)} {code(change.stack)}" for change in ordered), ""]
        for change in ordered:
            lines += _summary(change)
        for change in ordered:
            if change.comparison is not None and change.report is not None and not change.comparison.same:
                lines += comparison.details(change.comparison, change.report)
    return "\n".join(lines).rstrip("\n") + "\n"


_ORDER = ("🛑", "⚠️", "✅")


def _sign(change: StackChange) -> str:
    """Stop, look, or go on. A stack that cannot be rehearsed, or whose file is gone, is a danger too."""
    if change.comparison is None:
        return "🛑"
    sign = comparison.sign(change.comparison)
    if change.base_mistake:  # what it would delete is not known
        return "⚠️" if sign == "✅" else sign
    return sign


def _summary(change: StackChange) -> list[str]:
    if change.mistake is not None:
        return [f"### 🛑 Stack {code(change.stack)} cannot be rehearsed", "", *fenced(change.mistake)]
    if change.gone:
        return [
            f"### 🛑 Stack {code(change.stack)}: its file is gone",
            "",
            "What it created stays in AWS, and nothing manages it any more. To delete it, run `pulumi destroy` before "
            "the file is removed.",
            "",
        ]
    assert change.comparison is not None
    lines = comparison.summary(change.comparison, change.retention)
    if change.base_mistake:
        unknown = [
            "> [!WARNING]",
            "> The base cannot be rehearsed. Everything counts as added; what would be replaced and removed is not known.",
            "",
            *fenced(change.base_mistake),
        ]
        return [*lines[:2], *unknown, *lines[2:]]
    return [*lines, "The stack is new.", ""] if change.new else lines
