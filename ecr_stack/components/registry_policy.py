"""The policy of a registry: what other accounts and whole organizations may do in every repository.

Builds an `aws.ecr.RegistryPolicy`. Needed where another account replicates into this registry.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
"""

from typing import Any, NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.iam import Match, RegistryAccess, access_problems, policy_text, registry_policy
from ecr_stack.aws.names import Region
from ecr_stack.components.arguments import plain_parts, refusing, resolved
from ecr_stack.components.caller import caller
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, parse

__all__ = ["PullThroughCacheGrantArgs", "RegistryAccessArgs", "RegistryPolicy", "RegistryPolicyArgs"]


class PullThroughCacheGrantArgs(TypedDict):
    """Who may import images from upstream, by pulling them through a cache."""

    principals: list[pulumi.Input[str]]
    """Roles, users and accounts."""
    namespaces: NotRequired[list[str]]
    """The prefixes of pull through cache rules, e.g. `ecr-public`; every repository unless given."""


class RegistryAccessArgs(TypedDict):
    """Who may do what in every repository of a registry."""

    pull: NotRequired[list[pulumi.Input[str]]]
    """Those that may pull from every repository."""
    push: NotRequired[list[pulumi.Input[str]]]
    """Those that may push to every repository that exists."""
    accounts: NotRequired[list[pulumi.Input[str]]]
    """Whole accounts that may pull from every repository."""
    organizations: NotRequired[list[pulumi.Input[str]]]
    """AWS organizations, `o-…`, all of whose accounts may pull from every repository."""
    replication_from: NotRequired[list[pulumi.Input[str]]]
    """Accounts whose registries may replicate into this one, and create the repositories for it."""
    pull_through_cache: NotRequired[list[PullThroughCacheGrantArgs]]
    """Those that may import images from upstream, and create the repositories for it."""
    match: NotRequired[Match]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`."""
    statements: NotRequired[list[dict[str, Any]]]
    """Custom statements, as in an IAM policy."""


class RegistryPolicyArgs(TypedDict):
    """The arguments of `RegistryPolicy`."""

    access: RegistryAccessArgs
    """Who may do what in every repository."""
    region: NotRequired[str]
    """The Region of the registry; the provider's own unless given."""


class _Arguments(Model):
    access: Any
    region: Region | None = None


class RegistryPolicy(pulumi.ComponentResource):
    """The policy of a registry. An account and Region have one: make one, once."""

    policy: pulumi.Output[str]
    """The document that ECR reads, as JSON."""

    def __init__(self, name: str, args: RegistryPolicyArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:RegistryPolicy", name, {}, opts)
        source = f'RegistryPolicy "{name}"'
        with refusing():
            settings = parse(_Arguments, plain_parts(dict(args)), "", source=source, python_names=True)
        where = caller(self, settings.region)

        def text(known: Any) -> str:
            access = parse(RegistryAccess, known, "access", source=source, python_names=True)
            facts = {"account": where.account, "region": where.region, "partition": where.partition}
            problems = access_problems(access, "access", **facts)
            document = registry_policy(access, **facts) if not problems else None
            if document is None and not problems:
                problems = [Problem("access", known, "a policy grants something to somebody", "add e.g. `pull`")]
            if document is None:
                raise InvalidInput(source, problems)
            return policy_text(document)

        policy = aws.ecr.RegistryPolicy(
            name,
            policy=resolved(dict(args["access"]), text),
            region=settings.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = policy.policy
        self.register_outputs({"policy": self.policy})
