"""Grants from the side of a role: the least that it needs to pull from, or push to, one repository.

Builds an `aws.iam.RolePolicy`. In the same account this is all that a role needs; a role of another account needs
the repository's own policy as well.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
"""

import json
import re
from typing import Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.arguments import resolved
from ecr_stack.documents.model import Model, parse
from ecr_stack.documents.policy.identity import RoleName, identity_policy, role_name_of

__all__ = ["grant_pull", "grant_push"]

Grantee = aws.iam.Role | pulumi.Input[str]
"""A role of the program, or a role's name, `role/NAME` or ARN."""


class _Role(Model):
    role: RoleName


def grant_pull(
    name: str, repository_arn: pulumi.Input[str], role: Grantee, opts: Optional[pulumi.ResourceOptions] = None
) -> aws.iam.RolePolicy:
    """Let a role log in and pull from a repository.

    Args:
        name: the resource's name, also of the inline policy; one role takes several under different names.
        repository_arn: the ARN of the repository.
        role: who may pull.
        opts: the resource's options.

    Raises:
        Refused: where `role` names no role.
    """
    policy = resolved(repository_arn, lambda arn: json.dumps(identity_policy(pull=[arn])))
    return _attached(name, role, policy, opts)


def grant_push(
    name: str, repository_arn: pulumi.Input[str], role: Grantee, opts: Optional[pulumi.ResourceOptions] = None
) -> aws.iam.RolePolicy:
    """Let a role log in and push to a repository; a role that also pulls is granted that, too.

    Args:
        name: the resource's name, also of the inline policy; one role takes several under different names.
        repository_arn: the ARN of the repository.
        role: who may push.
        opts: the resource's options.

    Raises:
        Refused: where `role` names no role.
    """
    policy = resolved(repository_arn, lambda arn: json.dumps(identity_policy(push=[arn])))
    return _attached(name, role, policy, opts)


def _attached(
    name: str, role: Grantee, policy: pulumi.Input[str], opts: Optional[pulumi.ResourceOptions]
) -> aws.iam.RolePolicy:
    def named(value: str) -> str:
        return role_name_of(parse(_Role, {"role": value}, "", source=f'the grant "{name}"').role)

    return aws.iam.RolePolicy(
        name,
        # a name of a policy has no slashes, and that of a repository may
        name=re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:128],
        role=role.name if isinstance(role, aws.iam.Role) else resolved(role, named),
        policy=policy,
        opts=opts,
    )
