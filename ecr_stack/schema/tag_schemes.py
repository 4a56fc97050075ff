"""The tag schemes of a team's pipelines, and the check that the lifecycle has a rule for each.

An image that no rule selects is kept, and paid for, for ever. This happens to images tagged with a bare commit hash,
because no prefix matches them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ecr_stack.aws.lifecycle.document import Document, NativeRule, parse_document
from ecr_stack.aws.lifecycle.tag_filter import TagFilter
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form
from ecr_stack.model import Model, Structural
from ecr_stack.schema.json_schema import exactly_one
from ecr_stack.schema.lifecycle import Pattern

__all__ = ["TagScheme", "Uncovered", "endangered", "tag_scheme_problems", "uncovered"]

_HEXADECIMAL = "0123456789abcdef"


class TagScheme(Model):
    """A way in which pipelines tag images: the form of the tags, and whether the images are kept for ever."""

    name: Annotated[
        str,
        Form(r"[\s\S]*\S[\s\S]*", "a tag scheme needs a name", "write what the tags are for, e.g. releases"),
        Structural,
    ]
    """What the tags are for, e.g. `releases`."""
    tag_patterns: Annotated[list[Pattern], Field(min_length=1)] | None = None
    """Patterns for the tags; `*` matches any characters."""
    commit_hashes: Annotated[bool, Described(const=True)] | None = None
    """Whether the tags are bare commit hashes: hexadecimal digits without a prefix."""
    kept: bool = False
    """Whether images with such a tag are kept for ever, so that no rule is needed."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Tags are patterns or commit hashes."""
        given = [name for name in ("tag_patterns", "commit_hashes") if getattr(self, name) is not None]
        if len(given) != 1:
            yield Problem(
                "",
                self.as_written(),
                "a tag scheme has either `tagPatterns` or `commitHashes`",
                "keep one of the two" if given else "add `tagPatterns: [...]`, or `commitHashes: true`",
            )
        elif self.commit_hashes is False:
            yield Problem("commitHashes", False, "`commitHashes: false` has no effect", "write `tagPatterns` instead")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Either the one or the other."""
        yield exactly_one(["tagPatterns", "commitHashes"])

    def filters(self) -> list[TagFilter]:
        """Patterns that together match every tag of the scheme; for bare hashes, one for each first digit."""
        if self.tag_patterns is not None:
            return [TagFilter.pattern(pattern) for pattern in self.tag_patterns]
        return [TagFilter.pattern(f"{digit}*") for digit in _HEXADECIMAL]

    @property
    def look(self) -> str:
        """A description of the tags."""
        return " or ".join(self.tag_patterns) if self.tag_patterns is not None else "bare commit hashes"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A tag scheme that the lifecycle does not treat as intended."""

    scheme: TagScheme
    reason: str
    """The reason, without a full stop."""
    remedy: str
    """The fix in the stack file, without a full stop."""


def uncovered(schemes: Sequence[TagScheme], document: Document | Mapping[str, Any] | None) -> list[Uncovered]:
    """Find the tag schemes that no rule covers and that are not declared as kept.

    An image is assumed to have only the tag of its scheme: a rule that requires two kinds of tag does not cover it.

    Args:
        schemes: the pipelines' tag schemes.
        document: the lifecycle document of a repository; empty if it has none.

    Raises:
        InvalidInput: ECR would reject the document.
    """
    rules = _standard_rules(document)
    found = []
    for scheme in schemes:
        missing = [entry for entry in scheme.filters() if not any(_covers(rule, entry) for rule in rules)]
        if scheme.kept or not missing:
            continue
        found.append(
            Uncovered(
                scheme,
                _why(scheme, missing, rules),
                f"add a rule for {_selector(scheme)}, or declare the scheme with `kept: true`",
            )
        )
    return found


def endangered(schemes: Sequence[TagScheme], document: Document | Mapping[str, Any] | None) -> list[Uncovered]:
    """Find the tag schemes that are declared as kept, but whose images a rule would expire by age. A rule that keeps
    the last N images is accepted: it protects images from a rule for any image.

    Args:
        schemes: the pipelines' tag schemes.
        document: the lifecycle document of a repository; empty if it has none.

    Raises:
        InvalidInput: ECR would reject the document.
    """
    rules = _standard_rules(document)
    found = []
    for scheme in schemes:
        if not scheme.kept:
            continue
        firsts = (next((rule for rule in rules if _covers(rule, entry)), None) for entry in scheme.filters())
        danger = next((rule for rule in firsts if rule is not None and _expires_by_age(rule)), None)
        if danger is not None:
            found.append(
                Uncovered(
                    scheme,
                    f"it is declared as kept, and rule {danger.priority} ({danger.selector}) {danger.limit}",
                    f"put a rule for {_selector(scheme)} with `keepLast` before it, or remove `kept: true`",
                )
            )
    return found


def tag_scheme_problems(schemes: Sequence[TagScheme], place: str) -> list[Problem]:
    """Find errors in a list of valid schemes.

    Args:
        schemes: the schemes, in order.
        place: the key path of the list, e.g. `ecr-stack:tagSchemes`.
    """
    first: dict[str, int] = {}
    return [
        Problem(
            f"{place}[{index}].name",
            scheme.name,
            f"{place}[{first[scheme.name]}] already has this name",
            "choose another name, or merge the two",
        )
        for index, scheme in enumerate(schemes)
        if first.setdefault(scheme.name, index) != index
    ]


def _standard_rules(document: Document | Mapping[str, Any] | None) -> list[NativeRule]:
    if document is None:
        return []
    parsed = document if isinstance(document, Document) else parse_document(document)
    return [rule for rule in parsed.rules if rule.storage_class == "standard"]


def _covers(rule: NativeRule, entry: TagFilter) -> bool:
    """Whether a rule selects every image whose only tag matches."""
    if rule.tag_status == "tagged":
        return all(wide.covers(entry) for wide in rule.tag_filters)
    return rule.tag_status == "any"


def _expires_by_age(rule: NativeRule) -> bool:
    return rule.action == "expire" and rule.count_type != "imageCountMoreThan"


def _why(scheme: TagScheme, missing: Sequence[TagFilter], rules: Sequence[NativeRule]) -> str:
    for rule in rules:
        several = len(rule.tag_filters) > 1
        if several and any(wide.covers(entry) for wide in rule.tag_filters for entry in missing):
            return f"rule {rule.priority} selects only images with {rule.selector} together"
    if scheme.commit_hashes and len(missing) < len(_HEXADECIMAL):
        digits = ", ".join(entry.parts[0] for entry in missing)
        return f"no rule selects images tagged with a commit hash that begins with {digits}"
    look = " or ".join(entry.shown for entry in missing) if scheme.tag_patterns is not None else scheme.look
    return f"no rule selects images tagged {look}: they are kept, and paid for, for ever"


def _selector(scheme: TagScheme) -> str:
    if scheme.tag_patterns is not None:
        return f"`tagPatterns: [{', '.join(scheme.tag_patterns)}]`"
    return "`any: true` at the end, or prepend `sha-` to the hash and add a rule for `tagPrefixes: [sha-]`"
