"""When each repository is scanned, as a rehearsal tells it."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ecr_stack.cli.rehearse import show
from ecr_stack.rehearsal import Report, rehearse
from ecr_stack.rehearsal.report import UNKNOWN_VALUE, ResourceRecord
from ecr_stack.rehearsal.scan_frequencies import scan_frequencies, scan_warnings

PLACE = {"account": "123456789012", "region": "us-east-1"}


def record(type_: str, **outputs: Any) -> ResourceRecord:
    return ResourceRecord(f"urn::{type_}", f"aws:ecr/{type_}", "x", None, {}, outputs, [], {}, "id")


def repository(name: str, region: str = "us-east-1", flag: bool = False) -> ResourceRecord:
    scanning = {"scanOnPush": flag}
    return record("repository:Repository", name=name, region=region, imageScanningConfiguration=scanning)


def scanning(type_: str, *rules: tuple[str, list[str]], region: str = "us-east-1") -> ResourceRecord:
    entries = [
        {
            "scanFrequency": frequency,
            "repositoryFilters": [{"filter": each, "filterType": "WILDCARD"} for each in filters],
        }
        for frequency, filters in rules
    ]
    token = "registryScanningConfiguration:RegistryScanningConfiguration"
    return record(token, scanType=type_, rules=entries or None, region=region)


def replication(region: str, *prefixes: str, account: str = "123456789012") -> ResourceRecord:
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account}]}
    if prefixes:
        rule["repositoryFilters"] = [{"filter": each, "filterType": "PREFIX_MATCH"} for each in prefixes]
    token = "replicationConfiguration:ReplicationConfiguration"
    return record(token, replicationConfiguration={"rules": [rule]}, region="us-east-1")


def test_each_region_has_the_frequencies_of_its_own_configuration() -> None:
    records = [
        repository("team/api"),
        repository("web"),
        repository("web", "eu-west-1"),
        scanning("ENHANCED", ("SCAN_ON_PUSH", ["*"]), ("CONTINUOUS_SCAN", ["team"])),
        scanning("ENHANCED", ("SCAN_ON_PUSH", ["api"]), region="eu-west-1"),
    ]
    assert scan_frequencies(records, **PLACE) == {
        "eu-west-1": {"web": "OFF"},
        "us-east-1": {"team/api": "CONTINUOUS_SCAN", "web": "SCAN_ON_PUSH"},
    }


def test_replicas_that_a_template_makes_are_repositories_of_the_destination() -> None:
    records = [
        repository("api-one"),
        repository("web"),
        replication("eu-west-1", "api-"),
        scanning("BASIC", ("SCAN_ON_PUSH", ["*"]), region="eu-west-1"),
    ]
    assert scan_frequencies(records, **PLACE) == {"eu-west-1": {"api-one": "SCAN_ON_PUSH"}}
    everything = [*records[:2], replication("eu-west-1"), records[3]]
    assert set(scan_frequencies(everything, **PLACE)["eu-west-1"]) == {"api-one", "web"}
    foreign = [*records[:2], replication("eu-west-1", account="111122223333"), records[3]]
    assert scan_frequencies(foreign, **PLACE) == {"eu-west-1": {}}


def test_without_a_rule_of_basic_scanning_the_repository_s_own_flag_decides() -> None:
    records = [repository("api", flag=True), repository("web"), scanning("BASIC")]
    assert scan_frequencies(records, **PLACE) == {"us-east-1": {"api": "SCAN_ON_PUSH", "web": "MANUAL"}}
    ruled = [*records[:2], scanning("BASIC", ("SCAN_ON_PUSH", ["web"]))]
    assert scan_frequencies(ruled, **PLACE) == {"us-east-1": {"api": "MANUAL", "web": "SCAN_ON_PUSH"}}


def test_nothing_is_told_of_a_region_whose_scanning_the_program_leaves_alone() -> None:
    assert scan_frequencies([repository("api", flag=True)], **PLACE) == {}


@pytest.mark.parametrize(
    "unknown",
    [
        {"scanType": UNKNOWN_VALUE, "rules": []},
        {"scanType": "ENHANCED", "rules": UNKNOWN_VALUE},
        {"scanType": "ENHANCED", "rules": [UNKNOWN_VALUE]},
        {"scanType": "ENHANCED", "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": UNKNOWN_VALUE}]},
        {
            "scanType": "ENHANCED",
            "rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": f"{UNKNOWN_VALUE}*"}]}],
        },
    ],
)
def test_a_configuration_that_is_not_known_yet_says_nothing(unknown: dict[str, Any]) -> None:
    configuration = record("registryScanningConfiguration:RegistryScanningConfiguration", **unknown)
    assert scan_frequencies([repository("api"), configuration], **PLACE) == {}
    assert list(scan_warnings([repository("api"), configuration], **PLACE)) == []


def test_a_repository_that_nothing_scans_is_warned_of() -> None:
    off = [repository("api"), repository("web"), scanning("ENHANCED", ("SCAN_ON_PUSH", ["api"]))]
    (warning,) = scan_warnings(off, **PLACE)
    assert "`web` in us-east-1 cannot be scanned" in warning
    assert "cannot be started manually" in warning
    idle = [repository("api"), repository("web"), scanning("BASIC", ("SCAN_ON_PUSH", ["api"]))]
    (warning,) = scan_warnings(idle, **PLACE)
    assert "`web` in us-east-1 will be scanned only on request" in warning


def test_a_repository_that_is_to_be_scanned_on_request_is_no_warning() -> None:
    records = [repository("api"), scanning("BASIC", ("MANUAL", ["api"]))]
    assert scan_frequencies(records, **PLACE) == {"us-east-1": {"api": "MANUAL"}}
    assert list(scan_warnings(records, **PLACE)) == []


def text_of(report: Report) -> str:
    to = Console(file=StringIO(), width=4000, color_system=None)
    show(report, to)
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


@pytest.fixture
def thirty(project: Callable[[dict[str, Any]], Path]) -> Report:
    names = [f"service-{number}" for number in range(30)]
    folder = project(
        {
            "aws:region": "us-east-1",
            "ecr-stack:environment": "test",
            "ecr-stack:encryption": {"type": "AES256"},
            "ecr-stack:repositories": {**{name: {} for name in names}, "attic": {"scanOnPush": False}},
            "ecr-stack:scanning": {
                "type": "ENHANCED",
                "rules": [
                    {"frequency": "SCAN_ON_PUSH", "filters": ["service-*"]},
                    {"frequency": "CONTINUOUS_SCAN", "filters": ["service-29"]},
                ],
            },
            "ecr-stack:replication": {"rules": [{"destinations": [{"region": "us-west-2"}]}]},
        }
    )
    return rehearse("test", folder)


def test_a_rehearsal_tells_when_each_repository_is_scanned_and_thirty_alike_take_one_line(thirty: Report) -> None:
    wanted = {f"service-{number}": "SCAN_ON_PUSH" for number in range(29)}
    wanted |= {"service-29": "CONTINUOUS_SCAN", "attic": "OFF"}
    assert thirty.as_json()["scanning"] == {"us-east-1": wanted, "us-west-2": wanted}
    assert [
        warning for warning in thirty.warnings if "`attic` in " in warning and "cannot be scanned" in warning
    ] == thirty.warnings
    assert len(thirty.warnings) == 2
    text = text_of(thirty)
    alike = [line for line in text.splitlines() if "; mutable tags; scanned on push" in line]
    assert len(alike) == 2, "one line in each Region"
    assert all("Repository × 29" in line for line in alike)
    assert text.count("enhanced scanning; scanned continuously: service-29; scanned on push: 29 repositories") == 2
    assert "never scanned: attic" in text
