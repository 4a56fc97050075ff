"""What a resource type is: its properties, and the API calls that the real provider makes for it."""

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
    """What a change of inputs comes to."""

    changes: tuple[str, ...]
    """The properties that change, sorted."""
    replaces: tuple[str, ...]
    """Those of them that cannot change in place: the resource is replaced."""


@dataclass(frozen=True)
class Scope:
    """Where a resource lives: the account, one region, and the tags that everything in it gets."""

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
        """Call AWS; parameters that are `None` are left out."""
        asked = {name: value for name, value in parameters.items() if value is not None}
        return self.aws.call(service, operation, asked, self.region)

    def all_tags(self, inputs: Inputs) -> dict[str, str]:
        """Return the tags of a resource, with the provider's default tags."""
        return {**self.default_tags, **(inputs.get("tags") or {})}

    def tag_outputs(self, inputs: Inputs | None, found: Mapping[str, str]) -> Outputs:
        """Return `tags` and `tagsAll` for the tags that AWS answered.

        `tags` are those that the program gave, as far as they are still there, and those that someone else added:
        default tags that the program does not repeat are in `tagsAll` only.
        """
        own = set((inputs or {}).get("tags") or {})
        tags = {key: value for key, value in found.items() if key in own or self.default_tags.get(key) != value}
        return {"tags": tags or None, "tagsAll": dict(found)}


class ResourceType:
    """One resource type. The methods do what the real provider does, call by call."""

    token: ClassVar[str]
    """E.g. `aws:ecr/repository:Repository`."""
    replaces_on: ClassVar[frozenset[str]] = frozenset()
    """The properties that cannot change in place, beside `region`."""
    deletes_first: ClassVar[bool] = False
    """Whether a replacement deletes the old resource before it makes the new one."""
    recreates_on: ClassVar[frozenset[str]] = frozenset()
    """The properties that the provider cannot update, though AWS could: the same thing is deleted and made again."""
    documents: ClassVar[frozenset[str]] = frozenset()
    """The properties that are JSON documents: anything else is rejected, and another spelling of the same document is no
    change."""
    optional_blocks: ClassVar[frozenset[str]] = frozenset()
    """The properties whose absence means: leave it as it is."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """What the provider fills in."""
    name_property: ClassVar[str | None] = None
    """The property that the provider makes up from the resource's name, unless it is given."""
    name_length: ClassVar[int] = 255

    @property
    def args(self) -> type:
        """The class of its inputs in the Python SDK."""
        found: type = class_of(self.token, "Args")
        return found

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Find what the provider rejects before it asks AWS, beyond names and types of properties."""
        return []

    def auto_name(self, name: str, seed: str = "") -> str:
        """Make up a physical name, as the provider does: the resource's name and seven hexadecimal digits.

        The real digits are random. These come from the name and the seed, so that two rehearsals of a program agree.
        """
        suffix = hashlib.sha256(f"{self.token} {name}{seed}".encode()).hexdigest()[:7]
        return f"{name[: self.name_length - 8]}-{suffix}"

    def prefixed_name(self, prefix: str, name: str, seed: str = "") -> str:
        """Make up a physical name that begins with `prefix`, for `namePrefix`."""
        return prefix + hashlib.sha256(f"{self.token} {name}{seed}".encode()).hexdigest()[:26]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Make it; returns its id."""
        raise NotImplementedError

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """Read it; returns its outputs, or `None` where it does not exist.

        `inputs` are those it was made from, or `None` when it is imported: what AWS does not know is taken from them.
        """
        raise NotImplementedError

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """Change it in place, from one set of inputs to the other."""
        raise NotImplementedError

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Delete it."""
        raise NotImplementedError

    def diff(self, old: Inputs, new: Inputs) -> Diff:
        """Return what differs, and what of it forces a replacement."""
        names = sorted(
            name
            for name in {*old, *new}
            if not name.startswith("__") and not self.same(name, old.get(name), new.get(name))
        )
        forcing = self.replaces_on | {"region"}
        return Diff(tuple(names), tuple(name for name in names if name in forcing))

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Whether a property is the same to the provider: `verify.SuppressEquivalentPolicyDiffs` and the like."""
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
    """Return the code of AWS's errors."""
    return str(error.response["Error"]["Code"])


def missing_is_none(call: Callable[[], dict[str, Any]], *codes: str) -> dict[str, Any] | None:
    """Call AWS, and give `None` where it says that there is no such thing."""
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
    """Take away the tags that are gone, and set those that are new or different."""
    gone = sorted(set(old) - set(new))
    fresh = {key: value for key, value in new.items() if old.get(key) != value}
    if gone:
        untag(gone)
    if fresh:
        tag(fresh)


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]] | None:
    """Write tags as AWS's lists of pairs; `None` if there are none."""
    return [{key: name, value: text} for name, text in tags.items()] or None


def tag_map(tags: Sequence[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Read AWS's lists of pairs, without AWS's own tags."""
    return {tag[key]: tag.get(value, "") for tag in tags if not tag[key].startswith("aws:")}


def text_of(document: Any) -> str:
    """Return a JSON document as the provider sends it: white space removed, keys sorted.

    Programs may hand a document over as text or as an object. `structure.NormalizeJsonString` in the provider's SDK
    reads it and writes it again; Go writes `<`, `>` and `&` as escapes.
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
    return [Problem(name, value, f"one of {', '.join(choices)} is needed", f"write {choices[0]}")]


def between(name: str, inputs: Inputs, low: int, high: int) -> list[Problem]:
    """Find a number that is out of range."""
    value = inputs.get(name)
    if value is None or low <= value <= high:
        return []
    return [Problem(name, value, f"a number from {low} to {high} is needed", f"write {min(max(value, low), high)}")]


def length(name: str, inputs: Inputs, low: int, high: int) -> list[Problem]:
    """Find a list or text that is too short or too long."""
    value = inputs.get(name)
    if value is None or low <= len(value) <= high:
        return []
    unit = "characters" if isinstance(value, str) else "entries"
    return [Problem(name, value, f"{low} to {high} {unit} are allowed, not {len(value)}", "shorten or complete it")]
