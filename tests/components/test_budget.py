"""The budget: from the stack file to AWS Budgets, its changes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.aws.names import COST_SERVICE
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import rehearse
from ecr_stack.schema.budget import amount_text
from ecr_stack.schema.stack import stack_settings_of

Make = Callable[[dict[str, Any]], Path]

ACCOUNT = {"AccountId": "123456789012"}
NAMED = {**ACCOUNT, "BudgetName": "test-ecr"}
RESOURCE = "aws:budgets/budget:Budget"
TOPIC = "arn:aws:sns:us-east-1:123456789012:costs"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


def told(aws: EmbeddedAws) -> dict[tuple[str, float], set[str]]:
    """Who is told at which threshold."""
    notifications = aws.call("budgets", "DescribeNotificationsForBudget", NAMED)["Notifications"]
    return {
        (each["NotificationType"], each["Threshold"]): {
            subscriber["Address"]
            for subscriber in aws.call(
                "budgets", "DescribeSubscribersForNotification", {**NAMED, "Notification": each}
            )["Subscribers"]
        }
        for each in notifications
    }


def test_the_stacks_budget_is_for_what_ecr_costs_and_tells_everybody(project: Make, aws: EmbeddedAws) -> None:
    budget = {
        "amount": 250,
        "actualThresholds": [50, 90.5],
        "email": ["a@example.com", "b@example.com"],
        "snsTopicArn": TOPIC,
    }
    config = {
        "aws:region": "eu-west-1",
        "ecr-stack:environment": "test",
        "ecr-stack:tags": {"Team": "platform"},
        "ecr-stack:repositories": {"api": {}},
        "ecr-stack:budget": budget,
    }
    report = rehearse("test", project(config), aws=aws)
    (made,) = (each for each in report.resources if each.type == RESOURCE)
    found = aws.call("budgets", "DescribeBudget", NAMED)["Budget"]
    assert (found["BudgetLimit"], found["TimeUnit"]) == ({"Amount": "250.0", "Unit": "USD"}, "MONTHLY")
    assert found["CostFilters"] == {"Service": [COST_SERVICE], "LinkedAccount": ["123456789012"]}
    everybody = {"a@example.com", "b@example.com", TOPIC}
    assert told(aws) == {("ACTUAL", 50): everybody, ("ACTUAL", 90.5): everybody, ("FORECASTED", 100): everybody}
    tags = aws.call("budgets", "ListTagsForResource", {"ResourceARN": made.outputs["arn"]})["ResourceTags"]
    assert {"Key": "Team", "Value": "platform"} in tags
    assert not report.unchecked
    assert not report.violations


@pytest.mark.parametrize(
    ("budget", "place", "words"),
    [
        ({"amount": "100", "email": ["a@example.com"]}, "budget.amount", "must be a number"),
        ({"amount": "x", "email": ["a@example.com"]}, "budget.amount", "must be a number"),
        ({"amount": 0, "email": ["a@example.com"]}, "budget.amount", "more than 0"),
        ({"amount": 1.234, "email": ["a@example.com"]}, "budget.amount", "two decimals"),
        ({"amount": 10}, "budget.email", "nobody would be told"),
        ({"amount": 10, "email": ["team"]}, "budget.email[0]", "e-mail address is needed"),
        (
            {"amount": 10, "email": [f"{n}@example.com" for n in range(11)]},
            "budget.email",
            "10",
        ),
        ({"amount": 10, "snsTopicArn": f"{TOPIC}.fifo"}, "budget.snsTopicArn", "not FIFO"),
        (
            {"amount": 10, "snsTopicArn": TOPIC, "actualThresholds": list(range(1, 11))},
            "budget.actualThresholds",
            "at most 10 notifications",
        ),
        ({"amount": 10, "snsTopicArn": TOPIC, "actualThresholds": [80, 80]}, "budget.actualThresholds", "named once"),
        (
            {"amount": 10, "snsTopicArn": TOPIC, "actualThresholds": [], "forecastThresholds": []},
            "budget.actualThresholds",
            "nothing would be told",
        ),
        ({"amount": 10, "snsTopicArn": TOPIC, "currency": "usd"}, "budget.currency", "capital letters"),
    ],
)
def test_what_aws_refuses_or_tells_nobody_is_refused(budget: dict[str, Any], place: str, words: str) -> None:
    data = {"environment": "test", "repositories": {"api": {}}, "budget": budget}
    with pytest.raises(InvalidInput) as caught:
        stack_settings_of(data, source="Pulumi.test.yaml", region="us-east-1")
    found = {problem.place: f"{problem.rule}; {problem.remedy}" for problem in caught.value.problems}
    assert words in found[f"ecr-stack:{place}"]


@pytest.mark.parametrize(("amount", "text"), [(100, "100.0"), (49.9, "49.9"), (1e7, "10000000.0"), (0.05, "0.05")])
def test_amounts_are_written_as_the_api_takes_them(amount: float, text: str) -> None:
    assert amount_text(amount) == text


def alert(threshold: float, *emails: str) -> dict[str, Any]:
    return {
        "comparisonOperator": "GREATER_THAN", "notificationType": "ACTUAL", "threshold": threshold,
        "thresholdType": "PERCENTAGE", "subscriberEmailAddresses": list(emails),
    }  # fmt: skip


def test_a_budget_is_changed_read_and_deleted(aws: EmbeddedAws) -> None:
    provider = Provider(aws)
    inputs = {
        "name": "test-ecr", "budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "100", "limitUnit": "USD",
        "costFilters": [{"name": "Service", "values": [COST_SERVICE]}],
        "notifications": [alert(80, "a@example.com"), alert(100, "a@example.com")],
        "tags": {"Team": "one"},
    }  # fmt: skip
    id_, outputs = provider.create(RESOURCE, "budget", provider.check(RESOURCE, inputs))
    assert id_ == "123456789012:test-ecr"
    assert provider.diff(RESOURCE, inputs, {**inputs, "limitAmount": "100.0"}, outputs).changes == ()
    reordered = {**inputs, "notifications": inputs["notifications"][::-1]}
    assert provider.diff(RESOURCE, inputs, reordered, outputs).changes == ()
    other = {
        **inputs, "limitAmount": "200", "notifications": [alert(80, "b@example.com"), alert(100, "a@example.com")],
        "tags": {"Team": "two"},
    }  # fmt: skip
    assert provider.diff(RESOURCE, inputs, other, outputs).replaces == ()
    changed = provider.update(RESOURCE, id_, inputs, other, outputs)
    assert (changed["limitAmount"], changed["tags"]) == ("200", {"Team": "two"})
    assert told(aws) == {("ACTUAL", 80): {"b@example.com"}, ("ACTUAL", 100): {"a@example.com"}}
    assert provider.diff(RESOURCE, inputs, {**inputs, "name": "other"}).replaces == ("name",)
    provider.delete(RESOURCE, id_, changed)
    assert provider.read(RESOURCE, id_, inputs) is None


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("CreateNotification", {"Threshold": 80.0}, "DuplicateRecordException"),
        ("CreateNotification", {"Threshold": 1.0, "emails": 11}, "CreationLimitExceededException"),
        ("CreateNotification", {"Threshold": 1.0, "AccountId": "111122223333"}, "AccessDeniedException"),
    ],
)
def test_aws_refuses_repetitions_other_accounts_and_more_than_its_quotas(
    aws: EmbeddedAws, operation: str, parameters: dict[str, Any], code: str
) -> None:
    limit = {"Amount": "10", "Unit": "USD"}
    budget = {"BudgetName": "test-ecr", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    aws.call("budgets", "CreateBudget", {**ACCOUNT, "Budget": budget})
    account = parameters.get("AccountId", ACCOUNT["AccountId"])

    def asked(threshold: float, emails: int = 1, account: str = ACCOUNT["AccountId"]) -> dict[str, Any]:
        notification = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": threshold}
        subscribers = [{"SubscriptionType": "EMAIL", "Address": f"{n}@example.com"} for n in range(emails)]
        return {
            "AccountId": account, "BudgetName": "test-ecr", "Notification": notification, "Subscribers": subscribers,
        }  # fmt: skip

    aws.call("budgets", "CreateNotification", asked(80.0))
    with pytest.raises(ClientError) as refused:
        aws.call("budgets", operation, asked(parameters["Threshold"], parameters.get("emails", 1), account))
    assert refused.value.response["Error"]["Code"] == code
