"""What two stack files of a project would fight over: an account has one registry in each Region.

Replication, scanning and the registry's policy exist once per account and Region, a repository's name too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.errors import EcrStackError, Problem
from ecr_stack.project.stack_file import Project, StackFile, read_stack
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import NAMESPACE, settings_in

__all__ = ["rival_claims"]


def rival_claims(project: Project, file: StackFile) -> Iterator[Problem]:
    """Yield what this stack file claims that another one of the project claims for the same account and Region.

    Args:
        project: the project with its stack files. Those that cannot be read are left out: they tell it themselves.
        file: the stack file; places are its keys.
    """
    settings = _settings(file)
    if settings is None:
        return
    for name in project.stacks():
        if name == file.name:
            continue
        try:
            other = read_stack(project, name)
            theirs = _settings(other)
        except EcrStackError:
            continue
        if theirs is None or other.config.get("aws:region") != file.config.get("aws:region"):
            continue
        ours, of_others = _accounts(file.config), _accounts(other.config)
        if ours and of_others and not ours & of_others:
            continue
        region = file.config.get("aws:region", "the same Region")
        known = bool(ours and of_others)
        where = (
            f"the same account and Region ({region})"
            if known
            else f"the same Region ({region}), perhaps of the same account"
        )
        for key in _registry_wide(settings) & _registry_wide(theirs):
            yield Problem(
                f"{NAMESPACE}{key}",
                None,
                f"the stack `{name}` claims it too, for {where}; an account has one in each Region, so the two would fight over it",
                "say it in one stack alone, or name the account of each stack in `aws:allowedAccountIds`",
            )
        for repository in sorted(set(settings.physical_names()) & set(theirs.physical_names())) if known else ():
            yield Problem(
                f"{NAMESPACE}repositories",
                repository,
                f"the stack `{name}` has a repository of this name too, for {where}",
                "give one of the two stacks a `namePrefix`",
            )


def _settings(file: StackFile) -> RegistrySettings | None:
    if not any(key.startswith(NAMESPACE) for key in file.config):
        return None
    return settings_in(file.config, source=file.path.name)


def _accounts(config: Mapping[str, Any]) -> set[str]:
    try:
        accounts = json.loads(config.get("aws:allowedAccountIds") or "[]")
    except ValueError:
        return set()
    return {str(account) for account in accounts} if isinstance(accounts, list) else set()


def _registry_wide(settings: RegistrySettings) -> set[str]:
    claims = {
        "replication": bool(settings.replication.rules),
        "scanning": settings.scanning.type is not None,
        "budget": settings.budget is not None,
        "signing": bool(settings.signing.rules),
        "registryAccess": settings.registry_access is not None,
    }
    return {key for key, claimed in claims.items() if claimed}
