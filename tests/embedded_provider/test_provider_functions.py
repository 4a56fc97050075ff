from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import InvalidInput, NotFound


def test_who_where_and_in_which_partition(provider: Provider) -> None:
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "111122223333"
    region = provider.invoke("aws:index/getRegion:getRegion", {})
    assert (region["name"], region["description"]) == ("eu-west-1", "Europe (Ireland)")
    partition = provider.invoke("aws:index/getPartition:getPartition", {"region": "cn-north-1"})
    assert (partition["partition"], partition["dnsSuffix"]) == ("aws-cn", "amazonaws.com.cn")


def test_a_repository_is_looked_up_with_its_newest_tags(provider: Provider, aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "api", "tags": [{"Key": "a", "Value": "b"}]})
    aws.seed_images(
        "api",
        [
            {"imageDigest": "sha256:1", "imageTags": ["old"], "imagePushedAt": "2025-01-01T00:00:00Z"},
            {"imageDigest": "sha256:2", "imageTags": ["new"], "imagePushedAt": "2026-01-01T00:00:00Z"},
        ],
    )
    found = provider.invoke("aws:ecr/getRepository:getRepository", {"name": "api"})
    assert found["repositoryUrl"] == "111122223333.dkr.ecr.eu-west-1.amazonaws.com/api"
    assert (found["tags"], found["mostRecentImageTags"]) == ({"a": "b"}, ["new"])
    with pytest.raises(NotFound, match="`other`"):
        provider.invoke("aws:ecr/getRepository:getRepository", {"name": "other"})


def test_keys_aliases_roles_and_tokens_are_looked_up(provider: Provider, make: Any) -> None:
    key, made = make("aws:kms/key:Key", "key")
    make("aws:kms/alias:Alias", "alias", name="alias/ecr", targetKeyId=key)
    assert provider.invoke("aws:kms/getKey:getKey", {"keyId": "alias/ecr"})["arn"] == made["arn"]
    assert provider.invoke("aws:kms/getAlias:getAlias", {"name": "alias/ecr"})["targetKeyArn"] == made["arn"]
    token = provider.invoke("aws:ecr/getAuthorizationToken:getAuthorizationToken", {})
    assert (token["userName"], token["proxyEndpoint"]) == (
        "AWS",
        "https://111122223333.dkr.ecr.eu-west-1.amazonaws.com",
    )
    provider.aws.suppose("arn:aws:iam::111122223333:role/nodes")
    assert provider.invoke("aws:iam/getRole:getRole", {"name": "nodes"})["arn"].endswith(":role/nodes")
    for token_, arguments in (
        ("aws:kms/getKey:getKey", {"keyId": "alias/none"}),
        ("aws:kms/getAlias:getAlias", {"name": "alias/none"}),
        ("aws:iam/getRole:getRole", {"name": "none"}),
        ("aws:index/getRegion:getRegion", {"name": "eu-west-9"}),
    ):
        with pytest.raises(NotFound):
            provider.invoke(token_, arguments)


def test_a_policy_document_is_written(provider: Provider) -> None:
    written = provider.invoke(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        {
            "statements": [
                {
                    "sid": "Trust",
                    "actions": ["sts:AssumeRole"],
                    "principals": [{"type": "Service", "identifiers": ["ecr.amazonaws.com"]}],
                    "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1", "2"]}],
                },
                {"effect": "Deny", "actions": ["ecr:A", "ecr:B"], "principals": [{"type": "*", "identifiers": ["*"]}]},
            ]
        },
    )
    assert (
        json.loads(written["json"])
        == json.loads(written["minifiedJson"])
        == {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Trust",
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "ecr.amazonaws.com"},
                    "Condition": {"StringEquals": {"aws:SourceAccount": ["1", "2"]}},
                },
                {"Effect": "Deny", "Action": ["ecr:B", "ecr:A"], "Principal": "*"},
            ],
        }
    )


def test_policy_documents_are_merged_and_overridden(provider: Provider) -> None:
    def document(sid: str, action: str) -> str:
        statement = {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    written = provider.invoke(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        {
            "sourcePolicyDocuments": [document("A", "ecr:A"), document("B", "ecr:B")],
            "overridePolicyDocuments": [document("A", "ecr:C")],
        },
    )
    found = {entry["Sid"]: entry["Action"] for entry in json.loads(written["json"])["Statement"]}
    assert found == {"A": "ecr:C", "B": "ecr:B"}
    with pytest.raises(InvalidInput, match="sourcePolicyDocuments"):
        provider.invoke("aws:iam/getPolicyDocument:getPolicyDocument", {"sourcePolicyDocuments": ["x"]})
