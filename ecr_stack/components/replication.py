"""Where images are copied to: one configuration for an account and Region.

Builds an `aws.ecr.ReplicationConfiguration`. Copies are made of what is pushed from then on, not of what is there.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import ReplicationArgs
from ecr_stack.components.caller import Caller, Place, caller
from ecr_stack.components.component import Component
from ecr_stack.components.lifecycle_guard import known_value, provider_config
from ecr_stack.errors import EcrStackError, Unavailable
from ecr_stack.model import is_unknown
from ecr_stack.schema.arguments import ReplicationArguments
from ecr_stack.schema.replication import replication_problems

__all__ = ["Replication"]


class Replication(Component):
    """The registry's replication. Each account and Region has only one: create it once."""

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
            opts=pulumi.ResourceOptions.merge(self._child(), _backfilling(self, settings, where)),
        )
        self.registry_id = configuration.registry_id
        self.destinations = pulumi.Output.from_input(where.then(hosts, known))
        self.register_outputs({"registryId": self.registry_id, "destinations": self.destinations})


def _backfilling(owner: Component, settings: Any, where: Caller) -> Optional[pulumi.ResourceOptions]:
    """Hooks that copy what was pushed before to the destinations that a deployment adds, if the settings ask for it."""
    wanted = {
        (destination.region, destination.registry_id)
        for rule in settings.known("rules") or []
        for destination in rule.destinations
        if destination.backfill and not is_unknown(destination.registry_id)
    }
    if not wanted:
        return None
    provider = owner.get_provider("aws::")

    async def backfill(args: pulumi.ResourceHookArgs) -> None:
        new, old = _places(args.new_inputs), _places(args.old_inputs)
        added = [place for place in new if place not in old]
        account, region = await known_value(where.account), await known_value(where.region)
        asked = [place for place in added if place in wanted or (place[1] == account and (place[0], None) in wanted)]
        if asked and account is not None and region is not None:
            try:
                config = await provider_config(provider)
                for message in await asyncio.to_thread(_start_backfills, asked, config, account, region):
                    pulumi.log.info(message, owner)
            except EcrStackError as error:
                # Replication is configured by now: what was pushed before can be copied at any time.
                pulumi.log.warn(
                    f"what was pushed before is not copied yet: {error}\n  remedy: ecr-stack replication backfill --stack "
                    f"{pulumi.get_stack()}",
                    owner,
                )

    hook = pulumi.ResourceHook(f"ecr-stack-backfill-{owner._label}", backfill)
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(after_create=[hook], after_update=[hook]))


def _places(inputs: Optional[Mapping[str, Any]]) -> list[tuple[str, str]]:
    configuration = (inputs or {}).get("replicationConfiguration") or {}
    return [
        (destination["region"], destination["registryId"])
        for rule in configuration.get("rules") or []
        for destination in rule["destinations"]
    ]


def _start_backfills(
    places: Sequence[tuple[str, str]], config: Mapping[str, Any], account: str, region: str
) -> list[str]:
    """Start them; how each goes on, `ecr-stack replication backfill` tells."""
    from ecr_stack.operations.live_registry import connect
    from ecr_stack.operations.replication import start_backfill
    from ecr_stack.operations.sessions import ProviderSettings

    registry = connect(ProviderSettings.of_config(config), region)
    if registry.account != account:
        raise Unavailable(
            f"the credentials here are of account {registry.account}, and the provider works in {account}"
        )
    started = [start_backfill(registry.ecr, place) for place in dict.fromkeys(places)]
    return [
        f"copying what was pushed before to {each.region} of account {each.registry_id} (backfill {each.backfill_id}); "
        "`ecr-stack replication backfill` shows how it ends"
        for each in started
    ]


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
