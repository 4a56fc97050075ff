from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws


def _filters(*values: str) -> list[dict[str, str]]:
    return [{"filterType": "WILDCARD", "filter": value} for value in values]


def test_a_second_repository_of_a_name_is_refused(refused: Any, repository: str) -> None:
    code, message = refused("ecr", "CreateRepository", {"repositoryName": repository})
    assert code == "RepositoryAlreadyExistsException"
    assert repository in message


def test_a_repository_keeps_the_key_s_arn_whatever_it_was_named_by(aws: EmbeddedAws, key: dict[str, Any]) -> None:
    aws.call("kms", "CreateAlias", {"AliasName": "alias/ecr", "TargetKeyId": key["KeyId"]})
    for number, name in enumerate([key["KeyId"], key["Arn"], "alias/ecr", key["Arn"].split("key/")[0] + "alias/ecr"]):
        encryption = {"encryptionType": "KMS", "kmsKey": name}
        aws.call("ecr", "CreateRepository", {"repositoryName": f"r{number}", "encryptionConfiguration": encryption})
    found = aws.call("ecr", "DescribeRepositories")["repositories"]
    assert [entry["encryptionConfiguration"] for entry in found] == 4 * [
        {"encryptionType": "KMS", "kmsKey": key["Arn"]}
    ]


def test_kms_without_a_key_takes_aws_s_own_key_which_exists(aws: EmbeddedAws) -> None:
    for name in ("one", "two"):
        encryption = {"encryptionType": "KMS"}
        aws.call("ecr", "CreateRepository", {"repositoryName": name, "encryptionConfiguration": encryption})
    found = aws.call("ecr", "DescribeRepositories")["repositories"]
    keys = {entry["encryptionConfiguration"]["kmsKey"] for entry in found}
    described = aws.call("kms", "DescribeKey", {"KeyId": "alias/aws/ecr"})["KeyMetadata"]
    assert keys == {described["Arn"]}
    assert described["KeyManager"] == "AWS"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000000", "does not exist"),
        ("alias/nothing", "does not exist"),
        ("arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000", "region eu-west-1"),
    ],
)
def test_a_key_that_is_not_there_is_refused(refused: Any, key: str, words: str) -> None:
    encryption = {"encryptionType": "KMS", "kmsKey": key}
    code, message = refused("ecr", "CreateRepository", {"repositoryName": "api", "encryptionConfiguration": encryption})
    assert code == "KmsException"
    assert words in message


@pytest.mark.parametrize(
    ("operation", "words"), [("DisableKey", "disabled"), ("ScheduleKeyDeletion", "pending deletion")]
)
def test_a_key_that_cannot_be_used_is_refused(
    aws: EmbeddedAws, refused: Any, key: dict[str, Any], operation: str, words: str
) -> None:
    aws.call("kms", operation, {"KeyId": key["KeyId"]})
    encryption = {"encryptionType": "KMS", "kmsKey": key["Arn"]}
    code, message = refused("ecr", "CreateRepository", {"repositoryName": "api", "encryptionConfiguration": encryption})
    assert code == "KmsException"
    assert words in message


def test_an_asymmetric_key_is_refused(aws: EmbeddedAws, refused: Any) -> None:
    key = aws.call("kms", "CreateKey", {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})["KeyMetadata"]
    encryption = {"encryptionType": "KMS", "kmsKey": key["Arn"]}
    code, message = refused("ecr", "CreateRepository", {"repositoryName": "api", "encryptionConfiguration": encryption})
    assert (code, "symmetric" in message) == ("KmsException", True)


def test_aes256_takes_no_key(refused: Any, key: dict[str, Any]) -> None:
    encryption = {"encryptionType": "AES256", "kmsKey": key["Arn"]}
    code, _ = refused("ecr", "CreateRepository", {"repositoryName": "api", "encryptionConfiguration": encryption})
    assert code == "InvalidParameterException"


def test_dual_layer_encryption_is_for_govcloud_only(aws: EmbeddedAws, refused: Any) -> None:
    asked = {"repositoryName": "api", "encryptionConfiguration": {"encryptionType": "KMS_DSSE"}}
    code, message = refused("ecr", "CreateRepository", asked)
    assert (code, "KMS_DSSE" in message) == ("InvalidParameterException", True)
    made = aws.call("ecr", "CreateRepository", asked, "us-gov-west-1")["repository"]
    assert made["encryptionConfiguration"]["encryptionType"] == "KMS_DSSE"


@pytest.mark.parametrize("mode", ["MUTABLE", "IMMUTABLE"])
def test_plain_modes_take_no_exclusions_and_the_others_need_them(refused: Any, mode: str) -> None:
    for parameters in (
        {"imageTagMutability": mode, "imageTagMutabilityExclusionFilters": _filters("latest")},
        {"imageTagMutability": f"{mode}_WITH_EXCLUSION"},
    ):
        code, message = refused("ecr", "CreateRepository", {"repositoryName": "api", **parameters})
        assert code == "InvalidParameterException"
        assert "imageTagMutabilityExclusionFilters" in message


def test_exclusions_without_a_mode_are_refused(refused: Any) -> None:
    asked = {"repositoryName": "api", "imageTagMutabilityExclusionFilters": _filters("latest")}
    assert refused("ecr", "CreateRepository", asked)[0] == "InvalidParameterException"


def test_a_filter_has_at_most_two_wildcards(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    asked: dict[str, Any] = {"repositoryName": repository, "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}
    aws.call(
        "ecr", "PutImageTagMutability", {**asked, "imageTagMutabilityExclusionFilters": _filters("a*b*", "latest")}
    )
    found = aws.call("ecr", "DescribeRepositories")["repositories"][0]
    assert found["imageTagMutabilityExclusionFilters"] == _filters("a*b*", "latest")
    code, message = refused(
        "ecr", "PutImageTagMutability", {**asked, "imageTagMutabilityExclusionFilters": _filters("a*b*c*")}
    )
    assert (code, "two wildcards" in message) == ("InvalidParameterException", True)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"k{number}": "v" for number in range(51)}, "TooManyTagsException"),
        ({"aws:owner": "me"}, "InvalidTagParameterException"),
        ({"AWS:owner": "me"}, "InvalidTagParameterException"),
        ({"k" * 129: "v"}, "InvalidTagParameterException"),
        ({"k": "v" * 257}, "InvalidTagParameterException"),
        ({"k!": "v"}, "InvalidTagParameterException"),
    ],
)
def test_tags_that_aws_refuses_are_refused(refused: Any, tags: dict[str, str], code: str) -> None:
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    assert refused("ecr", "CreateRepository", {"repositoryName": "api", "tags": given})[0] == code


@pytest.mark.parametrize(
    ("operation", "extra"),
    [
        ("PutImageTagMutability", {"imageTagMutability": "IMMUTABLE"}),
        ("GetLifecyclePolicy", {}),
        ("DeleteRepositoryPolicy", {}),
        ("DescribeImages", {}),
        ("DeleteRepository", {}),
        ("StartLifecyclePolicyPreview", {}),
    ],
)
def test_a_repository_that_does_not_exist_is_not_found(refused: Any, operation: str, extra: dict[str, Any]) -> None:
    code, message = refused("ecr", operation, {"repositoryName": "nothing", **extra})
    assert code == "RepositoryNotFoundException"
    assert "'nothing'" in message


def test_another_account_s_registry_is_out_of_reach(refused: Any) -> None:
    asked = {"repositoryName": "api", "registryId": "999988887777"}
    assert refused("ecr", "CreateRepository", asked)[0] == "InvalidParameterException"
    assert refused("ecr", "DeleteRepository", asked)[0] == "RepositoryNotFoundException"


def test_the_arn_of_another_region_is_no_resource_here(refused: Any, repository: str) -> None:
    arn = f"arn:aws:ecr:us-east-1:111122223333:repository/{repository}"
    code, message = refused("ecr", "ListTagsForResource", {"resourceArn": arn})
    assert (code, "Invalid ARN" in message) == ("InvalidParameterException", True)


def test_a_repository_with_images_goes_only_by_force(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    aws.seed_images(repository, [{"imageDigest": "sha256:" + "a" * 64, "imageTags": ["v1"]}])
    assert refused("ecr", "DeleteRepository", {"repositoryName": repository})[0] == "RepositoryNotEmptyException"
    aws.call("ecr", "DeleteRepository", {"repositoryName": repository, "force": True})
    assert aws.call("ecr", "DescribeRepositories")["repositories"] == []


def test_a_repository_has_fifty_tags(aws: EmbeddedAws, refused: Any) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    made = aws.call("ecr", "CreateRepository", {"repositoryName": "api", "tags": tags})["repository"]
    arn = {"resourceArn": made["repositoryArn"]}
    aws.call("ecr", "TagResource", {**arn, "tags": [{"Key": "k1", "Value": "again"}]})
    more = {**arn, "tags": [{"Key": "k50", "Value": ""}]}
    assert refused("ecr", "TagResource", more)[0] == "TooManyTagsException"


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        ("DescribeRepositories", {"repositoryNames": ["api-gateway"]}),
        ("DescribeImages", {"repositoryName": "api-gateway", "imageIds": [{"imageTag": "v1"}]}),
    ],
)
def test_what_is_named_does_not_come_in_pages(
    aws: EmbeddedAws, refused: Any, repository: str, operation: str, names: dict[str, Any]
) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
    aws.push_image(repository, "v1")
    aws.call("ecr", operation, names)
    assert refused("ecr", operation, {**names, "maxResults": 10})[0] == "InvalidParameterException"


def _deny(**statement: Any) -> str:
    whole = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [whole]})


@pytest.mark.parametrize(
    "policy",
    [
        _deny(),
        _deny(Action="ecr:Set*"),
        _deny(Principal={"AWS": "arn:aws:iam::111122223333:root"}),
        _deny(Principal={"AWS": "arn:aws:iam::111122223333:user/ecr-stack"}),
    ],
)
def test_a_policy_that_locks_its_caller_out_needs_force(
    aws: EmbeddedAws, refused: Any, repository: str, policy: str
) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
    asked = {"repositoryName": repository, "policyText": policy}
    code, message = refused("ecr", "SetRepositoryPolicy", asked)
    assert (code, "force" in message) == ("InvalidParameterException", True)
    aws.call("ecr", "SetRepositoryPolicy", {**asked, "force": True})


@pytest.mark.parametrize(
    "policy",
    [
        _deny(Action="ecr:BatchDeleteImage"),
        _deny(Principal={"AWS": "444455556666"}),
        _deny(Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
        _deny(Effect="Allow"),
    ],
)
def test_a_policy_that_leaves_its_caller_in_charge_needs_none(aws: EmbeddedAws, repository: str, policy: str) -> None:
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": repository, "policyText": policy})


def test_a_function_of_another_region_may_be_named(aws: EmbeddedAws, repository: str) -> None:
    # it is a statement that never matches, and AWS takes it: Lambda pulls from its own Region only
    condition = {"StringLike": {"aws:sourceArn": "arn:aws:lambda:us-west-2:111122223333:function:*"}}
    policy = _deny(Effect="Allow", Principal={"Service": "lambda.amazonaws.com"}, Condition=condition)
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": repository, "policyText": policy})
