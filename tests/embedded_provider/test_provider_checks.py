from __future__ import annotations

from typing import Any

import pulumi_aws
import pytest
from pulumi._types import input_type_py_to_pulumi_names

from ecr_stack.embedded_provider import RESOURCE_TYPES, Provider
from ecr_stack.errors import InvalidInput, Unavailable

REPOSITORY = "aws:ecr/repository:Repository"
KEY = "aws:kms/key:Key"


def _problems(provider: Provider, type_: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as error:
        provider.check(type_, inputs)
    return [(problem.place, problem.rule) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("type_", "inputs", "place", "words"),
    [
        (REPOSITORY, {"imageTagMutabilty": "MUTABLE"}, "imageTagMutabilty", "not a known property"),
        (REPOSITORY, {"imageScanningConfiguration": {"scanonpush": True, "scanOnPush": True}}, "imageScanningConfiguration.scanonpush", "not a known property"),
        (REPOSITORY, {"imageScanningConfiguration": {}}, "imageScanningConfiguration.scanOnPush", "required"),
        (REPOSITORY, {"imageTagMutability": "mutable"}, "imageTagMutability", "one of MUTABLE"),
        (REPOSITORY, {"forceDelete": "yes"}, "forceDelete", "true or false"),
        (REPOSITORY, {"tags": {"a": 1}}, "tags.a", "a text"),
        (REPOSITORY, {"tags": ["a"]}, "tags", "a map"),
        (REPOSITORY, {"encryptionConfigurations": {"encryptionType": "KMS"}}, "encryptionConfigurations", "a list"),
        (REPOSITORY, {"encryptionConfigurations": [{"encryptionType": "SSE"}]}, "encryptionConfigurations[0].encryptionType", "one of AES256"),
        (REPOSITORY, {"encryptionConfigurations": [{}, {}]}, "encryptionConfigurations", "0 to 1 entries"),
        (REPOSITORY, {"imageTagMutabilityExclusionFilters": [{"filter": "a", "filterType": "REGEX"}]}, "imageTagMutabilityExclusionFilters[0].filterType", "WILDCARD"),
        (REPOSITORY, {"imageTagMutabilityExclusionFilters": [{"filter": "***", "filterType": "WILDCARD"}]}, "imageTagMutabilityExclusionFilters[0].filter", "two wildcards"),
        (REPOSITORY, {"imageTagMutabilityExclusionFilters": [{"filter": "a", "filterType": "WILDCARD"}] * 6}, "imageTagMutabilityExclusionFilters", "0 to 5 entries"),
        (KEY, {"deletionWindowInDays": 6}, "deletionWindowInDays", "7 to 30"),
        (KEY, {"deletionWindowInDays": 7.5}, "deletionWindowInDays", "a whole number"),
        (KEY, {"deletionWindowInDays": "7"}, "deletionWindowInDays", "a whole number"),
        (KEY, {"rotationPeriodInDays": 180}, "rotationPeriodInDays", "requires enableKeyRotation"),
        (KEY, {"policy": "{"}, "policy", "not a JSON object"),
        ("aws:kms/alias:Alias", {"name": "prod", "targetKeyId": "x"}, "name", "must begin with alias/"),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": "api"}, "policy", "required"),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": "api", "policy": "[]"}, "policy", "not a JSON object"),
        ("aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration", {"scanType": "FULL"}, "scanType", "one of BASIC"),
        ("aws:ecr/replicationConfiguration:ReplicationConfiguration", {"replicationConfiguration": {"rules": [{"destinations": []}]}}, "replicationConfiguration.rules[0].destinations", "1 to 25 entries"),
        ("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", {"prefix": "a", "appliedFors": ["PUSH"]}, "appliedFors[0]", "one of PULL_THROUGH_CACHE"),
        ("aws:iam/role:Role", {"assumeRolePolicy": "{}", "maxSessionDuration": 60}, "maxSessionDuration", "3600 to 43200"),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "example.org", "clientIdLists": ["a"]}, "url", "https://"),
        ("command:local:Command", {"assetPaths": ["x"]}, "assetPaths", "does not support"),
    ],
)  # fmt: skip
def test_inputs_that_the_provider_refuses_are_refused(
    provider: Provider, type_: str, inputs: dict[str, Any], place: str, words: str
) -> None:
    found = _problems(provider, type_, inputs)
    assert any(where == place and words in rule for where, rule in found), found


def test_a_misspelt_property_is_met_with_the_right_one(provider: Provider) -> None:
    with pytest.raises(InvalidInput, match="write `imageTagMutability`"):
        provider.check(REPOSITORY, {"imageTagMutabilty": "MUTABLE"})


def test_all_mistakes_are_told_at_once(provider: Provider) -> None:
    found = _problems(provider, REPOSITORY, {"nam": "x", "forceDelete": 1, "tags": 3})
    assert {place for place, _ in found} == {"nam", "forceDelete", "tags"}


def test_an_unknown_type_and_an_unknown_function_are_named(provider: Provider) -> None:
    with pytest.raises(Unavailable, match="`aws:s3/bucket:Bucket`"):
        provider.check("aws:s3/bucket:Bucket", {})
    with pytest.raises(Unavailable, match="did you mean `aws:ecr/repository:Repository`"):
        provider.create("aws:ecr/repository:Repositories", "x", {})
    with pytest.raises(Unavailable, match="getBucket"):
        provider.invoke("aws:s3/getBucket:getBucket", {})


def test_the_engine_s_numbers_and_nulls_are_taken(provider: Provider) -> None:
    checked = provider.check(KEY, {"deletionWindowInDays": 30.0, "description": None})
    assert checked["deletionWindowInDays"] == 30
    assert "description" not in checked


def test_defaults_and_names_are_filled_in(provider: Provider) -> None:
    checked = provider.check(REPOSITORY, {}, "api")
    assert checked["imageTagMutability"] == "MUTABLE"
    assert checked["name"].startswith("api-")
    assert len(checked["name"]) == len("api-") + 7
    assert provider.check(REPOSITORY, {}, "api") == checked
    assert provider.check("aws:kms/alias:Alias", {"targetKeyId": "x"}, "ecr")["name"].startswith("alias/ecr-")
    role = {"namePrefix": "ci-", "assumeRolePolicy": "{}"}
    assert provider.check("aws:iam/role:Role", role, "role")["name"].startswith("ci-")


@pytest.mark.parametrize("token", sorted(RESOURCE_TYPES))
def test_what_is_written_down_here_names_real_properties(token: str) -> None:
    kind = RESOURCE_TYPES[token]
    known = set(input_type_py_to_pulumi_names(kind.args).values())
    written = {*kind.replaces_on, *kind.documents, *kind.optional_blocks, *kind.defaults}
    assert written | ({kind.name_property} if kind.name_property else set()) <= known


def test_the_types_are_those_of_the_installed_package() -> None:
    for token in RESOURCE_TYPES:
        package, module, name = token.split(":")
        if package == "aws":
            resource = getattr(getattr(pulumi_aws, module.split("/")[0]), name)
            assert resource.pulumi_type == token
