"""Encryption at rest: repositories, templates of repositories, and the keys."""

from __future__ import annotations

import pytest
from guarded import ACCOUNT, KEY_ARN, document, key, messages, record, repository, statement

CUSTOMER_KEY = "repositories-are-encrypted-with-a-customer-key"
ROTATE = "keys-rotate"
FOREIGN = "key-policies-name-no-foreign-principal"
WAIT = "keys-in-production-wait-before-deletion"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"


@pytest.mark.parametrize(
    ("encryption", "said"),
    [
        (None, "AES256"),
        ([], "AES256"),
        ([{"encryptionType": "AES256"}], "AES256"),
        ([{"encryptionType": "KMS"}], "names no kmsKey"),
        ([{"encryptionType": "KMS", "kmsKey": ""}], "names no kmsKey"),
        ([{"encryptionType": "KMS", "kmsKey": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/ecr"}], "AWS manages"),
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
    assert "730 days, more than 365" in message


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["arn:aws:iam::999999999999:root"]},
        {"AWS": "arn:aws:iam::999999999999:role/*"},
        {"AWS": "999999999999"},
        {"CanonicalUser": "79a"},
    ],
)
def test_key_policies_that_let_in_everyone_or_another_account_are_reported(principal: object) -> None:
    assert messages(FOREIGN, key(document(statement(principal, "kms:Decrypt"))))
    standing_alone = record("aws:kms/keyPolicy:KeyPolicy", keyId=KEY_ARN, policy=document(statement(principal)))
    assert messages(FOREIGN, standing_alone)


def test_key_policies_that_name_this_account_pass() -> None:
    own = [
        statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*", Resource="*"),
        statement({"AWS": [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:role/ci"]}, "kms:Decrypt"),
        statement({"Service": "logs.us-east-1.amazonaws.com"}, "kms:Encrypt"),
        statement("*", "kms:Decrypt", Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}}),
        statement("*", "kms:Decrypt", Effect="Deny"),
    ]
    assert messages(FOREIGN, key(document(*own))) == []


def test_everyone_of_another_account_is_reported_for_a_key() -> None:
    condition = {"StringEquals": {"kms:CallerAccount": "999999999999"}}
    [message] = messages(FOREIGN, key(document(statement("*", Condition=condition))))
    assert "999999999999" in message


def test_other_accounts_can_be_trusted_by_configuration() -> None:
    other = key(document(statement({"AWS": "arn:aws:iam::999999999999:root"})))
    assert messages(FOREIGN, other, config={"trustedAccounts": ["999999999999"]}) == []


def test_of_a_key_that_is_not_made_yet_two_accounts_are_one_too_many() -> None:
    unmade = key(document(statement({"AWS": [ACCOUNT, "999999999999"]})))
    unmade["outputs"] = {}
    [message] = messages(FOREIGN, unmade)
    assert "999999999999" in message


def test_keys_of_production_that_go_soon_are_reported() -> None:
    [message] = messages(WAIT, key(deletionWindowInDays=7))
    assert "waits 7 days" in message
    assert messages(WAIT, key(deletionWindowInDays=7), config={"minimumDays": 7}) == []
    assert messages(WAIT, key(deletionWindowInDays=None)) == []  # 30 days
    assert messages(WAIT, key(deletionWindowInDays=7, tags={"Environment": "dev"})) == []
