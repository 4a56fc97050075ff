"""IAM policies: the actions of ECR, principals, the documents that are built here, and what documents allow."""

from ecr_stack.aws.iam.actions import LOGIN, PULL, PUSH

__all__ = ["LOGIN", "PULL", "PUSH"]
