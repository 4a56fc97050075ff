"""The base of resource types: their properties, and the API calls that the real provider makes."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from ecr_stack.aws.names import partition_of
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider.documents import same_document
from ecr_stack.embedded_provider.schema import class_of
from ecr_stack.errors import Problem

__all__ = ["Diff", "Inputs", "Outputs", "ResourceType", "Scope", "changed", "code_of", "missing_is_none"]

Inputs = Mapping[str, Any]
Outputs = dict[str, Any]


@dataclass(frozen=True)
class Diff:
    """The difference between inputs."""

    changes: tuple[str, ...]
    """The changed properties, sorted."""
    replaces: tuple[str, ...]
    """The changed properties that force a replacement."""


@dataclass(frozen=True)
class Scope:
    """Where a resource is: the account, the Region, and the provider's default tags."""

    aws: EmbeddedAws
    region: str
    default_tags: Mapping[str, str]

    @property
    def account(self) -> str:
        """The account's id."""
        return self.aws.account

    @property
    def partition(self) -> str:
        """The region's partition."""
        return partition_of(self.region)

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call AWS, without the parameters that are `None`."""
        asked = {name: value for name, value in parameters.items() if value is not None}
        return self.aws.call(service, operation, asked, self.region)

    def all_tags(self, inputs: Inputs) -> dict[str, str]:
        """Return the tags of a resource, with the provider's default tags."""
        return {**self.default_tags, **(inputs.get("tags") or {})}

    def tag_outputs(self, inputs: Inputs | None, found: Mapping[str, str]) -> Outputs:
        """Return `tags` and `tagsAll` for the tags that AWS returned.

        `tags` are those of the program that still exist, and those that someone else added. Default tags that the
        program does not repeat are only in `tagsAll`.
        """
        own = set((inputs or {}).get("tags") or {})
        tags = {key: value for key, value in found.items() if key in own or self.default_tags.get(key) != value}
        return {"tags": tags or None, "tagsAll": dict(found)}


class ResourceType:
    """One resource type. The methods do what the real provider does, call by call."""

    token: ClassVar[str]
    """E.g. `aws:ecr/repository:Repository`."""
    replaces_on: ClassVar[frozenset[str]] = frozenset()
    """The properties besides `region` whose change forces a replacement."""
    deletes_first: ClassVar[bool] = False
    """Whether a replacement deletes the old resource before creating the new one."""
    recreates_on: ClassVar[frozenset[str]] = frozenset()
    """The properties that AWS can update but the provider cannot: the same thing is deleted and created again."""
    documents: ClassVar[frozenset[str]] = frozenset()
    """The properties that are JSON documents: other values are rejected, and equivalent documents are not a change."""
    optional_blocks: ClassVar[frozenset[str]] = frozenset()
    """The properties that are left unchanged if they are omitted."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """The provider's defaults."""
    name_property: ClassVar[str | None] = None
    """The property that the provider generates from the resource's name if it is omitted."""
    name_length: ClassVar[int] = 255

    @property
    def args(self) -> type:
        """The class of its inputs in the Python SDK."""
        found: type = class_of(self.token, "Args")
        return found

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Find what the provider rejects before calling AWS, besides names and types of properties."""
        return []

    def auto_name(self, name: str, seed: str = "") -> str:
        """Generate a physical name, as the provider does: the resource's name and seven hexadecimal digits.

        The real digits are random. These depend on the name and the seed, so that rehearsals are reproducible.
        """
        suffix = hashlib.sha256(f"{self.token} {name}{seed}".encode()).hexdigest()[:7]
        return f"{name[: self.name_length - 8]}-{suffix}"

    def prefixed_name(self, prefix: str, name: str, seed: str = "") -> str:
        """Generate a physical name that begins with `prefix`, for `namePrefix`."""
        return prefix + hashlib.sha256(f"{self.token} {name}{seed}".encode()).hexdigest()[:26]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Create it; returns its id."""
        raise NotImplementedError

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """Read it; returns its outputs, or `None` if it does not exist.

        `inputs` are those it was created from, or `None` for an import: they provide what AWS does not store.
        """
        raise NotImplementedError

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Update it in place, from the old to the new inputs."""
        raise NotImplementedError

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Delete it."""
        raise NotImplementedError

    def diff(self, old: Inputs, new: Inputs) -> Diff:
        """Return the changed properties, and which of them force a replacement."""
        names = sorted(
            name
            for name in {*old, *new}
            if not name.startswith("__") and not self.same(name, old.get(name), new.get(name))
        )
        forcing = self.replaces_on | {"region"}
        return Diff(tuple(names), tuple(name for name in names if name in forcing))

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Whether the provider considers a property equal, e.g. with `verify.SuppressEquivalentPolicyDiffs`."""
        if name in self.optional_blocks and not new:
            return True
        if old == new or (
            not old and not new and not isinstance(old, (bool, int)) and not isinstance(new, (bool, int))
        ):
            return True
        if name in self.documents and old and new:
            return same_document(old, new)
        return False


def changed(name: str, old: Inputs, new: Inputs) -> bool:
    """Whether a property differs between two sets of inputs."""
    return bool(old.get(name) != new.get(name))


def code_of(error: ClientError) -> str:
    """Return the code of AWS's error."""
    return str(error.response["Error"]["Code"])


def missing_is_none(call: Callable[[], dict[str, Any]], *codes: str) -> dict[str, Any] | None:
    """Call AWS; returns `None` if the thing does not exist."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in codes:
            return None
        raise


def retag(
    old: Mapping[str, str],
    new: Mapping[str, str],
    untag: Callable[[list[str]], Any],
    tag: Callable[[dict[str, str]], Any],
) -> None:
    """Remove old tags, and set new and changed ones."""
    gone = sorted(set(old) - set(new))
    fresh = {key: value for key, value in new.items() if old.get(key) != value}
    if gone:
        untag(gone)
    if fresh:
        tag(fresh)


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]] | None:
    """Convert tags to AWS's list of pairs; `None` if there are none."""
    return [{key: name, value: text} for name, text in tags.items()] or None


def tag_map(tags: Sequence[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Convert AWS's list of pairs to tags, without AWS's own tags."""
    return {tag[key]: tag.get(value, "") for tag in tags if not tag[key].startswith("aws:")}


def text_of(document: Any) -> str:
    """Normalize a JSON document as the provider does: white space removed, keys sorted.

    Programs may pass a document as text or as an object. `structure.NormalizeJsonString` in the provider's SDK parses
    and serializes it; Go escapes `<`, `>` and `&`.
    """
    try:
        data = json.loads(document) if isinstance(document, str) else document
        text = json.dumps(data, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        return str(document)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def json_problem(name: str, inputs: Inputs) -> list[Problem]:
    """Find a document that is not JSON object."""
    document = inputs.get(name)
    if document is None or isinstance(document, Mapping):
        return []
    try:
        good = isinstance(json.loads(document), dict)
    except (ValueError, RecursionError):
        good = False
    return [] if good else [Problem(name, document, "the document is not a JSON object", "write `{…}`")]


def one_of(name: str, inputs: Inputs, choices: Sequence[str]) -> list[Problem]:
    """Find a value that is not one of the choices."""
    value = inputs.get(name)
    if value is None or value in choices:
        return []
    return [Problem(name, value, f"must be one of {', '.join(choices)}", f"write {choices[0]}")]


def between(name: str, inputs: Inputs, low: int, high: int) -> list[Problem]:
    """Find a number that is out of range."""
    value = inputs.get(name)
    if value is None or low <= value <= high:
        return []
    return [Problem(name, value, f"must be a number from {low} to {high}", f"write {min(max(value, low), high)}")]


def length(name: str, inputs: Inputs, low: int, high: int) -> list[Problem]:
    """Find a list or string that is too short or too long."""
    value = inputs.get(name)
    if value is None or low <= len(value) <= high:
        return []
    unit = "characters" if isinstance(value, str) else "entries"
    return [Problem(name, value, f"must have {low} to {high} {unit}, not {len(value)}", "shorten or complete it")]
