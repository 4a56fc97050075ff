"""What a stack file may say about a repository: `ecr-stack:repositories.NAME`, `repositoryDefaults` and `profiles.NAME`.

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
"""The tags that the program itself writes on everything."""

MAX_TAGS = 50
"""https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html"""

TagMutability = Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
"""Whether a tag may be moved to another image: every tag, none, none but `mutableTags`, all but `immutableTags`."""

TemplateUse = Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]
"""When ECR makes a repository from a creation template: a replica arrives, an upstream image is cached, an image is pushed."""

OwnTagKey = Annotated[TagKey, Described(**{"not": {"enum": list(RESERVED_TAGS)}})]
"""The key of a tag that the program does not write itself."""

Tags = dict[OwnTagKey, TagValue]

_EXCLUSIONS = {"mutable_tags": "IMMUTABLE_WITH_EXCLUSION", "immutable_tags": "MUTABLE_WITH_EXCLUSION"}
_EXAMPLE = {"mutable_tags": "`mutableTags: [latest]`", "immutable_tags": "`immutableTags: [v*]`"}
_KEY = {"mutable_tags": "mutableTags", "immutable_tags": "immutableTags"}


_Exclusions = Annotated[list[ExclusionFilter], Field(min_length=1, max_length=5), Described(uniqueItems=True)]


class RepositoryDefaults(Model):
    """What every repository takes unless it says otherwise. A repository's own field replaces the default's field whole."""

    tag_mutability: TagMutability | None = None
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: _Exclusions | None = None
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: _Exclusions | None = None
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: bool | None = None
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: Annotated[bool | None, Structural] = None
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: bool | None = None
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: RepositoryEncryption | None = None
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: Annotated[list[LifecycleRule], Field(min_length=1)] | None = None
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: dict[str, Any] | None = None
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: Access | None = None
    """Who may pull and push, by the repository's policy."""
    tags: Tags | None = None
    """AWS tags, on top of the registry's."""
    import_existing: Annotated[bool | None, Structural] = Field(default=None, alias="import")
    """Whether the repository exists already and is to be adopted instead of created. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Exclusions belong to the `…_WITH_EXCLUSION` modes, `protect` and `forceDelete` contradict each other."""
        mode = self.known("tag_mutability")
        for name, needed in _EXCLUSIONS.items():
            tags, key = self.known(name), _KEY[name]
            if tags is not None and mode is not None and mode != needed:
                yield Problem(
                    key,
                    tags,
                    f"`{key}` goes with {needed}, and `tagMutability` is {mode}",
                    f"write `tagMutability: {needed}`, or remove `{key}`",
                )
            plain = [tag for tag in tags or () if not is_unknown(tag)]
            if len(set(plain)) < len(plain):
                yield Problem(key, tags, "each tag is named once", "remove the repetition")
        if self.protect is True and self.force_delete is True:
            yield Problem(
                "forceDelete",
                True,
                "a protected repository is never deleted, and `forceDelete` is how to delete one with its images",
                "write `forceDelete: false`, or `protect: false`",
            )
        rules, document = self.known("lifecycle"), self.known("lifecycle_document")
        if self.lifecycle is not None and self.lifecycle_document is not None:
            yield Problem(
                "lifecycleDocument",
                "(a document)",
                "a repository has one lifecycle policy, and `lifecycle` describes it already",
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
    """One repository. `{}` or nothing takes every default."""

    STRUCTURAL = True

    name: RepositoryName | None = None
    """The repository's name in ECR, if it differs from the key in the map, as after a rename of the key."""
    aliases: Annotated[list[str] | None, Structural] = None
    """Former keys of this repository in the map, or URNs that it, its lifecycle policy and its policy have in the stack's
    state: a rename or a move then replaces nothing."""
    profile: Annotated[str | None, Structural] = None
    """The profile between the defaults and this repository's own settings."""


def reserved_tags(tags: object, place: str = "tags") -> Iterator[Problem]:
    """Refuse the tags that the program writes itself."""
    for tag in RESERVED_TAGS:
        if isinstance(tags, Mapping) and tag in tags:
            yield Problem(
                f"{place}.{tag}",
                tags[tag],
                f"the tag `{tag}` is written by ecr-stack ({', '.join(RESERVED_TAGS)})",
                "remove it, or choose another key",
            )


def alike_tags(tags: object) -> Iterator[Problem]:
    """Refuse tags of the whole stack that differ in case alone, from one another or from those that the program writes.

    They are put on roles too, and IAM does not tell them apart: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    taken = {tag.casefold(): tag for tag in RESERVED_TAGS}
    for tag in tags if isinstance(tags, Mapping) else ():
        other = taken.setdefault(str(tag).casefold(), tag)
        if other != tag:
            yield Problem(
                f"tags.{tag}",
                tags[tag] if isinstance(tags, Mapping) else None,
                f"it differs from the tag `{other}` in case alone, and IAM refuses both on one role",
                "keep one of the two",
            )


def layered(*layers: RepositoryDefaults | None) -> dict[str, Any]:
    """Lay settings over each other, the last one on top; by Python name, values as they are.

    A field replaces the field below it whole, but `tags` add up. Exclusions that come with one layer's `tagMutability`
    go with it if a higher layer chooses another mode; a lifecycle replaces a lifecycle, however it is written.
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
    """Yield what contradicts between a repository and what is below it; places are relative to the repository."""
    mode = merged.get("tag_mutability") or "MUTABLE"
    for name, needed in _EXCLUSIONS.items() if not is_unknown(mode) else ():
        key = _KEY[name]
        tags = own.known(name)
        if tags is not None and own.tag_mutability is None and mode != needed:
            yield Problem(
                key,
                tags,
                f"`{key}` goes with {needed}, and `tagMutability` here is {mode}",
                f"add `tagMutability: {needed}`, or remove `{key}`",
            )
        if mode == needed and merged.get(name) is None:
            yield Problem(
                "tagMutability", mode, f"{mode} needs the tags that are its exclusions", f"add {_EXAMPLE[name]}"
            )
    both = merged.get("protect") is True and merged.get("force_delete") is True
    if both and not (own.protect is True and own.force_delete is True):
        yield Problem(
            "forceDelete" if own.force_delete else "protect",
            True,
            "`protect` and `forceDelete` contradict each other, together with what the defaults or the profile say",
            "write both here, only one of them true",
        )
