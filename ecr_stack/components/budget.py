"""A budget for what ECR costs in the account, with its alerts.

Builds an `aws.budgets.Budget`. It belongs to the account, not to a Region: make one, once.

https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.names import COST_SERVICE
from ecr_stack.components.args import BudgetArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.arguments import BudgetArguments
from ecr_stack.schema.budget import amount_text

__all__ = ["Budget"]


class Budget(Component):
    """A monthly budget for everything that ECR costs in the account, in all Regions."""

    ARGUMENTS = BudgetArguments

    budget_name: pulumi.Output[str]
    """The budget's name."""
    arn: pulumi.Output[str]
    """The budget's ARN."""

    def __init__(
        self,
        name: str,
        args: BudgetArgs | BudgetArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: BudgetArguments = self._validated(args)
        environment = self._environment(settings)
        named = together(lambda env, own: own or f"{env}-ecr", environment, self._value(settings, "name"))
        self._claim("budget", named, "choose another `name`")
        where = caller(self)
        fields = ("actual_thresholds", "forecast_thresholds", "email", "sns_topic_arn")
        budget = aws.budgets.Budget(
            name,
            name=named,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=self._value(settings, "amount", amount_text),
            limit_unit=self._value(settings, "currency"),
            cost_filters=[
                aws.budgets.BudgetCostFilterArgs(name="Service", values=[COST_SERVICE]),
                # In a management account the others' costs would be in it.
                aws.budgets.BudgetCostFilterArgs(name="LinkedAccount", values=[where.account]),
            ],
            notifications=together(_notifications, self._settled(settings, *fields)),
            tags=together(all_tags, named, environment, self._value(settings, "tags")),
            opts=self._child(),
        )
        self.budget_name = budget.name
        self.arn = budget.arn
        self.register_outputs({"budgetName": self.budget_name, "arn": self.arn})


def _notifications(settings: Any) -> list[aws.budgets.BudgetNotificationArgs]:
    return [
        aws.budgets.BudgetNotificationArgs(
            comparison_operator="GREATER_THAN",
            notification_type=kind,
            threshold=threshold,
            threshold_type="PERCENTAGE",
            subscriber_email_addresses=settings.email or None,
            subscriber_sns_topic_arns=[settings.sns_topic_arn] if settings.sns_topic_arn is not None else None,
        )
        for kind, thresholds in (
            ("ACTUAL", settings.actual_thresholds),
            ("FORECASTED", settings.forecast_thresholds),
        )
        for threshold in thresholds
    ]
