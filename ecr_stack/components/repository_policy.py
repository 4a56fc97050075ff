"""The policy of a repository: who may pull and push.

Turns grants into the IAM policy document that ECR reads and builds an `aws.ecr.RepositoryPolicy` from it.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
"""

from typing import Any, NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws import iam as documents
from ecr_stack.aws.iam import Access, Match, access_problems, policy_text
from ecr_stack.aws.names import Region, RepositoryName
from ecr_stack.components.arguments import child_options, plain_parts, refusing, resolved
from ecr_stack.components.caller import Caller, caller
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, parse

__all__ = ["AccessArgs", "RepositoryPolicy", "RepositoryPolicyArgs", "access_text", "repository_policy"]


class AccessArgs(TypedDict):
    """Who may pull and push. A principal is an ARN, `role/NAME` of this account, or an account id."""

    pull: NotRequired[list[pulumi.Input[str]]]
    """Principals that may pull."""
    push: NotRequired[list[pulumi.Input[str]]]
    """Principals that may push; whoever also pulls is listed under `pull` too."""
    accounts: NotRequired[list[pulumi.Input[str]]]
    """Whole accounts that may pull. Each decides itself who of it does."""
    organizations: NotRequired[list[pulumi.Input[str]]]
    """AWS organizations, `o-…`, all of whose accounts may pull."""
    lambda_: NotRequired[list[pulumi.Input[str]]]
    """Lambda functions that may be made from images: account ids, or ARNs of functions with `*` in the name."""
    match: NotRequired[Match]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`."""
    statements: NotRequired[list[dict[str, Any]]]
    """Custom statements, as in an IAM policy."""


class RepositoryPolicyArgs(TypedDict):
    """The arguments of `RepositoryPolicy`."""

    repository: str
    """The name of the repository."""
    access: AccessArgs
    """Who may pull and push."""
    region: NotRequired[str]
    """The Region of the repository; the provider's own unless given."""


class _Arguments(Model):
    repository: RepositoryName
    access: Any
    region: Region | None = None


class RepositoryPolicy(pulumi.ComponentResource):
    """The policy of one repository."""

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(self, name: str, args: RepositoryPolicyArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:RepositoryPolicy", name, {}, opts)
        policy = repository_policy(f'RepositoryPolicy "{name}"', name, args, self, child_options(self, opts))
        self.policy = policy.policy
        self.register_outputs({"policy": self.policy})


def repository_policy(
    source: str,
    name: str,
    args: RepositoryPolicyArgs,
    parent: pulumi.Resource,
    options: pulumi.ResourceOptions,
) -> aws.ecr.RepositoryPolicy:
    """Make the policy of a repository.

    Args:
        source: whose mistakes they would be, e.g. `RepositoryPolicy "api"`.
        name: the logical name.
        args: the repository and its grants.
        parent: the component that the policy belongs to.
        options: the options of what is made.

    Raises:
        Refused: where a grant is not one.
    """
    with refusing():
        settings = parse(_Arguments, plain_parts(dict(args)), "", source=source, python_names=True)
    return aws.ecr.RepositoryPolicy(
        name,
        repository=settings.repository,
        policy=access_text(args["access"], caller(parent, settings.region), source=source),
        region=settings.region,
        opts=options,
    )


def access_text(access: AccessArgs, where: Caller, *, source: str = "access") -> "pulumi.Input[str]":
    """Turn grants into the JSON of a repository policy: a plain text where all principals are plain.

    Raises:
        Refused: where a grant is not one, or nothing is granted.
    """

    def build(known: Any) -> str:
        parsed = parse(Access, known, "access", source=source, python_names=True)
        problems = access_problems(parsed, "access", account=where.account, partition=where.partition)
        if problems:
            raise InvalidInput(source, problems)
        document = documents.repository_policy(parsed, where.account, where.partition)
        if document is None:
            rule = "a policy grants something to somebody"
            raise InvalidInput(source, [Problem("access", known, rule, "add e.g. `pull`, or leave `access` out")])
        return policy_text(document)

    return resolved(dict(access), build)
