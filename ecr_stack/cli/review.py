"""`ecr-stack review`: shows reviewers of a pull request what it does to every stack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecr_stack.cli import comparison
from ecr_stack.errors import NotFound
from ecr_stack.review.markdown import code, fenced

if TYPE_CHECKING:
    from ecr_stack.review.branches import StackChange

__all__ = ["command", "document"]


def command(
    base: Annotated[
        Path, typer.Option("--base", help="The folder with the project before the change, e.g. the base branch.")
    ],
) -> None:
    """Rehearse every stack before and after a change, and write the differences as a Markdown document.

    Exit code 1 if the change newly violates a mandatory guardrail, and 2 if a stack cannot be rehearsed. Errors in the
    base are reported in the document, but do not stop the review.
    """
    from ecr_stack.rehearsal import rehearse
    from ecr_stack.review.branches import changes

    if not base.is_dir():
        raise NotFound(f"{base}: there is no such folder")
    found = list(changes(Path.cwd(), base, rehearse))
    typer.echo(document(found), nl=False)
    if any(change.mistake for change in found):
        raise typer.Exit(2)
    if any(change.stops for change in found):
        raise typer.Exit(1)


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
