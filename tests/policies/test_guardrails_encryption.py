"""Encryption at rest: repositories, templates of repositories, and the keys."""

from __future__ import annotations

import pytest
from guarded import ACCOUNT, KEY_ARN, document, key, messages, record, repository, statement

CUSTOMER_KEY = "repositories-are-encrypted-with-a-customer-key"
ROTATE = "keys-rotate"
PUBLIC = "policies-name-no-public-principal"
WAIT = "keys-in-production-wait-before-deletion"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"


@pytest.mark.parametrize(
    ("encryption", "said"),
    [
        (None, "AES256"),
        ([], "AES256"),
        ([{"encryptionType": "AES256"}], "AES256"),
        ([{"encryptionType": "KMS"}], "has no kmsKey"),
        ([{"encryptionType": "KMS", "kmsKey": ""}], "has no kmsKey"),
        ([{"encryptionType": "KMS", "kmsKey": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/ecr"}], "AWS managed key"),
    ],
)
def test_repositories_without_a_key_of_the_customers_are_reported(encryption: object, said: str) -> None:
    [message] = messages(CUSTOMER_KEY, repository(encryptionConfigurations=encryption))
    assert said in message
    [message] = messages(CUSTOMER_KEY, record(TEMPLATE, prefix="ROOT", encryptionConfigurations=encryption))
    assert said in message


@pytest.mark.parametrize("kind", ["KMS", "KMS_DSSE"])
def test_repositories_with_a_key_of_the_customers_pass(kind: str) -> None:
    configured = [{"encryptionType": kind, "kmsKey": KEY_ARN}]
    assert messages(CUSTOMER_KEY, repository(encryptionConfigurations=configured)) == []


@pytest.mark.parametrize("rotates", [None, False])
def test_keys_that_do_not_rotate_are_reported(rotates: bool | None) -> None:
    [message] = messages(ROTATE, key(enableKeyRotation=rotates))
    assert "enableKeyRotation" in message


def test_keys_that_cannot_rotate_by_themselves_are_left_alone() -> None:
    for specific in (
        {"customerMasterKeySpec": "RSA_2048"},
        {"keyUsage": "SIGN_VERIFY"},
        {"customKeyStoreId": "cks-1"},
    ):
        assert messages(ROTATE, key(enableKeyRotation=None, **specific)) == []


def test_the_longest_rotation_period_can_be_configured() -> None:
    slow = key(rotationPeriodInDays=730)
    assert messages(ROTATE, slow) == []
    [message] = messages(ROTATE, slow, config={"maximumDays": 365})
    assert "730 days (rotationPeriodInDays), more than 365" in message


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"aws": ["*"]}, {"AWS": "arn:aws:iam::*:root"}], ids=str)
def test_key_policies_that_let_in_everyone_are_reported(principal: object) -> None:
    assert messages(PUBLIC, key(document(statement(principal, "kms:Decrypt"))))
    by_itself = record("aws:kms/keyPolicy:KeyPolicy", keyId=KEY_ARN, policy=document(statement(principal)))
    assert messages(PUBLIC, by_itself)


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("aws:kms/key:Key", {"isEnabled": False}),
        ("aws:kms/replicaKey:ReplicaKey", {"enabled": False}),
        ("aws:kms/externalKey:ExternalKey", {"enabled": False}),
    ],
)
def test_a_disabled_key_is_reported(kind: str, inputs: dict[str, bool]) -> None:
    [message] = messages("keys-are-enabled", record(kind, **inputs))
    assert "is disabled" in message
    assert messages("keys-are-enabled", record(kind, **dict.fromkeys(inputs, True)), record(kind)) == []


def test_a_key_policy_that_may_lock_its_writer_out_is_reported() -> None:
    name = "keys-keep-the-lockout-check"
    for kind in ("aws:kms/key:Key", "aws:kms/keyPolicy:KeyPolicy"):
        assert messages(name, record(kind, bypassPolicyLockoutSafetyCheck=True))
        assert messages(name, record(kind, bypassPolicyLockoutSafetyCheck=False), record(kind)) == []


def test_keys_of_production_that_go_soon_are_reported() -> None:
    [message] = messages(WAIT, key(deletionWindowInDays=7))
    assert "waits 7 days" in message
    assert (
        messages(WAIT, key(deletionWindowInDays=7), config={"minimumDays": 7, "reason": "decided by the platform team"})
        == []
    )
    assert messages(WAIT, key(deletionWindowInDays=None)) == []  # 30 days
    assert messages(WAIT, key(deletionWindowInDays=7, tags={"Environment": "dev"}, stack="dev")) == []
