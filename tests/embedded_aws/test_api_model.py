from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_stack.embedded_aws import EmbeddedAws, api_model
from ecr_stack.embedded_aws.moto_overrides import OVERRIDES
from ecr_stack.embedded_aws.request_validation import matches
from ecr_stack.embedded_aws.rules import RULES

SCAN_FILTER = r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$"


def _patterns(shape: Any, seen: set[str]) -> set[str]:
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    found = {shape.metadata["pattern"]} if "pattern" in shape.metadata else set()
    members = list(getattr(shape, "members", {}).values()) if shape.type_name == "structure" else []
    if shape.type_name == "list":
        members = [shape.member]
    if shape.type_name == "map":
        members = [shape.key, shape.value]
    return found.union(*(_patterns(member, seen) for member in members))


@pytest.mark.parametrize("service", api_model.SERVICES)
def test_every_pattern_of_every_request_can_be_matched(service: str) -> None:
    described = api_model.service(service)
    patterns = set()
    for name in described.operation_names:
        patterns |= _patterns(described.operation_model(name).input_shape, set())
    for pattern in patterns:
        matches(pattern, "a")
    if service == "ecr":
        assert SCAN_FILTER in patterns


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab0*._-/A!", max_size=9))
def test_the_safe_scan_filter_pattern_accepts_what_aws_s_accepts(value: str) -> None:
    assert matches(SCAN_FILTER, value) == bool(re.fullmatch(SCAN_FILTER, value))


def test_a_long_scan_filter_is_matched_without_backtracking() -> None:
    assert not matches(SCAN_FILTER, "a" * 250 + "!")
    assert matches(SCAN_FILTER, "a-" * 120 + "a")


@pytest.mark.parametrize("pattern", [r"[0-9]{12}", r"^[0-9]{12}$"])
def test_patterns_match_whole_values(pattern: str) -> None:
    assert matches(pattern, "123456789012")
    assert not matches(pattern, "123456789012\n")
    assert not matches(pattern, "x123456789012")


def test_rules_and_gaps_are_about_operations_that_exist() -> None:
    for key in {*RULES, *OVERRIDES}:
        service, _, name = key.partition(":")
        assert name in api_model.service(service).operation_names, key


@pytest.mark.parametrize(
    "name",
    ["ab", "a0", "team/api", "a.b_c__d-e--f", "0/1/2", "a" * 256],
)
def test_legal_repository_names_are_accepted(aws: EmbeddedAws, name: str) -> None:
    made = aws.call("ecr", "CreateRepository", {"repositoryName": name})["repository"]
    assert made["repositoryArn"] == f"arn:aws:ecr:eu-west-1:111122223333:repository/{name}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a", "length greater than or equal to 2"),
        ("a" * 257, "length less than or equal to 256"),
        ("API", "regular expression"),
        ("-api", "regular expression"),
        ("api-", "regular expression"),
        ("a..b", "regular expression"),
        ("a___b", "regular expression"),
        ("a//b", "regular expression"),
        ("a/", "regular expression"),
        ("a b", "regular expression"),
        ("api\n", "regular expression"),
    ],
)
def test_illegal_repository_names_are_refused(refused: Any, name: str, words: str) -> None:
    code, message = refused("ecr", "CreateRepository", {"repositoryName": name})
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'repositoryName' failed to satisfy constraint: ")
    assert words in message


@pytest.mark.parametrize(
    ("parameters", "place", "words"),
    [
        ({"imageTagMutability": "Mutable"}, "imageTagMutability", "enum value set: [MUTABLE, IMMUTABLE"),
        ({"encryptionConfiguration": {"encryptionType": "SSE"}}, "encryptionConfiguration.encryptionType", "AES256"),
        ({"registryId": "1234"}, "registryId", "[0-9]{12}"),
        (
            {
                "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "v/1"}],
            },
            "imageTagMutabilityExclusionFilters.1.member.filter",
            "[0-9a-zA-Z._*-]",
        ),
        (
            {
                "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                "imageTagMutabilityExclusionFilters": [
                    {"filterType": "WILDCARD", "filter": f"v{number}"} for number in range(6)
                ],
            },
            "imageTagMutabilityExclusionFilters",
            "length less than or equal to 5",
        ),
    ],
)
def test_enums_patterns_and_lengths_are_checked(
    refused: Any, parameters: dict[str, Any], place: str, words: str
) -> None:
    code, message = refused("ecr", "CreateRepository", {"repositoryName": "api", **parameters})
    assert code == "InvalidParameterException"
    assert f"'{place}'" in message
    assert words in message


def test_a_service_without_invalid_parameter_exceptions_answers_validation_exceptions(refused: Any) -> None:
    code, message = refused("kms", "CreateKey", {"KeySpec": "AES"})
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value 'AES' at 'KeySpec' failed to satisfy constraint")
    code, _ = refused("iam", "CreateRole", {"RoleName": "a b", "AssumeRolePolicyDocument": "{}"})
    assert code == "ValidationError"
