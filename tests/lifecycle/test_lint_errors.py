"""What ECR refuses is an error, and what it takes is none."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from registries import (
    ANY,
    ARCHIVE,
    EXPIRE,
    UNTAGGED,
    archived,
    document,
    more_than,
    prefixed,
    pulled,
    pushed,
    rule,
    tagged,
)

from ecr_stack.aws.lifecycle import KINDS, lint, parse_document
from ecr_stack.errors import InvalidInput

GOOD = document(rule(1, prefixed("v"), more_than(10)), rule(2, UNTAGGED, pushed(1)))
ABSENT = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good document with one value set, or removed."""
    made = copy.deepcopy(GOOD)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    here: Any = made
    for step in steps:
        here = here[step]
    if value is ABSENT:
        del here[last]
    else:
        here[last] = value
    return made


def errors(policy: Any) -> list[str]:
    return [finding.code for finding in lint(policy) if finding.severity == "error"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("rules", ABSENT, "missing-key"),
        ("rules", {}, "wrong-type"),
        ("rules", None, "wrong-type"),
        ("Version", "1", "unknown-key"),
        ("rules.0", "rule", "wrong-type"),
        ("rules.0.rulePriority", ABSENT, "missing-key"),
        ("rules.0.rulePriority", True, "wrong-type"),
        ("rules.0.rulePriority", "1", "wrong-type"),
        ("rules.0.rulePriority", 1.5, "wrong-type"),
        ("rules.0.rulePriority", 1.0, "wrong-type"),
        ("rules.0.rulePriority", 0, "priority-range"),
        ("rules.0.rulePriority", -1, "priority-range"),
        ("rules.0.rulePriority", 2, "priority-duplicate"),
        ("rules.0.description", None, "wrong-type"),
        ("rules.0.enabled", True, "unknown-key"),
        ("rules.0.selection", ABSENT, "missing-key"),
        ("rules.0.selection", [], "wrong-type"),
        ("rules.0.selection.tagStatus", ABSENT, "missing-key"),
        ("rules.0.selection.tagStatus", "TAGGED", "unknown-value"),
        ("rules.0.selection.tagStatus", None, "wrong-type"),
        ("rules.0.selection.tagPrefixes", ["v"], "unknown-key"),
        ("rules.0.selection.tagPrefixList", ABSENT, "tag-list-missing"),
        ("rules.0.selection.tagPrefixList", [], "tag-list-missing"),
        ("rules.0.selection.tagPrefixList", "v", "wrong-type"),
        ("rules.0.selection.tagPrefixList", [1], "wrong-type"),
        ("rules.0.selection.tagPatternList", ["v*"], "tag-list-both"),
        ("rules.0.selection.tagPrefixList", None, "wrong-type"),
        ("rules.1.selection.tagPrefixList", [], "tag-list-forbidden"),
        ("rules.1.selection.tagPatternList", ["*"], "tag-list-forbidden"),
        ("rules.0.selection.countType", ABSENT, "missing-key"),
        ("rules.0.selection.countType", "imageCount", "unknown-value"),
        ("rules.0.selection.countNumber", ABSENT, "missing-key"),
        ("rules.0.selection.countNumber", 0, "count-number-range"),
        ("rules.0.selection.countNumber", "7", "wrong-type"),
        ("rules.0.selection.countNumber", 7.5, "wrong-type"),
        ("rules.0.selection.countNumber", True, "wrong-type"),
        ("rules.0.selection.countUnit", "days", "count-unit-forbidden"),
        ("rules.0.selection.countUnit", None, "count-unit-forbidden"),
        ("rules.1.selection.countUnit", ABSENT, "count-unit-missing"),
        ("rules.1.selection.countUnit", "hours", "unknown-value"),
        ("rules.1.selection.countUnit", "Days", "unknown-value"),
        ("rules.0.selection.storageClass", "archive", "storage-class"),
        ("rules.0.selection.storageClass", "cold", "unknown-value"),
        ("rules.0.selection.storageClass", None, "wrong-type"),
        ("rules.0.action", ABSENT, "missing-key"),
        ("rules.0.action.type", ABSENT, "missing-key"),
        ("rules.0.action.type", "delete", "unknown-value"),
        ("rules.0.action.type", "transition", "target-storage-class"),
        ("rules.0.action.targetStorageClass", "archive", "target-storage-class"),
        ("rules.0.action.targetStorageClass", None, "target-storage-class"),
        ("rules.0.action", {"type": "transition", "targetStorageClass": "standard"}, "unknown-value"),
        ("rules.0.action", {"type": "expire", "days": 3}, "unknown-key"),
    ],
)
def test_a_document_that_breaks_one_requirement_has_that_one_error(path: str, value: Any, code: str) -> None:
    # long enough, whatever was taken out of it
    assert errors(json.dumps(changed(path, value)) + " " * 100) == [code]


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (document(rule(1, ANY, pulled(90))), "pulled-expires"),
        (document(rule(1, ANY, archived(90), ARCHIVE)), "transitioned-archives"),
        (document(rule(1, ANY, archived(89))), "archive-minimum"),
        (document(rule(1, ANY, archived(90) | {"storageClass": "standard"})), "storage-class"),
        (document(rule(1, tagged("*a*b*c*d*"), pushed(1))), "wildcard-limit"),
        (document(rule(1, ANY, pushed(1)), rule(2, UNTAGGED, pushed(1))), "any-not-last"),
        (document(rule(1, ANY, pushed(1)), rule(2, ANY, pushed(9))), "any-not-last"),
        (document(rule(1, UNTAGGED, pushed(1)), rule(2, UNTAGGED, more_than(1))), "untagged-duplicate"),
        (document(rule(1, prefixed("v"), pushed(1)), rule(2, prefixed("v"), more_than(1))), "prefix-duplicate"),
        (document(rule(1, prefixed("v", "w"), pushed(1)), rule(2, prefixed("w", "v"), pushed(2))), "prefix-duplicate"),
        (document(*(rule(number, prefixed(f"t{number}"), pushed(1)) for number in range(1, 52))), "rules-count"),
    ],
)
def test_rules_that_do_not_go_together_are_errors(policy: dict[str, Any], code: str) -> None:
    assert errors(policy) == [code]
    with pytest.raises(InvalidInput):
        parse_document(policy)


def test_a_transitioned_rule_without_a_storage_class_is_an_error() -> None:
    policy = document(rule(1, ANY, archived(90)))
    del policy["rules"][0]["selection"]["storageClass"]
    assert errors(policy) == ["storage-class"]


@pytest.mark.parametrize(
    "policy",
    [
        GOOD,
        changed("rules.0.description", "x" * 256),
        changed("rules.0.description", ""),
        changed("rules.0.rulePriority", 999_999),
        changed("rules.0.selection.storageClass", "standard"),
        document(rule(1, tagged("*test*1*2*3", "test*1*2*3*"), pushed(1))),
        document(rule(1, tagged("*"), more_than(5), ARCHIVE), rule(2, ANY, more_than(5), EXPIRE)),
        document(rule(7, ANY, pulled(1), ARCHIVE), rule(3, ANY, archived(90))),
        document(rule(1, UNTAGGED, pushed(1)), rule(2, UNTAGGED, archived(90)), rule(3, prefixed("v"), pushed(1))) | {},
        document(rule(1, prefixed("v"), pushed(1), ARCHIVE), rule(2, prefixed("v"), archived(90))),
        document(rule(1, tagged("v*"), pushed(1)), rule(2, tagged("v*"), more_than(3))),
        document(rule(1, prefixed("v"), pushed(1)), rule(2, tagged("v"), more_than(3))),
        document(rule(1, ANY, archived(90)), rule(2, UNTAGGED, pushed(1))),
        document(*(rule(number, prefixed(f"t{number}"), pushed(1)) for number in range(1, 51))),
    ],
)
def test_what_ecr_takes_has_no_error(policy: dict[str, Any]) -> None:
    assert errors(policy) == []
    assert errors(json.dumps(policy, indent=4)) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "rules", json.dumps(GOOD) + ",", json.dumps(GOOD).replace("10", "NaN"), "[" * 100_000],
)
def test_what_is_not_json_is_an_error(text: str) -> None:
    assert "not-json" in errors(text)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"rules"'])
def test_json_that_is_no_object_is_an_error(text: str) -> None:
    assert errors(text)[0] == "wrong-type"


def test_the_length_of_the_text_counts_and_white_space_is_in_it() -> None:
    assert errors(json.dumps(GOOD) + " " * 30_000) == []
    assert errors(json.dumps(GOOD) + " " * 30_720) == ["text-length"]
    assert errors("{}") == ["missing-key", "text-length"]


def test_data_is_measured_as_the_compact_text_that_is_sent_for_it() -> None:
    long = document(
        *(rule(n, prefixed("t" * 200 + str(n)), pushed(1)) | {"description": "d" * 256} for n in range(1, 51))
    )
    size = len(json.dumps(long, separators=(",", ":")))
    assert size > 30_720
    assert errors(long) == ["text-length"]


def test_every_mistake_is_found_at_once_and_errors_come_first() -> None:
    policy = document(rule(1, prefixed("a", "b"), pushed(1)), rule(1, UNTAGGED, {"countType": "x", "countNumber": 0}))
    findings = lint(policy)
    assert [finding.severity for finding in findings] == sorted(finding.severity for finding in findings)
    assert {"unknown-value", "count-number-range", "priority-duplicate", "several-tags"} <= {f.code for f in findings}


def test_every_kind_of_finding_says_why_where_it_is_written_and_what_to_do() -> None:
    for kind in KINDS.values():
        assert kind.source.startswith("https://docs.")
        assert kind.summary[0].isupper()
        for text in (kind.reason, kind.remedy):
            assert text.strip()
            assert not text.endswith(".")


def test_a_refused_document_names_places_values_and_remedies() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_document(changed("rules.1.selection.countUnit", "hours"), source="policy.json")
    (problem,) = refused.value.problems
    assert (problem.place, problem.value) == ("rules[1].selection.countUnit", "hours")
    assert problem.remedy == "write days"
