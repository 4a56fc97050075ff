"""Signing and the budget on the real engine: made once, changed in place, taken away."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from pulumi_engine import Engine, plain

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/containers"
BUDGET = {"amount": 250, "email": ["team@example.com"]}


def signing(*filters: str) -> dict[str, Any]:
    return {"rules": [{"signingProfileArn": PROFILE, "repositoryFilters": list(filters)}]}


def test_signing_and_the_budget_come_change_and_go(engine: Engine) -> None:
    account = engine.aws.account
    engine.stack("test", plain(signing=signing("ap*"), budget=BUDGET))
    engine.up()
    engine.up("--expect-no-changes")
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    engine.configure("test", plain(signing=signing("a*"), budget={**BUDGET, "amount": 300, "actualThresholds": [90]}))
    assert set(engine.changes().values()) == {"update"}
    engine.up()
    engine.up("--expect-no-changes")
    (rule,) = engine.aws.call("ecr", "GetSigningConfiguration", {})["signingConfiguration"]["rules"]
    assert rule["repositoryFilters"][0]["filter"] == "a*"
    named = {"AccountId": account, "BudgetName": "test-ecr"}
    assert engine.aws.call("budgets", "DescribeBudget", named)["Budget"]["BudgetLimit"]["Amount"] == "300.0"
    told = engine.aws.call("budgets", "DescribeNotificationsForBudget", named)["Notifications"]
    assert {(each["NotificationType"], each["Threshold"]) for each in told} == {("ACTUAL", 90), ("FORECASTED", 100)}
    engine.configure("test", plain())
    engine.up()
    for operation, parameters in (("ecr:GetSigningConfiguration", {}), ("budgets:DescribeBudget", named)):
        service, _, name = operation.partition(":")
        with pytest.raises(ClientError, match="NotFound"):
            engine.aws.call(service, name, parameters)
