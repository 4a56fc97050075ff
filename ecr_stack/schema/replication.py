"""Where images are copied to: `ecr-stack:replication`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from ecr_stack.aws.names import AccountId, Region, ReplicationFilter, partition_of
from ecr_stack.errors import Problem
from ecr_stack.model import Model, Structural, is_unknown

__all__ = ["Destination", "ReplicationRule", "ReplicationSettings", "replication_problems"]

# The API model allows 25 rules; the service quota is 10 in every Region but ca-central-1, and the provider's schema
# enforces 10. https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
MAX_RULES = 10
MAX_DESTINATIONS = 25


class Destination(Model):
    """One registry that receives copies."""

    STRUCTURAL = True
    EXAMPLES = {"region": "us-west-2"}

    region: Annotated[Region, Structural]
    """The Region of the receiving registry."""
    registry_id: AccountId | None = None
    """The account of the receiving registry, in quotes. Default: this stack's own."""


class ReplicationRule(Model):
    """Which repositories go where."""

    STRUCTURAL = True
    EXAMPLES = {"destinations": "[{region: us-west-2}]"}

    destinations: Annotated[list[Destination], Field(min_length=1, max_length=MAX_DESTINATIONS), Structural]
    """The registries that receive copies, each in another Region or account."""
    repository_filters: Annotated[list[ReplicationFilter], Field(min_length=1, max_length=100)] | None = None
    """Prefixes of repository names; any of them selects a repository. Default: every repository."""


class ReplicationSettings(Model):
    """The registry's replication: one configuration for an account and Region."""

    rules: Annotated[list[ReplicationRule], Field(max_length=MAX_RULES), Structural] = []
    """At most 10 rules, to at most 25 registries in all."""
    creation_template: Annotated[bool, Structural] = True
    """Whether this account's destinations get a repository creation template and a key, so that the copies are encrypted,
    immutable and expire like the originals. Otherwise ECR makes them mutable and AES256, and keeps everything. Default: `true`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """No destination twice in a rule, at most 25 in all."""
        seen: set[tuple[str, object]] = set()
        for number, rule in enumerate(self.known("rules") or []):
            here: set[tuple[str, object]] = set()
            for position, destination in enumerate(() if is_unknown(rule) else rule.known("destinations") or ()):
                if is_unknown(destination) or is_unknown(destination.region):
                    continue
                unknown = is_unknown(destination.registry_id)
                target = (destination.region, id(destination.registry_id) if unknown else destination.registry_id)
                if target in here:
                    yield Problem(
                        f"rules[{number}].destinations[{position}]",
                        destination.as_written(),
                        "a rule names each destination once",
                        "remove the repetition",
                    )
                here.add(target)
            seen |= here
        if len(seen) > MAX_DESTINATIONS:
            yield Problem(
                "rules",
                f"{len(seen)} destinations",
                f"a registry replicates to at most {MAX_DESTINATIONS} destinations",
                "remove some",
            )


def replication_problems(
    replication: ReplicationSettings, names: Sequence[str], region: str | None, account: str | None
) -> Iterator[Problem]:
    """Yield what AWS would refuse, or accept without doing anything, for this registry.

    Args:
        replication: the section; places are relative to it.
        names: every repository name of the stack, as filters see it.
        region: the registry's own Region, `None` if it is not known.
        account: the registry's own account, `None` if it is not known.
    """
    for number, rule in enumerate(replication.known("rules") or []):
        if is_unknown(rule):
            continue
        for position, destination in enumerate(rule.known("destinations") or []):
            if is_unknown(destination) or is_unknown(destination.region) or region is None:
                continue
            here = f"rules[{number}].destinations[{position}].region"
            own = destination.registry_id is None or (account is not None and destination.registry_id == account)
            if destination.region == region and own:
                yield Problem(
                    here,
                    destination.region,
                    "a registry cannot replicate to itself",
                    "name another Region, or the `registryId` of another account",
                )
            elif partition_of(destination.region) != partition_of(region):
                yield Problem(
                    here,
                    destination.region,
                    f"images are not replicated across partitions ({partition_of(region)} to {partition_of(destination.region)})",
                    f"name a Region of partition {partition_of(region)}",
                )
        for position, prefix in enumerate(rule.known("repository_filters") or []):
            if names and not is_unknown(prefix) and not any(name.startswith(prefix) for name in names):
                shown = f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
                yield Problem(
                    f"rules[{number}].repositoryFilters[{position}]",
                    prefix,
                    "a filter is the beginning of a repository's name, and no repository of this stack begins with this one: "
                    "nothing would be replicated",
                    f"write the beginning of one of {shown}",
                )
