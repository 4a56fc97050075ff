"""Derives the creation templates that give each replica its repository's settings.

A template covers a namespace: the prefix `team` matches `team/api` and `team/db/api`, but not `team-x` or `team`
itself. The longest matching prefix is used; `ROOT` covers everything else. A replication filter, however, is a plain
prefix of names, so the two do not select alike.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["MAX_TEMPLATE_PREFIX", "ROOT", "TemplatePlan", "plan_templates", "template_of"]

ROOT = "ROOT"

MAX_TEMPLATE_PREFIX = 30
"""The longest template prefix that the AWS provider accepts; ECR itself accepts 256 characters."""

T = TypeVar("T")


@dataclass(frozen=True)
class TemplatePlan(Generic[T]):
    """The templates of one Region."""

    templates: Mapping[str, T]
    """The settings of each template by its prefix, `ROOT` first if there is one."""
    conflicts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By namespace, two repositories whose settings differ, which no template can distinguish."""


def plan_templates(repositories: Mapping[str, T], everything_else: T | None = None) -> TemplatePlan[T]:
    """Derive the smallest set of templates that gives each repository its own settings.

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
    """The prefix of the template that covers a repository, or `None`."""
    namespace = namespace_of(name)
    while namespace != ROOT:
        if namespace in prefixes:
            return namespace
        namespace = namespace_of(namespace)
    return ROOT if ROOT in prefixes else None


def namespace_of(name: str) -> str:
    """The part of a name before the last `/`; `ROOT` if there is none."""
    return name.rpartition("/")[0] or ROOT
