"""`access:` of a repository and of a registry: who may pull, push, replicate and import.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field

from ecr_stack.aws.iam.principals import account_of, is_account
from ecr_stack.aws.names import REPOSITORY_NAME, AccountId, OrganizationId, PrincipalName
from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form
from ecr_stack.model import Item, Model, is_unknown, refusal
from ecr_stack.schema.json_schema import at_least_one, given
from ecr_stack.schema.statements import RegistryStatement, RepositoryStatement, ServiceName

__all__ = ["Access", "LambdaSource", "Match", "PullThroughCacheGrant", "RegistryAccess", "ServiceGrant"]


Match = Literal["CONDITION", "PRINCIPAL"]
"""`CONDITION`: the account is the principal and the ARN is in a condition; the role need not exist yet, and its
identity policy must allow the same actions. `PRINCIPAL`: the ARN is the principal; the role must exist, or ECR rejects
the whole policy, and in the same account it only needs permission to log in."""


def _one(name: str) -> str:
    return account_of(name) if is_account(name) else name


def _once(names: list[str]) -> list[str]:
    """Reject duplicates in a list."""
    seen: set[str] = set()
    for name in names:
        if is_unknown(name):
            continue
        if _one(name) in seen:
            raise refusal(f"`{name}` is in the list twice", "remove one of the two")
        seen.add(_one(name))
    return names


LambdaSource = Annotated[
    str,
    Form(
        r"[0-9]{12}|arn:aws[a-z-]*:lambda:([a-z0-9-]+|\*):[0-9]{12}:function:[\w*?-]+(:[\w$*?-]+)?",
        "specify Lambda functions by their account or by an ARN, with `*` allowed in the Region and the name",
        'write "111122223333" or arn:aws:lambda:us-east-1:111122223333:function:NAME',
    ),
    Item,
]
"""An account id, or the ARN of Lambda functions; `*` and `?` are allowed as the Region and in the function's name."""


SourceArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:[^*?:]+[\x21-\x7e]*",
        "a source is the ARN of a resource, with an explicit account",
        "write one such as arn:aws:codebuild:us-east-1:111122223333:project/NAME",
    ),
    Item,
]


_S = TypeVar("_S", RepositoryStatement, RegistryStatement)


def _sids_once() -> Callable[[list[_S]], list[_S]]:
    def validate(statements: list[_S]) -> list[_S]:
        sids = [s.Sid for s in statements if not is_unknown(s) and s.Sid is not None and not is_unknown(s.Sid)]
        for sid in sids:
            if sids.count(sid) > 1:
                raise refusal(f"the Sid `{sid}` is used by more than one statement", "choose another for one of them")
        return statements

    return validate


_ONCE = (AfterValidator(_once), Described(uniqueItems=True))
_Principals = Annotated[list[PrincipalName], *_ONCE]
_Accounts = Annotated[list[AccountId], *_ONCE]
_Organizations = Annotated[list[OrganizationId], *_ONCE]


class ServiceGrant(Model):
    """An AWS service that pulls, or pushes, on behalf of named resources or accounts."""

    EXAMPLES = {"service": "codebuild.amazonaws.com"}

    service: ServiceName
    """The service, e.g. `codebuild.amazonaws.com`."""
    source_arns: Annotated[list[SourceArn], Field(min_length=1)] | None = None
    """The resources on whose behalf it acts, e.g. the ARN of a CodeBuild project; `*` is allowed in the resource's
    name."""
    source_accounts: Annotated[list[AccountId], Field(min_length=1)] | None = None
    """The accounts on whose behalf it acts."""
    push: bool = False
    """Whether it may also push. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A service must be restricted to sources; otherwise it acts for everyone."""
        if self.source_arns is None and self.source_accounts is None:
            yield Problem(
                "",
                self.as_written(),
                "without a source, the service would act for everybody who uses it (the confused deputy)",
                'add `sourceArns: [ARN]`, or `sourceAccounts: ["111122223333"]`',
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """A service has a source."""
        yield at_least_one(given("sourceArns"), given("sourceAccounts"))


class Access(Model):
    """Who may pull and push a repository's images. Logging in requires an identity policy on the role."""

    pull: _Principals = []
    """Roles, users and accounts that may pull: `role/NAME` in this account, an ARN, or an account id."""
    push: _Principals = []
    """Principals that may push. List those that also pull under `pull` too."""
    accounts: _Accounts = []
    """Whole accounts that may pull. Each account decides which of its principals may."""
    organizations: _Organizations = []
    """AWS organizations whose accounts may all pull."""
    read_only: _Principals = []
    """Principals that may pull and read metadata of images, scans and policies."""
    full_access: _Principals = []
    """Principals that may do everything with the repository, including deleting it."""
    services: list[ServiceGrant] = []
    """AWS services, e.g. CodeBuild, each with the sources on whose behalf it acts."""
    lambda_: Annotated[list[LambdaSource], *_ONCE] = Field(default=[], alias="lambda")
    """Lambda functions that may be created from images: an account id, or function ARNs with `*` in the name."""
    match: Match = "CONDITION"
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default:
    `CONDITION`."""
    statements: Annotated[list[RepositoryStatement], AfterValidator(_sids_once())] = []
    """Custom statements, as in an IAM policy."""


Namespace = Annotated[
    str,
    Form(
        REPOSITORY_NAME.pattern,
        "a namespace is the repository prefix of a pull-through cache rule: 2 to 30 lowercase letters and digits, "
        "with `.`, `_`, `-`, `/` between them",
        "write the rule's prefix, e.g. `ecr-public`",
        shortest=2,
        longest=30,
    ),
    Item,
]


class PullThroughCacheGrant(Model):
    """Who may import images from upstream through a pull-through cache."""

    EXAMPLES = {"principals": "[role/NAME]"}

    principals: Annotated[list[PrincipalName], Field(min_length=1), *_ONCE]
    """Roles, users and accounts."""
    namespaces: Annotated[list[Namespace], Field(min_length=1)] | None = None
    """The prefixes of pull-through cache rules, e.g. `ecr-public`. Default: every repository."""


class RegistryAccess(Model):
    """Who may do what in every repository of a registry.

    The policy is enforced for all actions if the registry's policy scope is V2, AWS's default.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-account-settings.html
    """

    pull: _Principals = []
    """Principals that may pull from every repository."""
    push: _Principals = []
    """Principals that may push to every existing repository."""
    accounts: _Accounts = []
    """Whole accounts that may pull from every repository."""
    organizations: _Organizations = []
    """AWS organizations whose accounts may all pull from every repository."""
    replication_from: _Accounts = []
    """Accounts whose registries may replicate into this one and create the repositories."""
    pull_through_cache: list[PullThroughCacheGrant] = []
    """Principals that may import images from upstream and create the repositories."""
    match: Match = "CONDITION"
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default:
    `CONDITION`."""
    statements: Annotated[list[RegistryStatement], AfterValidator(_sids_once())] = []
    """Custom statements, as in an IAM policy."""
