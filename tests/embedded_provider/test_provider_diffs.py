from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Diff, Provider

REPOSITORY = "aws:ecr/repository:Repository"
KMS = [{"encryptionType": "KMS", "kmsKey": "arn:aws:kms:eu-west-1:111122223333:key/1"}]
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1"


@pytest.mark.parametrize(
    ("type_", "old", "new", "replaces"),
    [
        (REPOSITORY, {"name": "a"}, {"name": "b"}, {"name"}),
        (REPOSITORY, {"name": "a"}, {"name": "a", "encryptionConfigurations": KMS}, {"encryptionConfigurations"}),
        (REPOSITORY, {"region": "us-east-1"}, {"region": "us-west-2"}, {"region"}),
        (REPOSITORY, {}, {"region": "us-west-2"}, {"region"}),
        (REPOSITORY, {"name": "a"}, {"name": "a", "imageTagMutability": "IMMUTABLE"}, set()),
        (REPOSITORY, {"tags": {"a": "b"}}, {"tags": {"a": "c"}}, set()),
        (REPOSITORY, {"forceDelete": True}, {"forceDelete": False}, set()),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": "a"}, {"repository": "b"}, {"repository"}),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", {"repository": "a"}, {"repository": "b"}, {"repository"}),
        ("aws:kms/key:Key", {}, {"multiRegion": True}, {"multiRegion"}),
        ("aws:kms/key:Key", {}, {"customerMasterKeySpec": "RSA_2048"}, {"customerMasterKeySpec"}),
        ("aws:kms/key:Key", {}, {"keyUsage": "SIGN_VERIFY"}, {"keyUsage"}),
        ("aws:kms/key:Key", {"deletionWindowInDays": 7}, {"deletionWindowInDays": 30}, set()),
        ("aws:kms/key:Key", {}, {"bypassPolicyLockoutSafetyCheck": True}, set()),
        ("aws:kms/alias:Alias", {"name": "alias/a"}, {"name": "alias/b"}, {"name"}),
        ("aws:kms/alias:Alias", {"targetKeyId": "1"}, {"targetKeyId": "2"}, set()),
        ("aws:iam/role:Role", {"name": "a"}, {"name": "b"}, {"name"}),
        ("aws:iam/role:Role", {"path": "/"}, {"path": "/a/"}, {"path"}),
        ("aws:iam/role:Role", {"description": "a"}, {"description": "b"}, set()),
        ("aws:iam/policy:Policy", {"description": "a"}, {"description": "b"}, {"description"}),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "a"}, {"role": "b"}, {"role"}),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "https://a"}, {"url": "https://b"}, {"url"}),
        ("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate", {"prefix": "a"}, {"prefix": "b"}, {"prefix"}),
        ("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", {"upstreamRegistryUrl": "a"}, {"upstreamRegistryUrl": "b"}, {"upstreamRegistryUrl"}),
        ("command:local:Command", {"triggers": [1]}, {"triggers": [2]}, {"triggers"}),
        ("command:local:Command", {"create": "a"}, {"create": "b"}, set()),
    ],
)  # fmt: skip
def test_what_changes_and_what_of_it_replaces(
    provider: Provider, type_: str, old: dict[str, Any], new: dict[str, Any], replaces: set[str]
) -> None:
    found = provider.diff(type_, old, new)
    assert found.changes == tuple(sorted(k for k in {*old, *new} if old.get(k) != new.get(k)))
    assert set(found.replaces) == replaces


def _document(action: Any, principal: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    ("type_", "old", "new"),
    [
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", {"policy": _document(["ecr:A", "ecr:B"], "1")}, {"policy": _document(["ecr:B", "ecr:A"], ["1"])}),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"policy": '{"rules": [{"rulePriority": 1}, {"rulePriority": 2}]}'}, {"policy": '{"rules":[{"rulePriority":2},{"rulePriority":1}]}'}),
        (REPOSITORY, {"imageTagMutability": "MUTABLE"}, {}),
        (REPOSITORY, {"encryptionConfigurations": [{"encryptionType": "AES256"}]}, {}),
        (REPOSITORY, {"encryptionConfigurations": KMS}, {"encryptionConfigurations": [{"encryptionType": "KMS"}]}),
        (REPOSITORY, {"imageScanningConfiguration": {"scanOnPush": False}}, {}),
        (REPOSITORY, {"tags": {}}, {}),
        (REPOSITORY, {"region": "eu-west-1"}, {}),
        ("aws:kms/key:Key", {"deletionWindowInDays": 7}, {"deletionWindowInDays": 7.0}),
        ("aws:kms/key:Key", {"enableKeyRotation": False}, {}),
        ("aws:kms/alias:Alias", {"targetKeyId": "1"}, {"targetKeyId": ARN}),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "https://a"}, {"url": "a"}),
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_change(
    provider: Provider, type_: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert provider.diff(type_, old, new) == Diff((), ())


def test_another_document_is_a_change(provider: Provider) -> None:
    type_ = "aws:ecr/repositoryPolicy:RepositoryPolicy"
    old, new = {"policy": _document("ecr:A", "1")}, {"policy": _document(["ecr:A", "ecr:B"], "1")}
    assert provider.diff(type_, old, new) == Diff(("policy",), ())


def test_a_second_run_of_the_same_program_changes_nothing(provider: Provider, make: Any) -> None:
    key_inputs = {"enableKeyRotation": True, "tags": {"a": "b"}}
    _, key = make("aws:kms/key:Key", "key", **key_inputs)
    inputs: dict[str, Any] = {
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key["arn"]}],
        "imageScanningConfiguration": {"scanOnPush": True},
    }
    _, repository = make(REPOSITORY, "api", **inputs)
    assert provider.diff("aws:kms/key:Key", key_inputs, key_inputs, key) == Diff((), ())
    assert provider.diff(REPOSITORY, inputs, inputs, repository) == Diff((), ())


def test_a_key_named_by_its_alias_replaces_the_repository_on_every_run(
    provider: Provider, make: Any, aws: EmbeddedAws
) -> None:
    key, _ = make("aws:kms/key:Key", "key")
    make("aws:kms/alias:Alias", "alias", name="alias/ecr", targetKeyId=key)
    inputs = {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "alias/ecr"}]}
    _, outputs = make(REPOSITORY, "api", **inputs)
    found = provider.diff(REPOSITORY, inputs, inputs, outputs)
    assert found.replaces == ("encryptionConfigurations",)


def test_drift_is_seen_where_outputs_are_given(provider: Provider, make: Any, aws: EmbeddedAws) -> None:
    inputs = {"name": "api", "imageTagMutability": "IMMUTABLE"}
    make(REPOSITORY, "api", **inputs)
    aws.call("ecr", "PutImageTagMutability", {"repositoryName": "api", "imageTagMutability": "MUTABLE"})
    read = provider.read(REPOSITORY, "api", inputs)
    assert provider.diff(REPOSITORY, inputs, inputs, read) == Diff(("imageTagMutability",), ())
