"""Resolves `pulumi.StackReference` in a rehearsal: the outputs of another stack, rehearsed or given.

The outputs come from, in this order: values given in Python; `--stack-reference NAME=FILE` or `NAME=DIRECTORY`; the
rehearsal of a stack of the same project; the rehearsal of a stack of a project beside this one or above it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecr_stack.embedded_provider.property_values import REDACTED
from ecr_stack.errors import EcrStackError, InvalidInput, NotFound, Problem, Unavailable
from ecr_stack.project.stack_file import Project, read_project

__all__ = ["StackOutputs", "StackReferences"]

_CHAIN = "ECR_STACK_REFERENCES"
"""The environment variable with the chain of stacks that wait for each other's outputs."""


@dataclass(frozen=True)
class StackOutputs:
    """The outputs of a stack, and the names of the secret ones."""

    outputs: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()


@dataclass
class StackReferences:
    """Finds and caches the outputs of other stacks."""

    project: Project | None
    stack: str
    account: str
    given: Mapping[str, Any] = field(default_factory=dict)
    """By the name that the program uses: a mapping of outputs, a JSON file of one, or the folder of a project."""
    _known: dict[str, StackOutputs] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def outputs_of(self, name: str) -> StackOutputs:
        """Return the outputs of a stack.

        Args:
            name: as in the program: `stack`, `project/stack` or `organization/project/stack`.

        Raises:
            NotFound: the outputs of the stack cannot be found.
            InvalidInput: a file of outputs is invalid.
            Unavailable: the other stack cannot be rehearsed.
        """
        with self._lock:
            if name not in self._known:
                self._known[name] = self._find(name)
            return self._known[name]

    def unread(self) -> list[str]:
        """Return the names of the given stacks that nothing has asked for."""
        return [name for name in self.given if name not in self._known]

    def _find(self, name: str) -> StackOutputs:
        source = self.given.get(name)
        if isinstance(source, Mapping):
            return _outputs(source)
        project, stack = ([*name.split("/")] if "/" in name else [self.project.name if self.project else "", name])[-2:]
        if source is not None:
            path = Path(source)
            if path.is_file():
                return _read(path)
            if path.is_dir():
                return self._rehearsed(path, stack)
            raise NotFound(f"--stack-reference {name}: {path} is neither a file nor a folder")
        folder = self._folder_of(project)
        if folder is None:
            raise NotFound(
                f"the program reads the outputs of the stack `{name}`, but there is no project `{project}` beside this "
                f"one or above it; add --stack-reference {name}=FILE with the output of `pulumi stack output --json` "
                f"for that stack, or --stack-reference {name}=FOLDER with the folder of its project"
            )
        return self._rehearsed(folder, stack)

    def _folder_of(self, project: str) -> Path | None:
        if self.project is None:
            return None
        if project == self.project.name:
            return self.project.directory
        for folder in _near(self.project.directory):
            try:
                if (folder / "Pulumi.yaml").is_file() and read_project(folder).name == project:
                    return folder
            except EcrStackError:
                continue
        return None

    def _rehearsed(self, folder: Path, stack: str) -> StackOutputs:
        """Rehearse another stack in its own process: the Pulumi SDK runs one program per process."""
        own = f"{self.project.name if self.project else ''}/{self.stack}"
        chain = [*filter(None, os.environ.get(_CHAIN, "").split(",")), own]
        other = f"{read_project(folder).name}/{stack}"
        if other in chain:
            raise Unavailable(f"stacks read each other's outputs in a cycle: {' → '.join([*chain, other])}")
        command = [sys.executable, "-c", "from ecr_stack.cli import main; main()"]
        done = subprocess.run(
            [*command, "rehearse", "--stack", stack, "--account", self.account, "--format", "json"],
            cwd=folder,
            env={**os.environ, _CHAIN: ",".join(chain)},
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            return _outputs(json.loads(done.stdout)["outputs"])
        except (ValueError, KeyError):
            reason = done.stderr.strip() or f"exit code {done.returncode}"
            raise Unavailable(
                f"the rehearsal of the stack {other}, whose outputs the program reads, failed:\n{reason}"
            ) from None


def _near(directory: Path) -> Iterator[Path]:
    """The folders above a project and beside it, within its git repository."""
    yield from (folder for folder in sorted(directory.parent.iterdir()) if folder.is_dir())
    for folder in directory.parents:
        yield folder
        if (folder / ".git").exists():
            return


def _read(file: Path) -> StackOutputs:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        remedy = "create the file with `pulumi stack output --json > FILE` or `ecr-stack rehearse --format json > FILE`"
        raise InvalidInput(str(file), [Problem("(the file)", None, f"must be JSON: {error}", remedy)]) from None
    if isinstance(data, dict) and isinstance(data.get("outputs"), dict) and "resources" in data:
        data = data["outputs"]
    if not isinstance(data, dict):
        raise InvalidInput(
            str(file), [Problem("(the file)", data, "must be an object of outputs", 'write {"name": "value"}')]
        )
    return _outputs(data)


def _outputs(values: Mapping[str, Any]) -> StackOutputs:
    return StackOutputs(values, frozenset(name for name, value in values.items() if REDACTED in json.dumps(value)))
