"""Rules about repository creation templates: what a repository of theirs would be rejected for, they are too."""

from __future__ import annotations

import json

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.request import Request
from ecr_stack.embedded_aws.rules import documents, repositories
from ecr_stack.embedded_aws.rules.keys import encrypting_key

__all__ = ["settings"]


def settings(request: Request) -> None:
    """The settings of a template.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-create.html: KMS encryption
    and resource tags need a role that Amazon ECR assumes to create the repository.
    """
    _applied_for(request)
    repositories.check_mutability(request, request.parameters)
    encryption = request.get("encryptionConfiguration")
    if encryption:
        repositories.check_encryption_type(request, encryption)
        if encryption.get("kmsKey"):
            encrypting_key(request, encryption["kmsKey"], place="encryptionConfiguration")
    needs_role = (encryption or {}).get("encryptionType", "AES256") != "AES256" or request.get("resourceTags")
    role = request.get("customRoleArn")
    if needs_role and not role and request.model.name.startswith("Create"):
        raise request.invalid("customRoleArn", "a custom role is needed for KMS encryption and for resource tags")
    if role and not _is_role(request, role):
        raise request.invalid("customRoleArn", f"the role {role} does not exist")
    repositories.check_tags(request, request.get("resourceTags") or [], "resourceTags")
    if request.get("repositoryPolicy"):
        documents.check_repository_policy(request, "repositoryPolicy")
    if request.get("lifecyclePolicy"):
        documents.check_lifecycle_policy(request, "lifecyclePolicy")


def _applied_for(request: Request) -> None:
    applied = request.get("appliedFor")
    if applied is not None and (not applied or len(applied) != len(set(applied))):
        raise request.invalid("appliedFor", "at least one scenario is needed, each of them once")


def _is_role(request: Request, arn: str) -> bool:
    roles = moto_backend.iam_state(request.account, request.region).roles.values()
    for role in roles:
        if role.arn == arn:
            trust = json.loads(role.assume_role_policy_document)
            return "ecr.amazonaws.com" in json.dumps(trust)
    return False
