from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import NotFound

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
ROLE = "aws:iam/role:Role"
ROOT = "arn:aws:iam::111122223333:root"


def _normalized(document: dict[str, Any]) -> str:
    """As the provider sends it."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def _statement(**parts: Any) -> str:
    return _normalized({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **parts}]})


PULL = _statement(Principal={"AWS": ROOT}, Action="ecr:BatchGetImage")
TRUST = _statement(Principal={"Service": "ecr.amazonaws.com"}, Action="sts:AssumeRole")


def _lifecycle(days: int) -> str:
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return _normalized({"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]})


def test_a_repository_puts_out_what_aws_says_of_it(make: Any, aws: EmbeddedAws) -> None:
    _, key = make(KEY, "key")
    aws.calls.clear()
    id_, outputs = make(
        REPOSITORY,
        "api",
        name="api-gateway",
        encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": key["arn"]}],
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filter": "latest", "filterType": "WILDCARD"}],
        imageScanningConfiguration={"scanOnPush": True},
        forceDelete=True,
        tags={"Name": "api-gateway"},
    )
    assert id_ == "api-gateway"
    assert outputs == {
        "arn": "arn:aws:ecr:eu-west-1:111122223333:repository/api-gateway",
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key["arn"]}],
        "forceDelete": True,
        "imageScanningConfiguration": {"scanOnPush": True},
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": "latest", "filterType": "WILDCARD"}],
        "name": "api-gateway",
        "region": "eu-west-1",
        "registryId": "111122223333",
        "repositoryUrl": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/api-gateway",
        "tags": {"Name": "api-gateway"},
        "tagsAll": {"Name": "api-gateway"},
    }
    assert aws.calls == {"ecr:CreateRepository": 1, "ecr:DescribeRepositories": 1, "ecr:ListTagsForResource": 1}


def test_a_resource_lives_in_the_region_that_it_names(make: Any, provider: Provider, aws: EmbeddedAws) -> None:
    _, outputs = make(REPOSITORY, "api", name="api", region="us-west-2")
    assert outputs["arn"] == "arn:aws:ecr:us-west-2:111122223333:repository/api"
    assert provider.read(REPOSITORY, "api") is None
    found = provider.read(REPOSITORY, "api", {"region": "us-west-2"})
    assert found is not None
    assert found["region"] == "us-west-2"


def test_a_key_of_another_region_encrypts_no_repository(make: Any) -> None:
    _, key = make(KEY, "key", region="us-west-2")
    with pytest.raises(ClientError, match="KmsException"):
        make(REPOSITORY, "api", encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": key["arn"]}])


def test_a_repository_changes_in_place_with_the_calls_that_it_needs(
    make: Any, provider: Provider, aws: EmbeddedAws
) -> None:
    old = {"name": "api", "tags": {"Name": "api", "Old": "1"}}
    new = {"name": "api", "imageTagMutability": "IMMUTABLE", "tags": {"Name": "API", "New": "2"}}
    make(REPOSITORY, "api", **old)
    aws.calls.clear()
    outputs = provider.update(REPOSITORY, "api", old, new)
    assert (outputs["imageTagMutability"], outputs["tags"]) == ("IMMUTABLE", {"Name": "API", "New": "2"})
    assert aws.calls == {
        "ecr:PutImageTagMutability": 1,
        "ecr:UntagResource": 1,
        "ecr:TagResource": 1,
        "ecr:DescribeRepositories": 1,
        "ecr:ListTagsForResource": 1,
    }


def test_a_repository_with_images_is_deleted_by_force_only(make: Any, provider: Provider, aws: EmbeddedAws) -> None:
    _, outputs = make(REPOSITORY, "api", name="api")
    aws.seed_images("api", [{"imageDigest": "sha256:" + "a" * 64}])
    with pytest.raises(ClientError, match="RepositoryNotEmptyException"):
        provider.delete(REPOSITORY, "api", outputs)
    provider.delete(REPOSITORY, "api", {**outputs, "forceDelete": True})
    assert provider.read(REPOSITORY, "api") is None
    provider.delete(REPOSITORY, "api", outputs)


def test_policies_hang_on_their_repository(make: Any, provider: Provider) -> None:
    make(REPOSITORY, "api", name="api")
    for type_, text, other in ((LIFECYCLE, _lifecycle(1), _lifecycle(2)), (POLICY, PULL, PULL.replace("Get", "*"))):
        id_, outputs = make(type_, "api", repository="api", policy=text)
        expected = {"policy": text, "region": "eu-west-1", "registryId": "111122223333", "repository": "api"}
        assert (id_, outputs) == ("api", expected)
        old, new = {"repository": "api", "policy": text}, {"repository": "api", "policy": other}
        assert provider.update(type_, id_, old, new)["policy"] == other
        provider.delete(type_, id_, outputs)
        assert provider.read(type_, id_) is None
        provider.delete(type_, id_, outputs)
        with pytest.raises(ClientError, match="RepositoryNotFoundException"):
            make(type_, "x", repository="nothing", policy=text)


def test_two_replication_rules_are_put_and_taken_away(make: Any, provider: Provider) -> None:
    rules = [
        {"destinations": [{"region": "us-west-2", "registryId": "111122223333"}]},
        {
            "destinations": [{"region": "eu-central-1", "registryId": "999988887777"}],
            "repositoryFilters": [{"filter": "api-", "filterType": "PREFIX_MATCH"}],
        },
    ]
    id_, outputs = make(REPLICATION, "replication", replicationConfiguration={"rules": rules})
    assert (id_, outputs["registryId"]) == ("111122223333", "111122223333")
    assert outputs["replicationConfiguration"] == {"rules": rules}
    provider.delete(REPLICATION, id_, outputs)
    left = provider.read(REPLICATION, id_)
    assert left is not None
    assert left["replicationConfiguration"] is None


def test_scanning_is_put_and_put_back(make: Any, provider: Provider) -> None:
    rules = [
        {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
    ]
    id_, outputs = make(SCANNING, "scanning", scanType="ENHANCED", rules=rules)
    assert (outputs["scanType"], outputs["rules"]) == ("ENHANCED", rules)
    provider.delete(SCANNING, id_, outputs)
    left = provider.read(SCANNING, id_)
    assert left is not None
    assert (left["scanType"], left["rules"]) == ("BASIC", None)


def test_a_registry_has_a_policy_account_settings_and_caches(make: Any, provider: Provider) -> None:
    policy = _statement(Principal={"AWS": "999988887777"}, Action="ecr:ReplicateImage", Resource="*")
    for type_, inputs, id_, part in (
        ("aws:ecr/registryPolicy:RegistryPolicy", {"policy": policy}, "111122223333", {"policy": policy}),
        (
            "aws:ecr/accountSetting:AccountSetting",
            {"name": "BLOB_MOUNTING", "value": "ENABLED"},
            "BLOB_MOUNTING",
            {"value": "ENABLED"},
        ),
        (
            "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
            {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"},
            "quay",
            {"upstreamRegistryUrl": "quay.io"},
        ),
    ):
        made, outputs = make(type_, "x", **inputs)
        assert made == id_
        assert outputs.items() >= part.items()
        provider.delete(type_, made, outputs)
        if "Setting" not in type_:
            assert provider.read(type_, made) is None


def test_a_creation_template_changes_what_differs(make: Any, provider: Provider) -> None:
    _, role = make(ROLE, "role", name="templates", assumeRolePolicy=TRUST)
    _, key = make(KEY, "key", region="us-west-2")
    old = {
        "prefix": "ROOT",
        "region": "us-west-2",
        "appliedFors": ["REPLICATION"],
        "customRoleArn": role["arn"],
        "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key["arn"]}],
        "lifecyclePolicy": _lifecycle(1),
        "repositoryPolicy": PULL,
        "resourceTags": {"Team": "platform"},
    }
    id_, outputs = make(TEMPLATE, "template", **old)
    assert id_ == "ROOT"
    assert {name: outputs[name] for name in old} == old
    new = {**old, "imageTagMutability": "IMMUTABLE", "lifecyclePolicy": _lifecycle(2)}
    changed = provider.update(TEMPLATE, id_, old, new)
    assert {name: changed[name] for name in new} == new
    provider.delete(TEMPLATE, id_, changed)
    assert provider.read(TEMPLATE, id_, old) is None


def test_a_key_rotates_and_waits_for_its_end(make: Any, provider: Provider, aws: EmbeddedAws) -> None:
    inputs = {"enableKeyRotation": True, "rotationPeriodInDays": 180, "deletionWindowInDays": 30, "tags": {"a": "b"}}
    id_, outputs = make(KEY, "key", **inputs)
    assert outputs["arn"] == f"arn:aws:kms:eu-west-1:111122223333:key/{id_}"
    assert (outputs["keyId"], outputs["enableKeyRotation"], outputs["rotationPeriodInDays"]) == (id_, True, 180)
    assert ROOT in outputs["policy"]
    provider.delete(KEY, id_, outputs)
    assert provider.read(KEY, id_) is None
    described = aws.call("kms", "DescribeKey", {"KeyId": id_})["KeyMetadata"]
    assert (described["DeletionDate"] - described["CreationDate"]).days in (29, 30)
    provider.delete(KEY, id_, outputs)


def test_a_key_changes_in_place(make: Any, provider: Provider) -> None:
    old: dict[str, Any] = {"description": "one", "enableKeyRotation": True}
    policy = _statement(Principal={"AWS": ROOT}, Action="kms:*", Resource="*")
    new = {"description": "two", "isEnabled": False, "policy": policy, "tags": {"a": "b"}}
    id_, _ = make(KEY, "key", **old)
    outputs = provider.update(KEY, id_, old, new)
    assert (
        outputs.items()
        >= {
            "description": "two",
            "isEnabled": False,
            "policy": policy,
            "enableKeyRotation": False,
            "tags": {"a": "b"},
        }.items()
    )
    assert provider.update(KEY, id_, new, old)["isEnabled"] is True


def test_an_alias_moves_from_key_to_key(make: Any, provider: Provider) -> None:
    one, _ = make(KEY, "one")
    two, second = make(KEY, "two")
    id_, outputs = make(ALIAS, "alias", name="alias/prod-ecr", targetKeyId=one)
    assert (id_, outputs["targetKeyId"]) == ("alias/prod-ecr", one)
    moved = provider.update(ALIAS, id_, {"name": id_, "targetKeyId": one}, {"name": id_, "targetKeyId": two})
    assert (moved["targetKeyId"], moved["targetKeyArn"]) == (two, second["arn"])
    provider.delete(ALIAS, id_, moved)
    assert provider.read(ALIAS, id_) is None


def test_a_key_policy_is_put_and_put_back(make: Any, provider: Provider) -> None:
    key, _ = make(KEY, "key")
    policy = _statement(Principal={"AWS": ROOT}, Action="kms:*", Resource="*", Sid="Mine")
    id_, outputs = make("aws:kms/keyPolicy:KeyPolicy", "policy", keyId=key, policy=policy)
    assert (id_, outputs["policy"]) == (key, policy)
    provider.delete("aws:kms/keyPolicy:KeyPolicy", id_, outputs)
    left = provider.read(KEY, key)
    assert left is not None
    assert "Mine" not in left["policy"]


def test_a_role_with_all_that_hangs_on_it_lives_changes_and_dies(make: Any, provider: Provider) -> None:
    pull = _statement(Action="ecr:BatchGetImage", Resource="*")
    managed = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    old: dict[str, Any] = {"name": "ci", "path": "/teams/", "assumeRolePolicy": TRUST, "tags": {"Team": "a"}}
    role, outputs = make(ROLE, "role", **old)
    assert (role, outputs["arn"]) == ("ci", "arn:aws:iam::111122223333:role/teams/ci")
    assert "region" not in outputs
    inline, _ = make("aws:iam/rolePolicy:RolePolicy", "inline", role=role, name="pull", policy=pull)
    assert inline == "ci:pull"
    attached, _ = make("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", role=role, policyArn=managed)
    assert attached == f"ci/{managed}"
    read = provider.read(ROLE, role, old)
    assert read is not None
    assert (read["inlinePolicies"], read["managedPolicyArns"]) == ([{"name": "pull", "policy": pull}], [managed])
    new = {**old, "description": "for CI", "maxSessionDuration": 7200, "tags": {"Team": "b"}}
    changed = provider.update(ROLE, role, old, new)
    assert changed.items() >= {"description": "for CI", "maxSessionDuration": 7200, "tags": {"Team": "b"}}.items()
    with pytest.raises(ClientError, match="DeleteConflict"):
        provider.delete(ROLE, role, changed | {"inlinePolicies": [], "managedPolicyArns": []})
    provider.delete("aws:iam/rolePolicyAttachment:RolePolicyAttachment", attached, {})
    provider.delete("aws:iam/rolePolicy:RolePolicy", inline, {})
    assert provider.read("aws:iam/rolePolicy:RolePolicy", inline) is None
    assert provider.read("aws:iam/rolePolicyAttachment:RolePolicyAttachment", attached) is None
    provider.delete(ROLE, role, {})
    assert provider.read(ROLE, role) is None


def test_a_managed_policy_keeps_five_versions(make: Any, provider: Provider, aws: EmbeddedAws) -> None:
    type_ = "aws:iam/policy:Policy"
    texts = [_statement(Action="ecr:BatchGetImage", Resource="*", Sid=f"V{number}") for number in range(8)]
    id_, outputs = make(type_, "pull", name="pull", policy=texts[0])
    assert id_ == "arn:aws:iam::111122223333:policy/pull"
    for before, after in itertools.pairwise(texts):
        outputs = provider.update(type_, id_, {"name": "pull", "policy": before}, {"name": "pull", "policy": after})
    assert outputs["policy"] == texts[-1]
    assert len(aws.call("iam", "ListPolicyVersions", {"PolicyArn": id_})["Versions"]) == 5
    provider.delete(type_, id_, outputs)
    assert provider.read(type_, id_) is None


def test_an_oidc_provider_changes_its_clients(make: Any, provider: Provider) -> None:
    type_ = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    old = {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"]}
    id_, outputs = make(type_, "github", **old)
    assert id_ == "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    assert outputs["url"] == "token.actions.githubusercontent.com"
    changed = provider.update(type_, id_, old, {**old, "clientIdLists": ["other"], "tags": {"a": "b"}})
    assert (changed["clientIdLists"], changed["tags"]) == (["other"], {"a": "b"})
    provider.delete(type_, id_, changed)
    assert provider.read(type_, id_) is None


def test_default_tags_are_in_all_tags_only(aws: EmbeddedAws) -> None:
    provider = Provider(aws, default_tags={"Team": "platform", "Stage": "prod"})
    _, outputs = provider.create(REPOSITORY, "api", provider.check(REPOSITORY, {"tags": {"Stage": "dev"}}))
    assert outputs["tags"] == {"Stage": "dev"}
    assert outputs["tagsAll"] == {"Team": "platform", "Stage": "dev"}


def test_what_exists_is_adopted_and_what_is_supposed_to_is_too(provider: Provider, aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "old", "tags": [{"Key": "By", "Value": "hand"}]})
    aws.calls.clear()
    assert provider.adopt(REPOSITORY, "old", {"name": "old"})["tags"] == {"By": "hand"}
    assert provider.adopt(REPOSITORY, "other", {"name": "other"})["arn"].endswith("/other")
    assert "ecr:CreateRepository" not in aws.calls
    with pytest.raises(NotFound, match="`third`"):
        provider.adopt(REPOSITORY, "third", {"name": "fourth"})
    key = "00000000-1111-4222-8333-444444444444"
    adopted = provider.adopt(KEY, key, {"enableKeyRotation": True, "description": "ours"})
    assert (adopted["keyId"], adopted["enableKeyRotation"], adopted["description"]) == (key, True, "ours")


def test_an_explicit_provider_is_a_resource_too(provider: Provider) -> None:
    id_, outputs = provider.create("pulumi:providers:aws", "west", {"region": "us-west-2"})
    assert outputs == {"region": "us-west-2"}
    assert provider.read("pulumi:providers:aws", id_, outputs) == outputs
