"""AWS Chatbot, now Amazon Q Developer in chat applications, as far as Slack channels go. moto has none of it.

https://docs.aws.amazon.com/chatbot/latest/APIReference/Welcome.html. Every workspace counts as authorized, which is done in
the console. Configurations belong to the account; the API answers in four Regions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.request import Request

__all__ = ["OPERATIONS"]

Answer = dict[str, Any]

_CONFIGURATIONS = "slack channel configuration"
# https://docs.aws.amazon.com/general/latest/gr/chatbot.html
_ENDPOINTS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
_DEFAULT_GUARDRAIL = "arn:aws:iam::aws:policy/AdministratorAccess"


def _all(request: Request) -> dict[str, Any]:
    if request.region not in _ENDPOINTS:
        message = f"AWS Chatbot has endpoints in {', '.join(_ENDPOINTS)}, not in {request.region}"
        raise request.refuse("InvalidRequestException", message)
    return request.state.of(_CONFIGURATIONS, "global")


def _check(request: Request) -> None:
    role = request.get("IamRoleArn")
    if role is not None:
        name = role.rpartition("/")[2]
        roles = moto_backend.iam_state(request.account, request.region).roles.values()
        if not any(each.arn == role for each in roles):
            raise request.refuse("InvalidParameterException", f"The role {name} does not exist")
    for arn in request.get("SnsTopicArns") or []:
        if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}", arn):
            raise request.refuse("InvalidParameterException", f"{arn} is not the ARN of a standard SNS topic")


def _create(request: Request) -> Answer:
    configurations = _all(request)
    _check(request)
    name = request.get("ConfigurationName")
    arn = f"arn:{request.partition}:chatbot::{request.account}:chat-configuration/slack-channel/{name}"
    channel = (request.get("SlackTeamId"), request.get("SlackChannelId"))
    taken = any((each["SlackTeamId"], each["SlackChannelId"]) == channel for each in configurations.values())
    if arn in configurations or taken:
        raise request.refuse("ConflictException", "The name or the channel has a configuration already", 409)
    configurations[arn] = {
        "LoggingLevel": "NONE",
        "GuardrailPolicyArns": [_DEFAULT_GUARDRAIL],
        "SnsTopicArns": [],
        "UserAuthorizationRequired": False,
        **request.parameters,
        "ChatConfigurationArn": arn,
        "SlackChannelName": request.get("SlackChannelName", "embedded"),
        "SlackTeamName": "embedded",
    }
    return {"ChannelConfiguration": dict(configurations[arn])}


def _find(request: Request) -> Answer:
    arn = request.get("ChatConfigurationArn")
    found: Answer | None = _all(request).get(arn)
    if found is None:
        raise request.refuse("ResourceNotFoundException", f"There is no configuration {arn}", 404)
    return found


def _describe(request: Request) -> Answer:
    wanted = request.get("ChatConfigurationArn")
    found = [dict(each) for arn, each in _all(request).items() if wanted in (None, arn)]
    return {"SlackChannelConfigurations": found}


def _update(request: Request) -> Answer:
    found = _find(request)
    _check(request)
    found.update(request.parameters)
    return {"ChannelConfiguration": dict(found)}


def _delete(request: Request) -> Answer:
    _find(request)
    del _all(request)[request.get("ChatConfigurationArn")]
    return {}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "CreateSlackChannelConfiguration": _create,
    "DeleteSlackChannelConfiguration": _delete,
    "DescribeSlackChannelConfigurations": _describe,
    "UpdateSlackChannelConfiguration": _update,
}
"""The operations that are embedded, by their names in the API."""
