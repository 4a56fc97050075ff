"""Stacks as commands name them: what a stack file says of a repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ecr_stack.errors import EcrStackError, NotFound
from ecr_stack.model import nearest
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import settings_in

__all__ = ["StackName", "lifecycle_policy", "settings_of", "stack_names"]


def stack_names() -> list[str]:
    """The stacks that have a file in the project of the working directory; none where there is no project."""
    try:
        return read_project(Path.cwd()).stacks()
    except (EcrStackError, OSError):
        return []


StackName = Annotated[
    str,
    typer.Option(
        "--stack", "-s", metavar="NAME", help="The stack: NAME of Pulumi.NAME.yaml.", autocompletion=stack_names
    ),
]
"""The option `--stack`, which a shell completes; `StackName | None` where a command can do without."""


def settings_of(stack: str, directory: Path | None = None) -> RegistrySettings:
    """Read a stack's settings from its file.

    Raises:
        NotFound: where there is no such project or stack.
        InvalidInput: where the stack file is wrong.
    """
    file = read_stack(read_project(directory or Path.cwd()), stack)
    return settings_in(file.config, source=file.path.name)


def lifecycle_policy(stack: str, repository: str) -> dict[str, Any] | None:
    """The lifecycle document that a stack file gives a repository, or nothing where it gives none.

    Args:
        stack: the name of the stack.
        repository: the repository's name in ECR.

    Raises:
        NotFound: where there is no such stack or repository.
        InvalidInput: where the stack file is wrong.
    """
    settings = settings_of(stack)
    names = dict(zip(settings.physical_names(), settings.repositories, strict=True))
    if repository not in names:
        guess = nearest(repository, list(names))
        hint = f"did you mean {guess}? " if guess else ""
        raise NotFound(f"no repository `{repository}` in stack {stack}: {hint}there are {', '.join(names)}")
    text = settings.lifecycle_text(names[repository])
    return json.loads(text) if text else None
