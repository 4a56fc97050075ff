"""Checks a stack file against the other stack files of its project."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_stack.errors import EcrStackError, Problem
from ecr_stack.project.provider_settings import account_in, region_in
from ecr_stack.project.stack_file import Project, StackFile, read_stack
from ecr_stack.schema.fleet import StackRegistry, fleet_problems
from ecr_stack.schema.stack import NAMESPACE, settings_in

__all__ = ["problems_among_stacks"]


def problems_among_stacks(project: Project, file: StackFile) -> Iterator[Problem]:
    """Yield conflicts between this stack and others of the project that must be solved in this file.

    Args:
        project: the project with its stack files. Those that cannot be read are skipped, and reported elsewhere.
        file: the stack file; places are its keys.
    """
    own = _registry(file)
    if own is None:
        return
    others = []
    for name in project.stacks():
        try:
            other = _registry(read_stack(project, name)) if name != file.name else None
        except EcrStackError:
            continue
        others += [other] if other is not None else []
    for found in fleet_problems([own, *others]):
        if found.stack == own.stack:
            yield found.problem


def _registry(file: StackFile) -> StackRegistry | None:
    if not any(key.startswith(NAMESPACE) for key in file.config):
        return None
    settings = settings_in(file.config, source=file.path.name)
    return StackRegistry(file.name, settings, account_in(file.config), region_in(file.config))
