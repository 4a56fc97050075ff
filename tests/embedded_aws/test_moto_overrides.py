"""moto asked alone for what `moto_overrides` answers: each of these fails on the day moto answers as AWS does.

Then the override is to be deleted from `ecr_stack/embedded_aws/moto_overrides.py`, and its test from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import api_model, chatbot, moto_backend, public_registry
from ecr_stack.embedded_aws.moto_overrides import OVERRIDES
from ecr_stack.errors import Unavailable

ACCOUNT = "777788889999"


class Moto:
    """moto without anything around it."""

    def __call__(self, service: str, operation: str, region: str = "eu-west-1", **parameters: Any) -> dict[str, Any]:
        self.asked.add(f"{service}:{operation}")
        return moto_backend.answer(api_model.operation(service, operation), parameters, ACCOUNT, region)

    def __init__(self) -> None:
        self.asked: set[str] = set()


@pytest.fixture
def moto() -> Iterator[Moto]:
    moto_backend.forget(ACCOUNT)
    yield Moto()
    moto_backend.forget(ACCOUNT)


_OIDC = {"OpenIDConnectProviderArn": "arn:aws:iam::777788889999:oidc-provider/example.org", "ClientID": "a"}
_IMAGE = {"imageDigest": f"sha256:{0:064x}"}
_BACKFILL = "00000000-1111-4222-8333-444444444444"
_BUDGET = {"AccountId": "777788889999", "BudgetName": "a"}
_BUDGET_ARN = "arn:aws:budgets::777788889999:budget/a"
_NOTIFICATION = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
ABSENT = {
    "iam:AddClientIDToOpenIDConnectProvider": _OIDC,
    "iam:RemoveClientIDFromOpenIDConnectProvider": _OIDC,
    "inspector2:GetConfiguration": {},
    "inspector2:ListCoverage": {},
    "inspector2:UpdateConfiguration": {"ecrConfiguration": {"rescanDuration": "DAYS_30"}},
    **{f"ecr-public:{name}": {} for name in public_registry.OPERATIONS},
    "budgets:DescribeSubscribersForNotification": {**_BUDGET, "Notification": _NOTIFICATION},
    "budgets:ListTagsForResource": {"ResourceARN": _BUDGET_ARN},
    "budgets:TagResource": {"ResourceARN": _BUDGET_ARN, "ResourceTags": [{"Key": "a", "Value": "b"}]},
    "budgets:UntagResource": {"ResourceARN": _BUDGET_ARN, "ResourceTagKeys": ["a"]},
    "budgets:UpdateBudget": {
        "AccountId": "777788889999",
        "NewBudget": {"BudgetName": "a", "TimeUnit": "MONTHLY", "BudgetType": "COST"},
    },
    **{f"chatbot:{name}": {} for name in chatbot.OPERATIONS},
    "ecr:GetDownloadUrlForLayer": {"repositoryName": "api", "layerDigest": "sha256:0"},
    "ecr:ListImageReferrers": {"repositoryName": "api", "subjectId": _IMAGE},
    "ecr:UpdateImageStorageClass": {"repositoryName": "api", "imageId": _IMAGE, "targetStorageClass": "ARCHIVE"},
    "ecr:DescribeImageReplicationStatus": {"repositoryName": "api", "imageId": _IMAGE},
    "ecr:StartReplicationBackfill": {"destination": {"region": "us-west-2", "registryId": "777788889999"}},
    "ecr:StopReplicationBackfill": {"replicationBackfillId": _BACKFILL},
    "ecr:ListReplicationBackfills": {},
    "ecr:DescribeReplicationBackfillResults": {"replicationBackfillId": _BACKFILL},
    "ecr:PutSigningConfiguration": {"signingConfiguration": {"rules": []}},
    "ecr:GetSigningConfiguration": {},
    "ecr:DeleteSigningConfiguration": {},
    "ecr:DescribeImageSigningStatus": {"repositoryName": "api", "imageId": _IMAGE},
    "ecr:RegisterPullTimeUpdateExclusion": {"principalArn": "arn:aws:iam::777788889999:role/scanner"},
    "ecr:DeregisterPullTimeUpdateExclusion": {"principalArn": "arn:aws:iam::777788889999:role/scanner"},
    "ecr:ListPullTimeUpdateExclusions": {},
    "ecr:ValidatePullThroughCacheRule": {"ecrRepositoryPrefix": "quay"},
    "ecr:StartLifecyclePolicyPreview": {"repositoryName": "api"},
    "ecr:GetLifecyclePolicyPreview": {"repositoryName": "api"},
    "ecr:CreateRepositoryCreationTemplate": {"prefix": "api", "appliedFor": ["REPLICATION"]},
    "ecr:DescribeRepositoryCreationTemplates": {},
    "ecr:UpdateRepositoryCreationTemplate": {"prefix": "api"},
    "ecr:DeleteRepositoryCreationTemplate": {"prefix": "api"},
    "ecr:CreatePullThroughCacheRule": {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"},
    "ecr:DescribePullThroughCacheRules": {},
    "ecr:UpdatePullThroughCacheRule": {"ecrRepositoryPrefix": "quay"},
    "ecr:DeletePullThroughCacheRule": {"ecrRepositoryPrefix": "quay"},
    "ecr:PutAccountSetting": {"name": "BLOB_MOUNTING", "value": "ENABLED"},
    "ecr:GetAccountSetting": {"name": "BLOB_MOUNTING"},
}
WRONG = {
    "budgets:CreateBudget",
    "budgets:CreateNotification",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:BatchGetRepositoryScanningConfiguration",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:DeleteRepository",
    "ecr:DescribeImageScanFindings",
    "ecr:InitiateLayerUpload",
    "ecr:StartImageScan",
    "ecr:UploadLayerPart",
    "ce:GetCostAndUsage",
    "events:TestEventPattern",
    "inspector2:BatchGetAccountStatus",
    "inspector2:Disable",
    "inspector2:Enable",
    "inspector2:ListFindings",
    "sts:GetCallerIdentity",
    "ecr:PutLifecyclePolicy",
    "ecr:PutImage",
    "ecr:PutRegistryPolicy",
    "ecr:PutRegistryScanningConfiguration",
    "ecr:PutReplicationConfiguration",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
    "ecr:DescribeImages",
    "kms:CreateKey",
    "kms:DescribeKey",
    "kms:CancelKeyDeletion",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyRotationStatus",
    "kms:ReplicateKey",
    "iam:AttachRolePolicy",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
}


def test_every_override_is_watched_here() -> None:
    assert set(OVERRIDES) == set(ABSENT) | WRONG
    assert all(override.reason for override in OVERRIDES.values())


@pytest.mark.parametrize("key", sorted(ABSENT))
def test_moto_does_not_have(moto: Moto, key: str) -> None:
    service, _, operation = key.partition(":")
    with pytest.raises(Unavailable, match=operation):
        moto(service, operation, **ABSENT[key])


@pytest.mark.parametrize("name", ["a__b", "a--b"])
def test_moto_refuses_legal_repository_names(moto: Moto, name: str) -> None:
    with pytest.raises(ClientError, match="repositoryName"):
        moto("ecr", "CreateRepository", repositoryName=name)


def test_moto_gives_a_replica_of_a_key_what_is_its_primary_s(moto: Moto) -> None:
    key = moto("kms", "CreateKey", Description="primary", MultiRegion=True)["KeyMetadata"]["KeyId"]
    replica = moto("kms", "ReplicateKey", KeyId=key, ReplicaRegion="us-west-2", Description="replica")
    assert replica["ReplicaKeyMetadata"]["Description"] == "primary"


def test_moto_keeps_a_key_s_alias_and_invents_keys(moto: Moto) -> None:
    named = moto(
        "ecr",
        "CreateRepository",
        repositoryName="named",
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": "alias/nothing"},
    )["repository"]
    assert named["encryptionConfiguration"]["kmsKey"] == "alias/nothing"
    invented = moto(
        "ecr", "CreateRepository", repositoryName="invented", encryptionConfiguration={"encryptionType": "KMS"}
    )["repository"]["encryptionConfiguration"]["kmsKey"]
    with pytest.raises(ClientError, match="NotFoundException"):
        moto("kms", "DescribeKey", KeyId=invented)


def test_moto_gives_repositories_in_china_an_address_outside(moto: Moto) -> None:
    made = moto("ecr", "CreateRepository", "cn-north-1", repositoryName="api")["repository"]
    assert made["repositoryUri"].endswith(".amazonaws.com/api")


def test_moto_makes_a_notification_twice_and_takes_another_accounts_budgets(moto: Moto) -> None:
    limit = {"Amount": "10", "Unit": "USD"}
    budget = {"BudgetName": "a", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    subscribers = [{"SubscriptionType": "EMAIL", "Address": "a@example.com"}]
    for account in ("777788889999", "111122223333"):
        moto("budgets", "CreateBudget", AccountId=account, Budget=budget)
    for _ in range(2):
        moto("budgets", "CreateNotification", **_BUDGET, Notification=_NOTIFICATION, Subscribers=subscribers)
    assert len(moto("budgets", "DescribeNotificationsForBudget", **_BUDGET)["Notifications"]) == 2


def test_moto_does_not_page(moto: Moto) -> None:
    for name in ("one", "two"):
        moto("ecr", "CreateRepository", repositoryName=name)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "m", "layers": [{"digest": name}]})
        moto("ecr", "PutImage", repositoryName="one", imageManifest=manifest, imageTag=name)
    assert len(moto("ecr", "DescribeRepositories", maxResults=1)["repositories"]) == 2
    assert len(moto("ecr", "ListImages", repositoryName="one", maxResults=1)["imageIds"]) == 2
    described = moto("ecr", "DescribeImages", repositoryName="one", maxResults=1)["imageDetails"]
    assert len(described) == 2
    assert "imageStatus" not in described[0]


def test_moto_keeps_images_without_layers_and_makes_up_their_digests(moto: Moto) -> None:
    moto("ecr", "CreateRepository", repositoryName="api")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "m", "layers": [{"digest": "sha256:1"}]})
    image = moto("ecr", "PutImage", repositoryName="api", imageManifest=manifest, imageTag="v1")["image"]["imageId"]
    assert image["imageDigest"] != f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    details = moto("ecr", "DescribeImages", repositoryName="api")["imageDetails"][0]
    assert details["imageSizeInBytes"] == 50 * 1024 * 1024
    moto("ecr", "DeleteRepository", repositoryName="api", force=True)


def test_moto_scans_what_was_scanned_and_under_enhanced_scanning_too(moto: Moto) -> None:
    moto("ecr", "CreateRepository", repositoryName="api", imageScanningConfiguration={"scanOnPush": True})
    found = moto("ecr", "BatchGetRepositoryScanningConfiguration", repositoryNames=["api"])
    assert found["scanningConfigurations"][0]["scanOnPush"] is False
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "ap", "filterType": "WILDCARD"}]}
    moto("ecr", "PutRegistryScanningConfiguration", scanType="ENHANCED", rules=[rule])
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "m", "layers": [{"digest": "sha256:1"}]})
    moto("ecr", "PutImage", repositoryName="api", imageManifest=manifest, imageTag="v1")
    image = {"repositoryName": "api", "imageId": {"imageTag": "v1"}}
    with pytest.raises(ClientError, match="ScanNotFoundException"):
        moto("ecr", "DescribeImageScanFindings", **image)
    assert moto("ecr", "StartImageScan", **image)["imageScanStatus"]["status"] == "IN_PROGRESS"


def test_moto_fails_over_a_scanning_configuration_without_rules(moto: Moto) -> None:
    with pytest.raises(TypeError):
        moto("ecr", "PutRegistryScanningConfiguration", scanType="BASIC")


@pytest.mark.parametrize("operation", ["Enable", "Disable"])
def test_moto_fails_over_inspector_without_accounts(moto: Moto, operation: str) -> None:
    with pytest.raises(TypeError):
        moto("inspector2", operation, resourceTypes=["ECR"])


def test_moto_does_not_know_the_account_and_findings_of_inspector(moto: Moto) -> None:
    assert moto("inspector2", "BatchGetAccountStatus", accountIds=[ACCOUNT])["accounts"] == []
    assert moto("inspector2", "ListFindings")["findings"] == []


def test_moto_knows_no_costs(moto: Moto) -> None:
    period = {"Start": "2026-01-01", "End": "2026-03-01"}
    asked = {"TimePeriod": period, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]}
    assert moto("ce", "GetCostAndUsage", "us-east-1", **asked)["ResultsByTime"] == []


def test_moto_does_not_say_whether_an_event_matches(moto: Moto) -> None:
    assert moto("events", "TestEventPattern", EventPattern='{"source": ["aws.ecr"]}', Event="{}") == {}


def test_moto_names_a_caller_that_iam_cannot_have(moto: Moto) -> None:
    assert moto("sts", "GetCallerIdentity")["Arn"] == "arn:aws:sts::777788889999:user/moto"


def test_moto_refuses_archive_rules(moto: Moto) -> None:
    moto("ecr", "CreateRepository", repositoryName="api")
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 60},
        "action": {"type": "transition", "targetStorageClass": "archive"},
    }
    with pytest.raises(ClientError, match="InvalidParameterException"):
        moto("ecr", "PutLifecyclePolicy", repositoryName="api", lifecyclePolicyText=json.dumps({"rules": [rule]}))


def test_moto_refuses_registry_policies_with_other_actions(moto: Moto) -> None:
    statement = {"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage", "Resource": "*"}
    with pytest.raises(ClientError, match="Invalid registry policy"):
        moto("ecr", "PutRegistryPolicy", policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_moto_refuses_a_second_replication_rule(moto: Moto) -> None:
    rules = [{"destinations": [{"region": region, "registryId": ACCOUNT}]} for region in ("us-west-2", "us-east-1")]
    with pytest.raises(ClientError, match="ValidationException"):
        moto("ecr", "PutReplicationConfiguration", replicationConfiguration={"rules": rules})


def test_moto_does_not_say_that_keys_encrypt(moto: Moto) -> None:
    assert "KeyUsage" not in moto("kms", "CreateKey")["KeyMetadata"]


def test_moto_does_not_know_the_managed_key_of_ecr(moto: Moto) -> None:
    with pytest.raises(ClientError, match="NotFoundException"):
        moto("kms", "DescribeKey", KeyId="alias/aws/ecr")


@pytest.mark.parametrize("operation", ["CancelKeyDeletion", "DisableKey", "EnableKey"])
def test_moto_fails_over_the_arn_of_a_key(moto: Moto, operation: str) -> None:
    with pytest.raises(KeyError):
        moto("kms", operation, KeyId=moto("kms", "CreateKey")["KeyMetadata"]["Arn"])


def test_moto_forgets_the_rotation_period(moto: Moto) -> None:
    key = moto("kms", "CreateKey")["KeyMetadata"]["KeyId"]
    moto("kms", "EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
    assert "RotationPeriodInDays" not in moto("kms", "GetKeyRotationStatus", KeyId=key)


def test_moto_does_not_know_aws_s_own_policies(moto: Moto) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
    moto("iam", "CreateRole", RoleName="ci", AssumeRolePolicyDocument="{}")
    for operation, parameters in (
        ("AttachRolePolicy", {"RoleName": "ci"}),
        ("GetPolicy", {}),
        ("GetPolicyVersion", {"VersionId": "v1"}),
    ):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            moto("iam", operation, PolicyArn=arn, **parameters)
