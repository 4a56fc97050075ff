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
    "patterns", [["latest"], ["latest", "main-latest"], ["latest-*"], ["dev-*", "pr-12*"]], ids=str
)
def test_exclusions_of_the_few_tags_that_move_pass(patterns: list[str]) -> None:
    assert messages(IMMUTABLE, excluding(*patterns)) == []


@pytest.mark.parametrize("pattern", ["*", "**", "*.*", "v*", "*.*.*", "1*", "release-*", "sha-*", "*-*", "*a*", "s*"])
def test_an_exclusion_that_is_mutability_by_another_name_is_reported(pattern: str) -> None:
    [message] = messages(IMMUTABLE, excluding("latest", pattern))
    assert repr(pattern) in message


def test_which_tags_must_never_move_can_be_configured() -> None:
    assert messages(IMMUTABLE, excluding("build-*"), config={"immutableTags": ["build-17"]})
    assert messages(IMMUTABLE, excluding("v*"), config={"immutableTags": [], "minimumCharacters": 0}) == []


def test_templates_of_production_are_immutable_too() -> None:
    kind = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
    assert messages(IMMUTABLE, record(kind, prefix="ROOT"))
    assert messages(IMMUTABLE, record(kind, prefix="ROOT", resourceTags={"Environment": "dev"})) == []


def test_force_delete_is_reported_in_production_only() -> None:
    [message] = messages(FORCE, repository(forceDelete=True))
    assert "has forceDelete" in message
    assert messages(FORCE, repository(forceDelete=False)) == []
    assert messages(FORCE, repository(forceDelete=True, environment="dev")) == []


def test_unprotected_repositories_are_reported_in_production_only() -> None:
    [message] = messages(PROTECTED, repository(protect=False))
    assert "protect=True" in message
    assert messages(PROTECTED, repository(protect=True)) == []
    assert messages(PROTECTED, repository(protect=False, environment="dev")) == []


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
    assert messages(PROTECTED, repository(protect=False, environment=name, stack="prod")) == []


def test_what_production_is_can_be_configured() -> None:
    config = {"productionTag": "Stage", "productionValues": ["live"], "productionStacks": ["main"]}
    assert messages(PROTECTED, repository(protect=False, tags={"Stage": "Live"}), config=config)
    assert messages(PROTECTED, repository(protect=False, environment=None, stack="main"), config=config)
    assert messages(PROTECTED, repository(protect=False, stack="other"), config=config) == []


def test_production_without_replication_is_reported_once_for_the_stack() -> None:
    [message] = messages(REPLICATED, repository(), repository("auth"), repository("web", environment="dev"))
    assert "2 repositories of production (api, auth" in message
    assert messages(REPLICATED, repository(environment="dev")) == []


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
