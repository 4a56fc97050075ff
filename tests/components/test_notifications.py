"""Notifications, and Inspector: what is made in each Region, which events match, and what is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_stack import InvalidArguments, Notifications, RegistryScanning
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_aws.moto_backend import event_matches
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import Report, rehearse, rehearse_program
from ecr_stack.review.access_changes import access_changes
from ecr_stack.schema.notifications import NotificationSettings, event_patterns, pattern_text
from tests.scanning.event_pattern import matches
from tests.scanning.sample_events import SAMPLES

Make = Callable[[dict[str, Any]], Path]

SLACK = {"workspace": "T07EZ1ABC23", "channel": "C07EZ1ABC23"}
EVERYTHING: dict[str, Any] = {
    "pushes": True,
    "deletions": True,
    "archives": True,
    "scans": True,
    "findings": "MEDIUM",
    "replications": "FAILED",
    "pullThroughFailures": True,
    "email": ["platform@example.com"],
    "https": ["https://hooks.example.com/secret-token"],
    "slack": SLACK,
}


def config(notifications: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    sections = {"repositories": {"api-one": {}, "web": {}}, "encryption": {"type": "AES256"}, **more}
    if notifications is not None:
        sections["notifications"] = notifications
    own = {f"ecr-stack:{key}": value for key, value in sections.items()}
    return {"aws:region": "us-east-1", "ecr-stack:environment": "prod", **own}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[str, Any]]:
    """The rehearsal of a registry that replicates into two Regions, and what AWS has after it."""
    import shutil

    import yaml

    folder, project = tmp_path_factory.mktemp("stack"), Path(__file__).parents[2]
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(project / name, folder)
    destinations = [{"region": "us-west-2"}, {"region": "eu-west-1", "replicas": "none"}]
    settings = config(EVERYTHING, replication={"rules": [{"destinations": destinations}]})
    (folder / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": settings}))
    with EmbeddedAws() as aws:
        report = rehearse("test", folder, aws=aws)
        rules = {
            region: {
                rule["Name"]: json.loads(rule["EventPattern"])
                for rule in aws.call("events", "ListRules", {}, region)["Rules"]
            }
            for region in ("us-east-1", "us-west-2", "eu-west-1")
        }
        channels = aws.call("chatbot", "DescribeSlackChannelConfigurations", {}, "us-east-2")
    return report, {"rules": rules, "channels": channels["SlackChannelConfigurations"]}


def of(report: Report, type_: str, region: str | None = None) -> list[Any]:
    return [
        each
        for each in report.resources
        if each.type.endswith(f":{type_}") and region in (None, each.outputs.get("region"))
    ]


def test_each_region_has_a_rule_for_each_kind_of_event_and_replication_is_told_in_destinations(
    everything: tuple[Report, dict[str, Any]],
) -> None:
    rules = everything[1]["rules"]
    kinds = {
        "archives", "basic-scans", "deletions", "enhanced-scans", "inspector-findings", "pull-through-failures", "pushes",
        "restores",
    }  # fmt: skip
    assert set(rules["us-east-1"]) == {f"prod-ecr-{kind}" for kind in kinds}
    assert (
        set(rules["us-west-2"]) == set(rules["eu-west-1"]) == {f"prod-ecr-{kind}" for kind in {*kinds, "replications"}}
    )


EXPECTED = {
    "pushes": {"push"},
    "deletions": {"delete"},
    "archives": {"archive"},
    "restores": {"restore"},
    "basic-scans": {"basic scan"},
    "enhanced-scans": {"inspector scan"},
    "inspector-findings": {"inspector finding"},
    "replications": {"failed replication"},
    "pull-through-failures": set(),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_rule_matches_its_documented_events_and_no_other(
    everything: tuple[Report, dict[str, Any]], kind: str
) -> None:
    pattern = everything[1]["rules"]["us-west-2"][f"prod-ecr-{kind}"]
    assert {name for name, event in SAMPLES.items() if matches(pattern, event)} == EXPECTED[kind]
    if kind != "inspector-findings":  # moto does not look into lists of objects
        assert {name for name, event in SAMPLES.items() if event_matches(json.dumps(pattern), event)} == EXPECTED[kind]


def test_the_topic_is_encrypted_with_a_key_that_eventbridge_may_use_on_no_condition_that_it_cannot_meet(
    everything: tuple[Report, dict[str, Any]],
) -> None:
    report, _ = everything
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        (topic,), (key,) = of(report, "Topic", region), of(report, "Key", region)
        assert topic.outputs["kmsMasterKeyId"] == key.outputs["arn"]
        statements = json.loads(key.outputs["policy"])["Statement"]
        (granted,) = [each for each in statements if each["Principal"] == {"Service": "events.amazonaws.com"}]
        assert set(granted["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
        assert "Condition" not in granted


def test_the_rules_alone_may_publish_and_fill_the_queue(everything: tuple[Report, dict[str, Any]]) -> None:
    report, _ = everything
    (topic,), (queue,) = of(report, "TopicPolicy", "us-west-2"), of(report, "QueuePolicy", "us-west-2")
    rules = {each.outputs["arn"] for each in of(report, "EventRule", "us-west-2")}
    (publish,) = json.loads(topic.outputs["policy"])["Statement"]
    assert (publish["Principal"], publish["Action"]) == ({"Service": "events.amazonaws.com"}, "sns:Publish")
    assert set(publish["Condition"]["ArnEquals"]["aws:SourceArn"]) == rules
    send, redrive = json.loads(queue.outputs["policy"])["Statement"]
    assert (send["Action"], set(send["Condition"]["ArnEquals"]["aws:SourceArn"])) == ("sqs:SendMessage", rules)
    assert redrive["Principal"] == {"Service": "sns.amazonaws.com"}
    assert redrive["Condition"]["ArnEquals"]["aws:SourceArn"] == [publish["Resource"]]


@pytest.mark.parametrize("kind", ["TopicPolicy", "QueuePolicy"])
def test_a_review_tells_who_may_publish_from_then_on(everything: tuple[Report, dict[str, Any]], kind: str) -> None:
    before = {each["urn"]: each for each in everything[0].as_json()["resources"]}
    after = copy.deepcopy(before)
    (policy,) = [
        each for each in after.values() if each["type"].endswith(kind) and each["outputs"]["region"] == "eu-west-1"
    ]
    document = json.loads(policy["outputs"]["policy"])
    document["Statement"][0]["Principal"] = {"AWS": "999988887777"}
    del document["Statement"][0]["Condition"]
    policy["outputs"]["policy"] = policy["inputs"]["policy"] = json.dumps(document)
    opened = [each for each in access_changes(before, after) if each.level == "danger"]
    assert [each.urn for each in opened] == [policy["urn"]]
    assert "grants access to" in opened[0].message
    assert "999988887777" in opened[0].message


def test_what_cannot_be_delivered_is_kept_encrypted_for_two_weeks(everything: tuple[Report, dict[str, Any]]) -> None:
    report, _ = everything
    (queue,) = of(report, "Queue", "us-east-1")
    assert (queue.outputs["sqsManagedSseEnabled"], queue.outputs["messageRetentionSeconds"]) == (True, 1_209_600)
    targets = of(report, "EventTarget", "us-east-1")
    assert {each.outputs["deadLetterConfig"]["arn"] for each in targets} == {queue.outputs["arn"]}
    assert len(targets) == len(of(report, "EventRule", "us-east-1"))
    policies = {each.urn for each in (*of(report, "TopicPolicy"), *of(report, "QueuePolicy"))}
    assert all(len(policies & set(target.dependencies)) == 2 for target in targets)
    assert not [each for each in report.violations if each.policy == "what-needs-a-resource-depends-on-it"]


def test_receivers_are_subscribed_in_each_region_and_a_token_in_an_address_is_in_no_name(
    everything: tuple[Report, dict[str, Any]],
) -> None:
    report, _ = everything
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        found = {each.outputs["protocol"]: each for each in of(report, "TopicSubscription", region)}
        assert found["email"].outputs["endpoint"] == "platform@example.com"
        assert found["https"].outputs["endpoint"] == "https://hooks.example.com/secret-token"
        assert "deadLetterTargetArn" in found["https"].outputs["redrivePolicy"]
    assert not [each.urn for each in report.resources if "secret-token" in each.urn]


def test_one_slack_channel_gets_the_topics_of_every_region_and_can_do_nothing(
    everything: tuple[Report, dict[str, Any]],
) -> None:
    report, found = everything
    (channel,) = found["channels"]
    assert set(channel["SnsTopicArns"]) == set(report.outputs["notificationTopics"].values())
    assert set(report.outputs["notificationTopics"]) == {"us-east-1", "us-west-2", "eu-west-1"}
    assert channel["GuardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
    (role,) = [each for each in of(report, "Role") if each.outputs["arn"] == channel["IamRoleArn"]]
    assert not [each for each in report.resources if "olicy" in each.type and each.inputs.get("role") == role.name]
    (made,) = of(report, "SlackChannelConfiguration")
    assert made.outputs["region"] == "us-east-2"


def test_nothing_is_made_without_the_section(project: Make) -> None:
    report = rehearse("test", project(config(None)))
    assert not of(report, "Topic")
    assert report.outputs["notificationTopics"] == {}


def test_replication_alone_is_told_where_replicas_are(project: Make) -> None:
    rules = {"rules": [{"destinations": [{"region": "us-west-2"}]}]}
    only = {"replications": "ALL", "email": ["a@example.com"]}
    report = rehearse("test", project(config(only, replication=rules)))
    assert list(report.outputs["notificationTopics"]) == ["us-west-2"]
    granted = {"replicationFrom": ["111122223333"]}
    report = rehearse("test", project(config(only, registryAccess=granted)))
    assert list(report.outputs["notificationTopics"]) == ["us-east-1"]


def named(kind: str, repository: str) -> dict[str, Any]:
    """A sample event about another repository."""
    event = copy.deepcopy(SAMPLES[kind])
    if kind == "inspector finding":
        event["detail"]["resources"][0]["details"]["awsEcrContainerImage"]["repositoryName"] = repository
    elif kind == "inspector scan":
        event["resources"] = [f"arn:aws:ecr:us-east-1:123456789012:repository/{repository}"]
    else:
        event["detail"]["repository-name"] = repository
    return event


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("pushes", "push"),
        ("deletions", "delete"),
        ("archives", "archive"),
        ("restores", "restore"),
        ("basic-scans", "basic scan"),
        ("enhanced-scans", "inspector scan"),
        ("inspector-findings", "inspector finding"),
        ("replications", "failed replication"),
    ],
)
def test_only_the_chosen_repositories_are_told_of(rule: str, kind: str) -> None:
    settings = NotificationSettings(**{**EVERYTHING, "slack": None})
    registry = "arn:aws:ecr:us-east-1:123456789012:repository/"
    pattern = event_patterns(settings, ["dev/api-", "dev/base"], registry=registry)[rule]
    for repository, told in (
        ("dev/api-one", True),
        ("dev/base", True),
        ("api-one", False),
        ("other/dev/api-one", False),
    ):
        assert matches(pattern, named(kind, repository)) is told
        if rule != "inspector-findings":  # moto does not look into lists of objects
            assert event_matches(json.dumps(pattern), named(kind, repository)) is told


def test_a_registry_with_a_prefix_tells_of_its_own_repositories(project: Make) -> None:
    told = {"pushes": True, "scans": True, "repositories": ["api-"]}
    report = rehearse("test", project(config(told, namePrefix="dev/")))
    patterns = {each.outputs["name"]: each.outputs["eventPattern"] for each in of(report, "EventRule")}
    assert json.loads(patterns["prod-ecr-pushes"])["detail"]["repository-name"] == [{"prefix": "dev/api-"}]
    arn = f"arn:aws:ecr:us-east-1:{report.account}:repository/dev/api-"
    assert json.loads(patterns["prod-ecr-enhanced-scans"])["resources"] == [{"prefix": arn}]
    whole = rehearse("test", project(config({"pushes": True}, namePrefix="dev/")))
    (rule,) = of(whole, "EventRule")
    assert json.loads(rule.outputs["eventPattern"])["detail"]["repository-name"] == [{"prefix": "dev/"}]


def test_names_and_patterns_stay_within_awss_limits() -> None:
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    patterns = event_patterns(NotificationSettings(**{**EVERYTHING, "findings": "UNDEFINED", "slack": None}), ["api-"])
    patterns |= event_patterns(NotificationSettings(findings="UNDEFINED"), ["api-"])
    for kind, pattern in patterns.items():
        assert len(f"{'e' * 32}-ecr-{kind}") <= 64
        assert len(pattern_text(pattern)) <= 2048


def mistakes(project: Make, notifications: Any, **more: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        rehearse("test", project(config(notifications, **more)))
    return str(caught.value)


@pytest.mark.parametrize(
    ("notifications", "words"),
    [
        ({"email": ["a@example.com"]}, ["notifications", "nothing would be reported", "findings: HIGH"]),
        ({"pushes": True, "email": ["example.com"]}, ["notifications.email[0]", "platform@example.com"]),
        (
            {"pushes": True, "email": ["a@b.example", "a@b.example"]},
            ["notifications.email[1]", "remove one of the two"],
        ),
        ({"pushes": True, "https": ["http://example.com"]}, ["notifications.https[0]", "HTTPS"]),
        ({"findings": "SEVERE"}, ["notifications.findings", "CRITICAL"]),
        ({"pushes": True, "repositories": ["apo"]}, ["notifications.repositories[0]", "no repository", "api-one"]),
        ({"pushes": True, "repositories": ["api-*"]}, ["notifications.repositories[0]", "`api-`"]),
        ({"pushes": True, "slack": {**SLACK, "channel": "#ecr"}}, ["notifications.slack.channel", "C07EZ1ABC23"]),
        (
            {"pushes": True, "keyArn": "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d"},
            ["notifications.keyArn", "us-east-1"],
        ),
        ({"pushs": True}, ["pushs", "pushes"]),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(project: Make, notifications: Any, words: list[str]) -> None:
    text = mistakes(project, notifications)
    for word in words:
        assert word in text


def test_more_prefixes_than_a_pattern_holds_are_refused(project: Make) -> None:
    names = {f"service-{number:03}-{'x' * 30}": {} for number in range(60)}
    text = mistakes(project, {"pushes": True, "repositories": list(names)}, repositories=names)
    assert "notifications.repositories" in text
    assert "2,048" in text
    with pytest.raises(InvalidArguments, match="2,048"):
        rehearse_program(
            lambda: Notifications("n", {"environment": "prod", "pushes": True, "repositories": list(names)}) and None
        )


def test_prefixes_of_cached_repositories_are_no_mistake(project: Make) -> None:
    report = rehearse(
        "test",
        project(config({"pushes": True, "repositories": ["quay/"]}, pullThroughCache={"quay": {"upstream": "quay"}})),
    )
    assert of(report, "EventRule")


def test_slack_is_not_in_china(project: Make) -> None:
    with pytest.raises(InvalidInput, match="only available in the partition aws"):
        rehearse("test", project({**config({"pushes": True, "slack": SLACK}), "aws:region": "cn-north-1"}))


def test_an_existing_key_is_taken_in_the_home_region() -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"

    def program() -> None:
        Notifications("n", {"environment": "prod", "deletions": True, "key_arn": arn})

    report = rehearse_program(program, assume=[arn])
    assert not of(report, "Key")
    assert of(report, "Topic")[0].outputs["kmsMasterKeyId"] == arn


# --- Inspector

ENHANCED: dict[str, Any] = {"type": "ENHANCED", "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["*"]}]}


def test_inspector_scans_what_is_asked_for_in_every_region_before_the_rules_are_set(project: Make) -> None:
    rules = {"rules": [{"destinations": [{"region": "us-west-2"}]}]}
    scanning = {**ENHANCED, "inspector": ["ECR", "EC2"]}
    report = rehearse("test", project(config(None, scanning=scanning, replication=rules)))
    for region in ("us-east-1", "us-west-2"):
        (enabler,) = of(report, "Enabler", region)
        assert set(enabler.outputs["resourceTypes"]) == {"ECR", "EC2"}
        assert enabler.outputs["accountIds"] == [report.account]
        # deleting it would end every scan by Inspector in the account
        assert enabler.options["retainOnDelete"] is True
        (configuration,) = of(report, "RegistryScanningConfiguration", region)
        assert enabler.urn in configuration.dependencies


def test_without_the_key_inspector_is_left_to_ecr_and_the_organization(project: Make) -> None:
    with EmbeddedAws() as aws:
        report = rehearse("test", project(config(None, scanning=ENHANCED)), aws=aws)
        status = aws.call("inspector2", "BatchGetAccountStatus")["accounts"][0]["resourceState"]
    assert not of(report, "Enabler")
    assert status["ecr"]["status"] == "ENABLED"


@pytest.mark.parametrize(
    ("scanning", "words"),
    [
        ({**ENHANCED, "inspector": ["EC2"]}, ["scanning.inspector", "[ECR, EC2]"]),
        ({**ENHANCED, "inspector": ["ECR", "ECR"]}, ["scanning.inspector", "is repeated"]),
        ({**ENHANCED, "inspector": ["S3"]}, ["scanning.inspector[0]", "ECR"]),
        ({"type": "BASIC", "inspector": ["ECR"]}, ["scanning.inspector", "ENHANCED"]),
        ({"inspector": ["ECR"]}, ["scanning.type", "type: ENHANCED"]),
    ],
)
def test_a_mistake_about_inspector_is_told(project: Make, scanning: Any, words: list[str]) -> None:
    text = mistakes(project, None, scanning=scanning)
    for word in words:
        assert word in text


def test_what_inspector_no_longer_scans_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def program() -> None:
        RegistryScanning("s", {"type": "ENHANCED", "inspector": ["ECR", "EC2"], "region": "eu-west-1"})

    rehearse_program(program)
    assert "switched off for LAMBDA, LAMBDA_CODE, CODE_REPOSITORY in eu-west-1" in caplog.text


def test_the_scanning_component_enables_inspector_too() -> None:
    def program() -> None:
        RegistryScanning("s", {"type": "ENHANCED", "inspector": ["ECR"], "region": "eu-west-1"})

    report = rehearse_program(program)
    assert of(report, "Enabler", "eu-west-1")[0].outputs["resourceTypes"] == ["ECR"]
