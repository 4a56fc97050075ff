"""A budget for what ECR costs, and who is told: `ecr-stack:budget`.

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
        "a budget is more than 0, with at most two decimals",
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
        "a currency is its code of three capital letters",
        "write the one that AWS bills in, e.g. `USD`",
    ),
]
Threshold = Annotated[
    float,
    Range("a threshold is a percentage of the budget, more than 0", "write one such as 80", above=0, most=1e9),
    Item,
]
Thresholds = Annotated[list[Threshold], Described(uniqueItems=True)]
TopicArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}",
        "AWS Budgets publishes to a standard SNS topic, named by its ARN",
        "write arn:aws:sns:REGION:ACCOUNT:NAME, of a topic that is not FIFO",
    ),
]


class BudgetSettings(Model):
    """A monthly budget for everything that ECR costs in the account, in all Regions."""

    EXAMPLES = {"amount": "100", "email": "[platform@example.com]"}

    amount: Amount
    """The budget of a month, e.g. `100` or `49.90`."""
    currency: Currency = "USD"
    """The currency that AWS bills the account in. Default: `USD`."""
    actual_thresholds: Thresholds = [80, 100]
    """Percentages of the budget at which the costs so far are reported. Default: `[80, 100]`."""
    forecast_thresholds: Thresholds = [100]
    """Percentages of the budget at which the forecast for the month is reported; AWS forecasts after about five weeks of
    usage. Default: `[100]`."""
    email: Annotated[list[EmailAddress], Field(max_length=MAX_EMAILS), Described(uniqueItems=True)] = []
    """Who gets an e-mail: at most 10 addresses."""
    sns_topic_arn: TopicArn | None = None
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Somebody is told something, and each thing once."""
        if self.email == [] and self.sns_topic_arn is None:
            yield Problem("email", None, "nobody would be told", "add `email: [platform@example.com]` or `snsTopicArn`")
        thresholds = {
            "actualThresholds": self.known("actual_thresholds"),
            "forecastThresholds": self.known("forecast_thresholds"),
        }
        if all(each == [] for each in thresholds.values()):
            yield Problem("actualThresholds", [], "nothing would be told", "add a percentage, e.g. 80")
        for place, values in thresholds.items():
            known = [each for each in values or () if not is_unknown(each)]
            if len(set(known)) < len(known):
                yield Problem(place, values, "each threshold is named once", "remove the repetition")
        count = sum(len(each or ()) for each in thresholds.values())
        if count > MAX_ALERTS:
            yield Problem(
                "actualThresholds", f"{count} thresholds", f"a budget has at most {MAX_ALERTS} notifications",
                "remove some from `actualThresholds` or `forecastThresholds`",
            )  # fmt: skip
        emails = [each for each in self.known("email") or () if not is_unknown(each)]
        if len(set(emails)) < len(emails):
            yield Problem("email", emails, "each address is named once", "remove the repetition")

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Somebody is told something."""
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
