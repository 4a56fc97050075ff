"""Where images are copied to: one configuration for an account and Region.

Builds an `aws.ecr.ReplicationConfiguration`. Copies are made of what is pushed from then on, not of what is there.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import ReplicationArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component
from ecr_stack.schema.arguments import ReplicationArguments
from ecr_stack.schema.replication import replication_problems

__all__ = ["Replication"]


class Replication(Component):
    """The replication of a registry. An account and Region have one: make one, once."""

    ARGUMENTS = ReplicationArguments

    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""
    destinations: pulumi.Output[list[str]]
    """The receiving registries, each as `ACCOUNT.dkr.ecr.REGION.amazonaws.com`."""

    def __init__(
        self,
        name: str,
        args: ReplicationArgs | ReplicationArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: ReplicationArguments = self._validated(args)
        where = caller(self, settings.region)
        known = self._settled(settings, "rules", "repositories")

        def rules(place: Place, known: Any) -> Any:
            problems = replication_problems(known, known.repositories, place.region, place.account)
            self._check(self._placed("", problems))
            return [_rule(rule, place.account) for rule in known.rules]

        def hosts(place: Place, known: Any) -> list[str]:
            destinations = [destination for rule in known.rules for destination in rule.destinations]
            return list(
                dict.fromkeys(registry_host(each.registry_id or place.account, each.region) for each in destinations)
            )

        configuration = aws.ecr.ReplicationConfiguration(
            name,
            replication_configuration=aws.ecr.ReplicationConfigurationReplicationConfigurationArgs(
                rules=where.then(rules, known)
            ),
            region=settings.region,
            opts=self._child(),
        )
        self.registry_id = configuration.registry_id
        self.destinations = pulumi.Output.from_input(where.then(hosts, known))
        self.register_outputs({"registryId": self.registry_id, "destinations": self.destinations})


def _rule(rule: Any, account: str) -> aws.ecr.ReplicationConfigurationReplicationConfigurationRuleArgs:
    return aws.ecr.ReplicationConfigurationReplicationConfigurationRuleArgs(
        destinations=[
            aws.ecr.ReplicationConfigurationReplicationConfigurationRuleDestinationArgs(
                region=destination.region, registry_id=destination.registry_id or account
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


def registry_host(account: str, region: str) -> str:
    """The host name of a registry, which image references begin with."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}"
