"""Rules, topics, queues, Slack channels and Inspector: made, read back without a difference, changed and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.embedded_provider.resource import Diff
from ecr_stack.errors import InvalidInput, Unavailable

RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
TOPIC, TOPIC_POLICY = "aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"
SLACK = "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration"
ENABLER = "aws:inspector2/enabler:Enabler"
ACCOUNT = "111122223333"
PATTERN = json.dumps({"source": ["aws.ecr"]})
QUEUE_ARN = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:undelivered"
TOPIC_ARN = f"arn:aws:sns:eu-west-1:{ACCOUNT}:told"


def policy(action: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    RULE: (
        {"name": "pushes", "eventPattern": PATTERN, "description": "a", "tags": {"Name": "a"}},
        {"eventPattern": json.dumps({"source": ["aws.inspector2"]}), "state": "DISABLED", "tags": {"Name": "b"}},
    ),
    TARGET: (
        {"rule": "pushed", "targetId": "topic", "arn": TOPIC_ARN, "deadLetterConfig": {"arn": QUEUE_ARN}},
        {"arn": TOPIC_ARN + "2", "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 600}},
    ),
    TOPIC: (
        {"name": "news", "kmsMasterKeyId": "alias/news", "tags": {"Name": "a"}},
        {"kmsMasterKeyId": "alias/other", "displayName": "News", "tags": {"Other": "b"}},
    ),
    TOPIC_POLICY: ({"arn": TOPIC_ARN, "policy": policy("sns:Publish")}, {"policy": policy("sns:Subscribe")}),
    SUBSCRIPTION: (
        {
            "topic": TOPIC_ARN,
            "protocol": "https",
            "endpoint": "https://hooks.example.com/a",
            "redrivePolicy": json.dumps({"deadLetterTargetArn": QUEUE_ARN}),
        },
        {"rawMessageDelivery": True},
    ),
    QUEUE: (
        {"name": "kept", "messageRetentionSeconds": 1_209_600, "sqsManagedSseEnabled": True, "tags": {"Name": "a"}},
        {"messageRetentionSeconds": 60, "tags": {"Name": "b"}},
    ),
    QUEUE_POLICY: (
        {"queueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/undelivered", "policy": policy("sqs:SendMessage")},
        {"policy": policy("sqs:ReceiveMessage")},
    ),
    SLACK: (
        {
            "configurationName": "ecr",
            "iamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/slack",
            "slackTeamId": "T07EZ1ABC23",
            "slackChannelId": "C07EZ1ABC23",
            "snsTopicArns": [TOPIC_ARN],
            "guardrailPolicyArns": ["arn:aws:iam::aws:policy/AWSDenyAll"],
        },
        {"snsTopicArns": [TOPIC_ARN, TOPIC_ARN + "2"]},
    ),
    ENABLER: ({"accountIds": [ACCOUNT], "resourceTypes": ["ECR"]}, {"resourceTypes": ["ECR", "EC2"]}),
}


@pytest.fixture(autouse=True)
def beforehand(aws: EmbeddedAws) -> None:
    """What others name: a topic, a queue, a rule and a role."""
    aws.call("sns", "CreateTopic", {"Name": "told"})
    aws.call("sqs", "CreateQueue", {"QueueName": "undelivered"})
    aws.call("events", "PutRule", {"Name": "pushed", "EventPattern": PATTERN})
    aws.suppose(f"arn:aws:iam::{ACCOUNT}:role/slack")


@pytest.mark.parametrize("type_", CASES)
def test_it_is_made_changed_and_deleted_and_a_second_run_changes_nothing(
    make: Any, provider: Provider, type_: str
) -> None:
    inputs, changes = CASES[type_]
    id_, outputs = make(type_, "x", **inputs)
    for name, value in inputs.items():
        expected = json.loads(value) if name in ("eventPattern", "policy", "redrivePolicy") else value
        found = json.loads(outputs[name]) if name in ("eventPattern", "policy", "redrivePolicy") else outputs[name]
        assert found == expected, name
    checked = provider.check(type_, inputs, "x")
    assert provider.read(type_, id_, checked) == outputs
    assert provider.diff(type_, checked, checked, outputs) == Diff((), ())
    new = provider.check(type_, {**inputs, **changes}, "x")
    difference = provider.diff(type_, checked, new, outputs)
    assert set(difference.changes) - {"tagsAll"} == set(changes)
    assert difference.replaces == ()
    changed = provider.update(type_, id_, checked, new)
    assert provider.diff(type_, new, new, changed) == Diff((), ())
    provider.delete(type_, id_, changed)
    left = provider.read(type_, id_, new)
    # a topic always has a policy
    assert left is None or (type_ == TOPIC_POLICY and left["policy"] != changed["policy"])
    if type_ not in (TOPIC_POLICY, SLACK):
        provider.delete(type_, id_, changed)


def test_a_rule_with_targets_is_not_deleted(make: Any, provider: Provider) -> None:
    id_, outputs = make(RULE, "x", name="x", eventPattern=PATTERN)
    make(TARGET, "x", rule="x", targetId="topic", arn=TOPIC_ARN)
    with pytest.raises(ClientError, match="ValidationException"):
        provider.delete(RULE, id_, outputs)


def test_the_enabler_switches_off_what_it_does_not_name_and_everything_when_it_is_deleted(
    make: Any, provider: Provider, aws: EmbeddedAws
) -> None:
    def enabled() -> set[str]:
        states = aws.call("inspector2", "BatchGetAccountStatus")["accounts"][0]["resourceState"]
        return {name for name, state in states.items() if state["status"] == "ENABLED"}

    aws.call("inspector2", "Enable", {"resourceTypes": ["EC2"]})
    id_, outputs = make(ENABLER, "x", accountIds=[ACCOUNT], resourceTypes=["ECR"])
    assert (id_, enabled()) == (f"{ACCOUNT}-ECR", {"ecr"})
    aws.call("inspector2", "Enable", {"resourceTypes": ["EC2"]})
    provider.delete(ENABLER, id_, outputs)
    assert enabled() == set()


def test_enhanced_scanning_enables_inspector_for_images_and_basic_scanning_disables_it(aws: EmbeddedAws) -> None:
    for type_, status in (("ENHANCED", "ENABLED"), ("BASIC", "DISABLED")):
        aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": type_, "rules": []})
        states = aws.call("inspector2", "BatchGetAccountStatus")["accounts"][0]["resourceState"]
        assert states["ecr"]["status"] == status


def test_a_channel_has_one_configuration_in_four_regions_of_the_api(make: Any, aws: EmbeddedAws) -> None:
    inputs = CASES[SLACK][0]
    with pytest.raises(ClientError, match="us-east-2"):
        make(SLACK, "x", **inputs, region="eu-central-1")
    make(SLACK, "x", **inputs)
    with pytest.raises(ClientError, match="ConflictException"):
        make(SLACK, "y", **{**inputs, "configurationName": "other"})
    with pytest.raises(ClientError, match="does not exist"):
        role = f"arn:aws:iam::{ACCOUNT}:role/nobody"
        make(SLACK, "z", **{**inputs, "slackChannelId": "C0", "configurationName": "z", "iamRoleArn": role})


def test_what_belongs_to_the_account_is_no_registry_of_a_region(make: Any, aws: EmbeddedAws) -> None:
    make(SLACK, "x", **CASES[SLACK][0])
    assert "global" not in aws.registry_regions()


@pytest.mark.parametrize(
    ("type_", "inputs", "place"),
    [
        (RULE, {"name": "x"}, "eventPattern"),
        (RULE, {"name": "x" * 65, "eventPattern": PATTERN}, "name"),
        (RULE, {"name": "x", "eventPattern": "{"}, "eventPattern"),
        (TOPIC_POLICY, {"arn": TOPIC_ARN, "policy": "no"}, "policy"),
        (SUBSCRIPTION, {"topic": TOPIC_ARN, "protocol": "pigeon", "endpoint": "x"}, "protocol"),
        (QUEUE, {"name": "x", "messageRetentionSeconds": 1}, "messageRetentionSeconds"),
        (QUEUE, {"name": "x", "kmsMasterKeyId": "k", "sqsManagedSseEnabled": True}, "sqsManagedSseEnabled"),
        (ENABLER, {"accountIds": [ACCOUNT], "resourceTypes": ["S3"]}, "resourceTypes[0]"),
    ],
)
def test_what_the_provider_refuses_is_refused(make: Any, type_: str, inputs: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make(type_, "x", **inputs)
    assert place in {problem.place for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (RULE, {"name": "x", "eventPattern": PATTERN, "eventBusName": "own"}),
        (TARGET, {"rule": "pushed", "arn": TOPIC_ARN, "sqsTarget": {"messageGroupId": "a"}}),
        (TOPIC, {"name": "x.fifo", "fifoTopic": True}),
        (QUEUE, {"name": "x.fifo", "fifoQueue": True}),
        (ENABLER, {"accountIds": ["999988887777"], "resourceTypes": ["ECR"]}),
    ],
)
def test_what_is_not_rehearsed_says_so(make: Any, type_: str, inputs: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match=r"a rehearsal (does not support|supports only|supports Inspector only) "):
        make(type_, "x", **inputs)
