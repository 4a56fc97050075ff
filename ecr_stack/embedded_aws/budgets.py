"""AWS Budgets, as far as moto lacks it: changes, tags, quotas and the subscribers of notifications.

https://docs.aws.amazon.com/cost-management/latest/userguide/management-limits.html
"""

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.request import Request

__all__ = [
    "create_budget",
    "create_notification",
    "describe_subscribers",
    "list_tags",
    "tag_resource",
    "untag_resource",
    "update_budget",
]

Answer = dict[str, Any]

_TAGS = "budget tags"
_NOTIFICATIONS = 10
_EMAILS = 10


def _budget(request: Request, name: str) -> Any:
    found = moto_backend.budgets(request.account, request.region).get(name)
    if found is None:
        raise request.refuse("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
    return found


def _own_account(request: Request) -> None:
    if request.get("AccountId") != request.account:
        raise request.refuse("AccessDeniedException", f"Account {request.get('AccountId')} is not accessible")


def create_budget(request: Request) -> Answer:
    """Answer `CreateBudget`."""
    _own_account(request)
    for each in request.get("NotificationsWithSubscribers", []):
        _check_subscribers(request, each["Subscribers"])
    answer = request.forward({"ResourceTags": None})
    tags = {each["Key"]: each["Value"] for each in request.get("ResourceTags", [])}
    request.state.of(_TAGS, "global")[request.get("Budget")["BudgetName"]] = tags
    return answer


def update_budget(request: Request) -> Answer:
    """Answer `UpdateBudget`."""
    _own_account(request)
    new = dict(request.get("NewBudget"))
    found = _budget(request, new["BudgetName"])
    found.budget.update(new)
    return {}


def create_notification(request: Request) -> Answer:
    """Answer `CreateNotification`."""
    _own_account(request)
    found = _budget(request, request.get("BudgetName"))
    _check_subscribers(request, request.get("Subscribers"))
    if any(_same(each.details, request.get("Notification")) for each in found.notifications):
        raise request.refuse(
            "DuplicateRecordException", "Error creating notification - the notification already exists."
        )
    if len(found.notifications) >= _NOTIFICATIONS:
        raise request.refuse(
            "CreationLimitExceededException", f"A budget can have at most {_NOTIFICATIONS} notifications."
        )
    return request.forward()


def _check_subscribers(request: Request, subscribers: list[Answer]) -> None:
    """One SNS topic and ten e-mail addresses for each notification."""
    topics = [each["Address"] for each in subscribers if each["SubscriptionType"] == "SNS"]
    if len(topics) > 1 or len(subscribers) - len(topics) > _EMAILS:
        raise request.refuse(
            "CreationLimitExceededException",
            f"A notification can have 1 SNS subscriber and at most {_EMAILS} e-mail subscribers.",
        )
    for topic in topics:
        if not topic.startswith("arn:") or topic.endswith(".fifo"):
            raise request.invalid("Subscribers", f"{topic} is not the ARN of a standard SNS topic")


def _same(one: Answer, other: Answer) -> bool:
    names = ("NotificationType", "ComparisonOperator", "Threshold")
    kinds = [each.get("ThresholdType", "PERCENTAGE") for each in (one, other)]
    return kinds[0] == kinds[1] and all(one[name] == other[name] for name in names)


def describe_subscribers(request: Request) -> Answer:
    """Answer `DescribeSubscribersForNotification`."""
    _own_account(request)
    for each in _budget(request, request.get("BudgetName")).notifications:
        if _same(each.details, request.get("Notification")):
            return {"Subscribers": each.subscribers}
    raise request.refuse("NotFoundException", "Unable to get subscribers - the notification doesn't exist.")


def _tags(request: Request) -> dict[str, str]:
    name = request.get("ResourceARN").partition(":budget/")[2]
    _budget(request, name)
    tags: dict[str, str] = request.state.of(_TAGS, "global").setdefault(name, {})
    return tags


def list_tags(request: Request) -> Answer:
    """Answer `ListTagsForResource`."""
    return {"ResourceTags": [{"Key": key, "Value": value} for key, value in _tags(request).items()]}


def tag_resource(request: Request) -> Answer:
    """Answer `TagResource`."""
    _tags(request).update({each["Key"]: each["Value"] for each in request.get("ResourceTags")})
    return {}


def untag_resource(request: Request) -> Answer:
    """Answer `UntagResource`."""
    tags = _tags(request)
    for key in request.get("ResourceTagKeys"):
        tags.pop(key, None)
    return {}
