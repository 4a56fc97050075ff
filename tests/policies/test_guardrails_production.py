"""What production's repositories must be: immutable, protected, replicated, and what counts as production."""

from __future__ import annotations

from typing import Any

import pytest
from guarded import messages, record, replication, repository

IMMUTABLE = "image-tags-in-production-are-immutable"
FORCE = "repositories-in-production-are-not-force-deleted"
PROTECTED = "repositories-in-production-are-protected"
REPLICATED = "repositories-in-production-are-replicated"


def excluding(*patterns: str) -> dict[str, Any]:
    filters = [{"filter": pattern, "filterType": "WILDCARD"} for pattern in patterns]
    return repository(imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=filters)


@pytest.mark.parametrize("mutability", [None, "MUTABLE", "MUTABLE_WITH_EXCLUSION"])
def test_mutable_tags_are_reported(mutability: str | None) -> None:
    [message] = messages(IMMUTABLE, repository(imageTagMutability=mutability))
    assert "can be moved" in message


@pytest.mark.parametrize(
    "patterns",
    [["latest"], ["latest", "main-latest"], ["latest-*"], ["dev-*", "pr-12*"], ["*-latest"], ["nightly-*"]],
    ids=str,
)
def test_exclusions_of_the_few_tags_that_move_pass(patterns: list[str]) -> None:
    assert messages(IMMUTABLE, excluding(*patterns)) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "**",
        "*.*",
        "v*",
        "*.*.*",
        "1*",
        "release-*",
        "sha-*",
        "*-*",
        "*a*",
        "s*",
        "v20*",
        "V2*",
        "main*",
        "main-*",
        "prod*",
        "20*",
        "release*",
        "v1.*",
        "stable-*",
        "*main*",
        "*-prod-*",
        "*-amd64",
        "*arm64*",
        "*-alpine",
        "*-2026*",
        "*-31",
        "*-release",
        "*.final",
        "semver-*",
        "deploy*",
        "image-*",
        "*e*s*t*",
        "*ab*yz*",
    ],
)
def test_an_exclusion_that_is_mutability_by_another_name_is_reported(pattern: str) -> None:
    [message] = messages(IMMUTABLE, excluding("latest", pattern))
    assert repr(pattern) in message


@pytest.mark.parametrize("stack", ["pr-od", "p.r.o.d", "shop-p-r-d", "l-i-v-e", "pro-duction-2"])
def test_a_stack_whose_name_is_taken_apart_is_production(stack: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment="dev", stack=stack))


@pytest.mark.parametrize("stack", ["group-rod", "pre-prod", "product-dev", "deliver-y"])
def test_names_that_only_sound_alike_are_not(stack: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment="dev", stack=stack)) == []


def test_which_tags_must_never_move_can_be_configured() -> None:
    assert messages(IMMUTABLE, excluding("build-*"), config={"immutableTags": ["build-17"]})
    open_to = {
        "immutableTags": [],
        "minimumCharacters": 0,
        "releaseWords": [],
        "reason": "decided by the platform team",
    }
    assert messages(IMMUTABLE, excluding("v*"), config=open_to) == []


def test_templates_of_production_are_immutable_too() -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    assert messages(IMMUTABLE, record(kind, prefix="ROOT"))
    assert messages(IMMUTABLE, record(kind, prefix="ROOT", resourceTags={"Environment": "dev"}, stack="dev")) == []


def test_force_delete_is_reported_in_production_only() -> None:
    [message] = messages(FORCE, repository(forceDelete=True))
    assert "has forceDelete" in message
    assert messages(FORCE, repository(forceDelete=False)) == []
    assert messages(FORCE, repository(forceDelete=True, environment="dev", stack="dev")) == []


def test_unprotected_repositories_are_reported_in_production_only() -> None:
    [message] = messages(PROTECTED, repository(protect=False))
    assert "protected against deletion" in message and "protect=True" in message
    assert messages(PROTECTED, repository(protect=True)) == []
    assert messages(PROTECTED, repository(protect=False, environment="dev", stack="dev")) == []


@pytest.mark.parametrize("environment", ["prod", "production", "PROD", " Production ", "prod-eu"])
def test_the_tag_decides_what_production_is(environment: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment=environment, stack="dev"))


def test_the_tag_may_come_from_tags_all() -> None:
    tagged = repository(protect=False, stack="dev", tags=None, tagsAll={"Environment": "prod"})
    assert messages(PROTECTED, tagged)


@pytest.mark.parametrize("stack", ["prod", "production", "shop-prod-eu", "PROD"])
def test_without_the_tag_the_name_of_the_stack_decides(stack: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment=None, stack=stack))


def test_an_empty_tag_is_no_way_out_of_production() -> None:
    for empty in ("", " ", None):
        assert messages(PROTECTED, repository(protect=False, tags={"Environment": empty}, stack="prod"))


@pytest.mark.parametrize("name", ["dev", "staging", "nonprod", "pre-prod"])
def test_other_stacks_and_tags_are_not_production(name: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment=None, stack=name)) == []
    assert messages(PROTECTED, repository(protect=False, environment=name, stack="dev")) == []


def test_what_production_is_can_be_configured_with_a_reason() -> None:
    config = {
        "productionTag": "Stage",
        "productionValues": ["gold"],
        "productionStacks": ["main"],
        "reason": "Our environments have other names",
    }
    assert messages(PROTECTED, repository(protect=False, tags={"Stage": "Gold"}, stack="x"), config=config)
    assert messages(PROTECTED, repository(protect=False, environment=None, stack="main"), config=config)
    assert messages(PROTECTED, repository(protect=False, stack="other"), config=config) == []


@pytest.mark.parametrize(
    "config",
    [
        {"productionValues": [], "productionStacks": []},
        {"productionStacks": ["gold"]},
        {"notProduction": ["prod", "prod-eu"]},
        {"notProduction": ["live"], "reason": "  "},
        {"notProduction": ["shop-prod"]},
        {"productionStacks": ["prod", "production", "prd", "live", "prod-eu"]},
    ],
    ids=str,
)
def test_production_is_not_configured_away_without_a_reason(config: dict[str, Any]) -> None:
    wrong, still = messages(PROTECTED, repository(protect=False), config=config)
    assert "must come with a reason" in wrong
    assert "protected against deletion" in still


DISGUISES = {
    "Cyrillic": "pr\u043ed",
    "Greek": "p\u03c1od",
    "small capitals": "\u1d18\u0280\u1d0f\u1d05",
    "full width": "\uff50\uff52\uff4f\uff44",
    "zero width": "p\u200br\u2060o\ufeffd",
    "accents": "pr\u00f3d",
    "combining": "p\u0335rod",
    "mathematical": "\U0001d429\U0001d42b\U0001d428\U0001d41d",
    "a filler": "pro\u3164d",
    "digits": "pr0d",
    "case": "pROd",
    "a region": "eu-prod-1",
    "prd": "shop-prd2",
    "live": "LIVE",
    "camel case": "shopLive",
    "two words": "nonprod-prod",
    "product": "product-production",
    "one for l": "1ive",
    "one for l with a number": "1ive2",
    "capital i for l": "Iive",
    "digits taken apart": "pr-0d",
    "digits taken apart with a number": "eu.pr.0d.2",
    "live apart": "l-1-v-e",
    "stack": "livestack",
    "stack in camel case": "liveStack",
    "stack with a look-alike": "1ivestack2",
    "go": "golive",
    "go apart": "go-live",
    "site": "livesite",
    "environment": "liveenvironment",
}


@pytest.mark.parametrize("name", DISGUISES.values(), ids=DISGUISES)
def test_no_spelling_escapes_production(name: str) -> None:
    assert messages(PROTECTED, repository(protect=False, environment="dev", stack=name))
    assert messages(PROTECTED, repository(protect=False, environment=name, stack="dev"))
    said = {"ecr-stack:environment": name}
    assert messages(PROTECTED, repository(protect=False, environment="dev", stack="dev"), stack_config=said)


@pytest.mark.parametrize(
    "name",
    ["dev", "non_prod", "nonProd", "preprod2", "pr\u00e9production", "product-catalog-dev", "olive", "delivery",
     "Pr\u00fcfung", "qa", "non-production", "non-prod", "preprod", "pre-prod", "pre.prod", "product-dev", "dev-products",
     "reproduce", "reproduce-bug-17", "producer-dev", "productivity", "alive", "liver", "livestream-dev", "oliver",
     "deliver", "deliverystack", "olivestack", "livedemo", "go", "stack", "pro-dev", "pr-1", "pr-0", "pr-10-dev",
     "pr-odd-fix", "pr-order-dev", "p-dev", "ive", "1-vector", "sandbox", "main", "test1", "e5"],
)  # fmt: skip
def test_names_that_only_look_alike_are_not_production(name: str) -> None:
    said = {"ecr-stack:environment": name}
    assert messages(PROTECTED, repository(protect=False, environment=name, stack=name), stack_config=said) == []


def test_the_case_of_the_tags_name_does_not_matter() -> None:
    assert messages(PROTECTED, repository(protect=False, tags={"environment": "prod"}, stack="dev"))
    both = {"Environment": "dev", "ENVIRONMENT": "prod"}
    assert messages(PROTECTED, repository(protect=False, tags=both, stack="dev"))


def test_one_function_decides_for_every_policy_about_production() -> None:
    from guardrails.check import violations
    from guardrails.pack import POLICIES

    about = {policy.name for policy in POLICIES if "in-production" in policy.name}
    any_image = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    rules = {"rules": [{"rulePriority": 1, "selection": any_image, "action": {"type": "expire"}}]}

    def found(stack: str) -> set[str]:
        careless = [
            repository(protect=False, forceDelete=True, imageTagMutability="MUTABLE", environment="dev", stack=stack),
            record("aws:ecr/lifecyclePolicy:LifecyclePolicy", stack=stack, repository="api", policy=rules),
            record("aws:kms/key:Key", stack=stack, enableKeyRotation=True, deletionWindowInDays=7),
        ]
        return {each["policy"] for each in violations(careless, stack=stack)} & about

    assert found("live-eu") == about
    assert found("dev") == set()


def test_production_without_replication_is_reported_once_for_the_stack() -> None:
    [message] = messages(
        REPLICATED, repository(), repository("auth"), repository("web", environment="dev", stack="dev")
    )
    assert "2 repositories of production (api, auth" in message
    assert messages(REPLICATED, repository(environment="dev", stack="dev")) == []


def test_repositories_that_no_rule_covers_are_reported_each() -> None:
    [message] = messages(REPLICATED, repository(), repository("auth"), replication("a", "au"), repository("web"))
    assert "web, in production, is copied to no other region" in message
    assert messages(REPLICATED, repository(), repository("web"), replication()) == []


def test_a_copy_within_the_region_is_no_second_region() -> None:
    here = repository(region="us-east-1")
    assert messages(REPLICATED, here, replication(region="us-east-1"))
    replication_of_elsewhere = replication()
    replication_of_elsewhere["inputs"]["region"] = "ap-south-1"
    assert messages(REPLICATED, here, replication_of_elsewhere)


def test_the_replica_itself_needs_no_replication() -> None:
    original, replica = repository(region="us-east-1"), repository(region="us-west-2")
    replica["urn"] += "-replica"
    configuration = replication()
    configuration["inputs"]["region"] = "us-east-1"
    assert messages(REPLICATED, original, replica, configuration) == []


def test_the_regions_can_be_configured() -> None:
    [message] = messages(REPLICATED, repository(), replication(), config={"regions": ["us-west-2", "eu-west-1"]})
    assert "but not to eu-west-1" in message


def test_texts_that_the_provider_takes_for_flags_and_numbers_are_no_way_out() -> None:
    kind = "aws:kms/key:Key"
    careless = {
        FORCE: repository(forceDelete="true"),
        "repositories-are-scanned-on-push": repository(imageScanningConfiguration={"scanOnPush": "false"}),
        "keys-rotate": record(kind, enableKeyRotation="false"),
        "keys-are-enabled": record(kind, isEnabled="false"),
        "keys-keep-the-lockout-check": record(kind, bypassPolicyLockoutSafetyCheck="true"),
        "keys-in-production-wait-before-deletion": record(kind, deletionWindowInDays="7"),
    }
    for policy, resource in careless.items():
        assert messages(policy, resource), policy


@pytest.mark.parametrize(
    "strange",
    [{"filter": "api", "filterType": "SUFFIX_MATCH"}, {"filterType": "PREFIX_MATCH"},
     {"filter": "", "filterType": "PREFIX_MATCH"}, {"filter": 7, "filterType": "PREFIX_MATCH"}],
    ids=str,
)  # fmt: skip
def test_a_replication_filter_that_is_not_understood_covers_nothing(strange: dict[str, Any]) -> None:
    configuration = replication()
    configuration["inputs"]["replicationConfiguration"]["rules"][0]["repositoryFilters"] = [strange]
    about_the_rule, about_the_repository = messages(REPLICATED, repository(), configuration)
    assert "What is replicated cannot be known" in about_the_rule
    assert "no replication rule covers it" in about_the_repository


@pytest.mark.parametrize("kind", ["REGEX", "wildcard"])
def test_an_exclusion_that_is_not_understood_is_reported(kind: str) -> None:
    exclusion = {"filter": "latest", "filterType": kind}
    given = repository(imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=[exclusion])
    [message] = messages(IMMUTABLE, given)
    assert "Which tags of api can be moved cannot be known" in message


CALLED = "names-in-production-agree"


def test_production_by_its_name_that_is_configured_as_something_else_is_reported_once() -> None:
    staging = [repository(name, environment="staging") for name in ("api", "web")]
    said = {"ecr-stack:environment": "staging"}
    [message] = messages(CALLED, *staging, stack_config=said)
    assert "By the name of the stack, 'prod', this stack counts as production" in message
    assert "and by `ecr-stack:environment` it is 'staging'" in message
    # and it is judged as production
    assert messages(PROTECTED, repository(protect=False, environment="staging"), stack_config=said)


def test_production_with_tags_of_something_else_is_reported() -> None:
    tagged = [repository(name, environment="staging", stack="eu") for name in ("api", "web")]
    said = {"ecr-stack:environment": "production"}
    [message] = messages(CALLED, *tagged, stack_config=said)
    assert "By `ecr-stack:environment`, 'production', api and 1 more counts as production" in message
    assert "by the tag `Environment` it is 'staging'" in message
    two_tags = {"Environment": "prod", "environment": "dev"}
    [message] = messages(CALLED, repository(tags=two_tags, stack="eu"))
    assert "By another tag of it, api counts as production" in message


@pytest.mark.parametrize(
    ("stack", "environment"), [("prod", "prod"), ("prod", None), ("eu", "prod"), ("dev", "staging"), ("prod", "live"), ("prod", "")]
)  # fmt: skip
def test_names_that_agree_are_not_reported(stack: str, environment: str | None) -> None:
    said = {"ecr-stack:environment": environment} if environment else {}
    assert messages(CALLED, repository(environment=environment, stack=stack), stack_config=said) == []
