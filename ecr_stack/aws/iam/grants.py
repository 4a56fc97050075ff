"""What `access:` of a repository and of a registry may say: who may pull, push, replicate and import.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from ecr_stack.aws.iam.principals import account_of, is_account
from ecr_stack.aws.iam.statements import RegistryStatement, RepositoryStatement
from ecr_stack.aws.names import REPOSITORY_NAME, AccountId, OrganizationId, PrincipalName
from ecr_stack.model import Model, refusal

__all__ = ["Access", "LambdaSource", "Match", "PullThroughCacheGrant", "RegistryAccess"]


class Match(StrEnum):
    """How a role or user is matched."""

    CONDITION = "CONDITION"
    """By its account as the principal and its ARN in a condition. It need not exist yet. Its account decides too:
    a policy of the role itself must allow the same."""
    PRINCIPAL = "PRINCIPAL"
    """By its ARN as the principal. It must exist, or ECR refuses the whole policy; in the same account nothing else
    is needed but the login."""


def _one(name: str) -> str:
    return account_of(name) if is_account(name) else name


def _once(names: list[str]) -> list[str]:
    """Refuse a list that names somebody twice."""
    seen: set[str] = set()
    for name in names:
        if _one(name) in seen:
            raise refusal(f"`{name}` stands in the list twice", "remove one of the two")
        seen.add(_one(name))
    return names


def _lambda_source(value: str) -> str:
    if re.fullmatch(r"[0-9]{12}", value):
        return value
    if re.fullmatch(r"arn:aws[a-z-]*:lambda:([a-z0-9-]+|\*):[0-9]{12}:function:[\w*?-]+(:[\w$*?-]+)?", value, re.ASCII):
        return value
    raise refusal(
        "Lambda functions are named by their account or by an ARN with wildcards, never in the account",
        'write "111122223333" or arn:aws:lambda:us-east-1:111122223333:function:NAME',
    )


LambdaSource = Annotated[str, AfterValidator(_lambda_source)]
"""An account id, or the ARN of Lambda functions; `*` and `?` may stand for the Region and in the function's name."""

_S = TypeVar("_S", RepositoryStatement, RegistryStatement)


def _sids_once() -> Callable[[list[_S]], list[_S]]:
    def validate(statements: list[_S]) -> list[_S]:
        sids = [statement.Sid for statement in statements if statement.Sid is not None]
        for sid in sids:
            if sids.count(sid) > 1:
                raise refusal(f"the Sid `{sid}` stands in more than one statement", "choose another for one of them")
        return statements

    return validate


_Principals = Annotated[list[PrincipalName], AfterValidator(_once)]
_Accounts = Annotated[list[AccountId], AfterValidator(_once)]
_Organizations = Annotated[list[OrganizationId], AfterValidator(_once)]


class Access(Model):
    """Who may pull and push images of a repository. Logging in is the role's own policy's business."""

    pull: _Principals = []
    """Roles, users and accounts that may pull: `role/NAME` of this account, an ARN, or an account id."""
    push: _Principals = []
    """Those that may push; whoever also pulls is listed under `pull` too."""
    accounts: _Accounts = []
    """Whole accounts that may pull. Each decides itself who of it does."""
    organizations: _Organizations = []
    """AWS organizations all of whose accounts may pull."""
    lambda_: Annotated[list[LambdaSource], AfterValidator(_once)] = Field(default=[], alias="lambda")
    """Lambda functions that may be made from images: an account id, or ARNs of functions with `*` in the name."""
    match: Annotated[Match, Field(strict=False)] = Match.CONDITION
    """How roles and users are matched: by CONDITION, which works before they exist, or as PRINCIPAL."""
    statements: Annotated[list[RepositoryStatement], AfterValidator(_sids_once())] = []
    """Custom statements, as in an IAM policy."""


def _namespace(value: str) -> str:
    if REPOSITORY_NAME.fullmatch(value) and 2 <= len(value) <= 30:
        return value
    raise refusal(
        "a namespace is the repository prefix of a pull through cache rule: 2 to 30 lowercase letters and digits, "
        "with `.`, `_`, `-`, `/` between them",
        "write the rule's prefix, e.g. `ecr-public`",
    )


class PullThroughCacheGrant(Model):
    """Who may import images from upstream, by pulling them through a cache."""

    principals: Annotated[list[PrincipalName], Field(min_length=1), AfterValidator(_once)]
    """Roles, users and accounts."""
    namespaces: Annotated[list[Annotated[str, AfterValidator(_namespace)]], Field(min_length=1)] | None = None
    """The prefixes of pull through cache rules, e.g. `ecr-public`; every repository unless given."""


class RegistryAccess(Model):
    """Who may do what in every repository of a registry.

    The policy is enforced for all actions where the registry's policy scope is V2, AWS's default.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-account-settings.html
    """

    pull: _Principals = []
    """Those that may pull from every repository."""
    push: _Principals = []
    """Those that may push to every repository that exists."""
    accounts: _Accounts = []
    """Whole accounts that may pull from every repository."""
    organizations: _Organizations = []
    """AWS organizations all of whose accounts may pull from every repository."""
    replication_from: _Accounts = []
    """Accounts whose registries may replicate into this one, and create the repositories for it."""
    pull_through_cache: list[PullThroughCacheGrant] = []
    """Those that may import images from upstream, and create the repositories for it."""
    match: Annotated[Match, Field(strict=False)] = Match.CONDITION
    """How roles and users are matched: by CONDITION, which works before they exist, or as PRINCIPAL."""
    statements: Annotated[list[RegistryStatement], AfterValidator(_sids_once())] = []
    """Custom statements, as in an IAM policy."""
