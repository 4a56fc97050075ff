"""`aws.sns.Topic`, `aws.sns.TopicPolicy` and `aws.sns.TopicSubscription`."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import json
from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    changed,
    missing_is_none,
    one_of,
    retag,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Topic", "TopicPolicy", "TopicSubscription"]

_MISSING = ("NotFound", "NotFoundException")
# The supported properties of a topic, with their attributes in the API.
_ATTRIBUTES = {"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId", "signatureVersion": "SignatureVersion"}
_COMPUTED = ("applicationSuccessFeedbackSampleRate", "firehoseSuccessFeedbackSampleRate", "httpSuccessFeedbackSampleRate",
             "lambdaSuccessFeedbackSampleRate", "sqsSuccessFeedbackSampleRate")  # fmt: skip


class Topic(ResourceType):
    """A topic; its id is its ARN."""

    token = "aws:sns/topic:Topic"
    name_property = "name"
    name_length = 256
    replaces_on = frozenset({"fifoTopic", "name", "namePrefix"})
    documents = frozenset({"policy"})
    optional_blocks = frozenset({"policy", "signatureVersion"})
    defaults = {"fifoTopic": False, "contentBasedDeduplication": False}

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateTopic."""
        self._check(inputs)
        attributes = {name: str(inputs[key]) for key, name in _ATTRIBUTES.items() if inputs.get(key) is not None}
        if inputs.get("policy") is not None:
            attributes["Policy"] = text_of(inputs["policy"])
        made = scope.call(
            "sns",
            "CreateTopic",
            Name=inputs["name"],
            Attributes=attributes or None,
            Tags=tag_list(scope.all_tags(inputs)),
        )
        return str(made["TopicArn"])

    def _check(self, inputs: Inputs) -> None:
        known = {*_ATTRIBUTES, "name", "namePrefix", "policy", "region", "tags", *self.defaults}
        other = [name for name, value in inputs.items() if value and name not in known and not name.startswith("__")]
        other += ["fifoTopic"] if inputs.get("fifoTopic") else []
        if other:
            raise Unavailable(f"{self.token}: a rehearsal does not support {', '.join(sorted(other))}")

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetTopicAttributes, ListTagsForResource."""
        answer = missing_is_none(lambda: scope.call("sns", "GetTopicAttributes", TopicArn=id_), *_MISSING)
        if answer is None:
            return None
        found = answer["Attributes"]
        tags = scope.call("sns", "ListTagsForResource", ResourceArn=id_)["Tags"]
        version = found.get("SignatureVersion")
        return {
            "arn": found["TopicArn"],
            "contentBasedDeduplication": False,
            "displayName": found.get("DisplayName", ""),
            "fifoTopic": False,
            "kmsMasterKeyId": found.get("KmsMasterKeyId", ""),
            "name": found["TopicArn"].rpartition(":")[2],
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            "owner": found["Owner"],
            "policy": found.get("Policy", ""),
            "signatureVersion": int(version) if version else 0,
            **dict.fromkeys(_COMPUTED, 0),
            **scope.tag_outputs(inputs, tag_map(tags)),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetTopicAttributes, TagResource, UntagResource with what differs."""
        self._check(new)
        for key, name in (*_ATTRIBUTES.items(), ("policy", "Policy")):
            if changed(key, old, new) and not (key in self.optional_blocks and new.get(key) is None):
                value = text_of(new[key]) if key == "policy" else str(new.get(key) or "")
                scope.call("sns", "SetTopicAttributes", TopicArn=id_, AttributeName=name, AttributeValue=value)
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("sns", "UntagResource", ResourceArn=id_, TagKeys=keys),
            lambda tags: scope.call("sns", "TagResource", ResourceArn=id_, Tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteTopic."""
        missing_is_none(lambda: scope.call("sns", "DeleteTopic", TopicArn=id_), *_MISSING)


class TopicPolicy(ResourceType):
    """The policy of a topic that is created elsewhere; its id is the topic's ARN."""

    token = "aws:sns/topicPolicy:TopicPolicy"
    replaces_on = frozenset({"arn"})
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """SetTopicAttributes."""
        self._put(scope, str(inputs["arn"]), text_of(inputs["policy"]))
        return str(inputs["arn"])

    def _put(self, scope: Scope, arn: str, policy: str) -> dict[str, Any]:
        return scope.call("sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetTopicAttributes."""
        answer = missing_is_none(lambda: scope.call("sns", "GetTopicAttributes", TopicArn=id_), *_MISSING)
        if answer is None or not answer["Attributes"].get("Policy"):
            return None
        found = answer["Attributes"]
        return {"arn": found["TopicArn"], "owner": found["Owner"], "policy": found["Policy"]}

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetTopicAttributes."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """SetTopicAttributes with AWS's default policy for new topics: a topic always has a policy."""
        actions = ("AddPermission", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic", "Publish",
                   "RemovePermission", "SetTopicAttributes", "Subscribe")  # fmt: skip
        statement = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [f"SNS:{action}" for action in actions],
            "Resource": id_,
            "Condition": {"StringEquals": {"AWS:SourceOwner": scope.account}},
        }
        policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
        missing_is_none(lambda: self._put(scope, id_, json.dumps(policy)), *_MISSING)


class TopicSubscription(ResourceType):
    """A subscription to a topic; its id is its ARN. AWS asks e-mail addresses and HTTPS endpoints to confirm it."""

    token = "aws:sns/topicSubscription:TopicSubscription"
    replaces_on = frozenset({"endpoint", "protocol", "topic"})
    documents = frozenset({"filterPolicy", "redrivePolicy"})
    defaults = {"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False}
    _SET = {
        "filterPolicy": "FilterPolicy",
        "redrivePolicy": "RedrivePolicy",
        "rawMessageDelivery": "RawMessageDelivery",
    }
    _PROTOCOLS = ("application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs")

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return one_of("protocol", inputs, self._PROTOCOLS)

    def _attribute(self, name: str, value: Any) -> str:
        return text_of(value) if name in self.documents else str(value).lower()

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Subscribe."""
        attributes = {self._SET[key]: self._attribute(key, inputs[key]) for key in self._SET if inputs.get(key)}
        made = scope.call(
            "sns",
            "Subscribe",
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            ReturnSubscriptionArn=True,
            Attributes=attributes or None,
        )
        return str(made["SubscriptionArn"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetSubscriptionAttributes."""
        answer = missing_is_none(lambda: scope.call("sns", "GetSubscriptionAttributes", SubscriptionArn=id_), *_MISSING)
        if answer is None:
            return None
        found, given = answer["Attributes"], inputs or {}
        return {
            "arn": found["SubscriptionArn"],
            "confirmationTimeoutInMinutes": given.get("confirmationTimeoutInMinutes", 1),
            "confirmationWasAuthenticated": found.get("ConfirmationWasAuthenticated") == "true",
            "deliveryPolicy": "",
            "endpoint": found["Endpoint"],
            "endpointAutoConfirms": given.get("endpointAutoConfirms", False),
            "filterPolicy": found.get("FilterPolicy", ""),
            "filterPolicyScope": found.get("FilterPolicyScope", ""),
            "ownerId": found["Owner"],
            "pendingConfirmation": found.get("PendingConfirmation") == "true",
            "protocol": found["Protocol"],
            "rawMessageDelivery": found.get("RawMessageDelivery") == "true",
            "redrivePolicy": found.get("RedrivePolicy", ""),
            "topic": found["TopicArn"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetSubscriptionAttributes with what differs."""
        for key, name in self._SET.items():
            if changed(key, old, new):
                value = self._attribute(key, new[key]) if new.get(key) is not None else ""
                scope.call(
                    "sns", "SetSubscriptionAttributes", SubscriptionArn=id_, AttributeName=name, AttributeValue=value
                )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Unsubscribe."""
        missing_is_none(lambda: scope.call("sns", "Unsubscribe", SubscriptionArn=id_), *_MISSING)
