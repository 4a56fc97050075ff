"""What a stack file may say about a repository: `ecr-stack:repositories.NAME` and `ecr-stack:repositoryDefaults`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from ecr_stack.aws.iam import Access
from ecr_stack.aws.lifecycle import Rule
from ecr_stack.aws.names import ExclusionFilter, RepositoryName, TagKey, TagValue
from ecr_stack.errors import Problem
from ecr_stack.schema.section import Section

__all__ = ["RESERVED_TAGS", "RepositoryDefaults", "RepositorySettings", "TagMutability", "Tags", "effective"]

RESERVED_TAGS = ("Name", "Environment", "ManagedBy")
"""The tags that the program itself writes on everything."""


class TagMutability(StrEnum):
    """Whether a tag may be moved to another image."""

    MUTABLE = "MUTABLE"
    """Every tag may."""
    IMMUTABLE = "IMMUTABLE"
    """No tag may."""
    IMMUTABLE_WITH_EXCLUSION = "IMMUTABLE_WITH_EXCLUSION"
    """None but `mutableTags`."""
    MUTABLE_WITH_EXCLUSION = "MUTABLE_WITH_EXCLUSION"
    """All but `immutableTags`."""


Tags = dict[TagKey, TagValue]

_EXCLUSIONS = {
    "mutable_tags": ("mutableTags", TagMutability.IMMUTABLE_WITH_EXCLUSION),
    "immutable_tags": ("immutableTags", TagMutability.MUTABLE_WITH_EXCLUSION),
}


class RepositoryDefaults(Section):
    """What every repository takes unless it says otherwise. A repository's own field replaces the default's whole."""

    tag_mutability: Annotated[TagMutability, Field(strict=False)] | None = None
    """Whether a tag may be moved to another image; `MUTABLE` unless given. See also `mutableTags`."""
    mutable_tags: Annotated[list[ExclusionFilter], Field(min_length=1, max_length=5)] | None = None
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: Annotated[list[ExclusionFilter], Field(min_length=1, max_length=5)] | None = None
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: bool | None = None
    """Whether images are scanned for vulnerabilities when pushed; true unless given."""
    protect: bool | None = None
    """Whether Pulumi refuses to delete or replace the repository; false unless given."""
    force_delete: bool | None = None
    """Whether deleting the repository deletes the images in it; false unless given."""
    lifecycle: Annotated[list[Rule], Field(min_length=1)] | None = None
    """The lifecycle rules, in priority order. Without any, images stay for ever."""
    access: Access | None = None
    """Who may pull and push, by the repository's policy."""
    tags: Tags | None = None
    """AWS tags, on top of `ecr-stack:tags`."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """Exclusions belong to the `…_WITH_EXCLUSION` modes, `protect` and `forceDelete` fight each other."""
        mode = values.get("tag_mutability")
        for field, (key, needed) in _EXCLUSIONS.items():
            given = values.get(field)
            if given is not None and mode is not None and mode is not needed:
                yield Problem(
                    f"{place}.{key}", given, f"`{key}` goes with {needed}, and `tagMutability` is {mode}",
                    f"write `tagMutability: {needed}`, or remove `{key}`",
                )  # fmt: skip
            if given is not None and len(set(given)) < len(given):
                yield Problem(f"{place}.{key}", given, "each tag is named once", "remove the repetition")
        if values.get("protect") and values.get("force_delete"):
            yield Problem(
                f"{place}.forceDelete", True, "a protected repository is never deleted, and forceDelete is how to delete one with its images",
                "write `forceDelete: false`, or `protect: false`",
            )  # fmt: skip
        yield from reserved(values.get("tags"), f"{place}.tags")


class RepositorySettings(RepositoryDefaults):
    """One repository. `{}` or nothing takes every default."""

    name: RepositoryName | None = None
    """The repository's name in ECR where it differs from the key in the map, as after a rename of the key."""
    aliases: list[str] | None = None
    """Former keys of this repository in the map, or URNs of it in the stack's state: a rename then replaces nothing."""
    import_existing: bool | None = Field(default=None, alias="import")
    """Whether the repository exists already and is to be adopted instead of created."""


def reserved(tags: object, place: str) -> Iterator[Problem]:
    """Refuse the tags that the program writes itself."""
    for tag in RESERVED_TAGS:
        if isinstance(tags, Mapping) and tag in tags:
            yield Problem(
                f"{place}.{tag}", tags[tag], f"the tag `{tag}` is written by ecr-stack ({', '.join(RESERVED_TAGS)})",
                "remove it, or choose another key",
            )  # fmt: skip


def effective(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a repository's own fields over the defaults; by Python name.

    A field replaces the default's field whole, but for `tags`, which add up. Exclusions that come with the default's
    `tagMutability` go with it when the repository chooses another mode.
    """
    merged = {**defaults, **{key: value for key, value in own.items() if value is not None}}
    mode = merged.get("tag_mutability")
    for field, (_, needed) in _EXCLUSIONS.items():
        if own.get(field) is None and mode != needed:
            merged.pop(field, None)
    tags = {**(defaults.get("tags") or {}), **(own.get("tags") or {})}
    if tags:
        merged["tags"] = tags
    return merged


def misfits(defaults: Mapping[str, Any], own: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Yield what contradicts between a repository and the defaults under it."""
    merged = effective(defaults, own)
    mode = merged.get("tag_mutability") or TagMutability.MUTABLE
    for field, (key, needed) in _EXCLUSIONS.items():
        if own.get(field) is not None and own.get("tag_mutability") is None and mode != needed:
            yield Problem(
                f"{place}.{key}", own[field], f"`{key}` goes with {needed}, and `tagMutability` here is {mode}",
                f"add `tagMutability: {needed}`, or remove `{key}`",
            )  # fmt: skip
        if mode == needed and not merged.get(field):
            yield Problem(
                f"{place}.tagMutability", mode, f"{mode} needs the tags that it excludes",
                f"add `{key}: [latest]`" if field == "mutable_tags" else f"add `{key}: [v*]`",
            )  # fmt: skip
    both = merged.get("protect") and merged.get("force_delete")
    if (
        both
        and not (own.get("protect") and own.get("force_delete"))
        and not (defaults.get("protect") and defaults.get("force_delete"))
    ):
        key = "forceDelete" if own.get("force_delete") else "protect"
        yield Problem(
            f"{place}.{key}", True, "`protect` and `forceDelete` contradict each other, with what repositoryDefaults say",
            "write both here, only one of them true",
        )  # fmt: skip
