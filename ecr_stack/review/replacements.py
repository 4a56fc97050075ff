"""What AWS cannot change in place: which properties of a resource replace it, so that it is deleted and created again.

Source: `ForceNew` and `RequiresReplace` in the provider's own code, e.g.
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecr/repository.go. Every resource that
lives in a Region is replaced if its Region changes, by the provider's setting, too.
"""

from __future__ import annotations

from typing import Any

from ecr_stack.review.report import Record, at, items

__all__ = ["FIXED", "replaced_by"]

FIXED: dict[str, frozenset[str]] = {
    "aws:cloudwatch/eventRule:EventRule": frozenset({"eventBusName", "name", "namePrefix"}),
    "aws:cloudwatch/eventTarget:EventTarget": frozenset({"eventBusName", "rule", "targetId"}),
    "aws:ecr/accountSetting:AccountSetting": frozenset({"name"}),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": frozenset({"repository"}),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": frozenset(
        {"ecrRepositoryPrefix", "upstreamRegistryUrl", "upstreamRepositoryPrefix"}
    ),
    "aws:budgets/budget:Budget": frozenset({"accountId", "name", "namePrefix"}),
    "aws:cloudcontrol/resource:Resource": frozenset({"typeName"}),
    "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion": frozenset({"principalArn"}),
    "aws:ecr/repository:Repository": frozenset({"encryptionConfigurations", "name"}),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": frozenset({"prefix"}),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": frozenset({"repository"}),
    "aws:ecrpublic/repository:Repository": frozenset({"repositoryName"}),
    "aws:ecrpublic/repositoryPolicy:RepositoryPolicy": frozenset({"repositoryName"}),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": frozenset({"url"}),
    "aws:iam/policy:Policy": frozenset({"description", "name", "namePrefix", "path"}),
    "aws:iam/role:Role": frozenset({"name", "namePrefix", "path"}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"name", "namePrefix", "role"}),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": frozenset({"policyArn", "role"}),
    "aws:kms/alias:Alias": frozenset({"name", "namePrefix"}),
    "aws:kms/key:Key": frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}),
    "aws:kms/keyPolicy:KeyPolicy": frozenset({"keyId"}),
    "aws:kms/replicaKey:ReplicaKey": frozenset({"primaryKeyArn"}),
    "aws:secretsmanager/secret:Secret": frozenset({"name", "namePrefix"}),
    "aws:secretsmanager/secretVersion:SecretVersion": frozenset({"secretBinary", "secretId", "secretString"}),
    "aws:sns/topic:Topic": frozenset({"fifoTopic", "name", "namePrefix"}),
    "aws:sns/topicPolicy:TopicPolicy": frozenset({"arn"}),
    "aws:sns/topicSubscription:TopicSubscription": frozenset({"endpoint", "protocol", "topic"}),
    "aws:sqs/queue:Queue": frozenset({"fifoQueue", "name", "namePrefix"}),
    "aws:sqs/queuePolicy:QueuePolicy": frozenset({"queueUrl"}),
}
"""For each type the properties that cannot change in place."""


def replaced_by(old: Record, new: Record) -> tuple[str, ...]:
    """The properties that force a replacement, sorted; `region` is one of them."""
    fixed = FIXED.get(new["type"], frozenset())
    names = [name for name in fixed if not _same(name, at(old, "inputs", name), at(new, "inputs", name))]
    regions = [at(record, "outputs", "region") or at(record, "inputs", "region") for record in (old, new)]
    if all(regions) and regions[0] != regions[1]:
        names.append("region")
    return tuple(sorted(names))


def _same(name: str, old: Any, new: Any) -> bool:
    if name == "encryptionConfigurations":
        # None is written: what AWS chose stays. No key is written: the one that AWS chose stays.
        if not new:
            return True
        before, after = _encryption(old), _encryption(new)
        return before[0] == after[0] and (not after[1] or before == after)
    return bool(old == new or (not old and not new))


def _encryption(value: Any) -> tuple[str, Any]:
    written = next(iter(items(value)), None)
    return str(at(written, "encryptionType") or "AES256"), at(written, "kmsKey")
