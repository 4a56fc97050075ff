"""A change of a project, stack by stack: every stack of its folder is rehearsed, and the same of another folder.

The other folder holds the base, e.g. of a pull request. Its own program, components and guardrails are rehearsed, in
a process of their own. Whatever is wrong with it stops nothing: its stacks then count as not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_stack.errors import EcrStackError
from ecr_stack.project.stack_file import read_project
from ecr_stack.review.compare import compare
from ecr_stack.review.comparison import Comparison, worst_first
from ecr_stack.review.guardrail_changes import guardrail_risks
from ecr_stack.review.report import checked
from ecr_stack.review.retention_changes import RetentionChange, retention_changes

if TYPE_CHECKING:
    from ecr_stack.rehearsal.report import Report

__all__ = ["StackChange", "changes"]

_NOTHING: dict[str, Any] = {"resources": []}


@dataclass(frozen=True)
class StackChange:
    """What a change does to one stack."""

    stack: str
    report: Report | None = None
    """How the stack would be; `None` if it cannot be rehearsed, or is gone."""
    comparison: Comparison | None = None
    """What differs from the base; from nothing, if the base has no such stack."""
    retention: list[RetentionChange] = field(default_factory=list)
    """What the changed lifecycle policies come to."""
    mistake: str | None = None
    """Why the stack cannot be rehearsed."""
    base_mistake: str | None = None
    """Why the stack of the base cannot be rehearsed; everything counts as new then."""
    new: bool = False
    """The base has no such stack."""
    gone: bool = False
    """Only the base has such a stack."""

    @property
    def stops(self) -> bool:
        """Whether it violates a mandatory guardrail that the base does not."""
        return self.comparison is not None and self.comparison.stops


def changes(head: Path, base: Path, rehearse: Callable[[str, Path], Report]) -> Iterator[StackChange]:
    """Rehearse every stack of two folders, and yield what differs, stack by stack.

    Args:
        head: a folder of the project as it would be.
        base: the folder of the project as it is, the one with its Pulumi.yaml.
        rehearse: rehearses a stack of the head, given its name and the folder of the project.

    Raises:
        NotFound: if the head is not a project.
        InvalidInput: if its Pulumi.yaml is wrong.
    """
    project = read_project(head)
    old, unreadable = _stacks(base)
    for stack in project.stacks():
        running = _Rehearsal(base, stack) if stack in old else None
        new = running is None and unreadable is None
        try:
            report = rehearse(stack, project.directory)
        except EcrStackError as error:
            if running:
                running.end()
            yield StackChange(stack, mistake=str(error), new=new)
            continue
        before, mistake = running.result() if running else (_NOTHING, unreadable)
        after = report.as_json()
        comparison = compare(before, after)
        if running:
            found = guardrail_risks(base, project.directory)
            comparison.risks = worst_first([*comparison.risks, *found])
        retention = retention_changes(before, after)
        yield StackChange(stack, report, comparison, retention, base_mistake=mistake, new=new)
    for stack in old:
        if stack not in project.stacks():
            yield StackChange(stack, gone=True)


def _stacks(base: Path) -> tuple[list[str], str | None]:
    """The stacks of the base, and why they are not known if there is no project."""
    try:
        project = read_project(base)
    except EcrStackError as error:
        return [], str(error)
    # Pulumi looks for a project in the folders above, too; what is found there is not the base.
    if project.directory != base.resolve():
        return [], f"{base}: there is no Pulumi.yaml"
    return project.stacks(), None


class _Rehearsal:
    """The rehearsal of a stack in another folder, by the code of that folder, while something else goes on."""

    def __init__(self, folder: Path, stack: str) -> None:
        program = "from ecr_stack.cli import main; main()"
        self._running = subprocess.Popen(
            [sys.executable, "-c", program, "rehearse", "--stack", stack, "--format", "json"],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(folder.resolve()),
                "PATH": os.pathsep.join(filter(None, [os.environ.get("PATH"), str(Path(sys.executable).parent)])),
                "COLUMNS": "120",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def result(self) -> tuple[dict[str, Any], str | None]:
        """The report, or an empty one and why there is none."""
        written, said = self._running.communicate()
        mistake = ""
        try:
            # the base may be of a version that writes other reports
            return checked(json.loads(written), "the report of the base"), None
        except (ValueError, RecursionError):
            pass
        except EcrStackError as error:
            mistake = str(error)
        lines = said.strip().splitlines() or mistake.splitlines()
        return _NOTHING, "\n".join(lines[:20]) or f"exit code {self._running.returncode}, and no message"

    def end(self) -> None:
        """Do without the result."""
        self._running.kill()
        self._running.communicate()
