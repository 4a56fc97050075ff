"""A changed lifecycle policy is said as what stays before and after, worked out by the evaluator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.review.retention_changes import RetentionChange, retention_changes


def report(**policies: list[dict[str, Any]] | None) -> dict[str, Any]:
    records: list[dict[str, Any]] = []
    for name, rules in policies.items():
        records.append(
            {"type": "aws:ecr/repository:Repository", "inputs": {}, "outputs": {"name": name, "region": "us-east-1"}}
        )
        if rules is not None:
            text = json.dumps({"rules": [{"rulePriority": place, **rule} for place, rule in enumerate(rules, 1)]})
            records.append(
                {
                    "type": "aws:ecr/lifecyclePolicy:LifecyclePolicy",
                    "inputs": {"repository": name, "policy": text},
                    "outputs": {"region": "us-east-1"},
                }
            )
    return {"resources": records}


def tagged(*patterns: str, keep: int) -> dict[str, Any]:
    selection = {"tagStatus": "tagged", "tagPatternList": list(patterns), "countType": "imageCountMoreThan"}
    return {"selection": {**selection, "countNumber": keep}, "action": {"type": "expire"}}


def after(days: int, status: str = "any", **action: str) -> dict[str, Any]:
    selection = {"tagStatus": status, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return {"selection": selection, "action": action or {"type": "expire"}}


def said(changes: list[RetentionChange]) -> list[tuple[str, str, str, bool]]:
    return [(kind.images, str(kind.before), str(kind.after), kind.loses) for change in changes for kind in change.kinds]


def test_fewer_releases_that_are_kept_are_counted() -> None:
    changes = retention_changes(report(api=[tagged("v*", keep=10)]), report(api=[tagged("v*", keep=3)]))
    assert said(changes) == [("images tagged `v*`", "10 kept", "3 kept", True)]


def test_a_rule_that_an_earlier_one_shields_from_makes_no_difference() -> None:
    first, second = tagged("*", keep=5), tagged("v*", keep=2)
    assert retention_changes(report(api=[first]), report(api=[first, second])) == []


def test_a_policy_that_goes_keeps_everything() -> None:
    changes = retention_changes(report(api=[after(7)]), report(api=None))
    assert ("untagged images", "7 kept", "all kept", False) in said(changes)
    assert ("images with any other tag", "7 kept", "all kept", False) in said(changes)


def test_another_kind_of_images_that_is_caught_is_named() -> None:
    changes = retention_changes(report(api=[tagged("v*", keep=10)]), report(api=[tagged("v*", keep=10), after(30)]))
    assert said(changes) == [
        ("images with any other tag", "all kept", "30 kept", True),
        ("untagged images", "all kept", "30 kept", True),
    ]


def test_the_archive_loses_nothing() -> None:
    archive = after(30, type="transition", targetStorageClass="archive")
    ((_, before, now, loses), *_) = said(retention_changes(report(api=None), report(api=[archive])))
    assert (before, now, loses) == ("all kept", "30 kept, the older ones in the archive", False)


def test_a_tag_that_stands_still_is_on_one_image() -> None:
    changes = retention_changes(
        report(api=[tagged("latest", keep=1)]), report(api=[tagged("latest", keep=1), after(9)])
    )
    assert "images tagged `latest`" not in {kind.images for change in changes for kind in change.kinds}


def test_repositories_of_the_same_change_are_one_change() -> None:
    base, head = [tagged("v*", keep=10)], [tagged("v*", keep=3)]
    (change,) = retention_changes(report(api=base, jobs=base, web=base), report(api=head, jobs=head, web=base))
    assert change.repositories == ("api", "jobs")


def test_a_new_repository_has_no_images_to_lose() -> None:
    assert retention_changes(report(), report(api=[after(1)])) == []


@pytest.mark.parametrize("text", ["[]", "not JSON", '{"rules": [{}]}'])
def test_a_base_with_a_document_that_ecr_refuses_is_no_reason_to_fail(text: str) -> None:
    base = report(api=[after(1)])
    base["resources"][1]["inputs"]["policy"] = text
    assert retention_changes(base, report(api=[after(2)])) == []


def losing(base: list[dict[str, Any]], head: list[dict[str, Any]]) -> set[str]:
    return {images for images, _, _, loses in said(retention_changes(report(api=base), report(api=head))) if loses}


def aged(pattern: str, days: int) -> dict[str, Any]:
    rule = after(days, "tagged")
    rule["selection"]["tagPatternList"] = [pattern]
    return rule


def counting(keep: int) -> dict[str, Any]:
    return {
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": keep},
        "action": {"type": "expire"},
    }


def test_images_with_two_tags_go_if_the_order_of_their_rules_changes() -> None:
    releases, commits = tagged("release-*", keep=1000), aged("sha-*", 30)
    assert losing([releases, commits], [commits, releases]) == {"images tagged `release-*` and `sha-*`"}
    assert losing([commits, releases], [releases, commits]) == set()


def test_images_with_two_tags_go_if_the_rule_that_keeps_them_is_removed() -> None:
    base = [tagged("release-*", keep=1000), aged("sha-*", 30)]
    assert losing(base, base[1:]) == {"images tagged `release-*` and `sha-*`"}


def test_an_image_with_a_fixed_tag_goes_if_another_rule_comes_first() -> None:
    latest, releases = tagged("latest", keep=1), aged("v*", 30)
    assert losing([latest, releases], [releases, latest]) == {"images tagged `latest` and `v*`"}


def test_a_tag_that_two_patterns_match_is_told() -> None:
    releases, candidates = tagged("v*", keep=1000), aged("*-rc", 1)
    assert losing([releases, candidates], [candidates, releases]) == {"images tagged `v*` and `*-rc`"}


def test_two_rules_that_change_places_and_do_the_same_lose_nothing() -> None:
    rules = [tagged("v*", keep=10), tagged("sha-*", keep=10), aged("dev-*", 7)]
    assert losing(rules, [rules[1], rules[0], rules[2]]) == set()


def test_images_that_a_rule_counts_with_more_of_others_go() -> None:
    base, head = ([aged("sha-*", days), counting(50)] for days in (1, 365))
    found = losing(base, head)
    assert "images with any other tag, counted together with the others" in found
    assert losing(head, base) == {"images tagged `sha-*`"}


def test_images_that_stay_for_ever_are_as_many_before_and_after() -> None:
    base = [tagged("v*", keep=100), tagged("v1*", keep=20)]
    head = [tagged("v*", keep=100), tagged("v1*", keep=20), aged("sha-*", 3000)]
    assert losing(base, head) == {"images tagged `sha-*`"}


@pytest.mark.parametrize("prefix", ["a", "an-other-", "*"])
def test_other_tags_are_those_that_no_rule_names(prefix: str) -> None:
    pattern = f"{prefix.rstrip('*')}*"
    rules = [tagged(pattern, keep=5), after(1, "untagged")]
    found = losing(rules, [rules[0], after(1)])
    assert found == (set() if pattern == "*" else {"images with any other tag"})


def test_what_is_counted_further_back_than_is_looked_at_is_not_complete() -> None:
    base, head = ([tagged("v*", keep=keep), after(days)] for keep, days in ((9000, 30), (5000, 31)))
    (change,) = retention_changes(report(api=base), report(api=head))
    assert not change.complete
    (change,) = retention_changes(report(api=[after(30)]), report(api=[after(31)]))
    assert change.complete


def test_images_that_go_to_the_archive_can_no_longer_be_pulled() -> None:
    archive = after(30, type="transition", targetStorageClass="archive")
    (change,) = retention_changes(report(api=None), report(api=[archive]))
    assert all(kind.archives for kind in change.kinds)
    (change,) = retention_changes(report(api=[archive]), report(api=None))
    assert not any(kind.archives for kind in change.kinds)
