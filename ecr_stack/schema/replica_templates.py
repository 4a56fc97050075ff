"""Which creation templates make the replicas of a set of repositories, each with its own settings.

A template is for a namespace: its prefix `team` is for `team/api` and `team/db/api`, never for `team-x` or for `team`
itself. Of several that match, the longest prefix is used; `ROOT` is for whatever no other one is for. A replication filter
is the beginning of a name, so the two do not cut alike.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["MAX_TEMPLATE_PREFIX", "ROOT", "TemplatePlan", "plan_templates", "template_of"]

ROOT = "ROOT"

MAX_TEMPLATE_PREFIX = 30
"""The longest prefix of a template that the AWS provider takes; ECR itself takes 256 characters."""

T = TypeVar("T")


@dataclass(frozen=True)
class TemplatePlan(Generic[T]):
    """The templates of one Region."""

    templates: Mapping[str, T]
    """The settings of each template by its prefix, `ROOT` first if there is one."""
    conflicts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By namespace, two repositories in it whose settings differ: no template can tell them apart."""


def plan_templates(repositories: Mapping[str, T], everything_else: T | None = None) -> TemplatePlan[T]:
    """Derive the fewest templates by which each repository gets its own settings.

    Args:
        repositories: settings by name; two settings are the same if they are equal.
        everything_else: the settings of repositories that are not named here, if such are replicated too.
    """
    first: dict[str, str] = {}
    conflicts: dict[str, tuple[str, str]] = {}
    for name, settings in repositories.items():
        namespace = namespace_of(name)
        holder = first.setdefault(namespace, name)
        if repositories[holder] != settings:
            conflicts.setdefault(namespace, (holder, name))
    templates: dict[str, T] = {}
    if ROOT in first:
        templates[ROOT] = repositories[first[ROOT]]
    elif everything_else is not None:
        templates[ROOT] = everything_else
    for namespace in sorted(set(first) - {ROOT}, key=lambda prefix: (prefix.count("/"), prefix)):
        settings = repositories[first[namespace]]
        covering = template_of(f"{namespace}/x", templates)
        if covering is None or templates[covering] != settings:
            templates[namespace] = settings
    return TemplatePlan(templates, conflicts)


def template_of(name: str, prefixes: Mapping[str, object] | frozenset[Hashable]) -> str | None:
    """The prefix of the template from which ECR makes a repository, or `None` if none is for it."""
    namespace = namespace_of(name)
    while namespace != ROOT:
        if namespace in prefixes:
            return namespace
        namespace = namespace_of(namespace)
    return ROOT if ROOT in prefixes else None


def namespace_of(name: str) -> str:
    """What comes before the last `/` of a name; `ROOT` if nothing does."""
    return name.rpartition("/")[0] or ROOT
