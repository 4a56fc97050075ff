"""Where images are copied to: one configuration for an account and Region.

Builds an `aws.ecr.ReplicationConfiguration`. Copies are made of what is pushed from then on, not of what is there.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from typing import NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.names import Region, RepositoryName
from ecr_stack.components.arguments import child_options, plain_parts, refusing
from ecr_stack.components.caller import caller
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.replication import Replication as Settings
from ecr_stack.schema.replication import unreachable
from ecr_stack.schema.section import in_python, judge

__all__ = ["DestinationArgs", "Replication", "ReplicationArgs", "ReplicationRuleArgs"]


class DestinationArgs(TypedDict):
    """One registry that receives copies."""

    region: str
    """The Region of the receiving registry."""
    registry_id: NotRequired[str]
    """The account of the receiving registry, twelve digits; the stack's own unless given."""


class ReplicationRuleArgs(TypedDict):
    """Which repositories go where."""

    destinations: list[DestinationArgs]
    """The registries that receive copies, each in another Region or account."""
    repository_filters: NotRequired[list[str]]
    """Prefixes of repository names; any of them selects a repository. Left out: every repository."""


class ReplicationArgs(TypedDict):
    """The arguments of `Replication`."""

    rules: list[ReplicationRuleArgs]
    """One to ten rules, to at most 25 registries in all."""
    repositories: NotRequired[list[str]]
    """The names of the repositories that there are; a filter that matches none of them is refused."""
    region: NotRequired[str]
    """The Region of the registry; the provider's own unless given."""


class _Arguments(Settings):
    repositories: list[RepositoryName] | None = None
    region: Region | None = None


class Replication(pulumi.ComponentResource):
    """The replication configuration of a registry. An account and Region have one: make one, once."""

    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""
    destinations: list[str]
    """The receiving registries, each as `ACCOUNT.dkr.ecr.REGION.amazonaws.com`."""

    def __init__(self, name: str, args: ReplicationArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:Replication", name, dict(args), opts)
        where = caller(self, args.get("region"))
        with refusing():
            settings, problems = judge(_Arguments, plain_parts(dict(args)), "", python_names=True)
            if settings is not None:
                names = settings.repositories or []
                problems += in_python(unreachable(settings, names, where.region, where.account, ""))
            if settings is None or problems:
                raise InvalidInput(f'Replication "{name}"', problems)
        configuration = aws.ecr.ReplicationConfiguration(
            name,
            replication_configuration=aws.ecr.ReplicationConfigurationReplicationConfigurationArgs(
                rules=[
                    aws.ecr.ReplicationConfigurationReplicationConfigurationRuleArgs(
                        destinations=[
                            aws.ecr.ReplicationConfigurationReplicationConfigurationRuleDestinationArgs(
                                region=destination.region,
                                registry_id=destination.registry_id or where.account,
                            )
                            for destination in rule.destinations
                        ],
                        repository_filters=[
                            aws.ecr.ReplicationConfigurationReplicationConfigurationRuleRepositoryFilterArgs(
                                filter=prefix, filter_type="PREFIX_MATCH"
                            )
                            for prefix in rule.repository_filters or []
                        ]
                        or None,
                    )
                    for rule in settings.rules
                ]
            ),
            region=settings.region,
            opts=child_options(self, opts),
        )
        self.registry_id = configuration.registry_id
        self.destinations = list(
            dict.fromkeys(
                registry_host(destination.registry_id or where.account, destination.region)
                for rule in settings.rules
                for destination in rule.destinations
            )
        )
        self.register_outputs({"registryId": self.registry_id, "destinations": self.destinations})


def registry_host(account: str, region: str) -> str:
    """The host name of a registry, which image references begin with."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}"
