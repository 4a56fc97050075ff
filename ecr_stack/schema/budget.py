"""A budget for ECR, and who receives its alerts: `ecr-stack:budget`.

https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from ecr_stack.aws.names import EmailAddress
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form, Range
from ecr_stack.model import Item, Model, is_unknown
from ecr_stack.schema.json_schema import at_least_one, given, never, not_empty

__all__ = ["BudgetSettings", "amount_text"]

# https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html
MAX_ALERTS = 10
MAX_EMAILS = 10


Amount = Annotated[
    float,
    Range(
        "a budget must be greater than 0, with at most two decimals",
        "write an amount such as 100 or 49.90",
        above=0,
        most=1e12,
        also=lambda value: round(value, 2) == value,
    ),
]
Currency = Annotated[
    str,
    Form(
        "[A-Z]{3}",
        "a currency must be a code of three capital letters",
        "write the currency of your AWS bill, e.g. `USD`",
    ),
]
Threshold = Annotated[
    float,
    Range("a threshold must be a percentage of the budget greater than 0", "write one such as 80", above=0, most=1e9),
    Item,
]
Thresholds = Annotated[list[Threshold], Described(uniqueItems=True)]
TopicArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}",
        "must be the ARN of a standard SNS topic",
        "write arn:aws:sns:REGION:ACCOUNT:NAME, not a FIFO topic",
    ),
]


class BudgetSettings(Model):
    """A monthly budget for the cost of ECR in the account, in all Regions."""

    EXAMPLES = {"amount": "100", "email": "[platform@example.com]"}

    amount: Amount
    """The monthly budget, e.g. `100` or `49.90`."""
    currency: Currency = "USD"
    """The currency of the account's bill. Default: `USD`."""
    actual_thresholds: Thresholds = [80, 100]
    """Percentages of the budget at which actual costs trigger an alert. Default: `[80, 100]`."""
    forecast_thresholds: Thresholds = [100]
    """Percentages of the budget at which the month's forecast triggers an alert; AWS forecasts after about five weeks
    of usage. Default: `[100]`."""
    email: Annotated[list[EmailAddress], Field(max_length=MAX_EMAILS), Described(uniqueItems=True)] = []
    """E-mail addresses for alerts: at most 10."""
    sns_topic_arn: TopicArn | None = None
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """At least one receiver and one threshold, without duplicates."""
        if self.email == [] and self.sns_topic_arn is None:
            yield Problem(
                "email", None, "nobody would receive the alerts", "add `email: [platform@example.com]` or `snsTopicArn`"
            )
        thresholds = {
            "actualThresholds": self.known("actual_thresholds"),
            "forecastThresholds": self.known("forecast_thresholds"),
        }
        if all(each == [] for each in thresholds.values()):
            yield Problem("actualThresholds", [], "no alert would ever be sent", "add a percentage, e.g. 80")
        for place, values in thresholds.items():
            known = [each for each in values or () if not is_unknown(each)]
            if len(set(known)) < len(known):
                yield Problem(place, values, "a threshold is repeated", "remove the repetition")
        count = sum(len(each or ()) for each in thresholds.values())
        if count > MAX_ALERTS:
            yield Problem(
                "actualThresholds", f"{count} thresholds", f"a budget has at most {MAX_ALERTS} notifications",
                "remove some from `actualThresholds` or `forecastThresholds`",
            )  # fmt: skip
        emails = [each for each in self.known("email") or () if not is_unknown(each)]
        if len(set(emails)) < len(emails):
            yield Problem("email", emails, "an address is repeated", "remove the repetition")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """At least one receiver and one threshold."""
        yield at_least_one(not_empty("email"), given("snsTopicArn"))
        empty = (
            {"required": [key], "properties": {key: {"maxItems": 0}}}
            for key in ("actualThresholds", "forecastThresholds")
        )
        yield never(*empty)


def amount_text(amount: float) -> str:
    """An amount as AWS writes it, e.g. `100.0` or `49.9`."""
    text = f"{amount:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
