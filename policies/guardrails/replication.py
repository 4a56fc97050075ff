"""Replication: production's images are in a second region when the first one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi_policy import Severity
from pulumi_policy.policy import PolicyResource

from guardrails.policy import Config, stack_policy
from guardrails.production import PRODUCTION, in_production
from guardrails.resources import REPLICATION, REPOSITORY, UNKNOWN, called, each, look, region_of, same_region, text


@dataclass(frozen=True)
class _Rule:
    source: str
    regions: frozenset[str]
    prefixes: tuple[str, ...]
    strange: bool
    """Whether it has a filter that is no prefix, of which nobody knows what it covers."""
    unknown: bool
    """Whether only the update will know what it does."""

    def covers(self, name: str) -> bool:
        return not self.strange and (not self.prefixes or name.startswith(self.prefixes))

    def copies_to(self, region: str) -> bool:
        return bool(region and self.source) and self.source != region and region in self.regions


@stack_policy(
    types=[REPOSITORY, REPLICATION],
    reason="A cluster that must start elsewhere pulls its images there: what is in one region only is gone with it.",
    control="AWS Well-Architected REL10-BP01",
    url="https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html",
    severity=Severity.MEDIUM,
    remedy="Add a rule to the registry's aws.ecr.ReplicationConfiguration, with a destination in another Region; a rule"
    " without a filter covers everything.",
    stack_file=dict.fromkeys(
        [REPOSITORY, REPLICATION],
        "Add `destinations: [{region: …}]` to `ecr-stack:replication.rules`; a rule without `repositoryFilters` covers"
        " every repository.",
    ),
    config={
        "regions": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Regions that every repository of production must be copied to; any other one if empty.",
        },
        **PRODUCTION,
    },
)
def repositories_in_production_are_replicated(
    resources: Sequence[PolicyResource], config: Config, report: Callable[[str, str], None]
) -> None:
    """Report production's repositories that no replication rule of the stack covers."""
    repositories = [
        resource for resource in resources if resource.resource_type == REPOSITORY and in_production(resource, config)
    ]
    rules = [rule for resource in resources if resource.resource_type == REPLICATION for rule in _rules(resource)]
    if repositories and not rules:
        report(
            f"No replication is configured for the {len(repositories)} repositories of production"
            f" ({', '.join(sorted(called(repository) for repository in repositories)[:3])}, …)."
            if len(repositories) > 1
            else f"No replication is configured for {called(repositories[0])}, in production.",
            "",
        )
        return
    for resource in resources:
        if resource.resource_type == REPLICATION and any(rule.strange for rule in _rules(resource)):
            report(
                "What is replicated cannot be known: a replication rule has a filter that is not a PREFIX_MATCH with a"
                " prefix. The rule counts for nothing here.",
                resource.urn,
            )
    for repository in repositories:
        region, name = region_of(repository), called(repository)
        covering = [rule for rule in rules if rule.covers(name)]
        here = [rule for rule in covering if same_region(rule.source, region)]
        if any(rule.unknown for rule in here) or any(rule.copies_to(region) for rule in covering):
            continue  # not known yet, or itself what the original is copied to
        reached = frozenset[str]().union(*(rule.regions for rule in here)) - {region}
        absent = [wanted for wanted in config["regions"] if wanted not in reached and wanted != region]
        if not reached:
            report(
                f"{name}, in production, is copied to no other region: no replication rule covers it.",
                repository.urn,
            )
        elif absent:
            report(
                f"{name}, in production, is copied to {', '.join(sorted(reached))} but not to {', '.join(absent)}.",
                repository.urn,
            )


def _rules(resource: PolicyResource) -> list[_Rule]:
    source = region_of(resource)
    configuration = look(resource.props, "replicationConfiguration")
    return [
        _Rule(
            source,
            frozenset(text(destination, "region") for destination in each(rule, "destinations")) - {""},
            tuple(text(prefix, "filter") for prefix in each(rule, "repositoryFilters")),
            strange=any(map(_is_strange, each(rule, "repositoryFilters"))),
            unknown=rule is UNKNOWN
            or any(look(destination, "region") is UNKNOWN for destination in each(rule, "destinations"))
            or any(look(prefix, "filter") is UNKNOWN for prefix in each(rule, "repositoryFilters")),
        )
        for rule in (each(configuration, "rules") if configuration is not UNKNOWN else [UNKNOWN])
    ]


def _is_strange(given: Any) -> bool:
    """Whether a filter is not a prefix: ECR has no other kind, and refuses an empty one."""
    kind = look(given, "filterType")
    written = look(given, "filter")
    return kind not in {"PREFIX_MATCH", UNKNOWN, None} or not (
        written is UNKNOWN or (isinstance(written, str) and written)
    )
