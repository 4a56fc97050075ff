"""What nobody writes on purpose: images of any shape, patterns that are slow to match, rules that others leave nothing."""

from __future__ import annotations

from typing import Any

import pytest
from registries import ANY, AT, UNTAGGED, archived, document, image, more_than, prefixed, pushed, rule, tagged

from ecr_stack.aws.lifecycle import evaluate, lint, parse_images
from ecr_stack.errors import InvalidInput


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imageManifestMediaType", {"a": 1}),
        ("imageManifestMediaType", ["a"]),
        ("imageSizeInBytes", 10**400),
        ("imageSizeInBytes", 2**63),
        ("imageTags", [""]),
        ("imageTags", ["a\nv1"]),
    ],
)
def test_a_value_that_ecr_never_writes_is_a_mistake_with_its_place(key: str, value: Any) -> None:
    entry = {"imageDigest": "sha256:a", "imagePushedAt": 1_700_000_000, key: value}
    with pytest.raises(InvalidInput) as caught:
        parse_images({"imageDetails": [entry]}, source="images.json")
    assert [problem.place for problem in caught.value.problems] == [f"imageDetails[0].{key}"]


def test_a_pattern_that_almost_matches_a_long_tag_is_found_not_to_match_at_once() -> None:
    images = [image(f"sha256:{number}", "a" * 300 + "c", days=number) for number in range(2_000)]
    result = evaluate(document(rule(1, tagged("*a*a*a*ab"), pushed(1))), images, AT)
    assert result.expire == []


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*a*b*", "xaxbx", "xbxax"),
        ("a*b*c", "abbc", "abcb"),
        ("*ab*ab", "abxab", "xab"),
        ("*-*-*-*", "a-b-c-d", "a-b-c"),
        ("*aab", "aaab", "aabb"),
        ("**", "x", None),
        ("a*a", "aa", "a"),
    ],
)
def test_wildcards_stand_for_any_characters(pattern: str, matching: str, other: str | None) -> None:
    policy = document(rule(1, tagged(pattern), pushed(1)))
    found = evaluate(policy, [image("A", matching, days=9), image("B", "first", matching, "last", days=9)], AT)
    assert len(found.expire) == 2
    if other is not None:
        assert evaluate(policy, [image("A", other, days=9), image("B", "first", other, days=9)], AT).expire == []


@pytest.mark.parametrize("every_tag", [tagged("*"), tagged("**"), prefixed("")], ids=["pattern", "two", "empty prefix"])
def test_a_rule_for_any_image_is_left_nothing_by_one_for_tagged_and_one_for_untagged(every_tag: dict[str, Any]) -> None:
    rules = [rule(1, UNTAGGED, pushed(1)), rule(2, every_tag, more_than(5)), rule(3, ANY, pushed(90))]
    (finding,) = [finding for finding in lint(document(*rules)) if finding.code == "shielded"]
    assert finding.rule_priority == 3
    assert "rule 1" in finding.message
    assert "rule 2" in finding.message


@pytest.mark.parametrize(
    "rules",
    [
        [rule(1, tagged("*"), more_than(5)), rule(2, ANY, pushed(90))],
        [rule(1, UNTAGGED, pushed(1)), rule(2, ANY, pushed(90))],
        [rule(1, UNTAGGED, pushed(1)), rule(2, tagged("v*"), more_than(5)), rule(3, ANY, pushed(90))],
        [rule(1, UNTAGGED, pushed(1)), rule(2, tagged("*"), more_than(5)), rule(3, ANY, archived(90))],
    ],
    ids=["untagged are left", "tagged are left", "other tags are left", "other storage class"],
)
def test_a_rule_for_any_image_that_is_left_some_is_not_shielded(rules: list[dict[str, Any]]) -> None:
    assert "shielded" not in {finding.code for finding in lint(document(*rules))}


def test_a_description_that_aws_does_not_limit_is_a_doubt_and_no_error() -> None:
    from ecr_stack.aws.lifecycle import lint

    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}
    rule = {"rulePriority": 1, "description": "x" * 257, "selection": selection, "action": {"type": "expire"}}
    assert {(finding.code, finding.severity) for finding in lint({"rules": [rule]})} == {
        ("description-length", "warning")
    }
    assert lint({"rules": [rule | {"description": "x" * 256}]}) == []
