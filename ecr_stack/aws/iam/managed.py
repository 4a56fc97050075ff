"""AWS's managed policies for Amazon ECR, as far as they are about ECR, and the one that allows everything.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam-awsmanpol.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_stack.aws.iam.actions import LOGIN, PUSH

__all__ = ["MANAGED", "PULL_ONLY", "READ_ONLY", "managed_policy_arn"]

PULL_ONLY = "AmazonEC2ContainerRegistryPullOnly"
"""What nodes need to pull, also through a cache."""
READ_ONLY = "AmazonEC2ContainerRegistryReadOnly"
"""A pull, and all reading of repositories; no pull through a cache."""

_READ = (
    LOGIN, "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:GetRepositoryPolicy",
    "ecr:DescribeRepositories", "ecr:ListImages", "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetLifecyclePolicy",
    "ecr:GetLifecyclePolicyPreview", "ecr:ListTagsForResource", "ecr:DescribeImageScanFindings",
)  # fmt: skip

MANAGED: Mapping[str, Mapping[str, Any]] = {
    name: {"Version": "2012-10-17", "Statement": [{"Sid": name, "Effect": "Allow", "Action": actions, "Resource": "*"}]}
    for name, actions in {
        PULL_ONLY: [LOGIN, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchImportUpstreamImage"],
        READ_ONLY: list(_READ),
        "AmazonEC2ContainerRegistryPowerUser": [*_READ, *(action for action in PUSH if action not in _READ)],
        "AmazonEC2ContainerRegistryFullAccess": ["ecr:*"],
        "AdministratorAccess": ["*"],
    }.items()
}
"""The documents by name, each with the name as the Sid of its statement."""


def managed_policy_arn(name: str, partition: str) -> str:
    """The ARN of a managed policy."""
    return f"arn:{partition}:iam::aws:policy/{name}"
