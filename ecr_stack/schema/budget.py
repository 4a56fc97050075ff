"""A budget for ECR, and who receives its alerts: `ecr-stack:budget`.

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
    raise refusal("a budget must be greater than 0, with at most two decimals", "write an amount such as 100 or 49.90")


def _currency(value: str) -> str:
    if re.fullmatch(r"[A-Z]{3}", value):
        return value
    raise refusal(
        "a currency must be a code of three capital letters", "write the currency of your AWS bill, e.g. `USD`"
    )


def _threshold(value: float) -> float:
    if 0 < value <= 1e9:
        return value
    raise refusal("a threshold must be a percentage of the budget greater than 0", "write one such as 80")


def _email(value: str) -> str:
    if re.fullmatch(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+", value) and len(value) <= 254:
        return value
    raise refusal("this is not an e-mail address", "write one such as platform@example.com")


def _topic(value: str) -> str:
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}", value, re.ASCII):
        return value
    raise refusal(
        "must be the ARN of a standard SNS topic",
        "write arn:aws:sns:REGION:ACCOUNT:NAME, not a FIFO topic",
    )


Threshold = Annotated[float, AfterValidator(_threshold), Item]


class BudgetSettings(Model):
    """A monthly budget for the cost of ECR in the account, in all Regions."""

    EXAMPLES = {"amount": "100", "email_addresses": "[platform@example.com]"}

    amount: Annotated[float, AfterValidator(_amount)]
    """The monthly budget, e.g. `100` or `49.90`."""
    currency: Annotated[str, AfterValidator(_currency)] = "USD"
    """The currency of the account's bill. Default: `USD`."""
    actual_thresholds: list[Threshold] = [80, 100]
    """Percentages of the budget at which actual costs trigger an alert. Default: `[80, 100]`."""
    forecast_thresholds: list[Threshold] = [100]
    """Percentages of the budget at which the month's forecast triggers an alert; AWS forecasts after about five weeks
    of usage. Default: `[100]`."""
    email_addresses: Annotated[list[Annotated[str, AfterValidator(_email), Item]], Field(max_length=MAX_EMAILS)] = []
    """E-mail addresses for alerts: at most 10."""
    sns_topic_arn: Annotated[str, AfterValidator(_topic)] | None = None
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """At least one receiver and one threshold, without duplicates."""
        if self.email_addresses == [] and self.sns_topic_arn is None:
            yield Problem(
                "emailAddresses", [], "nobody would receive the alerts", "add `emailAddresses` or `snsTopicArn`"
            )  # fmt: skip
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
        emails = [each for each in self.known("email_addresses") or () if not is_unknown(each)]
        if len(set(emails)) < len(emails):
            yield Problem("emailAddresses", emails, "an address is repeated", "remove the repetition")


def amount_text(amount: float) -> str:
    """An amount as AWS writes it, e.g. `100.0` or `49.9`."""
    text = f"{amount:.2f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text
