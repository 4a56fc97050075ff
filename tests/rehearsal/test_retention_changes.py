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
    assert said(changes) == [("images tagged `v*`", "10 stay", "3 stay", True)]


def test_a_rule_that_an_earlier_one_shields_from_makes_no_difference() -> None:
    first, second = tagged("*", keep=5), tagged("v*", keep=2)
    assert retention_changes(report(api=[first]), report(api=[first, second])) == []


def test_a_policy_that_goes_keeps_everything() -> None:
    changes = retention_changes(report(api=[after(7)]), report(api=None))
    assert ("untagged images", "7 stay", "all are kept", False) in said(changes)
    assert ("images with any other tag", "7 stay", "all are kept", False) in said(changes)


def test_another_kind_of_images_that_is_caught_is_named() -> None:
    changes = retention_changes(report(api=[tagged("v*", keep=10)]), report(api=[tagged("v*", keep=10), after(30)]))
    assert said(changes) == [
        ("images with any other tag", "all are kept", "30 stay", True),
        ("untagged images", "all are kept", "30 stay", True),
    ]


def test_the_archive_loses_nothing() -> None:
    archive = after(30, type="transition", targetStorageClass="archive")
    ((_, before, now, loses), *_) = said(retention_changes(report(api=None), report(api=[archive])))
    assert (before, now, loses) == ("all are kept", "30 stay, the older ones in the archive", False)


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
