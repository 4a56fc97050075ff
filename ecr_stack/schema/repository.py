"""The settings of a repository: `ecr-stack:repositories.NAME`, `repositoryDefaults` and `profiles.NAME`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from ecr_stack.aws.names import ExclusionFilter, RepositoryName, TagKey, TagValue
from ecr_stack.errors import Problem
from ecr_stack.forms import Described
from ecr_stack.model import Model, Structural, is_unknown
from ecr_stack.schema.access import Access
from ecr_stack.schema.encryption import RepositoryEncryption
from ecr_stack.schema.json_schema import given, is_one_of, never, when
from ecr_stack.schema.lifecycle import LifecycleRule, document_problems, rule_list_problems

__all__ = [
    "MAX_TAGS",
    "RESERVED_TAGS",
    "OwnTagKey",
    "RepositoryDefaults",
    "RepositorySettings",
    "TagMutability",
    "Tags",
    "TemplateUse",
    "default_conflicts",
    "layered",
    "reserved_tags",
]

RESERVED_TAGS = ("Name", "Environment", "ManagedBy")
"""The tags that the program sets on every resource."""

MAX_TAGS = 50
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html"""

TagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
"""Which tags can be moved to another image: all, none, only `mutableTags`, all except `immutableTags`."""

TemplateUse = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]
"""When ECR creates a repository from a template: a replica arrives, an upstream image is cached, an image is pushed."""

OwnTagKey = Annotated[TagKey, Described(**{"not": {"enum": list(RESERVED_TAGS)}})]
"""The key of a tag that the program does not write itself."""

Tags = dict[OwnTagKey, TagValue]

_EXCLUSIONS = {"mutable_tags": "IMMUTABLE_WITH_EXCLUSION", "immutable_tags": "MUTABLE_WITH_EXCLUSION"}
_EXAMPLE = {"mutable_tags": "`mutableTags: [latest]`", "immutable_tags": "`immutableTags: [v*]`"}
_KEY = {"mutable_tags": "mutableTags", "immutable_tags": "immutableTags"}


_Exclusions = Annotated[list[ExclusionFilter], Field(min_length=1, max_length=5), Described(uniqueItems=True)]


class RepositoryDefaults(Model):
    """Default settings for every repository. A field in a repository replaces the whole default field."""

    tag_mutability: TagMutability | None = None
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: _Exclusions | None = None
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: _Exclusions | None = None
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: bool | None = None
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: Annotated[bool | None, Structural] = None
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: bool | None = None
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: RepositoryEncryption | None = None
    """How the images are encrypted. Default: the registry's `encryption`, or `AES256` outside of a registry."""
    lifecycle: Annotated[list[LifecycleRule], Field(min_length=1)] | None = None
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: dict[str, Any] | None = None
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: Access | None = None
    """Who may pull and push, through the repository policy."""
    tags: Tags | None = None
    """AWS tags, in addition to the registry's."""
    import_existing: Annotated[bool | None, Structural] = Field(default=None, alias="import")
    """Whether to adopt an existing repository instead of creating one. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Exclusions require a `…_WITH_EXCLUSION` mode; `protect` and `forceDelete` conflict."""
        mode = self.known("tag_mutability")
        for name, needed in _EXCLUSIONS.items():
            tags, key = self.known(name), _KEY[name]
            if tags is not None and mode is not None and mode != needed:
                yield Problem(
                    key,
                    tags,
                    f"`{key}` requires {needed}, and `tagMutability` is {mode}",
                    f"write `tagMutability: {needed}`, or remove `{key}`",
                )
            plain = [tag for tag in tags or () if not is_unknown(tag)]
            if len(set(plain)) < len(plain):
                yield Problem(key, tags, "a tag is repeated", "remove the repetition")
        if self.protect is True and self.force_delete is True:
            yield Problem(
                "forceDelete",
                True,
                "a protected repository cannot be deleted, so `forceDelete` has no effect",
                "write `forceDelete: false`, or `protect: false`",
            )
        rules, document = self.known("lifecycle"), self.known("lifecycle_document")
        if self.lifecycle is not None and self.lifecycle_document is not None:
            yield Problem(
                "lifecycleDocument",
                "(a document)",
                "a repository has only one lifecycle policy, and `lifecycle` already defines it",
                "keep one of `lifecycle` and `lifecycleDocument`",
            )
        if rules:
            yield from rule_list_problems(rules, "lifecycle")
        if document is not None:
            yield from document_problems(document, "lifecycleDocument")
        yield from reserved_tags(self.known("tags"))

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Exclusions with their mode, not protected and deleted, one lifecycle."""
        for name, needed in _EXCLUSIONS.items():
            others = [mode for mode in get_args(TagMutability) if mode != needed]
            yield when(given(_KEY[name]), {"properties": {"tagMutability": {"not": {"enum": others}}}})
        yield when(is_one_of("protect", True), {"properties": {"forceDelete": {"not": {"const": True}}}})
        yield never(given("lifecycle", "lifecycleDocument"))


class RepositorySettings(RepositoryDefaults):
    """One repository. `{}` or nothing means the defaults."""

    STRUCTURAL = True

    name: RepositoryName | None = None
    """The repository's name in ECR, if it differs from the key in the map, e.g. after renaming the key."""
    aliases: Annotated[list[str] | None, Structural] = None
    """Former keys of this repository in the map, or existing URNs of the repository and its policies in the stack's
    state, so that renaming or moving it replaces nothing."""
    profile: Annotated[str | None, Structural] = None
    """A profile, which overrides the defaults and is overridden by the repository's own settings."""


def reserved_tags(tags: object, place: str = "tags") -> Iterator[Problem]:
    """Reject the tags that the program sets."""
    for tag in RESERVED_TAGS:
        if isinstance(tags, Mapping) and tag in tags:
            yield Problem(
                f"{place}.{tag}",
                tags[tag],
                f"ecr-stack sets the tag `{tag}` ({', '.join(RESERVED_TAGS)})",
                "remove it, or choose another key",
            )


def alike_tags(tags: object) -> Iterator[Problem]:
    """Reject stack tags that differ only in case from each other or from the program's own tags.

    They are also set on roles, and IAM treats them as duplicates:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    taken = {tag.casefold(): tag for tag in RESERVED_TAGS}
    for tag in tags if isinstance(tags, Mapping) else ():
        other = taken.setdefault(str(tag).casefold(), tag)
        if other != tag:
            yield Problem(
                f"tags.{tag}",
                tags[tag] if isinstance(tags, Mapping) else None,
                f"it differs from the tag `{other}` only in case, and IAM does not allow both on one role",
                "keep one of the two",
            )


def layered(*layers: RepositoryDefaults | None) -> dict[str, Any]:
    """Merge layers of settings, from the lowest to the highest; by Python name, with unchanged values.

    A field replaces the whole lower field, but `tags` are merged. If a higher layer changes `tagMutability`, the lower
    layer's exclusions are dropped; a lifecycle replaces a lifecycle in either form.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        own = layer.given() if layer is not None else {}
        if "lifecycle" in own or "lifecycle_document" in own:
            merged = {key: value for key, value in merged.items() if key not in ("lifecycle", "lifecycle_document")}
        if "tags" in own and "tags" in merged and not (is_unknown(own["tags"]) or is_unknown(merged["tags"])):
            own["tags"] = {**merged["tags"], **own["tags"]}
        mode = own.get("tag_mutability", merged.get("tag_mutability"))
        if not is_unknown(mode):
            merged = {key: value for key, value in merged.items() if _EXCLUSIONS.get(key, mode) == mode}
        merged |= own
    return merged


def default_conflicts(own: RepositorySettings, merged: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield conflicts between a repository and lower layers; places are relative to the repository."""
    mode = merged.get("tag_mutability") or "MUTABLE"
    for name, needed in _EXCLUSIONS.items() if not is_unknown(mode) else ():
        key = _KEY[name]
        tags = own.known(name)
        if tags is not None and own.tag_mutability is None and mode != needed:
            yield Problem(
                key,
                tags,
                f"`{key}` requires {needed}, and `tagMutability` is {mode} here",
                f"add `tagMutability: {needed}`, or remove `{key}`",
            )
        if mode == needed and merged.get(name) is None:
            yield Problem("tagMutability", mode, f"{mode} needs a list of excluded tags", f"add {_EXAMPLE[name]}")
    both = merged.get("protect") is True and merged.get("force_delete") is True
    if both and not (own.protect is True and own.force_delete is True):
        yield Problem(
            "forceDelete" if own.force_delete else "protect",
            True,
            "`protect` and `forceDelete` conflict, given the defaults or the profile",
            "set both here, only one of them to true",
        )
