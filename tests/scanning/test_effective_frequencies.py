"""What a scanning configuration means for each repository."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.scanning import RegistryScanning, effective_frequencies, filter_matches
from ecr_stack.schema.scanning import Scanning


def configured(type_: str, *rules: tuple[str, list[str]]) -> RegistryScanning:
    entries = [
        {
            "scanFrequency": frequency,
            "repositoryFilters": [{"filter": each, "filterType": "WILDCARD"} for each in filters],
        }
        for frequency, filters in rules
    ]
    return RegistryScanning.from_api({"scanType": type_, "rules": entries})


@pytest.mark.parametrize(
    ("scan_filter", "repository", "matches"),
    [
        ("*", "team/api", True),
        ("api", "team/api-gateway", True),
        ("api", "team/web", False),
        ("api*", "team/api", False),
        ("*api", "team/api", True),
        ("*api", "team/api-gateway", False),
        ("team/*", "team/a/b", True),
        ("t*api", "team/api", True),
        ("t*x*api", "team/api", False),
        ("**", "a1", True),
        ("a.i", "team/api", False),
    ],
)
def test_a_filter_without_a_wildcard_matches_names_that_contain_it(
    scan_filter: str, repository: str, matches: bool
) -> None:
    assert filter_matches(scan_filter, repository) is matches


def test_continuous_scanning_wins_over_scanning_on_push_whatever_the_order() -> None:
    rules = [("SCAN_ON_PUSH", ["*"]), ("CONTINUOUS_SCAN", ["prod"])]
    for order in (rules, rules[::-1]):
        found = effective_frequencies(configured("ENHANCED", *order), ["prod/api", "dev/api"])
        assert found == {"prod/api": "CONTINUOUS_SCAN", "dev/api": "SCAN_ON_PUSH"}


def test_a_repository_that_no_rule_matches_is_off_under_enhanced_and_manual_under_basic() -> None:
    assert effective_frequencies(configured("ENHANCED", ("SCAN_ON_PUSH", ["web"])), ["api"]) == {"api": "OFF"}
    assert effective_frequencies(configured("BASIC", ("SCAN_ON_PUSH", ["web"])), ["api"]) == {"api": "MANUAL"}
    assert effective_frequencies(configured("ENHANCED"), ["api"]) == {"api": "OFF"}


def test_enhanced_without_rules_in_the_request_scans_everything_continuously() -> None:
    assert effective_frequencies(RegistryScanning("ENHANCED", None), ["api"]) == {"api": "CONTINUOUS_SCAN"}
    assert effective_frequencies(RegistryScanning("BASIC", None), ["api"]) == {"api": "MANUAL"}


def test_a_registry_that_was_never_configured_scans_by_hand() -> None:
    assert effective_frequencies(RegistryScanning.from_api({}), ["api"]) == {"api": "MANUAL"}


def test_the_section_of_a_stack_file_is_taken_as_it_is() -> None:
    data: dict[str, Any] = {"type": "ENHANCED", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["api"]}]}
    assert effective_frequencies(Scanning.model_validate(data), ["api", "web"]) == {"api": "SCAN_ON_PUSH", "web": "OFF"}
    assert effective_frequencies(Scanning.model_validate({}), ["api"]) == {}


@given(st.text("ab/*", min_size=1, max_size=8), st.text("ab/", min_size=1, max_size=8))
def test_matching_is_that_of_a_regular_expression(scan_filter: str, repository: str) -> None:
    pattern = scan_filter if "*" in scan_filter else f"*{scan_filter}*"
    expected = re.fullmatch("".join(".*" if each == "*" else re.escape(each) for each in pattern), repository)
    assert filter_matches(scan_filter, repository) is (expected is not None)
