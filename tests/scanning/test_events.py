"""The patterns match AWS's documented sample events, each its own and no other."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ecr_stack.aws import events
from ecr_stack.aws.scanning import SEVERITIES
from tests.scanning.event_pattern import matches
from tests.scanning.sample_events import SAMPLES

EXPECTED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "pushes": (events.pushes(), {"push"}),
    "deletions": (events.deletions(), {"delete"}),
    "archives": (events.archives(), {"archive"}),
    "restores": (events.restores(), {"restore"}),
    "replications": (events.replications(), {"replication", "failed replication"}),
    "failed replications": (events.replications(results=["FAILED"]), {"failed replication"}),
    "pull-through failures": (events.pull_through_failures(), set()),
    "basic scans": (events.basic_scans(), {"basic scan"}),
    "basic scans with a critical finding": (events.basic_scans(severity="CRITICAL"), {"basic scan"}),
    "basic scans with a low finding": (events.basic_scans(severity="LOW"), {"basic scan"}),
    "scan configuration changes": (events.scan_configuration_changes(), {"frequency change"}),
    "inspector scans": (events.inspector_scans(), {"inspector scan"}),
    "inspector findings, medium": (events.inspector_findings("MEDIUM"), {"inspector finding"}),
    "inspector findings, high": (events.inspector_findings("HIGH"), set()),
    "pushes to this repository": (events.pushes(["my-repository-name"]), {"push"}),
    "pushes to another repository": (events.pushes(["my-repository"]), set()),
    "findings in this repository": (
        events.inspector_findings("LOW", ["amazon/amazon-ecs-sample"]), {"inspector finding"}),
    "findings in another repository": (events.inspector_findings("LOW", ["api"]), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_a_pattern_matches_its_own_sample_events_and_no_other(name: str) -> None:
    pattern, expected = EXPECTED[name]
    assert {sample for sample, told in SAMPLES.items() if matches(pattern, told)} == expected


def changed(name: str, **detail: Any) -> dict[str, Any]:
    sample = copy.deepcopy(SAMPLES[name])
    sample["detail"] |= {key.replace("_", "-"): value for key, value in detail.items()}
    return sample


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_scan_is_told_by_its_worst_finding(severity: str) -> None:
    rank = SEVERITIES.index(severity)
    for worst in SEVERITIES:
        told = changed("basic scan", finding_severity_counts={worst: 1})
        assert matches(events.basic_scans(severity=severity), told) is (SEVERITIES.index(worst) <= rank)


def test_a_scan_without_findings_is_told_only_if_every_scan_is() -> None:
    clean = changed("basic scan", finding_severity_counts={})
    assert matches(events.basic_scans(), clean)
    assert not matches(events.basic_scans(severity="UNDEFINED"), clean)


def test_a_failed_scan_is_no_completed_one() -> None:
    assert not matches(events.basic_scans(), changed("basic scan", scan_status="FAILED"))


@pytest.mark.parametrize("status", ["CLOSED", "SUPPRESSED"])
def test_a_finding_that_is_closed_or_suppressed_is_not_told(status: str) -> None:
    assert not matches(events.inspector_findings("LOW"), changed("inspector finding", status=status))


def test_findings_in_other_kinds_of_resources_are_not_told() -> None:
    instance = {"type": "AWS_EC2_INSTANCE", "id": "i-0c2a343f1948d5205"}
    assert not matches(events.inspector_findings("LOW"), changed("inspector finding", resources=[instance]))
    assert not matches(events.inspector_scans(), changed("inspector scan") | {"resources": ["i-0c2a343f1948d5205"]})


def test_a_finding_without_a_severity_counts_as_undefined() -> None:
    untriaged = changed("inspector finding", severity="UNTRIAGED")
    assert matches(events.inspector_findings("UNDEFINED"), untriaged)
    assert not matches(events.inspector_findings("INFORMATIONAL"), untriaged)


def test_a_pull_through_that_fails_is_told() -> None:
    assert matches(events.pull_through_failures(), changed("pull through", sync_status="FAILURE"))


def test_a_push_that_fails_is_not_told_as_one() -> None:
    assert not matches(events.pushes(), changed("push", result="FAILURE"))


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="CRITICAL"):
        events.basic_scans(severity="Critical")


@pytest.mark.parametrize("name", EXPECTED)
def test_patterns_fit_into_a_rule(name: str) -> None:
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
    assert len(json.dumps(EXPECTED[name][0])) <= 2048
