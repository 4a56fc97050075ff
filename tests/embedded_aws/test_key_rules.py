from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws

ROOT = "arn:aws:iam::111122223333:root"


def _policy(*statements: dict[str, Any]) -> str:
    whole = [{"Effect": "Allow", "Action": "kms:*", "Resource": "*", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


@pytest.mark.parametrize(
    "policy",
    [
        _policy({"Principal": {"AWS": ROOT}}),
        _policy({"Principal": {"AWS": "111122223333"}}),
        _policy({"Principal": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333"}}}),
        _policy({"Principal": {"AWS": [ROOT, "arn:aws:iam::999988887777:root"]}, "Action": ["kms:Put*", "kms:Get*"]}),
        _policy({"Principal": {"AWS": ROOT}}, {"Principal": {"AWS": "999988887777"}, "Action": "kms:Decrypt"}),
    ],
)
def test_key_policies_that_keep_the_account_in_charge_are_read_back(aws: EmbeddedAws, policy: str) -> None:
    key = aws.call("kms", "CreateKey", {"Policy": policy})["KeyMetadata"]["KeyId"]
    assert aws.call("kms", "GetKeyPolicy", {"KeyId": key, "PolicyName": "default"})["Policy"] == policy


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (_policy({"Principal": {"AWS": "999988887777"}}), "will not allow you to update the key policy"),
        (_policy({"Principal": {"AWS": ROOT}, "Action": "kms:Decrypt"}), "will not allow you to update"),
        (_policy({"Principal": {"AWS": ROOT}, "Effect": "Deny"}), "will not allow you to update"),
        (
            _policy({"Principal": {"AWS": ROOT}}, {"Principal": "*", "Effect": "Deny", "Action": "kms:PutKeyPolicy"}),
            "will not allow you to update",
        ),
        (
            _policy({"Principal": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "999988887777"}}}),
            "will not allow you to update",
        ),
        (_policy({"Principal": {"AWS": "arn:aws:iam::111122223333:role/nobody"}}), "invalid principals"),
        (_policy({"Principal": {"AWS": ROOT}, "Action": "ecr:*"}), "another service"),
        (json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}]}), "Resource"),
        ("{}", "no Statement"),
        ("no json", "invalid JSON"),
    ],
)
def test_key_policies_that_aws_refuses_are_refused(refused: Any, policy: str, words: str) -> None:
    code, message = refused("kms", "CreateKey", {"Policy": policy})
    assert code == "MalformedPolicyDocumentException"
    assert words in message


def test_the_lockout_check_can_be_bypassed(aws: EmbeddedAws) -> None:
    policy = _policy({"Principal": {"AWS": "999988887777"}})
    made = aws.call("kms", "CreateKey", {"Policy": policy, "BypassPolicyLockoutSafetyCheck": True})
    assert made["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_changed_key_policy_is_checked_too(aws: EmbeddedAws, refused: Any, key: dict[str, Any]) -> None:
    asked = {"KeyId": key["KeyId"], "PolicyName": "default"}
    code, _ = refused("kms", "PutKeyPolicy", {**asked, "Policy": _policy({"Principal": {"AWS": "999988887777"}})})
    assert code == "MalformedPolicyDocumentException"
    before = aws.call("kms", "GetKeyPolicy", asked)["Policy"]
    assert ROOT in before


@pytest.mark.parametrize("days", [0, 6, 31])
def test_a_key_waits_seven_to_thirty_days(refused: Any, key: dict[str, Any], days: int) -> None:
    code, _ = refused("kms", "ScheduleKeyDeletion", {"KeyId": key["KeyId"], "PendingWindowInDays": days})
    assert code == "ValidationException"


def test_a_key_that_waits_for_its_deletion_cannot_be_changed(
    aws: EmbeddedAws, refused: Any, key: dict[str, Any]
) -> None:
    aws.call("kms", "ScheduleKeyDeletion", {"KeyId": key["KeyId"], "PendingWindowInDays": 7})
    assert aws.call("kms", "DescribeKey", {"KeyId": key["KeyId"]})["KeyMetadata"]["KeyState"] == "PendingDeletion"
    for operation, extra in (
        ("EnableKeyRotation", {}),
        ("UpdateKeyDescription", {"Description": "x"}),
        ("TagResource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ("ScheduleKeyDeletion", {}),
        ("DisableKey", {}),
        ("EnableKey", {}),
    ):
        assert refused("kms", operation, {"KeyId": key["KeyId"], **extra})[0] == "KMSInvalidStateException"
    alias = {"AliasName": "alias/x", "TargetKeyId": key["KeyId"]}
    assert refused("kms", "CreateAlias", alias)[0] == "KMSInvalidStateException"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("prod-ecr", "ValidationException"),
        ("alias/aws/ecr", "NotAuthorizedException"),
        ("alias/prod ecr", "ValidationException"),
        ("alias/prod:ecr", "InvalidAliasNameException"),
        ("alias/", "InvalidAliasNameException"),
        ("alias/" + "a" * 251, "ValidationException"),
    ],
)
def test_alias_names_that_aws_refuses_are_refused(refused: Any, key: dict[str, Any], name: str, code: str) -> None:
    assert refused("kms", "CreateAlias", {"AliasName": name, "TargetKeyId": key["KeyId"]})[0] == code


def test_an_alias_is_one_of_its_region_and_names_a_key(aws: EmbeddedAws, refused: Any, key: dict[str, Any]) -> None:
    asked = {"AliasName": "alias/prod-ecr", "TargetKeyId": key["KeyId"]}
    aws.call("kms", "CreateAlias", asked)
    assert refused("kms", "CreateAlias", asked)[0] == "AlreadyExistsException"
    other = {"AliasName": "alias/other", "TargetKeyId": "alias/prod-ecr"}
    assert refused("kms", "CreateAlias", other)[0] == "ValidationException"
    missing = {"AliasName": "alias/other", "TargetKeyId": "00000000-0000-4000-8000-000000000000"}
    assert refused("kms", "CreateAlias", missing)[0] == "NotFoundException"
    elsewhere = aws.call("kms", "CreateKey", {}, "us-west-2")["KeyMetadata"]["KeyId"]
    aws.call("kms", "CreateAlias", {"AliasName": "alias/prod-ecr", "TargetKeyId": elsewhere}, "us-west-2")


def test_rotation_keeps_its_period(aws: EmbeddedAws, key: dict[str, Any]) -> None:
    status = {"KeyId": key["KeyId"]}
    assert aws.call("kms", "GetKeyRotationStatus", status)["KeyRotationEnabled"] is False
    aws.call("kms", "EnableKeyRotation", status)
    assert aws.call("kms", "GetKeyRotationStatus", status)["RotationPeriodInDays"] == 365
    aws.call("kms", "EnableKeyRotation", {**status, "RotationPeriodInDays": 180})
    found = aws.call("kms", "GetKeyRotationStatus", status)
    assert (found["KeyRotationEnabled"], found["RotationPeriodInDays"]) == (True, 180)


def test_a_rotation_period_out_of_range_and_an_asymmetric_key_are_refused(
    aws: EmbeddedAws, refused: Any, key: dict[str, Any]
) -> None:
    asked = {"KeyId": key["KeyId"], "RotationPeriodInDays": 89}
    assert refused("kms", "EnableKeyRotation", asked)[0] == "ValidationException"
    signing = aws.call("kms", "CreateKey", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})["KeyMetadata"]
    code, _ = refused("kms", "EnableKeyRotation", {"KeyId": signing["KeyId"]})
    assert code == "UnsupportedOperationException"


@pytest.mark.parametrize(
    "tags",
    [
        [{"TagKey": f"k{number}", "TagValue": ""} for number in range(51)],
        [{"TagKey": "aws:x", "TagValue": ""}],
        [{"TagKey": "a;b", "TagValue": ""}],
        [{"TagKey": "a", "TagValue": "<b>"}],
        [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}],
    ],
)
def test_key_tags_that_aws_refuses_are_refused(refused: Any, tags: list[dict[str, str]]) -> None:
    assert refused("kms", "CreateKey", {"Tags": tags})[0] == "TagException"


def test_a_key_has_fifty_tags(aws: EmbeddedAws, refused: Any, key: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    tags = [{"TagKey": f"k{number}", "TagValue": ""} for number in range(50)]
    aws.call("kms", "TagResource", {"KeyId": key["KeyId"], "Tags": tags})
    more = {"KeyId": key["KeyId"], "Tags": [{"TagKey": "k50", "TagValue": ""}]}
    assert refused("kms", "TagResource", more)[0] == "LimitExceededException"


def test_a_key_has_fifty_aliases(aws: EmbeddedAws, refused: Any, key: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
    for number in range(50):
        aws.call("kms", "CreateAlias", {"AliasName": f"alias/a{number}", "TargetKeyId": key["KeyId"]})
    more = {"AliasName": "alias/a50", "TargetKeyId": key["KeyId"]}
    assert refused("kms", "CreateAlias", more)[0] == "LimitExceededException"


@pytest.mark.parametrize(
    "asked",
    [
        {"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"},
        {"KeySpec": "ECC_NIST_P256"},
        {"KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "HMAC_256", "KeyUsage": "SIGN_VERIFY"},
    ],
)
def test_a_key_is_for_what_its_specification_can_do(refused: Any, asked: dict[str, str]) -> None:
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html#KMS-CreateKey-request-KeyUsage
    assert refused("kms", "CreateKey", asked)[0] == "ValidationException"
