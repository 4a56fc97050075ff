"""A budget for what ECR costs, and who is told: `ecr-stack:budget`.

https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

from ecr_stack.errors import Problem
from ecr_stack.model import Item, Model, is_unknown, refusal

__all__ = ["BudgetSettings", "amount_text"]

# https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_NotificationWithSubscribers.html
MAX_ALERTS = 10
MAX_EMAILS = 10


def _amount(value: float) -> float:
    if 0 < value <= 1e12 and round(value, 2) == value:
        return value
    raise refusal("a budget is more than 0, with at most two decimals", "write an amount such as 100 or 49.90")


def _currency(value: str) -> str:
    if re.fullmatch(r"[A-Z]{3}", value):
        return value
    raise refusal("a currency is its code of three capital letters", "write the one that AWS bills in, e.g. `USD`")


def _threshold(value: float) -> float:
    if 0 < value <= 1e9:
        return value
    raise refusal("a threshold is a percentage of the budget, more than 0", "write one such as 80")


def _email(value: str) -> str:
    if re.fullmatch(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+", value) and len(value) <= 254:
        return value
    raise refusal("this is no e-mail address", "write one such as platform@example.com")


def _topic(value: str) -> str:
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}", value, re.ASCII):
        return value
    raise refusal(
        "AWS Budgets publishes to a standard SNS topic, named by its ARN",
        "write arn:aws:sns:REGION:ACCOUNT:NAME, of a topic that is not FIFO",
    )


Threshold = Annotated[float, AfterValidator(_threshold), Item]


class BudgetSettings(Model):
    """A monthly budget for everything that ECR costs in the account, in all Regions."""

    EXAMPLES = {"amount": "100", "email_addresses": "[platform@example.com]"}

    amount: Annotated[float, AfterValidator(_amount)]
    """The budget of a month, e.g. `100` or `49.90`."""
    currency: Annotated[str, AfterValidator(_currency)] = "USD"
    """The currency that AWS bills the account in. Default: `USD`."""
    actual_thresholds: list[Threshold] = [80, 100]
    """Percentages of the budget at which the costs so far are reported. Default: `[80, 100]`."""
    forecast_thresholds: list[Threshold] = [100]
    """Percentages of the budget at which the forecast for the month is reported; AWS forecasts after about five weeks of
    usage. Default: `[100]`."""
    email_addresses: Annotated[list[Annotated[str, AfterValidator(_email), Item]], Field(max_length=MAX_EMAILS)] = []
    """Who gets an e-mail: at most 10 addresses."""
    sns_topic_arn: Annotated[str, AfterValidator(_topic)] | None = None
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Somebody is told something, and each thing once."""
        if self.email_addresses == [] and self.sns_topic_arn is None:
            yield Problem(
                "emailAddresses", [], "nobody would be told", "add `emailAddresses` or `snsTopicArn`"
            )  # fmt: skip
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
        emails = [each for each in self.known("email_addresses") or () if not is_unknown(each)]
        if len(set(emails)) < len(emails):
            yield Problem("emailAddresses", emails, "each address is named once", "remove the repetition")


def amount_text(amount: float) -> str:
    """An amount as AWS writes it, e.g. `100.0` or `49.9`."""
    text = f"{amount:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
