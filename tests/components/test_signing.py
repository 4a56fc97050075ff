"""Signing: from the stack file to the registry's configuration and the roles of pipelines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ecr_stack.cli.app import app
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import rehearse
from ecr_stack.schema.stack import stack_settings_of

Make = Callable[[dict[str, Any]], Path]

HOME = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/containers"
THERE = "arn:aws:signer:us-west-2:123456789012:/signing-profiles/containers"
RESOURCE = "aws:cloudcontrol/resource:Resource"


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        yield embedded


def problems(region: str | None = "us-east-1", **sections: Any) -> dict[str, str]:
    data = {"environment": "test", "repositories": {"api": {}, "web": {}}, **sections}
    with pytest.raises(InvalidInput) as caught:
        stack_settings_of(data, source="Pulumi.test.yaml", region=region)
    return {
        problem.place.removeprefix("ecr-stack:"): f"{problem.rule}; {problem.remedy}"
        for problem in caught.value.problems
    }


def test_rules_go_to_the_registry_of_their_profiles_region_and_pipelines_may_sign(
    project: Make, aws: EmbeddedAws
) -> None:
    rules = [{"signingProfileArn": HOME, "repositoryFilters": ["a*"]}, {"signingProfileArn": THERE}]
    config = {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:namePrefix": "dev/",
        "ecr-stack:repositories": {"api": {}, "web": {}},
        "ecr-stack:replication": {"rules": [{"destinations": [{"region": "us-west-2"}]}]},
        "ecr-stack:pipelines": {"github": {"repositories": [{"repository": "octo-org/api", "branches": ["main"]}]}},
        "ecr-stack:signing": {"rules": rules},
    }
    report = rehearse("test", project(config), aws=aws)
    home, there = (
        aws.call("ecr", "GetSigningConfiguration", {}, region)["signingConfiguration"]["rules"]
        for region in ("us-east-1", "us-west-2")
    )
    assert [(rule["signingProfileArn"], rule["repositoryFilters"][0]["filter"]) for rule in home] == [(HOME, "dev/a*")]
    assert [(rule["signingProfileArn"], rule["repositoryFilters"][0]["filter"]) for rule in there] == [(THERE, "dev/*")]
    (policy,) = (
        json.loads(each.outputs["policy"])
        for each in report.resources
        if each.type == "aws:iam/rolePolicy:RolePolicy" and "push-images" in each.outputs["name"]
    )
    sign = {"Sid": "Sign", "Effect": "Allow", "Action": ["signer:SignPayload"], "Resource": [HOME, THERE]}
    assert sign in policy["Statement"]
    assert not [each for each in report.unchecked if each.type == RESOURCE]


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ({"signingProfileArn": THERE}, "signing.rules[0].signingProfileArn", "in the registry's Region, us-east-1"),
        ({"signingProfileArn": f"{HOME}/A1b2C3d4E5"}, "signing.rules[0].signingProfileArn", "without a version"),
        (
            {"signingProfileArn": HOME, "repositoryFilters": ["apj"]},
            "signing.rules[0].repositoryFilters[0]",
            "nothing would be signed: api, web",
        ),
        (
            {"signingProfileArn": HOME, "repositoryFilters": ["A*"]},
            "signing.rules[0].repositoryFilters[0]",
            "lowercase",
        ),
        ({"signingProfileArn": HOME, "repositoryFilters": []}, "signing.rules[0].repositoryFilters", "1"),
    ],
)
def test_what_aws_refuses_or_signs_nothing_by_is_told(rule: dict[str, Any], place: str, words: str) -> None:
    assert words in problems(signing={"rules": [rule]})[place]


def test_more_rules_than_ecr_takes_are_refused() -> None:
    rules = [{"signingProfileArn": f"{HOME}_{number}"} for number in range(11)]
    assert "10" in problems(signing={"rules": rules})["signing.rules"]


def test_a_filter_that_a_name_prefix_makes_invalid_is_refused() -> None:
    found = problems(namePrefix="dev__", signing={"rules": [{"signingProfileArn": HOME, "repositoryFilters": ["a*"]}]})
    assert "with the name prefix it is `dev__a*`" in found["signing.rules[0].repositoryFilters[0]"]


def test_a_name_prefix_that_no_filter_can_say_needs_filters() -> None:
    found = problems(namePrefix="dev__", signing={"rules": [{"signingProfileArn": HOME}]})
    assert "`dev__*`" in found["signing.rules[0]"]


def test_the_configuration_is_read_changed_and_deleted(aws: EmbeddedAws) -> None:
    provider = Provider(aws)
    state = {"Rules": [{"SigningProfileArn": HOME}]}
    inputs = {"typeName": "AWS::ECR::SigningConfiguration", "desiredState": json.dumps(state)}
    id_, outputs = provider.create(RESOURCE, "signing", inputs)
    assert id_ == "123456789012"
    assert json.loads(outputs["properties"]) == {"RegistryId": id_, **state}
    spelled = {**inputs, "desiredState": json.dumps(state, indent=2)}
    assert provider.diff(RESOURCE, inputs, spelled).changes == ()
    other = {**inputs, "desiredState": json.dumps({"Rules": []})}
    assert provider.diff(RESOURCE, inputs, other).replaces == ()
    provider.update(RESOURCE, id_, inputs, other, outputs)
    assert aws.call("ecr", "GetSigningConfiguration", {})["signingConfiguration"] == {"rules": []}
    provider.delete(RESOURCE, id_, other)
    assert provider.read(RESOURCE, id_, inputs) is None
    provider.delete(RESOURCE, id_, other)


def test_resources_of_other_types_are_made_up_and_only_their_form_is_checked(aws: EmbeddedAws) -> None:
    provider = Provider(aws)
    inputs = {"typeName": "AWS::S3::Bucket", "desiredState": '{"BucketName": "ours"}'}
    id_, outputs = provider.create(RESOURCE, "bucket", provider.check(RESOURCE, inputs))
    assert id_
    assert outputs["properties"] == inputs["desiredState"]
    with pytest.raises(InvalidInput, match="CloudFormation type"):
        provider.check(RESOURCE, {**inputs, "typeName": "bucket"})
    with pytest.raises(InvalidInput, match="list of `Rules`"):
        provider.check(RESOURCE, {"typeName": "AWS::ECR::SigningConfiguration", "desiredState": '{"rules": []}'})


def test_the_tree_says_what_is_signed_and_what_the_budget_tells(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:repositories": {"api": {}},
        "ecr-stack:signing": {"rules": [{"signingProfileArn": HOME, "repositoryFilters": ["a*"]}]},
        "ecr-stack:budget": {"amount": 250, "email": ["team@example.com"]},
    }
    monkeypatch.chdir(project(config))
    text = CliRunner().invoke(app, ["rehearse", "--stack", "test"]).stdout
    assert "signs a* with containers" in text
    assert "250 USD a month for ECR, alerts at 80%, 100%, 100% forecast" in text
