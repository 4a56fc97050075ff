"""`aws.budgets.Budget`: a budget of the account with its notifications.

https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/budgets/budget.go
"""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    missing_is_none,
    one_of,
    retag,
    tag_list,
    tag_map,
)
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Budget"]

_MISSING = "NotFoundException"
_REHEARSED = {
    "accountId", "budgetType", "costFilters", "limitAmount", "limitUnit", "name", "namePrefix", "notifications", "tags",
    "timeUnit",
}  # fmt: skip


class Budget(ResourceType):
    """A budget; its id is `ACCOUNT:NAME`."""

    token = "aws:budgets/budget:Budget"
    name_property = "name"
    name_length = 100
    replaces_on = frozenset({"accountId", "name", "namePrefix"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        types = (
            "USAGE", "COST", "RI_UTILIZATION", "RI_COVERAGE", "SAVINGS_PLANS_UTILIZATION", "SAVINGS_PLANS_COVERAGE",
        )  # fmt: skip
        found = [
            *one_of("budgetType", inputs, types),
            *one_of("timeUnit", inputs, ("DAILY", "MONTHLY", "QUARTERLY", "ANNUALLY", "CUSTOM")),
        ]
        for index, each in enumerate(inputs.get("notifications") or []):
            if not (each.get("subscriberEmailAddresses") or each.get("subscriberSnsTopicArns")):
                place = f"notifications[{index}]"
                found.append(Problem(place, each, "a notification must have at least one subscriber", "add an address"))
        return found

    def same(self, name: str, old: Any, new: Any) -> bool:
        """Filters and notifications are sets; 100 and 100.0 are the same amount."""
        if name == "limitAmount" and old and new:
            try:
                return Decimal(old) == Decimal(new)
            except InvalidOperation:
                return bool(old == new)
        if name == "costFilters":
            return sorted(map(_filter, old or [])) == sorted(map(_filter, new or []))
        if name == "notifications":
            return sorted(map(_key, old or [])) == sorted(map(_key, new or []))
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateBudget, then CreateNotification for each."""
        others = sorted(name for name, value in inputs.items() if value and name not in _REHEARSED and name[0] != "_")
        if others:
            raise Unavailable(f"{self.token}: a rehearsal does not support a budget with {', '.join(others)}")
        account, name = inputs.get("accountId") or scope.account, inputs["name"]
        tags = tag_list(scope.all_tags(inputs))
        scope.call("budgets", "CreateBudget", AccountId=account, Budget=_budget(inputs), ResourceTags=tags)
        for each in inputs.get("notifications") or []:
            _notify(scope, account, name, each)
        return f"{account}:{name}"

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeBudget, DescribeNotificationsForBudget, DescribeSubscribersForNotification, ListTagsForResource."""
        account, _, name = id_.partition(":")
        named = {"AccountId": account, "BudgetName": name}
        found = missing_is_none(lambda: scope.call("budgets", "DescribeBudget", **named), _MISSING)
        if found is None:
            return None
        budget = found["Budget"]
        notifications = []
        for each in scope.call("budgets", "DescribeNotificationsForBudget", **named).get("Notifications", []):
            asked = {key: value for key, value in each.items() if key != "NotificationState"}
            told = scope.call("budgets", "DescribeSubscribersForNotification", **named, Notification=asked)
            notifications.append(_read_notification(each, told["Subscribers"]))
        arn = f"arn:{scope.partition}:budgets::{account}:budget/{name}"
        tags = scope.call("budgets", "ListTagsForResource", ResourceARN=arn).get("ResourceTags", [])
        types = {key[0].lower() + key[1:]: value for key, value in (budget.get("CostTypes") or {}).items()}
        return {
            "accountId": account,
            "arn": arn,
            "budgetType": budget["BudgetType"],
            "costFilters": [
                {"name": key, "values": values} for key, values in (budget.get("CostFilters") or {}).items()
            ],
            "costTypes": types,
            "limitAmount": budget["BudgetLimit"]["Amount"],
            "limitUnit": budget["BudgetLimit"]["Unit"],
            "name": name,
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            "notifications": notifications or None,
            "timePeriodEnd": f"{budget['TimePeriod']['End']:%Y-%m-%d_%H:%M}",
            "timePeriodStart": f"{budget['TimePeriod']['Start']:%Y-%m-%d_%H:%M}",
            "timeUnit": budget["TimeUnit"],
            **scope.tag_outputs(inputs, tag_map(tags)),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateBudget; notifications that differ are deleted and made again."""
        account, _, name = id_.partition(":")
        scope.call("budgets", "UpdateBudget", AccountId=account, NewBudget=_budget({**new, "name": name}))
        before, after = old.get("notifications") or [], new.get("notifications") or []
        kept = set(map(_key, before)) & set(map(_key, after))
        for each in before:
            if _key(each) not in kept:
                asked = {"AccountId": account, "BudgetName": name, "Notification": _notification(each)}
                scope.call("budgets", "DeleteNotification", **asked)
        for each in after:
            if _key(each) not in kept:
                _notify(scope, account, name, each)
        arn = f"arn:{scope.partition}:budgets::{account}:budget/{name}"
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("budgets", "UntagResource", ResourceARN=arn, ResourceTagKeys=keys),
            lambda tags: scope.call("budgets", "TagResource", ResourceARN=arn, ResourceTags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteBudget."""
        account, _, name = id_.partition(":")
        missing_is_none(lambda: scope.call("budgets", "DeleteBudget", AccountId=account, BudgetName=name), _MISSING)


def _budget(inputs: Inputs) -> dict[str, Any]:
    filters = {each["name"]: list(each["values"]) for each in inputs.get("costFilters") or []}
    return {
        "BudgetName": inputs["name"],
        "BudgetType": inputs["budgetType"],
        "TimeUnit": inputs["timeUnit"],
        "BudgetLimit": {"Amount": inputs.get("limitAmount"), "Unit": inputs.get("limitUnit")},
        **({"CostFilters": filters} if filters else {}),
    }


def _notification(given: Inputs) -> dict[str, Any]:
    return {
        "NotificationType": given["notificationType"],
        "ComparisonOperator": given["comparisonOperator"],
        "Threshold": float(given["threshold"]),
        "ThresholdType": given["thresholdType"],
    }


def _notify(scope: Scope, account: str, name: str, given: Inputs) -> None:
    subscribers = [
        {"SubscriptionType": kind, "Address": address}
        for kind, field in (("EMAIL", "subscriberEmailAddresses"), ("SNS", "subscriberSnsTopicArns"))
        for address in given.get(field) or []
    ]
    asked = {"AccountId": account, "BudgetName": name, "Notification": _notification(given)}
    scope.call("budgets", "CreateNotification", **asked, Subscribers=subscribers)


def _read_notification(told: dict[str, Any], subscribers: list[dict[str, Any]]) -> dict[str, Any]:
    addresses = {
        kind: [each["Address"] for each in subscribers if each["SubscriptionType"] == kind] or None
        for kind in ("EMAIL", "SNS")
    }
    return {
        "comparisonOperator": told["ComparisonOperator"],
        "notificationType": told["NotificationType"],
        "threshold": told["Threshold"],
        "thresholdType": told.get("ThresholdType", "PERCENTAGE"),
        "subscriberEmailAddresses": addresses["EMAIL"],
        "subscriberSnsTopicArns": addresses["SNS"],
    }


def _key(given: Inputs) -> tuple[Any, ...]:
    return (
        given["comparisonOperator"], given["notificationType"], float(given["threshold"]), given["thresholdType"],
        tuple(sorted(given.get("subscriberEmailAddresses") or [])), tuple(sorted(given.get("subscriberSnsTopicArns") or [])),
    )  # fmt: skip


def _filter(given: Inputs) -> tuple[str, tuple[str, ...]]:
    return given["name"], tuple(sorted(given["values"]))
