"""`aws.cloudwatch.EventRule` and `aws.cloudwatch.EventTarget`: EventBridge, under its former name."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

from typing import Any

from ecr_stack.embedded_provider.resource import (
    Inputs,
    Outputs,
    ResourceType,
    Scope,
    length,
    missing_is_none,
    one_of,
    retag,
    tag_list,
    tag_map,
    text_of,
)
from ecr_stack.errors import Problem, Unavailable

__all__ = ["EventRule", "EventTarget"]

_MISSING = "ResourceNotFoundException"
_BUS = "default"


class EventRule(ResourceType):
    """A rule on the default event bus; its id is its name."""

    token = "aws:cloudwatch/eventRule:EventRule"
    name_property = "name"
    name_length = 64
    replaces_on = frozenset({"eventBusName", "name", "namePrefix"})
    documents = frozenset({"eventPattern"})
    optional_blocks = frozenset({"isEnabled", "state"})
    defaults = {"eventBusName": _BUS, "forceDestroy": False}

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        found = [*length("name", inputs, 1, 64), *length("description", inputs, 0, 512)]
        found += one_of("state", inputs, ("ENABLED", "DISABLED"))
        if not inputs.get("eventPattern") and not inputs.get("scheduleExpression"):
            rule = "a rule must have an event pattern or a schedule"
            found.append(Problem("eventPattern", None, rule, "add `eventPattern`"))
        return found

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutRule."""
        self._put(scope, inputs, Tags=tag_list(scope.all_tags(inputs)))
        return str(inputs["name"])

    def _put(self, scope: Scope, inputs: Inputs, **more: Any) -> None:
        if inputs.get("eventBusName", _BUS) != _BUS:
            raise Unavailable(f"{self.token}: a rehearsal supports only rules on the default event bus")
        pattern = inputs.get("eventPattern")
        disabled = inputs.get("state") == "DISABLED" or inputs.get("isEnabled") is False
        scope.call(
            "events",
            "PutRule",
            Name=inputs["name"],
            Description=inputs.get("description"),
            EventPattern=None if pattern is None else text_of(pattern),
            RoleArn=inputs.get("roleArn"),
            ScheduleExpression=inputs.get("scheduleExpression"),
            State="DISABLED" if disabled else "ENABLED",
            **more,
        )

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """DescribeRule, ListTagsForResource."""
        found = missing_is_none(lambda: scope.call("events", "DescribeRule", Name=id_), _MISSING)
        if found is None:
            return None
        tags = scope.call("events", "ListTagsForResource", ResourceARN=found["Arn"])["Tags"]
        given = inputs or {}
        return {
            "arn": found["Arn"],
            "description": found.get("Description", ""),
            "eventBusName": found.get("EventBusName", _BUS),
            "eventPattern": found.get("EventPattern", ""),
            "forceDestroy": given.get("forceDestroy", False),
            "isEnabled": found["State"] == "ENABLED",
            "name": found["Name"],
            "namePrefix": given.get("namePrefix") or "",
            "roleArn": found.get("RoleArn", ""),
            "scheduleExpression": found.get("ScheduleExpression", ""),
            "state": found["State"],
            **scope.tag_outputs(inputs, tag_map(tags)),
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutRule; TagResource, UntagResource with what differs."""
        self._put(scope, new)
        arn = scope.call("events", "DescribeRule", Name=id_)["Arn"]
        retag(
            scope.all_tags(old),
            scope.all_tags(new),
            lambda keys: scope.call("events", "UntagResource", ResourceARN=arn, TagKeys=keys),
            lambda tags: scope.call("events", "TagResource", ResourceARN=arn, Tags=tag_list(tags)),
        )

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """DeleteRule; AWS rejects it while the rule has targets."""
        missing_is_none(lambda: scope.call("events", "DeleteRule", Name=id_), _MISSING)


class EventTarget(ResourceType):
    """A target of a rule; its id is the rule's name and the target's id."""

    token = "aws:cloudwatch/eventTarget:EventTarget"
    name_property = "targetId"
    name_length = 64
    replaces_on = frozenset({"eventBusName", "rule", "targetId"})
    defaults = {"eventBusName": _BUS, "forceDestroy": False}
    _OTHER = ("appsyncTarget", "batchTarget", "ecsTarget", "httpTarget", "inputTransformer", "kinesisTarget",
              "redshiftTarget", "runCommandTargets", "sagemakerPipelineTarget", "sqsTarget")  # fmt: skip

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Check values against the provider's schema."""
        return [*length("targetId", inputs, 1, 64), *length("rule", inputs, 1, 64)]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """PutTargets."""
        other = [name for name in self._OTHER if inputs.get(name)]
        if other or inputs.get("eventBusName", _BUS) != _BUS:
            raise Unavailable(f"{self.token}: a rehearsal does not support {', '.join(other) or 'another event bus'}")
        retry = inputs.get("retryPolicy") or {}
        target = {
            "Id": inputs["targetId"],
            "Arn": inputs["arn"],
            "RoleArn": inputs.get("roleArn"),
            "Input": inputs.get("input"),
            "InputPath": inputs.get("inputPath"),
            "DeadLetterConfig": {"Arn": inputs["deadLetterConfig"]["arn"]} if inputs.get("deadLetterConfig") else None,
            "RetryPolicy": {
                name: int(retry[key])
                for name, key in (
                    ("MaximumRetryAttempts", "maximumRetryAttempts"),
                    ("MaximumEventAgeInSeconds", "maximumEventAgeInSeconds"),
                )
                if retry.get(key) is not None
            }
            or None,
        }
        given = {name: value for name, value in target.items() if value is not None}
        scope.call("events", "PutTargets", Rule=inputs["rule"], Targets=[given])
        return f"{inputs['rule']}-{inputs['targetId']}"

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """ListTargetsByRule, filtered by id."""
        # an import separates them with a slash, the state with a hyphen
        rule, _, target = id_.rpartition("/") if inputs is None else (inputs["rule"], "", inputs["targetId"])
        listed = missing_is_none(lambda: scope.call("events", "ListTargetsByRule", Rule=rule), _MISSING)
        found = next((each for each in (listed or {}).get("Targets", []) if each["Id"] == target), None)
        if found is None:
            return None
        retry = found.get("RetryPolicy")
        return {
            "arn": found["Arn"],
            "deadLetterConfig": {"arn": found["DeadLetterConfig"]["Arn"]} if found.get("DeadLetterConfig") else None,
            "eventBusName": _BUS,
            "forceDestroy": (inputs or {}).get("forceDestroy", False),
            "input": found.get("Input"),
            "inputPath": found.get("InputPath"),
            "retryPolicy": {
                "maximumEventAgeInSeconds": retry.get("MaximumEventAgeInSeconds", 0),
                "maximumRetryAttempts": retry.get("MaximumRetryAttempts", 0),
            }
            if retry
            else None,
            "roleArn": found.get("RoleArn"),
            "rule": rule,
            "targetId": found["Id"],
        }

    def update(self, scope: Scope, id_: str, old: Inputs, new: Inputs) -> None:
        """PutTargets, which replaces a target with the same id."""
        self.create(scope, new)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """RemoveTargets."""
        missing_is_none(
            lambda: scope.call("events", "RemoveTargets", Rule=outputs["rule"], Ids=[outputs["targetId"]]), _MISSING
        )
