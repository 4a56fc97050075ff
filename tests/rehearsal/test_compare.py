"""What differs between two rehearsals is said property by property, and what matters most is said first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.cli.comparison import markdown
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import Report, rehearse
from ecr_stack.review.compare import compare
from ecr_stack.review.comparison import Comparison
from ecr_stack.review.diagram import mermaid

Make = Callable[[dict[str, Any]], Path]

CONFIG: dict[str, Any] = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositoryDefaults": {
        "tagMutability": "IMMUTABLE",
        "protect": True,
        "lifecycle": [{"description": "ten", "tagPrefixes": ["v"], "keepLast": 10}],
        "access": {"pull": ["role/nodes"]},
    },
    "ecr-stack:repositories": {"api": {}, "worker": {}},
}


def rehearsed(make: Make, **changes: Any) -> Report:
    return rehearse("test", make({**CONFIG, **{f"ecr-stack:{key}": value for key, value in changes.items()}}))


def defaults(**changes: Any) -> dict[str, Any]:
    return {"repositoryDefaults": {**CONFIG["ecr-stack:repositoryDefaults"], **changes}}


def difference(make: Make, **changes: Any) -> Comparison:
    base = rehearsed(make).as_json()
    return compare(json.loads(json.dumps(base)), rehearsed(make, **changes).as_json())


def messages(comparison: Comparison) -> str:
    return "\n".join(f"{risk.level} {risk.name} {risk.message}" for risk in comparison.risks)


def test_the_same_stack_twice_is_the_same_although_its_keys_have_other_ids(project: Make) -> None:
    comparison = difference(project)
    assert comparison.same
    assert comparison.risks == []


def test_the_same_stack_twice_is_the_same_although_its_secrets_have_other_suffixes(project: Make) -> None:
    credentials = {"username": "our-team", "accessToken": {"secure": "AAAB"}}
    cache = {"pullThroughCache": {"docker-hub": {"upstream": "docker-hub", "credentials": credentials}}}
    comparison = compare(rehearsed(project, **cache).as_json(), rehearsed(project, **cache).as_json())
    assert comparison.same
    assert comparison.risks == []


def test_other_encryption_replaces_repositories_and_loses_their_images(project: Make) -> None:
    comparison = difference(project, encryption={"type": "AES256"})
    assert {(change.name, change.replaces) for change in comparison.replaced} == {
        ("test-api", ("encryptionConfigurations",)),
        ("test-worker", ("encryptionConfigurations",)),
    }
    assert {change.type for change in comparison.removed} == {"aws:kms/key:Key", "aws:kms/alias:Alias"}
    assert "danger test-api AWS cannot change encryptionConfigurations" in messages(comparison)
    assert "EVERY IMAGE" in messages(comparison)


def test_another_lifecycle_rule_is_named_with_before_and_after(project: Make) -> None:
    rules = [{"description": "ten", "tagPrefixes": ["v"], "keepLast": 3}]
    comparison = difference(project, **defaults(lifecycle=rules))
    changed = {change.name: change for change in comparison.changed if "LifecyclePolicy" in change.type}
    (property_,) = changed["test-api"].properties
    assert property_.path == "policy.rules[rulePriority=1].selection.countNumber"
    assert (property_.before, property_.after) == (10, 3)
    assert "danger test-api the lifecycle changes" in messages(comparison)


def test_another_description_of_a_rule_alarms_nobody(project: Make) -> None:
    rules = [{"description": "the last ten", "tagPrefixes": ["v"], "keepLast": 10}]
    comparison = difference(project, **defaults(lifecycle=rules))
    assert comparison.changed
    assert comparison.risks == []


def test_a_new_principal_is_named(project: Make) -> None:
    comparison = difference(project, **defaults(access={"pull": ["role/nodes", "role/stranger"]}))
    assert (
        "danger test-api grants access to arn:aws:iam::123456789012:role/stranger: ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, "
        in messages(comparison)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protect": False}, "attention test-api is no longer protected"),
        ({"protect": False, "forceDelete": True}, "attention test-api could be deleted together with its images"),
        ({"scanOnPush": False}, "attention test-api is no longer scanned on push"),
        (
            {"tagMutability": "MUTABLE"},
            "attention test-api immutable tags would become movable, for example `v1.2.3`",
        ),
        ({"lifecycle": None}, "attention test-api the lifecycle would be removed"),
        ({"access": None}, "danger test-api the policy would be removed"),
    ],
)
def test_a_weaker_safeguard_is_named(project: Make, changes: dict[str, Any], words: str) -> None:
    assert words in messages(difference(project, **defaults(**changes)))


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ({"maxExpire": 1000}, "attention test-api the lifecycle guard allows more: maxExpire (5 → 1000)"),
        (
            {"maxExpire": 5, "overrides": {"api": {"maxExpire": 9, "reason": "X-1"}}},
            "attention test-api the lifecycle guard allows more: maxExpire (5 → 9, because: X-1)",
        ),
        ({}, "attention test-api loses its lifecycle guard"),
    ],
)
def test_a_weaker_lifecycle_guard_is_named_by_its_repository(project: Make, guard: dict[str, Any], words: str) -> None:
    base = rehearsed(project, lifecycleGuard={"maxExpire": 5}).as_json()
    head = rehearsed(project, lifecycleGuard=guard).as_json()
    said = messages(compare(json.loads(json.dumps(base)), head))
    assert words in said
    assert "would be deleted" not in said


def test_a_repository_that_goes_takes_its_lifecycle_guard_along(project: Make) -> None:
    guard = {"maxExpire": 5}
    base = rehearsed(project, lifecycleGuard=guard).as_json()
    head = rehearsed(project, lifecycleGuard=guard, repositories={"api": {}}).as_json()
    said = messages(compare(json.loads(json.dumps(base)), head))
    assert "danger test-worker the repository would be deleted" in said
    assert "guard" not in said


def test_a_diagram_has_replicas_as_their_destination(project: Make) -> None:
    replication = {"rules": [{"destinations": [{"region": "us-west-2"}]}]}
    base = rehearsed(project, replication=replication).as_json()
    drawn = mermaid(base)
    assert 'r0["api<br/>worker<br/>' in drawn
    assert 'd0["123456789012 · us-west-2"]' in drawn
    assert "class d0" not in drawn
    head = json.loads(json.dumps(base))
    for resource in head["resources"]:
        if resource["name"] == "test-api@us-west-2" and resource["type"].endswith("repository:Repository"):
            resource["options"]["protect"] = False
    assert "class d0 changed" in mermaid(head, compare(base, head))


@pytest.mark.parametrize(("token", "warned"), [("hunter2", True), ({"secure": "AAAB"}, False)])
def test_a_token_in_plain_text_is_warned_of_and_not_repeated(project: Make, token: Any, warned: bool) -> None:
    credentials = {"username": "us", "accessToken": token}
    report = rehearsed(project, pullThroughCache={"hub": {"upstream": "docker-hub", "credentials": credentials}})
    place = "ecr-stack:pullThroughCache.hub.credentials.accessToken"
    assert any(f": {place}: " in text for text in report.warnings) is warned
    assert "hunter2" not in "".join(report.warnings)


def test_a_repository_that_goes_is_a_danger(project: Make) -> None:
    comparison = difference(project, repositories={"api": {}})
    assert "danger test-worker the repository would be deleted, with its images" in messages(comparison)


def test_a_rename_through_an_alias_is_no_removal(project: Make) -> None:
    renamed = {"api": {}, "jobs": {"name": "worker", "aliases": ["worker"]}}
    comparison = difference(project, repositories=renamed)
    assert comparison.removed == comparison.added == comparison.replaced == []
    assert {change.name for change in comparison.renamed} == {"test-jobs"}


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not the report of a rehearsal"):
        compare({"resources": [1]}, {"resources": []}, source="base.json")


def test_the_comment_of_a_pull_request_makes_a_reviewer_stop(project: Make) -> None:
    base = rehearsed(project).as_json()
    head = rehearsed(project, encryption={"type": "AES256"}, **defaults(access={"pull": ["role/stranger"]}))
    text = markdown(compare(base, head.as_json()), head)
    assert "\n\n### 🛑 Stack `test`: 2 replaced, 2 removed" in text
    assert "> [!CAUTION]" in text
    assert "role/stranger" in text
    assert "```mermaid\nflowchart LR" in text


def test_a_comment_about_nothing_is_short(project: Make) -> None:
    base = rehearsed(project)
    text = markdown(compare(base.as_json(), base.as_json()), base)
    assert "\n\n### ✅ Stack `test`: no changes" in text
    assert "property by property" not in text


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ({"maxExpire": 5000}, "the lifecycle guard allows more: maxExpire (50 → 5000)"),
        ({"maxArchive": 5000}, "the lifecycle guard allows more: maxArchive (50 → 5000)"),
        ({"protectPulledWithinDays": 1}, "the lifecycle guard allows more: protectPulledWithinDays (30 → 1)"),
        (
            {"roleArn": "arn:aws:iam::123456789012:role/other"},
            "the lifecycle guard uses other credentials, which may query another account",
        ),
        (
            {"overrides": {"api": {"maxExpire": 5000, "reason": "old nightly builds go, OPS-12"}}},
            "the lifecycle guard allows more: maxExpire (50 → 5000, because: old nightly builds go, OPS-12)",
        ),
        (None, "loses its lifecycle guard"),
    ],
    ids=str,
)
def test_a_guard_that_allows_more_is_a_risk_in_the_rehearsal_of_a_whole_stack(
    project: Make, guard: dict[str, Any] | None, said: str
) -> None:
    strict = {"maxExpire": 50, "protectPulledWithinDays": 30}
    base = rehearsed(project, lifecycleGuard=strict).as_json()
    changed = {} if guard is None else {**strict, **guard}
    head = rehearsed(project, lifecycleGuard=changed).as_json()
    assert f"attention test-api {said}" in messages(compare(json.loads(json.dumps(base)), head))


KEPT = {"name": "base images", "tagPatterns": ["base-*"], "kept": True}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            {},
            {"ecr-stack:trusted": {"accounts": ["111122223333"]}},
            "ecr-stack:trusted.accounts the guardrails would silently accept",
        ),
        ({}, {"ecr-stack:trusted": {"organizations": ["o-a1b2c3d4e5"]}}, "the organization `o-a1b2c3d4e5`"),
        ({}, {"ecr-stack:trusted": {"issuers": ["ci.example.com"]}}, "tokens of `ci.example.com`"),
        ({"aws:allowedAccountIds": ["123456789012"]}, {}, "(123456789012 → any account)"),
        ({"aws:forbiddenAccountIds": ["210987654321"]}, {}, "the provider would no longer reject 210987654321"),
        ({"ecr-stack:tagSchemes": [KEPT]}, {}, "ecr-stack:tagSchemes ecr-stack would no longer check"),
    ],
    ids=str,
)
def test_settings_that_no_resource_shows_are_compared_too(project: Make, before: Any, after: Any, said: str) -> None:
    def of(settings: dict[str, Any]) -> dict[str, Any]:
        return rehearse("test", project({**CONFIG, **settings})).as_json()

    assert said in messages(compare(of(before), of(after)))
    assert said not in messages(compare(of(after), of(before)))


def test_a_tag_scheme_that_means_other_tags_is_a_risk(project: Make) -> None:
    reports = [
        rehearsed(project, tagSchemes=[{**KEPT, "tagPatterns": [pattern]}]).as_json() for pattern in ("base-*", "b-*")
    ]
    assert "ecr-stack:tagSchemes `base images` covers different tags than today" in messages(compare(*reports))


def test_settings_of_the_provider_are_in_a_report_without_what_gives_access(project: Make) -> None:
    given = {
        "aws:endpoints": [{"ecr": "https://ecr.example"}],
        "aws:secretKey": "very-secret-9f2c",
        "aws:token": "t0k3n-81b7",
    }
    report = rehearse("test", project({**CONFIG, **given, "aws:allowedAccountIds": ["123456789012"]}))
    assert report.provider == {
        "aws:endpoints": [{"ecr": "https://ecr.example"}], "aws:secretKey": "(set)", "aws:token": "(set)",
    }  # fmt: skip
    assert not any(secret in json.dumps(report.as_json()) for secret in ("very-secret-9f2c", "t0k3n-81b7"))


GUARDED: dict[str, Any] = {"stack": "test", "resources": [], "violations": [], "guardrails": {}}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            {},
            {"keys-rotate": {"enforcementLevel": "disabled", "reason": "KMS-12"}},
            "danger policies/config.json `keys-rotate` changes from its default level to disabled",
        ),
        (
            {},
            {"keys-in-production-wait-before-deletion": {"minimumDays": 7, "reason": "KMS-12"}},
            "danger policies/config.json `keys-in-production-wait-before-deletion` is configured differently",
        ),
        ({}, None, "danger policies the guardrails are no longer run"),
    ],
    ids=["disabled", "property", "gone"],
)
def test_a_changed_configuration_of_the_guardrails_is_a_risk_though_it_violates_nothing(
    before: Any, after: Any, said: str
) -> None:
    comparison = compare({**GUARDED, "guardrails": before}, {**GUARDED, "guardrails": after})
    assert messages(comparison).startswith(said)
    assert compare({**GUARDED, "guardrails": after}, {**GUARDED, "guardrails": after}).risks == []


def test_a_base_that_does_not_say_how_its_guardrails_are_configured_is_told_so(project: Make) -> None:
    base = rehearsed(project).as_json()
    del base["guardrails"]
    head = {**base, "guardrails": {"keys-rotate": {"enforcementLevel": "disabled", "reason": "KMS-12"}}}
    assert "attention policies/config.json the base does not record" in messages(compare(base, head))


def test_an_output_that_goes_is_told() -> None:
    base: dict[str, Any] = {"resources": [], "outputs": {"url": "x", "arn": "y"}}
    head: dict[str, Any] = {"resources": [], "outputs": {"arn": "z", "new": 1}}
    told = "attention url the output would be removed; stacks and scripts that read it fail"
    assert messages(compare(base, head)) == told
    assert messages(compare({"resources": []}, head)) == ""
