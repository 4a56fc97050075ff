"""`ecr-stack cost`: what Cost Explorer says, and what the images say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ecr_stack.aws.names import COST_SERVICE
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.operations.costs import months_before
from tests.images.conftest import REGION, answer, old, refusal, run


@pytest.fixture
def stack(aws: EmbeddedAws, project: Any, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    lifecycle = [{"description": "Old ones go after a week", "tagPrefixes": ["dev-"], "expireAfterDays": 7}]
    configuration = {
        "aws:region": REGION,
        "ecr-stack:environment": "test",
        "ecr-stack:repositories": {"api": {"lifecycle": lifecycle}},
    }
    monkeypatch.chdir(project(configuration))
    aws.seed_images(
        "api",
        [
            old(1, "dev-1", imageSizeInBytes=40_000_000_000),
            old(2, "v1", imageSizeInBytes=10_000_000_000),
            old(3, "v0", imageSizeInBytes=5_000_000_000, imageStatus="ARCHIVED"),
        ],
    )
    return aws


def charged(group: str, amount: str) -> dict[str, Any]:
    start = date.today().replace(day=1).isoformat()
    return {
        "TimePeriod": {"Start": start, "End": date.today().isoformat()},
        "Groups": [{"Keys": [group], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}],
        "Estimated": True,
    }


def test_costs_are_by_usage_type_and_by_repository(stack: EmbeddedAws) -> None:
    stack.seed_costs([charged("USE1-TimedStorage-ByteHrs", "12.5"), charged("Name$api", "11"), charged("Name$", "1")])
    code, told = answer("cost", "--stack", "test")
    assert code == 0
    assert ("USE1-TimedStorage-ByteHrs", 12.5) in [(each["usageType"], each["amount"]) for each in told["byUsageType"]]
    assert [(each["repository"], each["amount"]) for each in told["byRepository"]] == [("api", 11.0)]
    assert "12.50" in run("cost", "--stack", "test").stdout


def test_storage_and_what_the_lifecycle_saves_come_from_the_images(stack: EmbeddedAws) -> None:
    _, told = answer("cost", "--stack", "test")
    (api,) = told["storage"]
    assert (api["bytes"], api["archivedBytes"], api["lifecycleFreesBytes"]) == (
        50_000_000_000,
        5_000_000_000,
        40_000_000_000,
    )
    assert api["lifecycleSavesMonthly"] == pytest.approx(4.0)


def test_cost_explorer_is_asked_by_the_services_real_name(stack: EmbeddedAws, fail: Any) -> None:
    asked: list[bytes] = []

    def look(request: Any) -> None:
        asked.append(request.body)

    fail("GetCostAndUsage", [look, look])
    answer("cost", "--stack", "test", "--months", "2")
    assert COST_SERVICE == "Amazon EC2 Container Registry (ECR)"
    assert all(COST_SERVICE.encode() in body and b'"us-east-1"' in body for body in asked)
    assert b'"USAGE_TYPE"' in asked[0]
    assert b'"TAG"' in asked[1]


def test_without_cost_explorer_the_storage_is_still_told(stack: EmbeddedAws, fail: Any) -> None:
    fail("GetCostAndUsage", [refusal("AccessDeniedException")] * 9)
    code, told = answer("cost", "--stack", "test")
    assert (code, told["byUsageType"], len(told["storage"])) == (1, None, 1)
    assert told["problem"].startswith("Cost Explorer refuses")


@pytest.mark.parametrize(
    ("today", "months", "expected"),
    [
        (date(2026, 1, 31), 1, ("2026-01-01", "2026-02-01")),
        (date(2026, 1, 1), 3, ("2025-11-01", "2026-01-02")),
        (date(2026, 12, 31), 12, ("2026-01-01", "2027-01-01")),
    ],
)
def test_months_are_whole_and_the_end_is_exclusive(today: date, months: int, expected: tuple[str, str]) -> None:
    assert months_before(today, months) == expected
