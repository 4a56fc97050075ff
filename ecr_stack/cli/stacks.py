"""Stacks in commands: options, and a repository's settings in a stack file."""

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

__all__ = ["OptionalStack", "StackName", "lifecycle_policy", "settings_of", "stack_names", "stack_option"]


def stack_names() -> list[str]:
    """The stacks with a file in the working directory's project; none if there is no project."""
    try:
        return read_project(Path.cwd()).stacks()
    except (EcrStackError, OSError):
        return []


def stack_option(text: str = "The stack: NAME in Pulumi.NAME.yaml.") -> Any:
    """Describe the option `--stack`, with shell completion.

    Args:
        text: the help text.
    """
    return typer.Option("--stack", "-s", metavar="NAME", help=text, autocompletion=stack_names)


StackName = Annotated[str, stack_option()]
"""The option `--stack`, with shell completion."""

OptionalStack = Annotated[str | None, stack_option()]
"""The option `--stack` of a command that also does without."""


def settings_of(stack: str, directory: Path | None = None) -> RegistrySettings:
    """Read a stack's settings from its file.

    Raises:
        NotFound: the project or stack does not exist.
        InvalidInput: the stack file is invalid.
    """
    file = read_stack(read_project(directory or Path.cwd()), stack)
    return settings_in(file.config, source=file.path.name)


def lifecycle_policy(stack: str, repository: str) -> dict[str, Any] | None:
    """A repository's lifecycle document in a stack file, or nothing if it has none.

    Args:
        stack: the name of the stack.
        repository: the repository's name in ECR.

    Raises:
        NotFound: the stack or repository does not exist.
        InvalidInput: the stack file is invalid.
    """
    settings = settings_of(stack)
    names = dict(zip(settings.physical_names(), settings.repositories, strict=True))
    if repository not in names:
        guess = nearest(repository, list(names))
        hint = f"did you mean {guess}? " if guess else ""
        raise NotFound(f"no repository `{repository}` in stack {stack}: {hint}there are {', '.join(names)}")
    text = settings.lifecycle_text(names[repository])
    return json.loads(text) if text else None
