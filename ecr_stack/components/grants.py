"""Grants from the side of a role: the least that it needs to pull from, or push to, one repository.

Builds an `aws.iam.RolePolicy`, in the account that the program works in: a role of another account is granted by the
repository's own policy, and by a policy that its account writes. In the same account this is all that a role needs.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
"""

import json
import re
from typing import Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.iam.identity import RoleName, foreign_role, identity_policy, role_name_of
from ecr_stack.components.arguments import resolved
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, parse

__all__ = ["grant_pull", "grant_push", "own_role"]

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
        Refused: where `role` names no role, or one of another account.
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
        Refused: where `role` names no role, or one of another account.
    """
    policy = resolved(repository_arn, lambda arn: json.dumps(identity_policy(push=[arn])))
    return _attached(name, role, policy, opts)


def own_role(value: str, *, account: str, source: str, place: str = "role") -> str:
    """The name of a role of this account.

    Args:
        value: a role's name, `role/NAME` or ARN.
        account: this account, of twelve digits; empty or zeros where it is not known, as in tests with mocks.
        source: whose mistake it would be.
        place: the key path of the role.

    Raises:
        InvalidInput: it names no role, or one of another account, whose namesake here would get the policy.
    """
    role = parse(_Role, {"role": value}, "", source=source).role
    if account.strip("0") and foreign_role(role, account):
        rule = f"the policy of a role is written in the role's own account, and this is {account}"
        remedy = (
            f"write `role/{role_name_of(role)}` if a role of this account is meant; else name it in the repository's "
            "`access` here, and let its account write the policy of the role"
        )
        raise InvalidInput(source, [Problem(place, value, rule, remedy)])
    return role_name_of(role)


def _attached(
    name: str, role: Grantee, policy: pulumi.Input[str], opts: Optional[pulumi.ResourceOptions]
) -> aws.iam.RolePolicy:
    account = _account_for(role, opts)
    return aws.iam.RolePolicy(
        name,
        # a name of a policy has no slashes, and that of a repository may
        name=re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:128],
        role=role.name
        if isinstance(role, aws.iam.Role)
        else resolved(role, lambda value: own_role(value, account=account, source=f'the grant "{name}"')),
        policy=policy,
        opts=opts,
    )


def _account_for(role: Grantee, opts: Optional[pulumi.ResourceOptions]) -> str:
    """The account in which the policy is written; asked for only where the role may be an ARN."""
    if isinstance(role, aws.iam.Role) or (isinstance(role, str) and not role.startswith("arn:")):
        return ""
    options = pulumi.InvokeOptions(parent=opts.parent, provider=opts.provider) if opts else None
    return aws.get_caller_identity(opts=options).account_id or ""
