"""Lifecycle rules that ECR accepts but that probably do not do what was meant: each is a warning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ecr_stack.aws.lifecycle import findings as kinds
from ecr_stack.aws.lifecycle.document import NativeRule
from ecr_stack.aws.lifecycle.findings import Finding
from ecr_stack.aws.lifecycle.tag_filter import TagFilter
from ecr_stack.errors import shown

__all__ = ["doubts_about", "doubts_about_the_whole", "shields"]

_TAG = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.*-]*")
_LONGEST_TAG = 128

IMAGES_A_REPOSITORY = 100_000
"""ECR's quota: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html"""
DAYS_IN_TEN_YEARS = 3_652

RELEASES = ("v1.2.3", "1.2.3", "release-1.2.3", "prod-1.2.3")
"""Common tags of releases."""


def doubts_about(rules: Sequence[NativeRule]) -> Iterator[Finding]:
    """Return the warnings about rules that are valid on their own, given in order of priority."""
    for rule in rules:
        yield from _tags(rule)
        counts = rule.count_type == "imageCountMoreThan"
        if rule.count_number >= (IMAGES_A_REPOSITORY if counts else DAYS_IN_TEN_YEARS):
            unit = "images" if counts else "days"
            yield kinds.NEVER_REACHED.found(rule.priority, f"rule {rule.priority}: {rule.count_number:,} {unit}")
    for number, rule in enumerate(rules):
        shield = _shield(rule, rules[:number])
        if shield:
            names = " and ".join(f"rule {earlier.priority} ({earlier.selector})" for earlier in shield)
            yield kinds.SHIELDED.found(
                rule.priority,
                f"rule {rule.priority} ({rule.selector}): {names} {'matches' if len(shield) == 1 else 'match'} them all",
            )
        elif _expires_releases(rule, rules[:number]):
            yield kinds.RELEASES_EXPIRE.found(
                rule.priority, f"rule {rule.priority} ({rule.selector}): expires tagged images, including releases"
            )


def doubts_about_the_whole(rules: Sequence[NativeRule]) -> Iterator[Finding]:
    """Return the warnings about what the rules of a document lack; `rules` must be all of them."""
    if not any(rule.storage_class == "standard" and rule.tag_status != "tagged" for rule in rules):
        yield kinds.UNTAGGED_UNCOVERED.found(None, "the document: no rule selects untagged images")
    if not any(rule.action == "transition" for rule in rules):
        for rule in rules:
            if rule.storage_class == "archive":
                yield kinds.ARCHIVE_UNFED.found(rule.priority, f"rule {rule.priority}: no rule archives images")


def shields(earlier: NativeRule, later: NativeRule) -> bool:
    """Whether every image that `later` selects is selected by `earlier`, so that `later` never acts.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html: an image that matches the tagging
    requirements of a rule cannot be expired or archived by a rule with a lower priority. A rule sees the images of
    its own storage class only.
    """
    if earlier.storage_class != later.storage_class:
        return False
    if earlier.tag_status == "any" or earlier.tag_status == later.tag_status == "untagged":
        return True
    if earlier.tag_status != "tagged" or later.tag_status != "tagged":
        return False
    return all(any(wide.covers(narrow) for narrow in later.tag_filters) for wide in earlier.tag_filters)


def _shield(rule: NativeRule, before: Sequence[NativeRule]) -> list[NativeRule]:
    """The earlier rules that leave a rule nothing: one that matches all its images or, for a rule with tagStatus any, one
    that matches every tagged image and one that matches the untagged ones."""
    for earlier in before:
        if shields(earlier, rule):
            return [earlier]
    if rule.tag_status != "any":
        return []
    own = [earlier for earlier in before if earlier.storage_class == rule.storage_class]
    tagged = next((earlier for earlier in own if _takes_every_tag(earlier)), None)
    untagged = next((earlier for earlier in own if earlier.tag_status == "untagged"), None)
    if tagged is None or untagged is None:
        return []
    return sorted((tagged, untagged), key=lambda earlier: earlier.priority)


def _takes_every_tag(rule: NativeRule) -> bool:
    every_tag = TagFilter.pattern("*")
    return rule.tag_status == "tagged" and all(entry.covers(every_tag) for entry in rule.tag_filters)


def _expires_releases(rule: NativeRule, before: Sequence[NativeRule]) -> bool:
    every_tag = rule.tag_status == "any" or (bool(rule.tag_filters) and all(map(_is_every_tag, rule.tag_filters)))
    if not every_tag or rule.storage_class != "standard" or rule.action != "expire":
        return False
    own = [earlier for earlier in before if earlier.storage_class == "standard"]
    return not any(earlier.selects((tag,)) for earlier in own for tag in RELEASES)


def _is_every_tag(entry: TagFilter) -> bool:
    """Whether it consists of wildcards; an empty prefix is doubtful in itself."""
    return bool(entry.written) and not any(entry.parts)


def _tags(rule: NativeRule) -> Iterator[Finding]:
    here = f"rule {rule.priority}"
    different = list(dict.fromkeys(rule.tag_filters))
    if len(different) > 1:
        both = " and ".join(entry.shown for entry in different)
        yield kinds.SEVERAL_TAGS.found(rule.priority, f"{here}: selects only images that are tagged {both}")
    for entry in different:
        if rule.tag_filters.count(entry) > 1:
            yield kinds.REPEATED_TAG.found(rule.priority, f"{here}: {shown(entry.written)} is there twice")
        if not entry.written:
            yield kinds.EMPTY_TAG.found(rule.priority, f"{here}: an entry is an empty string")
        elif any("*" in part for part in entry.parts):
            yield kinds.LITERAL_WILDCARD.found(rule.priority, f"{here}: the prefix {shown(entry.written)}")
        elif not _TAG.fullmatch(entry.shown) or len("".join(entry.parts)) > _LONGEST_TAG:
            yield kinds.IMPOSSIBLE_TAG.found(rule.priority, f"{here}: no tag can match {shown(entry.written)}")
