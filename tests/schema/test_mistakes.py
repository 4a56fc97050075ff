"""Each mistake in a stack file is named by its place, its value, the rule it breaks and the remedy."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.schema.checks import cache_warnings
from ecr_stack.schema.stack import settings_in, stack_settings_of

GOOD: dict[str, Any] = {
    "environment": "prod",
    "tags": {"Team": "platform"},
    "encryption": {"type": "KMS", "deletionWindowInDays": 30},
    "repositoryDefaults": {"tagMutability": "IMMUTABLE_WITH_EXCLUSION", "mutableTags": ["latest"], "scanOnPush": True},
    "repositories": {"api-gateway": {}, "order-service": {"tagMutability": "IMMUTABLE"}, "user-service": None},
    "replication": {"rules": [{"destinations": [{"region": "us-west-2"}]}]},
}


def mistakes(settings: object, region: object = "us-east-1") -> list[Problem]:
    with pytest.raises(InvalidInput) as caught:
        stack_settings_of(settings, source="Pulumi.prod.yaml", region=region)  # type: ignore[arg-type]
    return list(caught.value.problems)


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one value put somewhere; `path` is separated by slashes."""
    settings = copy.deepcopy(GOOD)
    here = settings
    *parents, last = path.split("/")
    for part in parents:
        here = here.setdefault(part, {})
        assert isinstance(here, dict)
    here[last] = value
    return settings


def test_another_platform_without_its_issuer_is_a_mistake_and_no_traceback() -> None:
    pipelines = {"ci": {"platform": "OTHER", "subjects": ["job:7"]}}
    (problem,) = mistakes({**GOOD, "pipelines": pipelines})
    assert (problem.place, problem.remedy) == (
        "ecr-stack:pipelines.ci",
        "write its `issuer` and `subjects` instead of `repositories`",
    )


@pytest.mark.parametrize(
    ("settings", "places", "remedy"),
    [
        (
            {"replication": {"rules": [{"destinations": ["us-west-2"]}]}},
            ["destinations[0]"],
            "write `{region: us-west-2}`",
        ),
        (
            {"pipelines": {"ci": {"repository": "octo-org/api", "branches": ["main"]}}},
            ["branches", "repository"],
            "an entry of `repositories`",
        ),
        ({"notifications": {"findings": "high", "email": ["ops@example.com"]}}, ["findings"], "write HIGH"),
    ],
)
def test_a_mistake_brings_no_other_with_it(settings: dict[str, Any], places: list[str], remedy: str) -> None:
    problems = mistakes({**GOOD, **settings})
    assert sorted(problem.place.rpartition(".")[2] for problem in problems) == places
    assert all(remedy in problem.remedy for problem in problems)


def test_scanning_that_covers_no_repository_is_one_mistake_for_all_of_them() -> None:
    (problem,) = mistakes({**GOOD, "scanning": {"type": "BASIC"}})
    assert "`api-gateway`, `order-service`, `user-service` have" in problem.rule
    assert 'filters: ["*"]' in problem.remedy


def test_what_a_template_cannot_say_is_one_mistake() -> None:
    cache = {"upstream": "quay", "repositories": {"protect": True, "forceDelete": True, "scanOnPush": None}}
    found = mistakes({**GOOD, "pullThroughCache": {"quay": cache}})
    places = [problem.place.rpartition(".")[2] for problem in found]
    assert sorted(places) == ["forceDelete", "protect", "scanOnPush"]


def test_the_example_is_right() -> None:
    assert stack_settings_of(GOOD, source="", region="us-east-1").names() == [
        "api-gateway",
        "order-service",
        "user-service",
    ]


REPOSITORY = "repositories/api-gateway"
CASES = [
    # path, value, place, words of the rule, words of the remedy
    ("environment", "Prod", "ecr-stack:environment", "slug", "`prod`"),
    ("environment", "prod_1", "ecr-stack:environment", "slug", "`prod-1`"),
    ("environment", None, "ecr-stack:environment", "required", "add"),
    ("environment", "x" * 40, "ecr-stack:environment", "32", "write"),
    ("enviroment", "prod", "ecr-stack:enviroment", "not a known key", "ecr-stack:environment"),
    ("tags/Name", "x", "ecr-stack:tags.Name", "ecr-stack sets the tag", "another key"),
    ("tags/aws:team", "x", "ecr-stack:tags.aws:team", "reserved", "another key"),
    ("tags/Team", 7, "ecr-stack:tags.Team", "string", '"7"'),
    ("tags/Team", "a" * 257, "ecr-stack:tags.Team", "256", "shorten"),
    ("tags", ["Team"], "ecr-stack:tags", "map", "key: value"),
    ("encryption/type", "kms", "ecr-stack:encryption.type", "KMS, AES256", "KMS"),
    ("encryption/type", "KMS_DSSE", "ecr-stack:encryption.type", "GovCloud", "type: KMS"),
    ("encryption/deletionWindowInDays", 6, "ecr-stack:encryption.deletionWindowInDays", "7 to 30", "7"),
    ("encryption/deletionWindowInDays", 31, "ecr-stack:encryption.deletionWindowInDays", "7 to 30", "30"),
    ("encryption/deletionWindowInDays", "10", "ecr-stack:encryption.deletionWindowInDays", "whole number", "quotes"),
    ("encryption/deletionWindowInDays", True, "ecr-stack:encryption.deletionWindowInDays", "whole number", "digits"),
    ("encryption/deletionWindow", 10, "ecr-stack:encryption.deletionWindow", "known key", "deletionWindowInDays"),
    ("encryption", {"keyArn": "alias/prod-ecr"}, "ecr-stack:encryption.keyArn", "not an alias", "ARN"),
    ("encryption", {"keyArn": "1234"}, "ecr-stack:encryption.keyArn", "ARN", "arn:aws:kms:"),
    (
        "encryption",
        {"keyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a"},
        "ecr-stack:encryption.keyArn",
        "us-east-1",
        "arn:aws:kms:us-east-1:",
    ),
    (
        "encryption",
        {"keyArn": "arn:aws:kms:us-east-1:123456789012:key/0a", "deletionWindowInDays": 7},
        "ecr-stack:encryption.deletionWindowInDays",
        "existing key",
        "remove",
    ),
    (
        "encryption",
        {"type": "AES256", "deletionWindowInDays": 7},
        "ecr-stack:encryption.deletionWindowInDays",
        "Amazon S3",
        "type: KMS",
    ),
    (f"{REPOSITORY}/tagMutability", "IMUTABLE", "api-gateway.tagMutability", "one of", "IMMUTABLE"),
    (f"{REPOSITORY}/scanOnPush", "yes", "api-gateway.scanOnPush", "true or false", "without quotes"),
    (f"{REPOSITORY}/scanOnPus", True, "api-gateway.scanOnPus", "known key", "scanOnPush"),
    (f"{REPOSITORY}/mutableTags", [], "api-gateway.mutableTags", "at least 1", "remove the key"),
    (f"{REPOSITORY}/mutableTags", ["a", "b", "c", "d", "e", "f"], "api-gateway.mutableTags", "at most 5", "remove"),
    (f"{REPOSITORY}/mutableTags", ["a*b*c*d"], "api-gateway.mutableTags[0]", "two `*`", "latest"),
    (f"{REPOSITORY}/mutableTags", ["la test"], "api-gateway.mutableTags[0]", "letters, digits", "latest"),
    (f"{REPOSITORY}/mutableTags", "latest", "api-gateway.mutableTags", "list", "[latest]"),
    ("repositories/order-service/mutableTags", ["x"], "order-service.mutableTags", "IMMUTABLE", "tagMutability"),
    ("repositoryDefaults/tagMutability", "IMMUTABLE", "repositoryDefaults.mutableTags", "IMMUTABLE", "remove"),
    (
        f"{REPOSITORY}/tagMutability",
        "MUTABLE_WITH_EXCLUSION",
        "api-gateway.tagMutability",
        "excluded tags",
        "immutableTags",
    ),
    (f"{REPOSITORY}", {"protect": True, "forceDelete": True}, "api-gateway.forceDelete", "protected", "false"),
    (f"{REPOSITORY}/import", "yes", "api-gateway.import", "true or false", "true"),
    (f"{REPOSITORY}/name", "order-service", "order-service", "same name", "another"),
    (f"{REPOSITORY}/tags", {"Environment": "x"}, "api-gateway.tags.Environment", "ecr-stack sets the tag", "remove"),
    (f"{REPOSITORY}/lifecycle", [], "api-gateway.lifecycle", "at least 1", "remove"),
    ("repositories", {}, "ecr-stack:repositories", "at least 1", "NAME: {}"),
    ("repositories", ["api-gateway"], "ecr-stack:repositories", "must be a map", "api-gateway: "),
    ("repositories/API", {}, "ecr-stack:repositories.API", "lowercase", "`api`"),
    ("repositories/a", {}, "ecr-stack:repositories.a", "2 to 256", "write"),
    ("repositories/a--b_", {}, "ecr-stack:repositories.a--b_", "2 to 256", "write"),
    ("repositories", {"team//api": {}}, "ecr-stack:repositories.team//api", "lowercase", "team/api"),
    ("repositories/api-gateway", [], "ecr-stack:repositories.api-gateway", "map", "{}"),
    ("replication/rules", [{}], "replication.rules[0].destinations", "required", "destinations"),
    ("replication/rules", [{"destinations": []}], "replication.rules[0].destinations", "at least 1", "add"),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2"}], "repositoryFilters": ["*"]}],
        "replication.rules[0].repositoryFilters[0]",
        "not a pattern",
        "omit `repositoryFilters`",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2"}], "repositoryFilters": ["prod-"]}],
        "replication.rules[0].repositoryFilters[0]",
        "no repository in this stack",
        "api-gateway",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2"}], "repositoryFilters": ["/api"]}],
        "replication.rules[0].repositoryFilters[0]",
        "prefix of repository names",
        "api-",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-east-1"}]}],
        "replication.rules[0].destinations[0].region",
        "itself",
        "another Region",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "cn-north-1"}]}],
        "replication.rules[0].destinations[0].region",
        "partitions",
        "partition aws",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2", "registryId": 111122223333}]}],
        "replication.rules[0].destinations[0].registryId",
        "string",
        '"111122223333"',
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2"}, {"region": "us-west-2"}]}],
        "replication.rules[0].destinations[1]",
        "repeated",
        "remove",
    ),
    (
        "replication/rules",
        [{"destinations": [{"region": "us-west-2"}]}] * 11,
        "replication.rules",
        "at most 10",
        "remove",
    ),
    (
        "tagSchemes",
        [{"name": "releases", "tagPatterns": ["v*"]}],
        "ecr-stack:tagSchemes[0]",
        "no rule selects",
        "kept: true",
    ),
    ("tagSchemes", [{"name": "x"}], "ecr-stack:tagSchemes[0]", "`tagPatterns` or `commitHashes`", "add"),
    ("tagSchemes", {"releases": "v*"}, "ecr-stack:tagSchemes", "list", "["),
    ("lifecycleGuard", {"maxExpirePercent": 101}, "lifecycleGuard.maxExpirePercent", "0 to 100", "100"),
    ("lifecycleGuard", {"maxExpire": -1}, "lifecycleGuard.maxExpire", "0 or more", "0"),
    (
        "lifecycleGuard",
        {"overrides": {"api-gatewy": {"maxExpire": 1, "reason": "x"}}},
        "lifecycleGuard.overrides.api-gatewy",
        "no repository",
        "api-gateway",
    ),
    (
        "lifecycleGuard",
        {"overrides": {"api-gateway": {"maxExpire": 1}}},
        "lifecycleGuard.overrides.api-gateway.reason",
        "required",
        "reason",
    ),
    (
        "lifecycleGuard",
        {"overrides": {"api-gateway": {"reason": "because"}}},
        "lifecycleGuard.overrides.api-gateway",
        "change a limit",
        "maxExpire",
    ),
    (f"{REPOSITORY}/access", {"pull": ["*"]}, "api-gateway.access.pull[0]", "everyone", "organizations"),
    (f"{REPOSITORY}/access", {"pull": ["role/a*"]}, "api-gateway.access.pull[0]", "without wildcards", "each one"),
    (f"{REPOSITORY}/access", {"pull": [111122223333]}, "api-gateway.access.pull[0]", "string", '"111122223333"'),
    (f"{REPOSITORY}/access", {}, "api-gateway.access", "grant at least one permission", "remove"),
    (f"{REPOSITORY}/access", {"push": ["role/a"], "pul": []}, "api-gateway.access.pul", "known key", "pull"),
    ("registryAccess", {"replicationFrom": ["1"]}, "registryAccess.replicationFrom[0]", "12 digits", "quotes"),
    (
        f"{REPOSITORY}/lifecycle",
        [{"tagPrefixes": ["v*"], "keepLast": 3}],
        "api-gateway.lifecycle[0].tagPrefixes[0]",
        "plain text",
        "`v`",
    ),
    (f"{REPOSITORY}/lifecycle", [{"untagged": True}], "api-gateway.lifecycle[0]", "one outcome", "keepLast"),
    (
        f"{REPOSITORY}/lifecycle",
        [{"any": True, "keepLast": 3}, {"untagged": True, "expireAfterDays": 1}],
        "api-gateway.lifecycle[0].any",
        "last one",
        "end",
    ),
    (
        f"{REPOSITORY}/lifecycle",
        [{"untagged": True, "expireAfterDaysInArchive": 30}],
        "api-gateway.lifecycle[0].expireAfterDaysInArchive",
        "at least 90",
        "90",
    ),
    (
        f"{REPOSITORY}/lifecycle",
        [{"untagged": True, "expireAfterDays": 1}, {"untagged": True, "keepLast": 1}],
        "api-gateway.lifecycle[1].untagged",
        "already",
        "remove",
    ),
    ("scanning", {"rules": [{"frequency": "MANUAL", "filters": ["*"]}]}, "scanning.type", "require", "type: BASIC"),
    (
        "scanning",
        {"type": "BASIC", "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["*"]}]},
        "scanning.rules[0].frequency",
        "BASIC",
        "SCAN_ON_PUSH",
    ),
    (
        "scanning",
        {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["api-*"]}]},
        "scanning.rules",
        "order-service",
        "add a filter",
    ),
    (
        "scanning",
        {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["API"]}]},
        "scanning.rules[0].filters[0]",
        "lowercase",
        "prod-*",
    ),
]


@pytest.mark.parametrize(("path", "value", "place", "rule", "remedy"), CASES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_named(path: str, value: Any, place: str, rule: str, remedy: str) -> None:
    found = [problem for problem in mistakes(changed(path, value)) if problem.place.endswith(place)]
    assert found, mistakes(changed(path, value))
    assert any(rule in problem.rule and remedy in problem.remedy for problem in found), found


def test_every_mistake_is_reported_not_the_first_one() -> None:
    settings = changed("environment", "Prod")
    settings["encryption"] = {"deletionWindowInDays": 3}
    settings["repositories"]["API"] = {"scanOnPush": "no"}
    settings["replication"]["rules"][0]["repositoryFilters"] = ["nothing-"]
    places = {problem.place for problem in mistakes(settings, region="mars")}
    assert places == {
        "aws:region",
        "ecr-stack:environment",
        "ecr-stack:encryption.deletionWindowInDays",
        "ecr-stack:repositories.API",
        "ecr-stack:repositories.API.scanOnPush",
        "ecr-stack:replication.rules[0].repositoryFilters[0]",
    }


def test_a_key_in_a_mistyped_namespace_is_not_passed_over() -> None:
    config = {f"ecr-stack:{key}": json.dumps(value) for key, value in GOOD.items() if key != "environment"}
    config |= {"ecr-stack:environment": "prod", "ecr_stack:scanning": "{}", "other:key": "x"}
    with pytest.raises(InvalidInput) as caught:
        settings_in(config, source="Pulumi.prod.yaml")
    (problem,) = caught.value.problems
    assert (problem.place, problem.remedy) == ("ecr_stack:scanning", "write `ecr-stack:scanning`")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shop:lifecycleGuard", {"maxExpire": 5}),
        ("shop:lifecycleGuard", {"maxExpier": 5}),
        ("shop:namePrefix", "shop/"),
        ("shop:encryption", {"type": "KMS"}),
        ("shop:trusted", {"accounts": ["111122223333"]}),
    ],
)
def test_a_setting_without_its_namespace_is_a_mistake(key: str, value: object) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    config = {"ecr-stack:environment": "prod", "ecr-stack:repositories": '{"api": {}}', key: text}
    with pytest.raises(InvalidInput) as caught:
        settings_in(config, source="Pulumi.prod.yaml")
    (problem,) = caught.value.problems
    assert (problem.place, problem.value) == (key, value)
    assert f"write `ecr-stack:{key.removeprefix('shop:')}`" in problem.remedy


@pytest.mark.parametrize(
    "key",
    ["ecr-stack.lifecycleGuard", "ecr-stack：lifecycleGuard", "ecr-stack/lifecycleGuard", "ECR_stack - lifecycleGuard"],
)
def test_a_namespace_without_its_colon_is_a_mistake(key: str) -> None:
    config = {"ecr-stack:environment": "prod", "ecr-stack:repositories": '{"api": {}}', f"shop:{key}": "{}"}
    with pytest.raises(InvalidInput) as caught:
        settings_in(config, source="Pulumi.prod.yaml")
    (problem,) = caught.value.problems
    assert problem.remedy == "write `ecr-stack:lifecycleGuard`"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shop:environment", "prod"),
        ("shop:tags", '{"Team": "shop"}'),
        ("shop:budget", '{"month": "5"}'),
        ("shop:nodes", "3"),
        ("shop:replication", "{}"),
        ("aws:encryption", '{"type": "KMS"}'),
    ],
)
def test_a_program_may_have_keys_of_its_own(key: str, value: str) -> None:
    config = {"ecr-stack:environment": "prod", "ecr-stack:repositories": '{"api": {}}', key: value}
    assert settings_in(config, source="Pulumi.prod.yaml").names() == ["api"]


@pytest.mark.parametrize(
    ("repositories", "place", "rule"),
    [
        ({"web": {"aliases": ["api"]}, "api": {}}, "web.aliases[0]", "an existing repository"),
        ({"web": {"aliases": ["api"]}, "api": {"aliases": ["old"]}}, "web.aliases[0]", "an existing repository"),
        (
            {"web": {"aliases": ["old"]}, "api": {"aliases": ["older", "old"]}},
            "api.aliases[1]",
            "also an alias of `web`",
        ),
        (
            {"web": {"aliases": ["urn:a::b"]}, "api": {"aliases": ["urn:a::b"]}},
            "api.aliases[0]",
            "also an alias of `web`",
        ),
    ],
)
def test_a_former_name_is_one_repositorys(repositories: dict[str, Any], place: str, rule: str) -> None:
    (problem,) = mistakes({"environment": "prod", "repositories": repositories})
    assert problem.place == f"ecr-stack:repositories.{place}"
    assert rule in problem.rule


def test_a_cache_that_takes_in_the_stacks_own_repositories_is_warned_of() -> None:
    settings = {
        "environment": "prod",
        "namePrefix": "shop/",
        "repositories": {"web": {}, "tools/lint": {}},
        "pullThroughCache": {
            "quay": {"upstream": "quay"},
            "shop": {"upstream": "quay"},
            "shop/tools": {"upstream": "k8s"},
            "ROOT": {"upstream": "ecr-public"},
        },
    }
    found = list(cache_warnings(stack_settings_of(settings, source="", region=None)))
    assert [problem.place for problem in found] == ["pullThroughCache.shop", "pullThroughCache.shop/tools"]
    assert ["also covers `shop/web`" in problem.rule for problem in found] == [True, False]
    assert "fetched from registry.k8s.io" in found[1].rule


def test_a_cache_without_a_prefix_takes_in_what_no_other_does() -> None:
    settings = {
        "environment": "prod",
        "repositories": {"quay/base": {}, **{f"service-{number}": {} for number in range(5)}},
        "pullThroughCache": {"quay": {"upstream": "quay"}, "ROOT": {"upstream": "ecr-public"}},
    }
    found = {warning.place: warning for warning in cache_warnings(stack_settings_of(settings, source="", region=None))}
    assert "`service-0`, `service-1`, `service-2` and 2 more" in found["pullThroughCache.ROOT"].rule
    assert "`quay/base`" in found["pullThroughCache.quay"].rule


def test_a_repository_may_name_its_own_key_as_a_former_one() -> None:
    settings = {"environment": "prod", "repositories": {"web": {"aliases": ["web", "shop"]}, "api": {}}}
    assert stack_settings_of(settings, source="", region=None).names() == ["web", "api"]


def test_exclusions_of_the_defaults_do_not_follow_a_repository_into_another_mode() -> None:
    settings = stack_settings_of(GOOD, source="", region="us-east-1")
    assert settings.repository("order-service").mutable_tags is None
    assert settings.repository("api-gateway").mutable_tags == ["latest"]


def test_more_tags_than_aws_allows_are_counted_with_those_of_the_program() -> None:
    settings = changed("tags", {f"t{number}": "x" for number in range(48)})
    assert any("50 tags" in problem.rule for problem in mistakes(settings))
    stack_settings_of(changed("tags", {f"t{number}": "x" for number in range(47)}), source="", region=None)


@pytest.mark.parametrize("issuer", ["*", "*.com", "example.com*", "gitlab*"])
def test_a_pattern_that_is_every_issuer_is_a_mistake(issuer: str) -> None:
    [problem] = mistakes(changed("trusted", {"issuers": [issuer]}))
    assert (problem.place, problem.value) == ("ecr-stack:trusted.issuers[0]", issuer)
    stack_settings_of(
        changed("trusted", {"issuers": ["*.example.com/id/*"]}), source="Pulumi.prod.yaml", region="us-east-1"
    )
