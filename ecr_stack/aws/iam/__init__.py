"""Policies of repositories and registries: grants, the documents that they become, and what those allow."""

from ecr_stack.aws.iam.actions import LOGIN, PULL, PUSH
from ecr_stack.aws.iam.documents import access_problems, policy_text, registry_policy, repository_policy
from ecr_stack.aws.iam.grants import Access, Match, PullThroughCacheGrant, RegistryAccess
from ecr_stack.aws.iam.statements import RegistryStatement, RepositoryStatement

__all__ = [
    "LOGIN",
    "PULL",
    "PUSH",
    "Access",
    "Match",
    "PullThroughCacheGrant",
    "RegistryAccess",
    "RegistryStatement",
    "RepositoryStatement",
    "access_problems",
    "policy_text",
    "registry_policy",
    "repository_policy",
]
