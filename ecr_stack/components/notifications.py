"""Who is told what happens to images in one Region.

Builds a rule of EventBridge for each kind of event, an encrypted SNS topic that they publish to, its subscriptions, an
encrypted SQS queue for what cannot be delivered, and the configuration of a Slack channel. Rules and topic are of one
Region; the channel takes topics of several.

- https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
- https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
- https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

import hashlib
import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import NotificationsArgs
from ecr_stack.components.caller import Caller, Place, caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.encryption_key import key_policy
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.arguments import NotificationsArguments
from ecr_stack.schema.encryption import DELETION_WINDOW_IN_DAYS
from ecr_stack.schema.notifications import event_patterns, pattern_text, place_problems, prefixes_of, too_long

__all__ = ["Notifications"]

_EVENTBRIDGE = "events.amazonaws.com"
_SNS = "sns.amazonaws.com"
_TWO_WEEKS = 1_209_600
"""Seconds, the longest that a queue keeps a message."""
_CHATBOT_REGION = "us-east-2"
"""AWS Chatbot has endpoints in few Regions; a configuration belongs to the account and takes topics of every Region.
https://docs.aws.amazon.com/general/latest/gr/chatbot.html"""


class Notifications(Component):
    """Notifications about the images in one Region, through an SNS topic."""

    ARGUMENTS = NotificationsArguments

    topic_arn: pulumi.Output[str]
    """The ARN of the topic, to which more receivers may subscribe."""
    undelivered_queue_url: pulumi.Output[str]
    """The URL of the queue that holds what could not be delivered, for two weeks."""

    def __init__(
        self,
        name: str,
        args: NotificationsArgs | NotificationsArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: NotificationsArguments = self._validated(args)
        where, self._region = caller(self, settings.region), settings.region
        if where.known_region is not None:
            self._check(self._at(problem) for problem in place_problems(settings, where.known_region))
        self._environment_name = self._environment(settings)
        self._own_tags = self._value(settings, "tags")
        base = together(lambda env: f"{env}-ecr-notifications", self._environment_name)
        for kind in ("SNS topic", "SQS queue", "set of event rules"):
            self._claim(kind, base, "give one of the two another `environment`", region=where.region)

        key_arn = self._key(name, base, where) if settings.key_arn is None else self._value(settings, "key_arn")
        topic = aws.sns.Topic(
            name, name=base, kms_master_key_id=key_arn, region=self._region, tags=self._tags("ecr-notifications"),
            opts=self._child(),
        )  # fmt: skip
        queue = aws.sqs.Queue(
            name,
            name=together(lambda env: f"{env}-ecr-notifications-undelivered", self._environment_name),
            message_retention_seconds=_TWO_WEEKS,
            sqs_managed_sse_enabled=True,
            region=self._region,
            tags=self._tags("ecr-notifications-undelivered"),
            opts=self._child(),
        )
        kinds = list(event_patterns(settings, None, replicated=settings.replicated))
        arns = where.then(
            lambda place, env: [place.arn("events", f"rule/{_rule_name(env, kind)}") for kind in kinds],
            self._environment_name,
        )
        publishing = aws.sns.TopicPolicy(
            name, arn=topic.arn, policy=together(_topic_policy, topic.arn, arns), region=self._region,
            opts=self._child(),
        )  # fmt: skip
        sending = aws.sqs.QueuePolicy(
            name, queue_url=queue.url, policy=together(_queue_policy, queue.arn, arns, topic.arn), region=self._region,
            opts=self._child(),
        )  # fmt: skip
        for kind in kinds:
            self._rule(f"{name}-{kind}", kind, settings, where, topic, queue, [publishing, sending])
        self._subscriptions(name, settings, topic, queue, sending)
        if settings.slack is not None:
            self._slack(name, settings, base, topic)
        self.topic_arn, self.undelivered_queue_url = topic.arn, queue.url
        self.register_outputs({"topicArn": self.topic_arn, "undeliveredQueueUrl": self.undelivered_queue_url})

    def _tags(self, thing: str) -> Any:
        return together(lambda env, own: all_tags(f"{env}-{thing}", env, own), self._environment_name, self._own_tags)

    def _key(self, name: str, base: Any, where: Caller) -> "pulumi.Output[str]":
        """A key of the topic's own: AWS's key for SNS cannot be used by EventBridge."""
        key = aws.kms.Key(
            name,
            description=together(
                lambda env: f"Encrypts the notifications about container images of {env}", self._environment_name
            ),
            deletion_window_in_days=DELETION_WINDOW_IN_DAYS,
            enable_key_rotation=True,
            policy=where.then(lambda place: json.dumps(_key_policy(place))),
            region=self._region,
            tags=self._tags("ecr-notifications-key"),
            opts=self._child(),
        )
        aws.kms.Alias(
            name, name=together(lambda text: f"alias/{text}", base), target_key_id=key.key_id, region=self._region,
            opts=self._child(),
        )  # fmt: skip
        return key.arn

    def _rule(
        self,
        label: str,
        kind: str,
        settings: NotificationsArguments,
        where: Caller,
        topic: aws.sns.Topic,
        queue: aws.sqs.Queue,
        policies: "list[pulumi.Resource]",
    ) -> None:
        def pattern(place: Place, known: Any, prefix: Optional[str]) -> str:
            registry = place.arn("ecr", "repository/")
            patterns = event_patterns(known, prefixes_of(known, prefix or ""), registry=registry)
            return pattern_text(patterns[kind])

        rule = aws.cloudwatch.EventRule(
            label,
            name=together(lambda env: _rule_name(env, kind), self._environment_name),
            description=f"Tells of {kind.replace('-', ' ')} in Amazon ECR",
            event_pattern=where.then(
                pattern,
                self._settled(settings, "repositories", check=lambda known: too_long(known, prefixes_of(known, ""))),
                self._value(settings, "name_prefix"),
            ),
            region=self._region,
            tags=self._tags(f"ecr-{kind}"),
            opts=self._child(name=label),
        )
        aws.cloudwatch.EventTarget(
            label,
            rule=rule.name,
            target_id="topic",
            arn=topic.arn,
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.arn),
            region=self._region,
            # Without the policies the first events could be neither delivered nor kept.
            opts=self._child(name=label, depends_on=policies),
        )

    def _subscriptions(
        self,
        name: str,
        settings: NotificationsArguments,
        topic: aws.sns.Topic,
        queue: aws.sqs.Queue,
        sending: aws.sqs.QueuePolicy,
    ) -> None:
        for protocol, endpoints in (("email", settings.email), ("https", settings.https)):
            for endpoint in endpoints:
                label = f"{name}-{_receiver(endpoint)}"
                aws.sns.TopicSubscription(
                    label,
                    topic=topic.arn,
                    protocol=protocol,
                    endpoint=endpoint,
                    # What an endpoint does not take after all attempts would be lost.
                    redrive_policy=together(lambda arn: json.dumps({"deadLetterTargetArn": arn}), queue.arn)
                    if protocol == "https"
                    else None,
                    region=self._region,
                    opts=self._child(name=label, depends_on=[sending]),
                )

    def _slack(self, name: str, settings: NotificationsArguments, base: Any, topic: aws.sns.Topic) -> None:
        slack: Any = settings.slack
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "chatbot.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = aws.iam.Role(
            f"{name}-slack",
            name=together(lambda env: f"{env}-ecr-slack", self._environment_name),
            description="Lets AWS Chatbot post notifications about container images, and nothing else",
            assume_role_policy=json.dumps(trust),
            tags=self._tags("ecr-slack"),
            opts=self._child(name=f"{name}-slack"),
        )
        aws.chatbot.SlackChannelConfiguration(
            f"{name}-slack",
            configuration_name=base,
            iam_role_arn=role.arn,
            # The default is AdministratorAccess. The role has no permission, and people in the channel need none.
            guardrail_policy_arns=["arn:aws:iam::aws:policy/AWSDenyAll"],
            slack_team_id=self._value(slack, "workspace"),
            slack_channel_id=self._value(slack, "channel"),
            sns_topic_arns=[topic.arn, *settings.slack_topic_arns],
            region=_CHATBOT_REGION,
            tags=self._tags("ecr-slack"),
            # The provider has no update for these two, and would leave them as they are.
            opts=self._child(
                name=f"{name}-slack",
                replace_on_changes=["configurationName", "slackTeamId"],
                delete_before_replace=True,
            ),
        )


def _receiver(endpoint: str) -> str:
    """What a receiver is called in names of resources: an address may have a token in its path."""
    if not endpoint.startswith("https://"):
        return endpoint
    return f"{endpoint.split('/')[2]}-{hashlib.sha256(endpoint.encode()).hexdigest()[:8]}"


def _rule_name(environment: str, kind: str) -> str:
    return f"{environment}-ecr-{kind}"


def _key_policy(place: Place) -> dict[str, Any]:
    """Let EventBridge use the key, besides the account.

    EventBridge does not tell KMS for which rule it publishes, so that a condition such as `aws:SourceArn` would never be met:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html. The topic's policy names the rules.
    """
    document = key_policy(place)
    statement = {
        "Sid": "EventBridgePublishes",
        "Effect": "Allow",
        "Principal": {"Service": _EVENTBRIDGE},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
    }
    return {**document, "Statement": [*document["Statement"], statement]}


def _topic_policy(topic_arn: str, rule_arns: list[str]) -> str:
    return _document(_statement("RulesPublish", _EVENTBRIDGE, "sns:Publish", topic_arn, rule_arns))


def _queue_policy(queue_arn: str, rule_arns: list[str], topic_arn: str) -> str:
    return _document(
        _statement("RulesSend", _EVENTBRIDGE, "sqs:SendMessage", queue_arn, rule_arns),
        _statement("TopicSends", _SNS, "sqs:SendMessage", queue_arn, [topic_arn]),
    )


def _statement(sid: str, service: str, action: str, resource: str, sources: list[str]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
    }


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
