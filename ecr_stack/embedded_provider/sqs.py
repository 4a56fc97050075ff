"""`aws.sqs.Queue` and `aws.sqs.QueuePolicy`."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    between,
    changed,
    missing_is_none,
    retag,
    text_of,
)
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Queue", "QueuePolicy"]

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_NUMBERS = {
    "delaySeconds": "DelaySeconds",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
# What an empty text takes away.
_EMPTIED = ("KmsMasterKeyId", "RedriveAllowPolicy", "RedrivePolicy")
_DOCUMENTS = {"policy": "Policy", "redriveAllowPolicy": "RedriveAllowPolicy", "redrivePolicy": "RedrivePolicy"}


class Queue(ResourceType):
    """A queue; its id is its URL."""

    token = "aws:sqs/queue:Queue"
    name_property = "name"
    name_length = 80
    replaces_on = frozenset({"fifoQueue", "name", "namePrefix"})
    documents = frozenset(_DOCUMENTS)
    optional_blocks = frozenset(
        {"kmsDataKeyReusePeriodSeconds", "maxMessageSize", "policy", "redriveAllowPolicy", "redrivePolicy",
         "sqsManagedSseEnabled"}
    )  # fmt: skip
    defaults = {
        "contentBasedDeduplication": False,
        "delaySeconds": 0,
        "fifoQueue": False,
        "messageRetentionSeconds": 345600,
        "receiveWaitTimeSeconds": 0,
        "visibilityTimeoutSeconds": 30,
    }

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        found = [
            *between("delaySeconds", inputs, 0, 900),
            *between("messageRetentionSeconds", inputs, 60, 1_209_600),
            *between("receiveWaitTimeSeconds", inputs, 0, 20),
            *between("visibilityTimeoutSeconds", inputs, 0, 43_200),
        ]
        if inputs.get("kmsMasterKeyId") and inputs.get("sqsManagedSseEnabled"):
            rule = "a queue can use only one kind of key"
            found.append(Problem("sqsManagedSseEnabled", True, rule, "remove it, or remove kmsMasterKeyId"))
        return found

    def _attributes(self, inputs: Inputs) -> dict[str, str]:
        if inputs.get("fifoQueue"):
            raise Unavailable(f"{self.token}: a rehearsal does not support FIFO queues")
        attributes = {name: str(int(inputs[key])) for key, name in _NUMBERS.items() if inputs.get(key) is not None}
        attributes |= {name: text_of(inputs[key]) for key, name in _DOCUMENTS.items() if inputs.get(key)}
        if inputs.get("kmsMasterKeyId"):
            attributes["KmsMasterKeyId"] = str(inputs["kmsMasterKeyId"])
        if inputs.get("sqsManagedSseEnabled") is not None:
            attributes["SqsManagedSseEnabled"] = str(inputs["sqsManagedSseEnabled"]).lower()
        return attributes

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """CreateQueue."""
        made = scope.call(
            "sqs",
            "CreateQueue",
            QueueName=inputs["name"],
            Attributes=self._attributes(inputs),
            tags=scope.all_tags(inputs) or None,
        )
        return str(made["QueueUrl"])

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetQueueAttributes, ListQueueTags."""
        answer = missing_is_none(
            lambda: scope.call("sqs", "GetQueueAttributes", QueueUrl=id_, AttributeNames=["All"]), *_MISSING
        )
        if answer is None:
            return None
        found = answer["Attributes"]
        tags = scope.call("sqs", "ListQueueTags", QueueUrl=id_).get("Tags") or {}
        numbers: dict[str, Any] = {key: int(found.get(name, 300)) for key, name in _NUMBERS.items()}
        return {
            **numbers,
            "arn": found["QueueArn"],
            "contentBasedDeduplication": False,
            "deduplicationScope": "",
            "fifoQueue": False,
            "fifoThroughputLimit": "",
            "kmsMasterKeyId": found.get("KmsMasterKeyId", ""),
            "name": found["QueueArn"].rpartition(":")[2],
            "namePrefix": (inputs or {}).get("namePrefix") or "",
            **{key: found.get(name, "") for key, name in _DOCUMENTS.items()},
            "sqsManagedSseEnabled": found.get("SqsManagedSseEnabled") == "true",
            "url": id_,
            **scope.tag_outputs(inputs, tags),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetQueueAttributes, TagQueue, UntagQueue with what differs."""
        before, after = self._attributes(old), self._attributes(new)
        fresh = {name: value for name, value in after.items() if before.get(name) != value}
        fresh |= {name: "" for name in before if name not in after and name in _EMPTIED}
        if fresh:
            scope.call("sqs", "SetQueueAttributes", QueueUrl=id_, Attributes=fresh)
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("sqs", "UntagQueue", QueueUrl=id_, TagKeys=keys),
            lambda tags: scope.call("sqs", "TagQueue", QueueUrl=id_, Tags=tags),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteQueue."""
        missing_is_none(lambda: scope.call("sqs", "DeleteQueue", QueueUrl=id_), *_MISSING)


class QueuePolicy(ResourceType):
    """The policy of a queue that is created elsewhere; its id is the queue's URL."""

    token = "aws:sqs/queuePolicy:QueuePolicy"
    replaces_on = frozenset({"queueUrl"})
    documents = frozenset({"policy"})

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """SetQueueAttributes."""
        url = str(inputs["queueUrl"])
        scope.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": text_of(inputs["policy"])})
        return url

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """GetQueueAttributes."""
        answer = missing_is_none(
            lambda: scope.call("sqs", "GetQueueAttributes", QueueUrl=id_, AttributeNames=["Policy"]), *_MISSING
        )
        policy = ((answer or {}).get("Attributes") or {}).get("Policy")
        return {"policy": policy, "queueUrl": id_} if policy else None

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """SetQueueAttributes."""
        if changed("policy", old, new):
            self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """SetQueueAttributes without a policy."""
        missing_is_none(
            lambda: scope.call("sqs", "SetQueueAttributes", QueueUrl=id_, Attributes={"Policy": ""}), *_MISSING
        )
