"""Each component alone, in somebody else's program, with plain Python arguments and no stack file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

import ecr_stack
from ecr_stack import (
    CreationTemplate,
    EncryptionKey,
    LifecyclePolicy,
    Registry,
    RegistryScanning,
    Replication,
    Repository,
    RepositoryPolicy,
)
from ecr_stack.components.component import InvalidArguments

REPOSITORY = "aws:ecr/repository:Repository"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0a1b"


def test_a_repository_needs_nothing_but_a_name(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: Repository("api", {}))
    (repository,) = made.of(REPOSITORY)
    assert repository == {
        "name": "api",
        "imageTagMutability": "MUTABLE",
        "encryptionConfigurations": [{"encryptionType": "AES256"}],
        "imageScanningConfiguration": {"scanOnPush": True},
        "forceDelete": False,
        "tags": {"Name": "api", "Environment": "staging", "ManagedBy": "Pulumi"},
    }


def test_a_repository_takes_all_of_its_settings(foreign: Callable[..., Any]) -> None:
    made = foreign(
        lambda: Repository(
            "api",
            {
                "name": "team/api",
                "environment": "prod",
                "tag_mutability": "IMMUTABLE_WITH_EXCLUSION",
                "mutable_tags": ["latest", "dev-*"],
                "scan_on_push": False,
                "force_delete": True,
                "encryption": {"key_arn": KEY_ARN.replace("us-east-1", "eu-west-1")},
                "region": "eu-west-1",
                "tags": {"Team": "platform"},
                "lifecycle": [{"untagged": True, "expire_after_days": 1}],
                "access": {"pull": ["role/nodes"]},
            },
        )
    )
    (repository,) = made.of(REPOSITORY)
    assert repository["name"] == "team/api"
    assert repository["imageTagMutabilityExclusionFilters"] == [
        {"filter": "latest", "filterType": "WILDCARD"},
        {"filter": "dev-*", "filterType": "WILDCARD"},
    ]
    assert repository["encryptionConfigurations"] == [
        {"encryptionType": "KMS", "kmsKey": KEY_ARN.replace("us-east-1", "eu-west-1")}
    ]
    assert repository["tags"] == {
        "Name": "team/api",
        "Environment": "prod",
        "ManagedBy": "Pulumi",
        "Team": "platform",
    }
    (lifecycle,) = made.of("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    (policy,) = made.of("aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert (lifecycle["repository"], lifecycle["region"]) == ("team/api", "eu-west-1")
    assert (policy["repository"], policy["region"]) == ("team/api", "eu-west-1")


def test_a_key_of_another_resource_may_come_later(foreign: Callable[..., Any]) -> None:
    def program() -> None:
        key = aws.kms.Key("theirs")
        Repository("api", {"encryption": {"key_arn": key.arn.apply(lambda _: KEY_ARN)}})

    (repository,) = foreign(program).of(REPOSITORY)
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY_ARN}]


def test_a_principal_of_another_resource_may_come_later(foreign: Callable[..., Any]) -> None:
    def program() -> None:
        role = aws.iam.Role("theirs", assume_role_policy="{}")
        arn = role.id.apply(lambda _: "arn:aws:iam::111122223333:role/theirs")
        Repository("api", {"access": {"pull": [arn]}})

    (policy,) = foreign(program).of("aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert "arn:aws:iam::111122223333:role/theirs" in policy["policy"]


def test_the_encryption_key_is_rotated_named_and_governed_by_the_account(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: EncryptionKey("key", {"environment": "prod", "deletion_window_in_days": 7}))
    (key,) = made.of("aws:kms/key:Key")
    (alias,) = made.of("aws:kms/alias:Alias")
    assert (key["enableKeyRotation"], key["deletionWindowInDays"]) == (True, 7)
    statements = json.loads(key["policy"])["Statement"]
    assert [statement["Principal"] for statement in statements] == [{"AWS": "arn:aws:iam::123456789012:root"}]
    assert alias["name"] == "alias/prod-ecr"


def test_an_existing_key_is_taken_and_nothing_is_made(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: EncryptionKey("key", {"key_arn": KEY_ARN}))
    assert not made.of("aws:kms/key:Key")
    assert not made.of("aws:kms/alias:Alias")


def test_a_lifecycle_policy_has_one_rule_for_each_prefix(foreign: Callable[..., Any]) -> None:
    rule = {"description": "a week", "tag_prefixes": ["dev-", "feature-"], "expire_after_days": 7}
    made = foreign(lambda: LifecyclePolicy("api", {"repository": "api", "rules": [rule]}))  # type: ignore[list-item, typeddict-item]
    (policy,) = made.of("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    rules = json.loads(policy["policy"])["rules"]
    assert [rule["selection"]["tagPrefixList"] for rule in rules] == [["dev-"], ["feature-"]]
    assert [rule["rulePriority"] for rule in rules] == [1, 2]


def test_a_repository_policy_names_the_account_where_it_is_known(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: RepositoryPolicy("api", {"repository": "api", "access": {"push": ["111122223333"]}}))
    (policy,) = made.of("aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert "arn:aws:iam::111122223333:root" in policy["policy"]


def test_registry_scanning_has_its_rules(foreign: Callable[..., Any]) -> None:
    made = foreign(
        lambda: RegistryScanning(
            "scanning",
            {
                "type": "ENHANCED",
                "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["prod-*"]}],
            },
        )
    )
    (scanning,) = made.of("aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration")
    assert scanning["rules"] == [
        {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "prod-*", "filterType": "WILDCARD"}]}
    ]


def test_replication_without_a_filter_has_none(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: Replication("copies", {"rules": [{"destinations": [{"region": "eu-west-1"}]}]}))
    (replication,) = made.of("aws:ecr/replicationConfiguration:ReplicationConfiguration")
    assert replication["replicationConfiguration"] == {
        "rules": [{"destinations": [{"region": "eu-west-1", "registryId": "123456789012"}]}]
    }


def test_a_creation_template_gives_replicas_the_destination_key(foreign: Callable[..., Any]) -> None:
    key = KEY_ARN.replace("us-east-1", "eu-west-1")
    made = foreign(lambda: CreationTemplate("replicas", {"region": "eu-west-1", "encryption": {"key_arn": key}}))
    (template,) = made.of("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate")
    assert template["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": key}]
    assert (template["prefix"], template["appliedFors"], template["region"]) == ("ROOT", ["REPLICATION"], "eu-west-1")
    (permissions,) = made.of("aws:iam/rolePolicy:RolePolicy")
    actions = {action for statement in json.loads(permissions["policy"])["Statement"] for action in statement["Action"]}
    assert {"kms:CreateGrant", "kms:RetireGrant", "kms:DescribeKey", "ecr:CreateRepository"} <= actions


def test_two_registries_of_one_program_do_not_collide(foreign: Callable[..., Any]) -> None:
    def program() -> None:
        Registry("east", {"repositories": {"api": {}}, "region": "us-east-1", "environment": "one"})
        Registry("west", {"repositories": {"api": {}}, "region": "us-west-2", "environment": "two"})

    names = [args.name for args in foreign(program).made if args.typ == REPOSITORY]
    assert sorted(names) == ["east-api", "west-api"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Repository("Api", {}), ["name", "lowercase", "`api`"]),
        (lambda: Repository("api", {"encryption": {"key_arn": "alias/prod-ecr"}}), ["key_arn", "not an alias"]),
        (lambda: Repository("api", {"mutable_tags": ["latest"]}), ["mutable_tags", "IMMUTABLE_WITH_EXCLUSION"]),
        (lambda: Repository("api", {"scan_on_puhs": True}), ["scan_on_puhs", "`scan_on_push`"]),  # type: ignore[typeddict-unknown-key]
        (lambda: Repository("api", {"lifecycle": [{"untagged": True}]}), ["lifecycle[0]", "outcome"]),
        (lambda: EncryptionKey("key", {"deletion_window_in_days": 3}), ["deletion_window_in_days", "7 to 30"]),
        (lambda: Replication("r", {"rules": [{"destinations": []}]}), ["rules[0].destinations", "at least 1"]),
        (lambda: RegistryScanning("s", {"type": "FAST"}), ["type", "BASIC"]),  # type: ignore[typeddict-item]
        (lambda: Registry("r", {"repositories": {}}), ["repositories", "at least 1 entry"]),
        (
            lambda: Registry("r", {"repositories": {"api": {"force_delete": True, "protect": True}}}),
            ["repositories.api.force_delete", "protected"],
        ),
    ],
)
def test_a_mistake_stops_the_program_with_a_message(
    foreign: Callable[..., Any], make: Callable[[], Any], words: list[str]
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        foreign(make)
    assert isinstance(caught.value, pulumi.RunError)
    for word in words:
        assert word in str(caught.value)


def test_the_public_interface_is_what_is_listed() -> None:
    for name in ecr_stack.__all__:
        assert getattr(ecr_stack, name).__doc__, name


def test_a_repository_of_which_nothing_is_said_is_made(foreign: Callable[..., Any]) -> None:
    made = foreign(lambda: Registry("r", {"repositories": {"api": {}, "worker": None}}))  # type: ignore[dict-item]
    assert {repository["name"] for repository in made.of(REPOSITORY)} == {"api", "worker"}


@pytest.mark.parametrize(
    ("written", "known"),
    [("tagMutability", "tag_mutability"), ("import", "import_existing"), ("lifecycel", "lifecycle")],
)
def test_a_key_that_is_not_spelled_as_in_python_is_told_as_it_was_written(
    foreign: Callable[..., Any], written: str, known: str
) -> None:
    with pytest.raises(InvalidArguments) as refused:
        foreign(lambda: Repository("api", _untyped({written: True})))
    told = str(refused.value)
    assert f"`{written}` is not a known key" in told
    assert f"write `{known}`" in told


@pytest.mark.parametrize("key", ["scan_on_push", "protect", "force_delete", "import_existing"])
def test_a_creation_template_refuses_what_ecr_cannot_set_by_one(foreign: Callable[..., Any], key: str) -> None:
    with pytest.raises(InvalidArguments, match="a creation template cannot set this"):
        foreign(lambda: CreationTemplate("replicas", _untyped({key: True})))


def _untyped(arguments: Any) -> Any:
    return arguments
