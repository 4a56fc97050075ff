"""Lifecycle policies: there is one, it removes untagged images, and its rules do what they read like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guarded import UNTAGGED, Record, lifecycle, messages, record, repository

EVERY = "every-repository-has-a-lifecycle-policy"
EXPIRE = "lifecycle-policies-expire-untagged-images"
ONE = "lifecycle-rules-name-one-prefix-each"
BY_TAG = "lifecycle-rules-in-production-expire-by-tag"


def rule(status: str, count: str = "sinceImagePushed", action: str = "expire", **selection: Any) -> dict[str, Any]:
    return {
        "rulePriority": 1,
        "selection": {"tagStatus": status, "countType": count, "countNumber": 1, **selection},
        "action": {"type": action},
    }


def test_a_repository_without_a_lifecycle_policy_is_reported() -> None:
    [message] = messages(EVERY, repository(), repository("auth"), lifecycle(name="auth"))
    assert "api has no lifecycle policy" in message


def test_a_template_without_a_lifecycle_policy_is_reported() -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    [message] = messages(EVERY, record(kind, prefix="ROOT"))
    assert "by the template for 'ROOT' get no lifecycle policy" in message
    assert messages(EVERY, record(kind, prefix="ROOT", lifecyclePolicy=lifecycle()["inputs"]["policy"])) == []


def test_the_violation_names_the_repository() -> None:
    from guardrails.check import violations

    lone = repository()
    found = violations(
        [lone], stack="prod", config={EVERY: {"enforcementLevel": "advisory", "reason": "decided by the platform team"}}
    )
    assert [(each["urn"], each["level"]) for each in found if each["policy"] == EVERY] == [(lone["urn"], "advisory")]


def test_a_lifecycle_policy_of_another_region_does_not_count() -> None:
    here, there = repository(region="us-east-1"), lifecycle(region="eu-west-1")
    assert messages(EVERY, here, there)
    assert messages(EVERY, here, lifecycle(region="us-east-1")) == []


def test_rules_for_untagged_images_count() -> None:
    for good in (
        rule("untagged"),
        rule("untagged", "imageCountMoreThan"),
        rule("any"),
        rule("any", "imageCountMoreThan"),
    ):
        assert messages(EXPIRE, lifecycle(good)) == []


@pytest.mark.parametrize(
    "bad",
    [
        rule("tagged", tagPrefixList=["v"]),
        rule("untagged", action="transition"),
        rule("untagged", "sinceImageTransitioned", storageClass="archive"),
        {"rulePriority": 1},
    ],
    ids=str,
)
def test_a_lifecycle_policy_that_lets_untagged_images_stay_is_reported(bad: dict[str, Any]) -> None:
    [message] = messages(EXPIRE, lifecycle(bad))
    assert "keeps untagged images" in message


def test_only_rules_for_untagged_images_count_if_so_configured() -> None:
    assert messages(EXPIRE, lifecycle(rule("any")), config={"anyCounts": False})
    assert messages(EXPIRE, lifecycle(UNTAGGED), config={"anyCounts": False}) == []


@pytest.mark.parametrize("name", ["tagPrefixList", "tagPatternList"])
def test_several_entries_in_one_list_are_reported(name: str) -> None:
    [message] = messages(ONE, lifecycle(rule("tagged", **{name: ["dev-", "feature-"]})))
    assert f"match all of {name} ['dev-', 'feature-']" in message
    assert messages(ONE, lifecycle(rule("tagged", **{name: ["dev-"]}))) == []


def test_a_document_may_be_an_object() -> None:
    assert messages(EXPIRE, lifecycle(policy={"rules": [UNTAGGED]})) == []
    assert messages(ONE, lifecycle(policy={"rules": [rule("tagged", tagPrefixList=["dev-", "feature-"])]}))


def test_templates_are_read_as_well() -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    template = record(
        kind, prefix="ROOT", lifecyclePolicy=lifecycle(rule("tagged", tagPrefixList=["a", "b"]))["inputs"]["policy"]
    )
    assert messages(ONE, template)
    assert messages(EXPIRE, template)


def test_a_rule_for_any_image_is_remarked_in_production() -> None:
    assert messages(BY_TAG, lifecycle(rule("any")))
    assert messages(BY_TAG, lifecycle(rule("any"), stack="dev")) == []
    assert messages(BY_TAG, lifecycle(UNTAGGED)) == []


@pytest.mark.parametrize("policy", ["not json", "[]", "{}", '{"rules": [1]}', '{"rules": "x"}', "7"])
def test_a_lifecycle_policy_that_is_none_is_a_message(policy: str) -> None:
    for name in (EXPIRE, ONE, BY_TAG):
        [message] = messages(name, lifecycle(policy=policy))
        assert "not JSON" in message or "It must be" in message


@pytest.mark.parametrize("status", ["untagged", "any"])
def test_untagged_images_may_go_by_way_of_the_archive(status: str) -> None:
    to_archive = rule(status, action="transition")
    from_archive = rule(status, "sinceImageTransitioned", storageClass="archive")
    assert messages(EXPIRE, lifecycle(to_archive, from_archive)) == []
    assert messages(EXPIRE, lifecycle(to_archive))


@pytest.mark.parametrize(
    "entries", [{"tagPatternList": ["*"]}, {"tagPatternList": ["**"]}, {"tagPrefixList": [""]}], ids=str
)
def test_a_rule_whose_tags_limit_nothing_is_a_rule_for_any_image(entries: dict[str, Any]) -> None:
    [message] = messages(BY_TAG, lifecycle(rule("tagged", **entries)))
    assert "including releases" in message
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    document = lifecycle(rule("tagged", **entries))["inputs"]["policy"]
    assert messages(BY_TAG, record(kind, prefix="ROOT", lifecyclePolicy=document))
    assert messages(BY_TAG, lifecycle(rule("tagged", tagPatternList=["dev-*"]))) == []


def waiting(kind: str, number: int, status: str = "untagged") -> Record:
    selection = {"tagStatus": status, "countType": kind, "countNumber": number}
    if kind != "imageCountMoreThan":
        selection["countUnit"] = "days"
    return lifecycle({"rulePriority": 1, "selection": selection, "action": {"type": "expire"}})


@pytest.mark.parametrize(
    ("rule", "acts", "expires_untagged"),
    [
        (waiting("sinceImagePushed", 36_500), False, False),
        (waiting("sinceImagePushed", 3651), False, False),
        (waiting("sinceImagePushed", 3650), True, False),
        (waiting("sinceImagePushed", 365), True, True),
        (waiting("imageCountMoreThan", 1_000_000, "any"), False, False),
        (waiting("imageCountMoreThan", 100_000, "any"), False, False),
        (waiting("imageCountMoreThan", 10_000, "any"), True, True),
    ],
)
def test_a_rule_that_never_acts_counts_as_none(rule: Record, acts: bool, expires_untagged: bool) -> None:
    assert (messages(EVERY, repository(), rule) == []) is acts
    assert (messages(EXPIRE, rule) == []) is expires_untagged


def test_a_template_whose_rules_never_act_counts_as_one_without() -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    idle = waiting("sinceImagePushed", 36_500)["inputs"]["policy"]
    assert messages(EVERY, record(kind, prefix="ROOT", lifecyclePolicy=idle)) != []


def test_one_rule_that_acts_is_enough() -> None:
    idle = waiting("sinceImagePushed", 36_500)
    policy = json.loads(idle["inputs"]["policy"])
    policy["rules"].append(
        {**policy["rules"][0], "rulePriority": 2, "selection": {**policy["rules"][0]["selection"], "countNumber": 1}}
    )
    both = lifecycle(policy=json.dumps(policy))
    assert messages(EVERY, repository(), both) == messages(EXPIRE, both) == []


STRANGE: dict[str, Record] = {
    "a key of the selection": rule("untagged", repositoryFilter=["team/"]),
    "a key in another case": rule("untagged", TagPatternList=["nobody-*"]),
    "a key of the rule": {**rule("untagged"), "enabled": False},
    "a key of the action": {**rule("untagged"), "action": {"type": "expire", "dryRun": True}},
    "a status": rule("Untagged"),
    "a count": rule("any", "sinceImageScanned"),
    "a storage class": rule("any", storageClass="glacier"),
    "an action": rule("any", action="quarantine"),
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("policy", [EXPIRE, ONE, BY_TAG])
def test_a_rule_that_is_not_understood_counts_for_nothing_and_is_reported(policy: str, strange: Record) -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    given = {"rules": [rule("untagged") | {"rulePriority": 2}, strange]}
    for resource in (
        lifecycle(policy=json.dumps(given)),
        lifecycle(policy=given),
        record(kind, prefix="ROOT", lifecyclePolicy=json.dumps(given)),
    ):
        [message] = messages(policy, resource)
        assert "policy is unknown: rules[1]" in message
        assert "keeps untagged images" not in message
