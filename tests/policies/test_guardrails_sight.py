"""What would pass the guardrails unread: other ways to make resources, several writers of one document, ignored changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from guarded import (
    KEY_ARN,
    Record,
    lifecycle,
    messages,
    record,
    replication,
    repository,
    repository_policy,
    scanning,
    sound,
    statement,
)
from guardrails.check import violations

UNSEEN = "nothing-is-made-out-of-sight"
ONE = "each-document-has-one-resource"
IGNORED = "what-is-judged-is-what-is-deployed"
CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
STACK = "aws:cloudformation/stack:Stack"


@pytest.mark.parametrize(
    "resource",
    [
        record(CLOUD_CONTROL, typeName="AWS::ECR::RegistryPolicy", desiredState="{}"),
        record(CLOUD_CONTROL, typeName="AWS::ECR::Repository", desiredState="{}"),
        record(CLOUD_CONTROL, typeName="AWS::IAM::RolePolicy", desiredState="{}"),
        record(STACK, templateBody=json.dumps({"Resources": {"K": {"Type": "AWS::KMS::Key"}}})),
        record(STACK, templateBody="Resources:\n  R:\n    Type: AWS::ECR::Repository\n"),
        record(STACK, templateBody="Transform: AWS::Serverless-2016-10-31\n"),
        record(STACK, templateBody="Resources: {X: {Type: 'Custom::Anything'}}"),
        record(STACK, templateUrl="https://bucket.s3.amazonaws.com/x.yaml"),
        record("aws:cloudformation/stackSet:StackSet", templateBody="{'Type': 'AWS::IAM::Role'}"),
        record("aws-native:ecr:Repository", repositoryPolicyText={}),
        record("aws-native:iam:Role"),
    ],
    ids=lambda each: str(each["inputs"]),
)
def test_what_is_made_in_another_way_is_reported(resource: Record) -> None:
    [message] = messages(UNSEEN, resource)
    assert "which no guardrail reads" in message


@pytest.mark.parametrize(
    "resource",
    [
        record(CLOUD_CONTROL, typeName="AWS::ECR::SigningConfiguration", desiredState="{}"),
        record(CLOUD_CONTROL, typeName="AWS::S3::Bucket", desiredState="{}"),
        record(STACK, templateBody=json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}})),
    ],
    ids=lambda each: str(each["inputs"]),
)
def test_what_is_no_repository_key_or_permission_passes(resource: Record) -> None:
    assert messages(UNSEEN, resource) == []


def named(resource: Record, name: str) -> Record:
    return {**resource, "name": name, "urn": f"{resource['urn']}-{name}"}


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (lifecycle(), "2 resources write the lifecycle policy of api: one, two."),
        (repository_policy(statement("*")), "2 resources write the policy of api: one, two."),
        (replication(), "2 resources write the registry's replication: one, two."),
        (scanning("*"), "2 resources write the registry's scanning: one, two."),
        (record("aws:ecr/registryPolicy:RegistryPolicy", policy="{}"), "2 resources write the registry's policy: one, two."),
        (record("aws:kms/keyPolicy:KeyPolicy", keyId=KEY_ARN, policy="{}"), "2 resources write the policy of"),
        (
            record("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", prefix="ROOT"),
            "2 resources write the creation template of ROOT: one, two.",
        ),
    ],
    ids=lambda each: each["type"] if isinstance(each, dict) else "",
)  # fmt: skip
def test_two_resources_that_write_one_document_are_reported(resource: Record, said: str) -> None:
    [message] = messages(ONE, named(resource, "one"), named(resource, "two"))
    assert said in message
    far: dict[str, Any] = {**resource, "inputs": {**resource["inputs"], "region": "eu-west-1"}}
    assert messages(ONE, named(resource, "one"), named(far, "two")) == []
    assert messages(ONE, resource) == []


def test_documents_of_several_repositories_have_a_resource_each() -> None:
    assert messages(ONE, lifecycle(), lifecycle(name="web"), repository_policy(statement("*"))) == []


@pytest.mark.parametrize("path", ["*", "imageTagMutability", "encryptionConfigurations[0].kmsKey"])
def test_changes_that_are_ignored_are_reported(path: str) -> None:
    ignoring = repository()
    ignoring["options"]["ignoreChanges"] = ["tags", path]
    [message] = messages(IGNORED, ignoring)
    assert f"api ignores changes of {path}: AWS may have something else." in message
    ignoring["options"]["ignoreChanges"] = ["tags"]
    assert messages(IGNORED, ignoring) == []


def test_a_sound_stack_is_in_sight() -> None:
    assert violations(sound(), stack="prod") == []
