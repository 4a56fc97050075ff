"""Tag schemes and the rules that cover them."""

from __future__ import annotations

from typing import Any

import pytest
from registries import ANY, UNTAGGED, archived, document, more_than, prefixed, pushed, rule, tagged

from ecr_stack.errors import InvalidInput
from ecr_stack.model import parse
from ecr_stack.schema.tag_schemes import TagScheme, endangered, tag_scheme_problems, uncovered

HASHES = TagScheme(name="commits", commit_hashes=True)


def scheme(*patterns: str, kept: bool = False) -> TagScheme:
    return TagScheme(name="some", tag_patterns=list(patterns), kept=kept)


@pytest.mark.parametrize(
    "select",
    [prefixed("v"), tagged("v*"), tagged("*"), tagged("*1*") | tagged("v*"), ANY],
    ids=["prefix", "pattern", "every tag", "wider", "any"],
)
def test_a_scheme_is_covered_by_a_rule_that_selects_all_its_tags(select: dict[str, Any]) -> None:
    assert uncovered([scheme("v*")], document(rule(1, select, more_than(1)))) == []


@pytest.mark.parametrize(
    "select",
    [prefixed("v1"), tagged("v*-rc"), UNTAGGED, tagged("v*", "release-*"), prefixed("V")],
    ids=["narrower prefix", "narrower pattern", "untagged", "two at once", "other case"],
)
def test_a_scheme_is_not_covered_by_a_rule_that_misses_some_of_its_tags(select: dict[str, Any]) -> None:
    found = uncovered([scheme("v*")], document(rule(1, select, more_than(1))))
    assert [entry.scheme.name for entry in found] == ["some"]


def test_each_pattern_of_a_scheme_is_to_be_covered() -> None:
    rules = document(rule(1, prefixed("dev-"), pushed(7)))
    (found,) = uncovered([scheme("dev-*", "feature-*")], rules)
    assert "feature-*" in found.reason
    assert "dev-*" not in found.reason


def test_a_rule_that_wants_two_tags_at_once_is_named_as_the_reason() -> None:
    (found,) = uncovered([scheme("dev-*")], document(rule(4, prefixed("dev-", "feature-"), pushed(7))))
    assert "rule 4" in found.reason
    assert "feature-*" in found.reason


def test_a_rule_for_archived_images_covers_nothing() -> None:
    assert len(uncovered([scheme("v*")], document(rule(1, ANY, archived(90))))) == 1


def test_a_repository_without_a_lifecycle_covers_nothing_and_keeps_what_is_declared_kept() -> None:
    found = uncovered([scheme("v*"), scheme("latest", kept=True)], None)
    assert [entry.scheme.tag_patterns for entry in found] == [["v*"]]


def test_bare_commit_hashes_are_covered_by_no_prefix_of_other_tags() -> None:
    rules = document(rule(1, prefixed("v"), more_than(10)), rule(2, prefixed("sha-"), pushed(7)))
    (found,) = uncovered([HASHES], rules)
    assert "bare commit hashes" in found.reason


def test_bare_commit_hashes_are_covered_by_sixteen_prefixes_and_not_by_fifteen() -> None:
    rules = [rule(number, prefixed(digit), pushed(7)) for number, digit in enumerate("0123456789abcdef", 1)]
    assert uncovered([HASHES], document(*rules)) == []
    (found,) = uncovered([HASHES], document(*rules[:-1]))
    assert found.reason.endswith("begins with f")


def test_a_kept_scheme_is_in_danger_from_a_rule_by_age_and_not_from_one_that_keeps_the_last() -> None:
    latest = scheme("latest", kept=True)
    by_age = rule(2, ANY, pushed(30))
    assert len(endangered([latest], document(by_age))) == 1
    assert endangered([latest], document(rule(1, tagged("latest"), more_than(1)), by_age)) == []
    assert endangered([scheme("latest")], document(by_age)) == []


@pytest.mark.parametrize(
    "data",
    [
        {"name": "x"},
        {"name": "x", "tagPatterns": ["v*"], "commitHashes": True},
        {"name": "x", "tagPatterns": []},
        {"name": "x", "commitHashes": False},
        {"name": " ", "tagPatterns": ["v*"]},
        {"name": "x", "tagPatterns": ["a*b*c*d*e*"]},
        {"name": "x", "tagPattern": ["v*"]},
    ],
)
def test_a_scheme_that_says_nothing_or_two_things_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse(TagScheme, data, "tagSchemes[0]", source="Pulumi.dev.yaml")


def test_two_schemes_of_one_name_are_reported() -> None:
    (problem,) = tag_scheme_problems([scheme("v*"), scheme("w*")], "ecr-stack:tagSchemes")
    assert problem.place == "ecr-stack:tagSchemes[1].name"
