"""`aws.chatbot.SlackChannelConfiguration`: a Slack channel that gets what is published to topics."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope, one_of, tag_list, tag_map
from ecr_stack.errors import Problem

__all__ = ["SlackChannelConfiguration"]

_KEYS = {
    "configurationName": "ConfigurationName",
    "guardrailPolicyArns": "GuardrailPolicyArns",
    "iamRoleArn": "IamRoleArn",
    "loggingLevel": "LoggingLevel",
    "slackChannelId": "SlackChannelId",
    "slackTeamId": "SlackTeamId",
    "snsTopicArns": "SnsTopicArns",
    "userAuthorizationRequired": "UserAuthorizationRequired",
}


class SlackChannelConfiguration(ResourceType):
    """A configuration of a channel; its id is its ARN."""

    token = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
    optional_blocks = frozenset({"guardrailPolicyArns", "snsTopicArns"})
    defaults = {"loggingLevel": "NONE", "userAuthorizationRequired": False}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return one_of("loggingLevel", inputs, ("ERROR", "INFO", "NONE"))

    def same(self, name: str, old: Any, new: Any) -> bool:
        """The topics are a set."""
        if name == "snsTopicArns" and old and new:
            return set(old) == set(new)
        return super().same(name, old, new)

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateSlackChannelConfiguration."""
        given = {name: inputs.get(key) for key, name in _KEYS.items()}
        made = scope.call("chatbot", "CreateSlackChannelConfiguration", Tags=_tags(scope.all_tags(inputs)), **given)
        return str(made["ChannelConfiguration"]["ChatConfigurationArn"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeSlackChannelConfigurations."""
        answer = scope.call("chatbot", "DescribeSlackChannelConfigurations", ChatConfigurationArn=id_)
        found = next(iter(answer["SlackChannelConfigurations"]), None)
        if found is None:
            return None
        tags = tag_map(found.get("Tags") or [], "TagKey", "TagValue")
        return {
            "chatConfigurationArn": found["ChatConfigurationArn"],
            **{key: found.get(name) for key, name in _KEYS.items()},
            "slackChannelName": found["SlackChannelName"],
            "slackTeamName": found["SlackTeamName"],
            **scope.tag_outputs(inputs, tags),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """UpdateSlackChannelConfiguration."""
        # neither the workspace nor the name is in the request: they stay
        fixed = ("configurationName", "slackTeamId")
        given = {name: new.get(key) for key, name in _KEYS.items() if key not in fixed}
        scope.call("chatbot", "UpdateSlackChannelConfiguration", ChatConfigurationArn=id_, **given)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteSlackChannelConfiguration."""
        scope.call("chatbot", "DeleteSlackChannelConfiguration", ChatConfigurationArn=id_)


def _tags(tags: dict[str, str]) -> list[dict[str, str]] | None:
    return tag_list(tags, "TagKey", "TagValue")
