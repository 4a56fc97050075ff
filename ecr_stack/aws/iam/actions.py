"""The actions of Amazon ECR that a policy may name, and the sets of them that a pull and a push need.

A test compares the operations here with the installed API model.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ecr_stack.model import nearest, refusal

__all__ = [
    "ACTIONS",
    "FULL",
    "IMPORT",
    "LAMBDA",
    "LOGIN",
    "PULL",
    "PUSH",
    "READ",
    "REGISTRY_ACTIONS",
    "REPLICATE",
    "REPOSITORY_ACTIONS",
    "RegistryAction",
    "RepositoryAction",
]

LOGIN = "ecr:GetAuthorizationToken"
"""What a login needs. It is about no repository: only an identity policy can allow it, on `*`."""

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a pull needs. https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html"""

PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
"""What a push needs, and no pull. https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html"""

READ = (
    *PULL,
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview",
    "ecr:GetRepositoryPolicy",
    "ecr:ListImages",
    "ecr:ListTagsForResource",
)
"""What AWS's managed read-only policy allows on repositories.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEC2ContainerRegistryReadOnly.html
"""

FULL = ("ecr:*",)
"""Everything with a repository, deleting it included."""

LAMBDA = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What Lambda needs. https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#gettingstarted-images-permissions"""

REPLICATE = ("ecr:CreateRepository", "ecr:ReplicateImage")
"""What another account's registry needs to replicate into this one.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-create-replication.html
"""

IMPORT = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
"""What the first pull through a cache needs.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-create-pullthroughcache.html
"""

# Actions that are granted and are no operations of the API; the last is for caches of one registry in another:
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-private.html
GRANTED_ONLY = frozenset({"ecr:BatchImportUpstreamImage", "ecr:ReplicateImage", "ecr:GetImageCopyStatus"})

REPOSITORY_ACTIONS = GRANTED_ONLY | {
    f"ecr:{operation}"
    for operation in (
        "BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "BatchGetRepositoryScanningConfiguration",
        "CompleteLayerUpload", "CreateRepository", "DeleteLifecyclePolicy", "DeleteRepository",
        "DeleteRepositoryPolicy", "DescribeImageReplicationStatus", "DescribeImageScanFindings",
        "DescribeImageSigningStatus", "DescribeImages", "DescribeRepositories", "GetDownloadUrlForLayer",
        "GetLifecyclePolicy", "GetLifecyclePolicyPreview", "GetRepositoryPolicy", "InitiateLayerUpload",
        "ListImageReferrers", "ListImages", "ListTagsForResource", "PutImage", "PutImageScanningConfiguration",
        "PutImageTagMutability", "PutLifecyclePolicy", "SetRepositoryPolicy", "StartImageScan",
        "StartLifecyclePolicyPreview", "TagResource", "UntagResource", "UpdateImageStorageClass", "UploadLayerPart",
    )
}  # fmt: skip
"""The actions that are about repositories."""

REGISTRY_ACTIONS = frozenset(
    f"ecr:{operation}"
    for operation in (
        "CreatePullThroughCacheRule", "CreateRepositoryCreationTemplate", "DeletePullThroughCacheRule",
        "DeleteRegistryPolicy", "DeleteRepositoryCreationTemplate", "DeleteSigningConfiguration",
        "DeregisterPullTimeUpdateExclusion", "DescribePullThroughCacheRules", "DescribeRegistry",
        "DescribeReplicationBackfillResults", "DescribeRepositoryCreationTemplates", "GetAccountSetting",
        "GetAuthorizationToken", "GetRegistryPolicy", "GetRegistryScanningConfiguration", "GetSigningConfiguration",
        "ListPullTimeUpdateExclusions", "ListReplicationBackfills", "PutAccountSetting", "PutRegistryPolicy",
        "PutRegistryScanningConfiguration", "PutReplicationConfiguration", "PutSigningConfiguration",
        "RegisterPullTimeUpdateExclusion", "StartReplicationBackfill", "StopReplicationBackfill",
        "UpdatePullThroughCacheRule", "UpdateRepositoryCreationTemplate", "ValidatePullThroughCacheRule",
    )
)  # fmt: skip
"""The actions that are about the registry as a whole."""

ACTIONS = REPOSITORY_ACTIONS | REGISTRY_ACTIONS
"""Every action of Amazon ECR."""

_BY_FOLDED = {action.lower(): action for action in ACTIONS}


def _action(value: str) -> str:
    if "*" in value or "?" in value:
        raise refusal(
            "an action is named whole: a wildcard grants what nobody thought of, and what ECR adds later",
            f"name each one, e.g. for a pull: {', '.join(PULL)}",
        )
    if value == LOGIN:
        raise refusal(
            f"{LOGIN} is about no repository, and has no effect in a resource policy",
            "remove it; allow it in the role's own policy, on the resource `*`",
        )
    if value in ACTIONS:
        return value
    known = _BY_FOLDED.get(value.lower()) or _BY_FOLDED.get(f"ecr:{value.lower()}")
    guess = known or nearest(value, sorted(ACTIONS))
    raise refusal(
        f"`{value[:80]}` is no action of Amazon ECR",
        f"write `{guess}`" if guess and guess != LOGIN else "write one such as `ecr:BatchGetImage`",
    )


def _repository_action(value: str) -> str:
    if _action(value) in REGISTRY_ACTIONS:
        raise refusal(
            f"`{value}` is about the registry, and has no effect in the policy of a repository",
            "remove it; allow it in the registry's policy or in the role's own",
        )
    return value


RegistryAction = Annotated[str, AfterValidator(_action)]
"""An action that the registry's policy may name, e.g. `ecr:ReplicateImage`."""

RepositoryAction = Annotated[str, AfterValidator(_repository_action)]
"""An action that a repository's policy may name, e.g. `ecr:BatchGetImage`."""
