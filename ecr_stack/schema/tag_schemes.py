"""The tag schemes that a team's pipelines write, and whether the lifecycle has a rule for each.

An image that no rule selects stays for ever, and is paid for as long. That is what happens to images tagged with a
bare commit hash: there is no prefix for them.
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
    """One way in which pipelines tag images: what the tags look like, and whether the images are meant to stay."""

    name: Annotated[
        str,
        Form(r"[\s\S]*\S[\s\S]*", "a tag scheme has a name", "write what these tags are, e.g. releases"),
        Structural,
    ]
    """What these tags are, e.g. `releases`."""
    tag_patterns: Annotated[list[Pattern], Field(min_length=1)] | None = None
    """What the tags look like; `*` matches any characters."""
    commit_hashes: Annotated[bool, Described(const=True)] | None = None
    """The tags are bare commit hashes: hexadecimal digits and nothing before them."""
    kept: bool = False
    """Images with such a tag are meant to stay for ever: no rule is needed."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Tags look like patterns or like commit hashes."""
        given = [name for name in ("tag_patterns", "commit_hashes") if getattr(self, name) is not None]
        if len(given) != 1:
            yield Problem(
                "",
                self.as_written(),
                "a tag scheme has either `tagPatterns` or `commitHashes`",
                "keep one of the two" if given else "add `tagPatterns: [...]`, or `commitHashes: true`",
            )
        elif self.commit_hashes is False:
            yield Problem("commitHashes", False, "`commitHashes: false` says nothing", "write `tagPatterns` instead")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Either the one or the other."""
        yield exactly_one(["tagPatterns", "commitHashes"])

    def filters(self) -> list[TagFilter]:
        """Patterns that together match every tag of the scheme; for bare hashes one for each first digit."""
        if self.tag_patterns is not None:
            return [TagFilter.pattern(pattern) for pattern in self.tag_patterns]
        return [TagFilter.pattern(f"{digit}*") for digit in _HEXADECIMAL]

    @property
    def look(self) -> str:
        """What the tags look like, in words."""
        return " or ".join(self.tag_patterns) if self.tag_patterns is not None else "bare commit hashes"


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A tag scheme that the lifecycle does not treat as its team means."""

    scheme: TagScheme
    reason: str
    """Why, a clause without a full stop."""
    remedy: str
    """What to write in the stack file, a clause without a full stop."""


def uncovered(schemes: Sequence[TagScheme], document: Document | Mapping[str, Any] | None) -> list[Uncovered]:
    """Find the tag schemes whose images no rule selects, and that are not declared as kept.

    An image counts as having a tag of its scheme and no other: a rule that wants two kinds of tag does not cover it.

    Args:
        schemes: what pipelines write.
        document: the lifecycle document of a repository; nothing where it has none.

    Raises:
        InvalidInput: ECR would refuse the document.
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
    """Find the tag schemes that are declared as kept, and whose images a rule would expire by their age all the same.

    A rule that keeps the last so many is no danger: it is how images are kept from a rule for any image.

    Args:
        schemes: what pipelines write.
        document: the lifecycle document of a repository; nothing where it has none.

    Raises:
        InvalidInput: ECR would refuse the document.
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
    """Find what is wrong with a list of schemes that are each right.

    Args:
        schemes: the schemes, in order.
        place: the key path of the list, e.g. `ecr-stack:tagSchemes`.
    """
    first: dict[str, int] = {}
    return [
        Problem(
            f"{place}[{index}].name",
            scheme.name,
            f"{place}[{first[scheme.name]}] has this name already",
            "give it another name, or put the two together",
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
            return f"rule {rule.priority} selects {rule.selector} together, not one without the other"
    if scheme.commit_hashes and len(missing) < len(_HEXADECIMAL):
        digits = ", ".join(entry.parts[0] for entry in missing)
        return f"no rule selects images tagged with a commit hash that begins with {digits}"
    look = " or ".join(entry.shown for entry in missing) if scheme.tag_patterns is not None else scheme.look
    return f"no rule selects images tagged {look}: they stay, and are paid for, for ever"


def _selector(scheme: TagScheme) -> str:
    if scheme.tag_patterns is not None:
        return f"`tagPatterns: [{', '.join(scheme.tag_patterns)}]`"
    return "`any: true` at the end, or have pipelines write `sha-` before the hash and add a rule for `tagPrefixes: [sha-]`"
