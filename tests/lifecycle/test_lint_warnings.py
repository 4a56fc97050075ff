"""What ECR takes and nobody means is a warning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries import ANY, ARCHIVE, UNTAGGED, archived, document, more_than, prefixed, pulled, pushed, rule, tagged

from ecr_stack.aws.lifecycle import lint
from ecr_stack.aws.lifecycle.tag_filter import TagFilter

REST = rule(90, UNTAGGED, pushed(1))


def warnings(*rules: dict[str, Any]) -> list[tuple[str, int | None]]:
    findings = lint(document(*rules))
    assert all(finding.severity == "warning" for finding in findings)
    return [(finding.code, finding.rule_priority) for finding in findings]


def test_two_prefixes_in_one_list_are_reported() -> None:
    assert warnings(rule(1, prefixed("dev-", "feature-"), pushed(7)), REST) == [("several-tags", 1)]


def test_two_patterns_in_one_list_are_reported() -> None:
    assert warnings(rule(1, tagged("v*", "*-rc"), pushed(7)), REST) == [("several-tags", 1)]


def test_a_prefix_that_two_sets_share_is_doubtful_and_not_refused() -> None:
    shared = rule(1, prefixed("v", "w"), pushed(1)), rule(2, prefixed("w"), more_than(1))
    assert ("prefix-shared", 2) in warnings(*shared, REST)
    apart = rule(1, prefixed("v", "w"), pushed(1), ARCHIVE), rule(2, prefixed("w"), archived(90))
    assert "prefix-shared" not in {code for code, _ in warnings(*apart, REST)}, "the storage classes are apart"


@pytest.mark.parametrize(
    ("limit", "reached"),
    [(more_than(99_999), True), (more_than(100_000), False), (pushed(3651), True), (pushed(36500), False)],
)
def test_a_limit_that_nothing_reaches_is_reported(limit: dict[str, Any], reached: bool) -> None:
    assert (("never-reached", 1) in warnings(rule(1, UNTAGGED, limit))) is not reached


def test_a_rule_for_the_archive_without_one_that_archives_is_reported() -> None:
    assert ("archive-unfed", 2) in warnings(rule(1, UNTAGGED, pushed(1)), rule(2, ANY, archived(90)))
    assert "archive-unfed" not in dict(warnings(rule(1, UNTAGGED, pulled(90), ARCHIVE), rule(2, ANY, archived(90))))


def test_one_pattern_written_twice_is_a_repetition_and_not_two_tags() -> None:
    assert warnings(rule(1, tagged("v*", "v*"), pushed(7)), REST) == [("repeated-tag", 1)]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (prefixed("v"), prefixed("v1")),
        (prefixed("v"), tagged("v*")),
        (prefixed("v"), tagged("v1.*-rc")),
        (tagged("*"), prefixed("dev-")),
        (tagged("*-*"), tagged("a-b")),
        (tagged("v*"), tagged("v*")),
        (tagged("v*"), tagged("v1*", "latest")),
        (tagged("*a*"), tagged("b*a*c")),
    ],
)
def test_a_rule_behind_one_that_takes_all_its_images_is_reported(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    rules = rule(1, wide, more_than(5)), rule(2, narrow, pushed(7)), REST
    assert ("shielded", 2) in warnings(*rules)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (prefixed("v1"), prefixed("v")),
        (tagged("v*", "latest"), tagged("v1*")),
        (tagged("a*b"), tagged("a*")),
        (tagged("v"), prefixed("v")),
        (tagged("*"), UNTAGGED),
        (prefixed("V"), prefixed("v")),
    ],
)
def test_a_rule_that_still_has_images_of_its_own_is_not_shielded(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert ("shielded", 2) not in warnings(rule(1, first, more_than(5)), rule(2, second, pushed(7)))


def test_a_rule_for_archived_images_is_not_shielded_by_one_for_standard_images() -> None:
    assert warnings(rule(1, ANY, pushed(30), ARCHIVE), rule(2, ANY, archived(90))) == []


def test_an_any_rule_that_expires_releases_is_reported() -> None:
    assert warnings(rule(1, ANY, pushed(30))) == [("releases-expire", 1)]
    assert warnings(rule(1, prefixed("dev-"), pushed(7)), rule(2, ANY, more_than(30))) == [("releases-expire", 2)]


def test_a_rule_for_every_tag_that_expires_releases_is_reported() -> None:
    for select in ({"tagStatus": "tagged", "tagPatternList": ["*"]}, {"tagStatus": "tagged", "tagPatternList": ["**"]}):
        assert warnings(rule(1, select, pushed(3)), rule(2, UNTAGGED, pushed(1))) == [("releases-expire", 1)]
        kept = rule(1, prefixed("v"), more_than(10))
        assert warnings(kept, rule(2, select, pushed(3)), rule(3, UNTAGGED, pushed(1))) == []
        assert warnings(rule(1, select, pulled(30), ARCHIVE), rule(2, UNTAGGED, pushed(1))) == []


def test_an_any_rule_behind_one_for_releases_or_one_that_archives_is_not_reported() -> None:
    assert warnings(rule(1, prefixed("v"), more_than(10)), rule(2, ANY, pushed(30))) == []
    assert warnings(rule(1, ANY, pulled(30), ARCHIVE)) == []


def test_a_document_without_a_rule_for_untagged_images_is_reported() -> None:
    assert warnings(rule(1, prefixed("v"), more_than(10))) == [("untagged-uncovered", None)]
    assert warnings(rule(1, prefixed("v"), more_than(10)), rule(2, UNTAGGED, archived(90))) == [
        ("untagged-uncovered", None), ("archive-unfed", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("select", "code"),
    [
        (prefixed("v*"), "literal-wildcard"),
        (prefixed(""), "empty-tag"),
        (tagged(""), "empty-tag"),
        (prefixed("feature/"), "impossible-tag"),
        (prefixed("-v"), "impossible-tag"),
        (tagged("v 1"), "impossible-tag"),
        (tagged("x" * 129), "impossible-tag"),
    ],
)
def test_a_tag_that_nothing_can_match_is_reported(select: dict[str, Any], code: str) -> None:
    assert warnings(rule(1, select, pushed(7)), REST) == [(code, 1)]


def test_a_key_that_stands_twice_is_reported() -> None:
    text = json.dumps(document(REST)).replace('"rulePriority": 90', '"rulePriority": 90, "rulePriority": 90')
    assert [finding.code for finding in lint(text)] == ["duplicate-key"]


TEXTS = st.text("ab", max_size=4)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, max_size=3))
def test_what_a_wider_filter_covers_matches_it_whatever_the_wildcards_stand_for(wide, narrow, fillings) -> None:
    covering, covered = TagFilter.pattern("*".join(wide)), TagFilter.pattern("*".join(narrow))
    gaps = [*fillings, "", "", ""]
    tag = narrow[0] + "".join(gap + part for gap, part in zip(gaps, narrow[1:], strict=False))
    assert covered.matches(tag)
    if covering.covers(covered):
        assert covering.matches(tag)
