"""Where images are copied to: `ecr-stack:replication`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from ecr_stack.aws.names import AccountId, Region, ReplicationFilter, partition_of
from ecr_stack.errors import Problem
from ecr_stack.model import Model
from ecr_stack.schema.section import Section

__all__ = ["Destination", "Replication", "ReplicationRule"]

# The API model allows 25 rules; the service quota is 10 in every Region but ca-central-1, and the provider's schema
# enforces 10. https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
MAX_RULES = 10
MAX_DESTINATIONS = 25


class Destination(Model):
    """One registry that receives copies."""

    region: Region
    """The Region of the receiving registry."""
    registry_id: AccountId | None = None
    """The account of the receiving registry, in quotes; this stack's own unless given."""


class ReplicationRule(Model):
    """Which repositories go where."""

    destinations: Annotated[list[Destination], Field(min_length=1, max_length=MAX_DESTINATIONS)]
    """The registries that receive copies, each in another Region or account."""
    repository_filters: Annotated[list[ReplicationFilter], Field(min_length=1, max_length=100)] | None = None
    """Prefixes of repository names; any of them selects a repository. Left out: every repository."""


class Replication(Section):
    """The registry's replication: one configuration for an account and Region."""

    rules: Annotated[list[ReplicationRule], Field(max_length=MAX_RULES)] = []
    """At most 10 rules, to at most 25 registries in all."""
    creation_template: bool = True
    """Whether this account's destinations get a repository creation template and a key, so that the copies are encrypted,
    immutable and expire like the originals. Without, ECR makes them mutable, AES256, and keeps everything for ever."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """No registry twice for the same repositories, at most 25 registries in all."""
        seen: set[tuple[str, str | None]] = set()
        for number, rule in enumerate(values.get("rules", [])):
            here: set[tuple[str, str | None]] = set()
            for position, destination in enumerate(rule.destinations):
                target = (destination.region, destination.registry_id)
                if target in here:
                    yield Problem(
                        f"{place}.rules[{number}].destinations[{position}]", _shown(destination),
                        "a rule names each destination once", "remove the repetition",
                    )  # fmt: skip
                here.add(target)
            seen |= here
        if len(seen) > MAX_DESTINATIONS:
            yield Problem(
                f"{place}.rules", f"{len(seen)} destinations", f"a registry replicates to at most {MAX_DESTINATIONS} destinations",
                "remove some",
            )  # fmt: skip


def unreachable(
    replication: Replication, names: list[str], region: str | None, account: str | None, place: str
) -> Iterator[Problem]:
    """Yield what AWS would refuse, or accept without doing anything, for this registry.

    Args:
        replication: the valid section.
        names: every repository name of the stack.
        region: the registry's own Region, `None` where it is not known.
        account: the registry's own account, `None` where it is not known.
        place: the key path of the section.
    """
    for number, rule in enumerate(replication.rules):
        for position, destination in enumerate(rule.destinations):
            here = f"{place}.rules[{number}].destinations[{position}]"
            if destination.region == region and destination.registry_id in (None, account):
                yield Problem(
                    f"{here}.region", destination.region, "a registry cannot replicate to itself",
                    "name another Region, or the `registryId` of another account",
                )  # fmt: skip
            if region and partition_of(destination.region) != partition_of(region):
                yield Problem(
                    f"{here}.region", destination.region,
                    f"images are not replicated across partitions ({partition_of(region)} to {partition_of(destination.region)})",
                    f"name a Region of partition {partition_of(region)}",
                )  # fmt: skip
        for position, prefix in enumerate(rule.repository_filters or []):
            if names and not any(name.startswith(prefix) for name in names):
                yield Problem(
                    f"{place}.rules[{number}].repositoryFilters[{position}]", prefix,
                    "a filter is the beginning of a repository's name, and no repository of this stack begins so: nothing would be replicated",
                    f"write the beginning of one of {', '.join(names[:5])}{', …' if len(names) > 5 else ''}",
                )  # fmt: skip


def _shown(destination: Destination) -> dict[str, Any]:
    return destination.model_dump(by_alias=True, exclude_none=True)
