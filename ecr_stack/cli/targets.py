"""Selects the live registry for a command: by stack, with the stack file's `aws:` settings, or by Region."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ecr_stack.cli.stacks import settings_of
from ecr_stack.errors import InvalidInput, NotFound, Problem
from ecr_stack.model import nearest
from ecr_stack.operations.live_registry import LiveRegistry, connect
from ecr_stack.operations.sessions import ProviderSettings
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.registry import RegistrySettings

__all__ = ["Region", "Repositories", "Target", "registry_of", "target_of"]

Region = Annotated[str | None, typer.Option("--region", metavar="REGION", help="The Region. Default: the stack's.")]
Repositories = Annotated[
    list[str] | None,
    typer.Option("--repository", "-r", metavar="NAME", help="The repository's name in ECR. Repeatable."),
]


@dataclass(frozen=True)
class Target:
    """A registry and the selected repositories."""

    registry: LiveRegistry
    stack: str | None = None
    settings: RegistrySettings | None = None
    """The stack file's settings; `None` without a stack."""
    named: tuple[str, ...] = ()
    """The repositories' names in ECR; empty for every repository in the registry."""

    def repositories(self) -> Iterator[str]:
        """The names, those of the registry in alphabetical order."""
        if self.named:
            yield from self.named
        else:
            yield from sorted(each["repositoryName"] for each in self.registry.repositories())

    @property
    def label(self) -> str:
        """A readable name of the registry."""
        stack = f"stack {self.stack}, " if self.stack else ""
        return f"{stack}account {self.registry.account}, {self.registry.region}"


def target_of(stack: str | None, repositories: Sequence[str] | None, region: str | None) -> Target:
    """Connect to the selected registry.

    Args:
        stack: takes Region, credentials and repositories from the stack file.
        repositories: selected repositories; with a stack, a subset of its own.
        region: another Region than the stack's, e.g. a replica's.

    Raises:
        NotFound: no such stack or repository.
        InvalidInput: the stack file is wrong, or does not allow the credentials' account.
        Unavailable: AWS does not respond.
    """
    names = tuple(dict.fromkeys(repositories or ()))
    if stack is None:
        return Target(connect(ProviderSettings(), region), named=names)
    settings = settings_of(stack)
    known = {**dict(zip(settings.repositories, settings.physical_names(), strict=True))}
    physical = settings.physical_names()
    for name in names:
        if name not in physical and name not in known:
            guess = nearest(name, [*physical, *known])
            hint = f"did you mean {guess}? " if guess else ""
            raise NotFound(f"no repository `{name}` in stack {stack}: {hint}there are {', '.join(physical)}")
    registry = registry_of(stack, region)
    chosen = tuple(name if name in physical else known[name] for name in names)
    return Target(registry, stack, settings, chosen or tuple(physical))


def registry_of(stack: str, region: str | None = None, *, patient: bool = True, timeout: float = 60) -> LiveRegistry:
    """Connect to the registry of a stack with the stack file's own `aws:` settings.

    Args:
        stack: the stack's name.
        region: another Region than the stack's.
        patient: whether the ECR client retries when AWS throttles.
        timeout: seconds to wait for a connection and for an answer, each.

    Raises:
        NotFound: no such stack.
        InvalidInput: the settings are wrong, or the credentials are of an account that they do not allow.
        Unavailable: AWS does not respond.
    """
    config = read_stack(read_project(Path.cwd()), stack).config
    allowed, forbidden = (_accounts(config.get(f"aws:{word}AccountIds"), word) for word in ("allowed", "forbidden"))
    provider = ProviderSettings.of_config({key: each for key, each in config.items() if key.startswith("aws:")})
    return connect(provider, region or config.get("aws:region"), allowed, forbidden, patient=patient, timeout=timeout)


def _accounts(text: str | None, word: str) -> list[str]:
    try:
        listed = json.loads(text or "[]")
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        place, remedy = f"aws:{word}AccountIds", 'write e.g. ["123456789012"]'
        raise InvalidInput("the stack file", [Problem(place, text, "must be a list of account ids", remedy)])
    return [str(each) for each in listed]
