"""What AWS documents about requests beyond the API model: the rules, by operation.

A rule takes a request, and raises AWS's refusal of it or returns. The rules of an operation run in the order in
which they are listed, after the API model's checks and before anything changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules import documents, keys, registry, repositories, templates

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
    "ecr:TagResource": [repositories.arn, repositories.tags],
    "ecr:UntagResource": [repositories.arn],
    "ecr:ListTagsForResource": [repositories.arn],
    "ecr:DescribeRepositories": [repositories.own_registry],
    "ecr:DeleteRepository": [repositories.own_registry],
    "ecr:PutLifecyclePolicy": [repositories.own_registry, repositories.exists, documents.lifecycle_policy],
    "ecr:StartLifecyclePolicyPreview": [
        repositories.own_registry,
        repositories.exists,
        documents.lifecycle_policy,
    ],
    "ecr:GetLifecyclePolicyPreview": [repositories.own_registry, repositories.exists],
    "ecr:SetRepositoryPolicy": [repositories.own_registry, repositories.exists, documents.repository_policy],
    "ecr:PutRegistryPolicy": [documents.registry_policy],
    "ecr:PutReplicationConfiguration": [registry.replication],
    "ecr:PutRegistryScanningConfiguration": [registry.scanning],
    "ecr:CreateRepositoryCreationTemplate": [templates.settings],
    "ecr:UpdateRepositoryCreationTemplate": [templates.settings],
    "ecr:PutAccountSetting": [registry.account_setting],
    "ecr:GetAccountSetting": [registry.account_setting_name],
    "ecr:CreatePullThroughCacheRule": [registry.pull_through_cache],
    "kms:CreateKey": [keys.tags, keys.key_policy],
    "kms:PutKeyPolicy": [keys.target, keys.key_policy],
    "kms:TagResource": [keys.target, keys.tags],
    "kms:CreateAlias": [keys.alias_name, keys.alias_is_free, keys.alias_target],
    "kms:UpdateAlias": [keys.alias_name, keys.alias_target],
    "kms:DeleteAlias": [keys.alias_name],
    "kms:EnableKeyRotation": [keys.target, keys.rotation],
    "kms:DisableKeyRotation": [keys.target],
    "kms:UpdateKeyDescription": [keys.target],
    "kms:ScheduleKeyDeletion": [keys.target, keys.deletion_window],
    "iam:CreateRole": [documents.trust_policy],
    "iam:UpdateAssumeRolePolicy": [documents.trust_policy],
    "iam:PutRolePolicy": [documents.identity_policy],
    "iam:CreatePolicy": [documents.identity_policy],
    "iam:CreatePolicyVersion": [documents.identity_policy],
}
