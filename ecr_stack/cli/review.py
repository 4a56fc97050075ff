"""`ecr-stack review`: shows reviewers of a pull request what it does to every stack."""

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
        Path,
        typer.Option(
            "--base", metavar="DIR", help="The folder with the project before the change, e.g. the base branch."
        ),
    ],
    fail_on: Annotated[
        FailOn,
        typer.Option(
            "--fail-on",
            help="What makes the exit code 1: every danger (🛑), or, once somebody has accepted the dangers, only new "
            "mandatory violations.",
        ),
    ] = FailOn.DANGER,
) -> None:
    """Rehearse every stack before and after a change, and write the differences as a Markdown document.

    Exit code 1 if the document shows 🛑 for a stack that the base has (images, copies or safeguards would be lost, access
    would be opened, or a stack file is gone), or if the change violates a mandatory guardrail that the base does not.
    Exit code 2 if a stack cannot be rehearsed. The document mentions problems in the base, but they do not affect the
    exit code.
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
    """Write what a change does to the stacks: first the most important points for all of them, then the details."""
    calls = sum(sum(change.report.calls.values()) for change in changes if change.report)
    lines = [comparison.disclaimer(calls), ""]
    if not changes:
        lines += ["## ✅ No stacks", "", "There are no stack files, before or after the change.", ""]
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
    if change.base_mistake:  # what it would delete is unknown
        return "⚠️" if sign == "✅" else sign
    return sign


def _summary(change: StackChange) -> list[str]:
    if change.mistake is not None:
        return [f"### 🛑 Stack {code(change.stack)} cannot be rehearsed", "", *fenced(change.mistake)]
    if change.gone:
        return [
            f"### 🛑 Stack {code(change.stack)}: its file was removed",
            "",
            "Its resources stay in AWS without being managed. To delete them, run `pulumi destroy` before you remove "
            "the file.",
            "",
        ]
    assert change.comparison is not None
    lines = comparison.summary(change.comparison, change.retention)
    if change.base_mistake:
        unknown = [
            "> [!WARNING]",
            "> The base cannot be rehearsed. Everything is shown as added; replacements and removals are unknown.",
            "",
            *fenced(change.base_mistake),
        ]
        return [*lines[:2], *unknown, *lines[2:]]
    return [*lines, "The stack is new.", ""] if change.new else lines
