"""What AWS documents about requests beyond the API model: the rules, by operation.

A rule takes a request, and raises AWS's errors of it or returns. The rules of an operation run in the order in
which they are listed, after the API model's checks and before anything changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules import documents, identities, keys, registry, repositories, templates

__all__ = ["RULES", "Rule"]

Rule = Callable[[Request], None]

RULES: Mapping[str, Sequence[Rule]] = {
    "ecr:CreateRepository": [
        repositories.own_registry,
        repositories.tags,
        repositories.mutability,
        repositories.name_is_free,
        repositories.encryption,
    ],
    "ecr:PutImageTagMutability": [repositories.own_registry, repositories.exists, repositories.mutability],
    "ecr:TagResource": [repositories.arn, repositories.tags, repositories.tag_quota],
    "ecr:UntagResource": [repositories.arn],
    "ecr:ListTagsForResource": [repositories.arn],
    "ecr:DescribeRepositories": [repositories.own_registry, repositories.names_or_pages],
    "ecr:DeleteRepository": [repositories.own_registry],
    "ecr:PutLifecyclePolicy": [repositories.own_registry, repositories.exists, documents.lifecycle_policy],
    "ecr:StartLifecyclePolicyPreview": [
        repositories.own_registry,
        repositories.exists,
        documents.lifecycle_policy,
    ],
    "ecr:GetLifecyclePolicyPreview": [repositories.own_registry, repositories.exists],
    "ecr:SetRepositoryPolicy": [
        repositories.own_registry,
        repositories.exists,
        documents.repository_policy,
        documents.repository_lockout,
    ],
    **{
        f"ecr:{name}": [repositories.own_registry, repositories.exists]
        for name in (
            "BatchCheckLayerAvailability",
            "BatchDeleteImage",
            "CompleteLayerUpload",
            "DeleteLifecyclePolicy",
            "DeleteRepositoryPolicy",
            "DescribeImageReplicationStatus",
            "DescribeImageScanFindings",
            "DescribeImageSigningStatus",
            "GetDownloadUrlForLayer",
            "GetLifecyclePolicy",
            "GetRepositoryPolicy",
            "InitiateLayerUpload",
            "ListImageReferrers",
            "ListImages",
            "PutImage",
            "PutImageScanningConfiguration",
            "StartImageScan",
            "UpdateImageStorageClass",
            "UploadLayerPart",
        )
    },
    "ecr:BatchGetImage": [repositories.own_registry],
    "ecr:DescribeImages": [repositories.own_registry, repositories.exists, repositories.images_or_pages],
    "ecr:StartReplicationBackfill": [repositories.own_registry],
    "ecr:StopReplicationBackfill": [repositories.own_registry],
    "ecr:ListReplicationBackfills": [repositories.own_registry],
    "ecr:DescribeReplicationBackfillResults": [repositories.own_registry],
    "ecr:PutSigningConfiguration": [registry.signing],
    "ecr:RegisterPullTimeUpdateExclusion": [registry.exclusion],
    "ecr:PutRegistryPolicy": [documents.registry_policy],
    "ecr:PutReplicationConfiguration": [registry.replication],
    "ecr:PutRegistryScanningConfiguration": [registry.scanning],
    "ecr:CreateRepositoryCreationTemplate": [templates.settings],
    "ecr:UpdateRepositoryCreationTemplate": [templates.settings],
    "ecr:PutAccountSetting": [registry.account_setting],
    "ecr:GetAccountSetting": [registry.account_setting_name],
    "ecr:CreatePullThroughCacheRule": [repositories.own_registry, registry.pull_through_cache],
    "kms:CreateKey": [keys.usage, keys.tags, keys.key_policy],
    "kms:PutKeyPolicy": [keys.target, keys.key_policy],
    "kms:TagResource": [keys.target, keys.tags, keys.tag_quota],
    "kms:DisableKey": [keys.target],
    "kms:EnableKey": [keys.target],
    "kms:CreateAlias": [keys.alias_name, keys.alias_is_free, keys.alias_target, keys.alias_quota],
    "kms:UpdateAlias": [keys.alias_name, keys.alias_target, keys.alias_quota],
    "kms:DeleteAlias": [keys.alias_name],
    "kms:EnableKeyRotation": [keys.target, keys.rotation],
    "kms:DisableKeyRotation": [keys.target],
    "kms:UpdateKeyDescription": [keys.target],
    "kms:ScheduleKeyDeletion": [keys.target, keys.deletion_window],
    "iam:CreateRole": [
        identities.role_name_is_free,
        identities.tags,
        documents.trust_policy,
        identities.trust_policy_size,
    ],
    "iam:UpdateAssumeRolePolicy": [documents.trust_policy, identities.trust_policy_size],
    "iam:PutRolePolicy": [documents.identity_policy, identities.inline_quota],
    "iam:CreatePolicy": [identities.tags, documents.identity_policy, identities.managed_policy_size],
    "iam:CreatePolicyVersion": [documents.identity_policy, identities.managed_policy_size],
    "iam:AttachRolePolicy": [identities.attachment_quota],
    "iam:CreateOpenIDConnectProvider": [
        identities.tags,
        identities.oidc_url,
        identities.oidc_client_ids,
        identities.oidc_thumbprints,
    ],
    "iam:AddClientIDToOpenIDConnectProvider": [identities.client_id_quota],
    "iam:UpdateOpenIDConnectProviderThumbprint": [identities.oidc_thumbprints],
    **{
        f"iam:{name}": [identities.tags]
        for name in ("CreateUser", "TagOpenIDConnectProvider", "TagPolicy", "TagRole", "TagUser")
    },
    "sts:AssumeRole": [identities.assumed_role_exists],
    "sts:AssumeRoleWithWebIdentity": [identities.assumed_role_exists],
}
