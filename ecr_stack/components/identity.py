"""The roles of those who push and pull: pipelines by OpenID Connect, and nodes by a managed policy.

`PipelineAccess` builds an `aws.iam.OpenIdConnectProvider` (or takes one that exists) and an `aws.iam.Role` that
named pipelines alone can take on, with the least that a push needs. `PullAccess` attaches AWS's managed pull policy
to roles that exist.

https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_EKS.html
"""

import json
from functools import partial
from typing import Any, NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.iam.identity import (
    NewRoleName,
    NodeAccess,
    NodePolicy,
    PipelineTrust,
    Platform,
    ProviderArn,
    identity_policy,
    issuer_host,
    role_name_of,
    trust_policy,
)
from ecr_stack.aws.iam.managed import PULL_ONLY, READ_ONLY, managed_policy_arn
from ecr_stack.components.arguments import plain_parts, refusing, resolved
from ecr_stack.components.caller import caller
from ecr_stack.components.grants import own_role
from ecr_stack.components.tags import all_tags
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import check, parse
from ecr_stack.schema.registry import Environment

__all__ = ["PipelineAccess", "PipelineAccessArgs", "PipelineSourceArgs", "PullAccess", "PullAccessArgs"]

_MANAGED = {NodePolicy.PULL_ONLY: PULL_ONLY, NodePolicy.READ_ONLY: READ_ONLY}


class PipelineSourceArgs(TypedDict):
    """A source repository, and for which of its pipelines the role is: at least one branch, tag or environment."""

    repository: str
    """`owner/name`, or `owner@id/name@id` (GitHub, since 2026-07-15); the project's path at GitLab. No wildcards."""
    branches: NotRequired[list[str]]
    """Pipelines of these branches; `*` in a name stands for anything."""
    tags: NotRequired[list[str]]
    """Pipelines of these tags, e.g. `v*`."""
    environments: NotRequired[list[str]]
    """GitHub's deployment environments. A job with one is named by it, and not by its branch."""


class PipelineAccessArgs(TypedDict):
    """The arguments of `PipelineAccess`."""

    push: NotRequired[list[pulumi.Input[str]]]
    """ARNs of the repositories to which the pipelines push."""
    pull: NotRequired[list[pulumi.Input[str]]]
    """ARNs of the repositories from which they pull."""
    repositories: NotRequired[list[PipelineSourceArgs]]
    """The source repositories whose pipelines are trusted."""
    subjects: NotRequired[list[str]]
    """Subjects of tokens, written out; for another platform, or where GitHub's are customized."""
    platform: NotRequired[Platform]
    """`GITHUB` unless given; `GITLAB`; or `OTHER` with its `issuer` and `subjects`."""
    issuer: NotRequired[str]
    """Who makes the tokens; github.com or gitlab.com unless given, by the platform."""
    audience: NotRequired[str]
    """For whom the tokens are made; `sts.amazonaws.com` unless given."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing provider; an account has one an issuer. One is made unless given."""
    role_name: NotRequired[str]
    """The role's name; `{environment}-ecr-push` unless given."""
    environment: NotRequired[str]
    """A slug such as `prod`, for tags and the role's name. The Pulumi stack's name unless given."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """AWS tags, on top of Name, Environment and ManagedBy."""


class _Arguments(PipelineTrust):
    push: list[str] = []
    pull: list[str] = []
    provider_arn: ProviderArn | None = None
    role_name: NewRoleName | None = None
    environment: Environment
    tags: dict[str, str] = {}


class PipelineAccess(pulumi.ComponentResource):
    """A role that named pipelines take on, without any stored key, to push images."""

    role_arn: pulumi.Output[str]
    """The ARN that the pipeline asks for, e.g. as `role-to-assume`."""
    role_name: pulumi.Output[str]
    """The role's name."""
    provider_arn: pulumi.Output[str]
    """The ARN of the issuer's provider."""

    def __init__(self, name: str, args: PipelineAccessArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:PipelineAccess", name, {}, opts)
        source = f'PipelineAccess "{name}"'
        environment = args.get("environment") or pulumi.get_stack()
        with refusing():
            plain = {**plain_parts(dict(args)), "environment": environment}
            settings = parse(_Arguments, plain, "", source=source, python_names=True)
            if not args.get("push") and not args.get("pull"):
                problem = Problem("push", None, "the role is for pushing to repositories", "add the ARN of one")
                raise InvalidInput(source, [problem])
        role_name = settings.role_name or f"{environment}-ecr-push"
        existing = args.get("provider_arn")
        provider_arn = resolved(existing, _checked_provider(settings, source)) if existing is not None else None
        if provider_arn is None:
            # IAM trusts the well-known issuers by their certificate authority: no thumbprint is needed.
            provider_arn = aws.iam.OpenIdConnectProvider(
                name,
                url=settings.issued_by,
                client_id_lists=[settings.audience],
                tags=all_tags(issuer_host(settings.issued_by), environment, args.get("tags")),
                opts=pulumi.ResourceOptions(parent=self),
            ).arn
        role = aws.iam.Role(
            name,
            name=role_name,
            description=f"Lets named pipelines push the container images of {environment}",
            assume_role_policy=resolved(provider_arn, lambda arn: json.dumps(trust_policy(settings, arn))),
            tags=all_tags(role_name, environment, args.get("tags")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            name,
            name="push-images",
            role=role.name,
            policy=resolved(
                {"pull": list(args.get("pull") or []), "push": list(args.get("push") or [])},
                lambda arns: json.dumps(identity_policy(pull=arns["pull"], push=arns["push"])),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = role.arn
        self.role_name = role.name
        self.provider_arn = pulumi.Output.from_input(provider_arn)
        self.register_outputs({"roleArn": self.role_arn, "roleName": self.role_name, "providerArn": self.provider_arn})


class PullAccessArgs(TypedDict):
    """The arguments of `PullAccess`."""

    roles: list[pulumi.Input[str]]
    """Roles that exist: names, `role/NAME` or ARNs, e.g. of EKS nodes."""
    policy: NotRequired[NodePolicy]
    """`PULL_ONLY` unless given; `READ_ONLY` for nodes that also read about repositories."""


class PullAccess(pulumi.ComponentResource):
    """Lets roles of nodes pull every image of the account, by AWS's managed policy."""

    policy_arn: pulumi.Output[str]
    """The ARN of the managed policy."""

    def __init__(self, name: str, args: PullAccessArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:PullAccess", name, {}, opts)
        source = f'PullAccess "{name}"'
        roles = args.get("roles")
        with refusing():
            plain: dict[str, Any] = plain_parts(dict(args))
            if isinstance(roles, list):
                # a role that is only known later counts as one, under a name that nobody has
                plain["roles"] = [
                    role if isinstance(role, str) else f"later-{index}" for index, role in enumerate(roles)
                ]
            settings = parse(NodeAccess, plain, "", source=source, python_names=True)
        account = caller(self).account
        arn = managed_policy_arn(_MANAGED[settings.policy], caller(self).partition)
        for index, role in enumerate(args["roles"]):
            # named after the role where it is known, so that a change of the order changes nothing
            label = role_name_of(role) if isinstance(role, str) else str(index)
            aws.iam.RolePolicyAttachment(
                f"{name}-{label}",
                role=resolved(role, partial(own_role, account=account, source=source, place=f"roles[{index}]")),
                policy_arn=arn,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.policy_arn = pulumi.Output.from_input(arn)
        self.register_outputs({"policyArn": self.policy_arn})


def _checked_provider(trust: PipelineTrust, source: str) -> Any:
    """Refuse a provider of another issuer: no token would ever satisfy the role's conditions."""
    host = issuer_host(trust.issued_by)

    def checked(arn: str) -> str:
        if check(ProviderArn, arn) and arn.partition(":oidc-provider/")[2] == host:
            return arn
        raise InvalidInput(
            source,
            [
                Problem(
                    "provider_arn", arn, f"the provider is not that of the issuer {trust.issued_by}",
                    f"write the ARN that ends in `:oidc-provider/{host}`, or another `platform` or `issuer`",
                )
            ],
        )  # fmt: skip

    return checked
