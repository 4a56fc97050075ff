"""Grants from the side of a role: the least that it needs to pull from, or push to, one repository.

Builds an `aws.iam.RolePolicy`, in the account that the program works in: a role of another account is granted by the
repository's own policy, and by a policy that its account writes. In the same account this is all that a role needs.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
"""

import hashlib
import json
import re
from typing import Any, Literal, Optional, Union

import pulumi
import pulumi_aws as aws

from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component, logical_name, together
from ecr_stack.errors import Problem
from ecr_stack.model import Model, validate
from ecr_stack.schema.pipelines import RoleName, foreign_role, identity_policy, role_name_of

__all__ = ["Grantee", "grant", "own_role"]

Grantee = Union[aws.iam.Role, "pulumi.Input[str]"]
"""A role of the program, or a role's name, `role/NAME` or ARN."""

MAX_POLICY_NAME = 128
"""Characters in the name of an inline policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def grant(
    repository: Any,
    grants: dict[tuple[str, Any], aws.iam.RolePolicy],
    what: Literal["pull", "push"],
    role: Grantee,
    name: Optional[str],
) -> aws.iam.RolePolicy:
    """Let a role log in, and pull from or push to a repository; the same grant twice is one.

    Args:
        repository: the `Repository`.
        grants: what was granted on it so far.
        what: what is granted.
        role: who may.
        name: what the grant is called, if the role is an Output.
    """
    is_text = isinstance(role, str)
    who = name or (
        role_name_of(str(role)) if is_text else logical_name(role) if isinstance(role, aws.iam.Role) else None
    )
    if who is None:
        problem = Problem(
            "role",
            "(an Output)",
            "a grant is called after its role, which is not known when the program runs",
            f'name it: `grant_{what}(role, name="builder")`',
        )
        raise repository._invalid([problem])
    identity = ("name", name) if name else ("role", role_name_of(str(role))) if is_text else ("resource", role)
    if (what, identity) in grants:
        return grants[what, identity]
    if is_text:
        own_role(repository, str(role), None)
    label = f"{repository._label}-{what}-{who}"
    if isinstance(role, aws.iam.Role):
        # The grant belongs to its role, so that its URN is as unique as the role's. Stacks of 0.1.0 have it at the
        # repository.
        first = label not in {logical_name(made) for made in grants.values()}
        options = pulumi.ResourceOptions(parent=role, aliases=[pulumi.Alias(parent=repository)] if first else None)
    else:
        options = repository._child(name=label)
    made = aws.iam.RolePolicy(
        label,
        name=policy_name(label),
        role=role.name
        if isinstance(role, aws.iam.Role)
        else caller(repository).then(lambda place, value: own_role(repository, value, place), role),
        policy=together(
            lambda arn: json.dumps(identity_policy(**{what: [arn]})),
            repository.arn,
        ),
        opts=options,
    )
    grants[what, identity] = made
    return made


def own_role(owner: Component, value: str, place: Optional[Place], where: str = "role") -> str:
    """The name of a role of this account.

    Args:
        owner: the component that is asked for something with the role.
        value: a role's name, `role/NAME` or ARN.
        place: this account and Region, if they are known.
        where: the key path of the role.

    Raises:
        InvalidArguments: it names no role, or one of another account, whose namesake here would get the policy.
    """
    _, problems = validate(_Role, {"role": value}, "")
    if not problems and place is not None and foreign_role(value, place.account):
        problems.append(
            Problem(
                "role",
                value,
                f"the policy of a role is written in the role's own account, and this is {place.account}",
                f"write `role/{role_name_of(value)}` if a role of this account is meant; else name it in the repository's "
                "`access` here, and let its account write the policy of the role",
            )
        )
    owner._check(Problem(where, problem.value, problem.rule, problem.remedy) for problem in problems)
    return role_name_of(value)


class _Role(Model):
    role: RoleName


def policy_name(label: str) -> str:
    """The name of an inline policy: without slashes, and unlike any other if it must be cut."""
    name = re.sub(r"[^\w+=,.@-]", "-", label, flags=re.ASCII)
    return (
        name
        if len(name) <= MAX_POLICY_NAME
        else f"{name[: MAX_POLICY_NAME - 9]}-{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    )
