"""A parsed lifecycle document: its rules in order of priority.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from ecr_stack.aws.lifecycle import findings as kinds
from ecr_stack.aws.lifecycle.findings import Finding
from ecr_stack.aws.lifecycle.requirements import MAX_TEXT, MIN_TEXT, errors_in
from ecr_stack.aws.lifecycle.tag_filter import TagFilter
from ecr_stack.errors import InvalidInput, Problem, counted

__all__ = [
    "Action",
    "CountType",
    "Document",
    "NativeRule",
    "StorageClass",
    "TagStatus",
    "native_rule",
    "parse_document",
    "policy_text",
    "read",
]


def policy_text(document: Mapping[str, Any]) -> str:
    """Write a document for ECR: deterministic compact JSON, padded to ECR's minimum of 100 characters."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text if len(text) >= MIN_TEXT else json.dumps(document, indent=2, ensure_ascii=False)


TagStatus = Literal["tagged", "untagged", "any"]
StorageClass = Literal["standard", "archive"]
CountType = Literal["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned"]
Action = Literal["expire", "transition"]


@dataclass(frozen=True, slots=True)
class NativeRule:
    """One rule of a lifecycle document."""

    priority: int
    """The lowest number is applied first."""
    description: str
    """May be empty."""
    tag_status: TagStatus
    """Whether it selects tagged images that match `tag_filters`, untagged images, or any."""
    tag_filters: tuple[TagFilter, ...]
    """Prefixes or patterns; a selected image has a matching tag for each of them."""
    storage_class: StorageClass
    """The storage class of the images that it selects."""
    count_type: CountType
    """What the limit counts: images, or days since an event."""
    count_number: int
    """The number of images to keep, or of days to keep an image."""
    action: Action
    """What happens to the others: they expire or are archived."""

    def selects(self, tags: tuple[str, ...]) -> bool:
        """Whether an image with these tags meets the tagging requirements of the rule."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not tags
        return all(any(entry.matches(tag) for tag in tags) for entry in self.tag_filters)

    @property
    def selector(self) -> str:
        """The images that it selects, in words."""
        noun = "archived images" if self.storage_class == "archive" else "images"
        if self.tag_status == "any":
            return f"all {noun}"
        if self.tag_status == "untagged":
            return f"untagged {noun}"
        return f"{noun} tagged {' and '.join(entry.shown for entry in self.tag_filters)}"

    @property
    def limit(self) -> str:
        """What it does to which of them, in words."""
        act = "expires" if self.action == "expire" else "archives"
        days = counted(self.count_number, "day")
        match self.count_type:
            case "imageCountMoreThan":
                return f"{act} all but the last {self.count_number}"
            case "sinceImagePushed":
                return f"{act} them {days} after their push"
            case "sinceImagePulled":
                return f"{act} them {days} after their last pull"
            case "sinceImageTransitioned":
                return f"{act} them {days} after they were archived"


@dataclass(frozen=True, slots=True)
class Document:
    """A lifecycle document that ECR would accept."""

    rules: tuple[NativeRule, ...]
    """The rules in order of priority."""


def parse_document(document: str | Mapping[str, Any], source: str = "the lifecycle policy") -> Document:
    """Parse a native lifecycle document.

    Args:
        document: JSON text, or plain data.
        source: where the document comes from, for the error, e.g. a file name.

    Raises:
        InvalidInput: ECR would reject the document; with a problem for each reason.
    """
    data, findings = read(document)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or data is None:
        raise InvalidInput(source, [_problem(finding, data) for finding in errors])
    return Document(tuple(sorted(map(native_rule, data["rules"]), key=lambda rule: rule.priority)))


def native_rule(rule: Mapping[str, Any]) -> NativeRule:
    """Build a rule from valid plain data."""
    selection = rule["selection"]
    filters = [
        *map(TagFilter.prefix, selection.get("tagPrefixList", ())),
        *map(TagFilter.pattern, selection.get("tagPatternList", ())),
    ]
    return NativeRule(
        priority=rule["rulePriority"],
        description=rule.get("description", ""),
        tag_status=selection["tagStatus"],
        tag_filters=tuple(filters),
        storage_class=selection.get("storageClass", "standard"),
        count_type=selection["countType"],
        count_number=selection["countNumber"],
        action=rule["action"]["type"],
    )


def read(document: str | Mapping[str, Any]) -> tuple[Any, list[Finding]]:
    """Read a document, and find everything for which ECR would reject it, and duplicate keys.

    The length of plain data is that of the compact text that is sent for it.

    Returns:
        The plain data (`None` if it cannot be read), and the findings.
    """
    if not isinstance(document, str):
        try:
            text = policy_text(document)
        except (TypeError, ValueError, RecursionError) as error:
            return None, [kinds.NOT_JSON.found(None, f"the document: {error}")]
        return document, errors_in(document) + _length(text)
    twice: list[str] = []
    try:
        data = json.loads(
            document,
            object_pairs_hook=lambda pairs: _object(pairs, twice),
            parse_constant=_no_number,
        )
    except RecursionError:
        return None, [kinds.NOT_JSON.found(None, "the document: nested too deeply")]
    except ValueError as error:
        return None, [kinds.NOT_JSON.found(None, f"the document: {error}"), *_length(document)]
    repeated = [
        kinds.DUPLICATE_KEY.found(None, f"the document: the key {key} is there twice in one object") for key in twice
    ]
    return data, errors_in(data) + _length(document) + repeated


def _length(text: str) -> list[Finding]:
    if MIN_TEXT <= len(text) <= MAX_TEXT:
        return []
    remedy = "write at least one complete rule" if len(text) < MIN_TEXT else None
    return [kinds.TEXT_LENGTH.found(None, f"the document: {len(text):,} characters", remedy)]


def _object(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            twice.append(key)
        made[key] = value
    return made


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _problem(finding: Finding, data: Any) -> Problem:
    place, _, what = finding.message.partition(": ")
    rule = "" if finding.rule_priority is None else f" (rule {finding.rule_priority})"
    return Problem(place, _value_at(data, place), f"{what}: {finding.reason}{rule}", finding.remedy)


def _value_at(data: Any, place: str) -> Any:
    """The value at a place such as `rules[0].selection`; `None` if there is none."""
    try:
        for step in re.findall(r"\w+", place) if "rules" in place else ():
            data = data[int(step) if step.isdigit() else step]
    except (KeyError, IndexError, TypeError):
        return None
    return data
