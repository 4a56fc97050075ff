"""Checks between the stacks of a project: both ends of a replication, and settings that an account and Region have
once.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from ecr_stack.aws.iam.principals import account_of
from ecr_stack.errors import Problem
from ecr_stack.model import is_unknown
from ecr_stack.schema.checks import destination_regions, managed_replicas
from ecr_stack.schema.pipelines import issuer_host, role_name_of
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.replication import replicates

__all__ = ["FleetProblem", "StackRegistry", "fleet_problems"]


@dataclass(frozen=True)
class StackRegistry:
    """The registry of one stack."""

    stack: str
    """The stack's name."""
    settings: RegistrySettings
    """Its valid settings."""
    account: str | None
    """Its account; if it is `None` (unknown), checks that depend on it are skipped."""
    region: str | None
    """Its home Region; `None` if it is not known."""


@dataclass(frozen=True)
class FleetProblem:
    """A problem between stacks, in the file of one of them."""

    stack: str
    """The stack whose file must be fixed."""
    problem: Problem
    """The error; its place is a key path such as `ecr-stack:registryAccess.replicationFrom`."""


def fleet_problems(registries: Sequence[StackRegistry]) -> Iterator[FleetProblem]:
    """Check the stacks of a project against each other.

    Args:
        registries: every available stack; other resources in the accounts are unknown.
    """
    for source in registries:
        for place, account, region, names in _replicated(source):
            for target in registries:
                if target is not source and (target.account, target.region) == (account, region):
                    yield from _unadmitted(source, target)
                    yield from _chained(source, target, place, names)
    yield from _idle_admissions(registries)
    yield from _shared(registries)


def _replicated(source: StackRegistry) -> Iterator[tuple[str, str, str, list[str]]]:
    """Where a stack replicates to: the place of the destination, its account and Region, and the replicated
    repositories."""
    for number, rule in enumerate(source.settings.replication.rules):
        for position, destination in enumerate(rule.destinations):
            account = destination.registry_id or source.account
            if account is not None and not is_unknown(account):
                names = [
                    source.settings.physical_name(key)
                    for key in source.settings.repositories
                    if replicates(rule, source.settings.name_of(key))
                ]
                place = f"ecr-stack:replication.rules[{number}].destinations[{position}]"
                yield place, account, destination.region, names


def _admitted(target: StackRegistry) -> list[str]:
    access = target.settings.registry_access
    return [] if access is None else [account_of(name) for name in access.replication_from if not is_unknown(name)]


def _unadmitted(source: StackRegistry, target: StackRegistry) -> Iterator[FleetProblem]:
    if source.account is None or source.account == target.account or source.account in _admitted(target):
        return
    problem = Problem(
        "ecr-stack:registryAccess.replicationFrom",
        _admitted(target) or None,
        f"stack {source.stack} of account {source.account} replicates into this registry, which does not allow it, so "
        "no images arrive",
        f'add "{source.account}"',
    )
    yield FleetProblem(target.stack, problem)


def _chained(source: StackRegistry, target: StackRegistry, place: str, names: Sequence[str]) -> Iterator[FleetProblem]:
    """ECR does not replicate replicas."""
    own = {(account, region) for _, account, region, _ in _replicated(source)} | {(source.account, source.region)}
    prefix = target.settings.name_prefix or ""
    for rule in target.settings.replication.rules:
        onward = [name for name in names if name.startswith(prefix) and replicates(rule, name.removeprefix(prefix))]
        for destination in rule.destinations:
            registry = (destination.registry_id or target.account, destination.region)
            if onward and registry not in own:
                problem = Problem(
                    place,
                    {"region": target.region, "registryId": target.account},
                    f"replicas are not replicated onward: what arrives there, e.g. {onward[0]}, does not reach "
                    f"{registry[1]} of account {registry[0]}, to which stack {target.stack} replicates",
                    f'add a destination {{region: {registry[1]}, registryId: "{registry[0]}"}} here if it is to',
                )
                yield FleetProblem(source.stack, problem)


def _idle_admissions(registries: Sequence[StackRegistry]) -> Iterator[FleetProblem]:
    """Allowed accounts whose stacks are available but replicate nothing to this registry."""
    for target in registries:
        sending = {
            source.account
            for source in registries
            for _, account, region, _ in _replicated(source)
            if (account, region) == (target.account, target.region)
        }
        at_hand = {source.account for source in registries}
        for account in _admitted(target):
            if account in at_hand and account not in sending and target.account is not None:
                problem = Problem(
                    "ecr-stack:registryAccess.replicationFrom",
                    account,
                    f"no stack of account {account} replicates to {target.region} of account {target.account}",
                    "add the destination to a rule there, or remove the account here",
                )
                yield FleetProblem(target.stack, problem)


def _shared(registries: Sequence[StackRegistry]) -> Iterator[FleetProblem]:
    """Settings that an account and Region have once, but two stacks set; reported for both."""
    single = {registry.stack: set(_single(registry)) for registry in registries}
    names = {registry.stack: set(_repositories(registry)) for registry in registries}
    made = {registry.stack: set(_made_once(registry)) for registry in registries}
    for one, other in permutations(registries, 2):
        known = one.account is not None and other.account is not None
        if known and one.account != other.account:
            continue
        account = f"account {one.account}" if known else "possibly the same account"
        for section, region in sorted(single[one.stack] & single[other.stack]):
            problem = Problem(
                f"ecr-stack:{section}",
                None,
                f"the stack `{other.stack}` also sets it, {region} of {account}, where it exists only once: each "
                "deployment would overwrite the other",
                "set it in only one of the two stacks"
                + ("" if known else ", or set each stack's account in `aws:allowedAccountIds`"),
            )
            yield FleetProblem(one.stack, problem)
        for place, what in sorted(made[one.stack] & made[other.stack]) if known else ():
            consequence, remedy = _MADE_ONCE[place.partition(".")[0]]
            problem = Problem(
                f"ecr-stack:{place}",
                None,
                f"the stack `{other.stack}` of {account} has {what} too: {consequence}",
                remedy,
            )
            yield FleetProblem(one.stack, problem)
        shared: dict[str, list[str]] = {}
        for region, name in sorted(names[one.stack] & names[other.stack]) if known else ():
            shared.setdefault(region, []).append(name)
        for region, both in shared.items():
            named = ", ".join(f"`{name}`" for name in both[:3]) + (
                f" and {len(both) - 3} more" if len(both) > 3 else ""
            )
            what = f"the {'repository' if len(both) == 1 else 'repositories'} {named}"
            problem = Problem(
                "ecr-stack:repositories",
                ", ".join(both),
                f"the stack `{other.stack}` also has {what}, in {region} of {account}",
                "give one of the two stacks a `namePrefix`",
            )
            yield FleetProblem(one.stack, problem)


def _single(registry: StackRegistry) -> Iterator[tuple[str, str]]:
    """The singleton settings of a stack: the section of its file, and where they apply."""
    settings = registry.settings
    if settings.budget is not None:
        yield "budget", "for all Regions"
    if registry.region is None:
        return
    home = f"in {registry.region}"
    others = [f"in {region}" for region in destination_regions(settings, registry.account)]
    if settings.replication.rules:
        yield "replication", home
    if settings.account_settings.given():
        yield "accountSettings", home
    if settings.signing.rules:
        yield "signing", home
    for where in (home, *others):
        if settings.registry_access is not None:
            yield "registryAccess", where
        if settings.scanning.type is not None:
            yield "scanning", where


_FAILS = "whichever is deployed second fails, because it exists"
_MADE_ONCE = {
    "pullThroughCache": (
        _FAILS,
        "keep the cache in one of the two stacks, for both, or give one of them another prefix",
    ),
    "creationTemplates": (_FAILS, "keep the template in one of the two stacks, for both"),
    "publicRepositories": (_FAILS, "keep it in one of the two stacks, or choose another name"),
    "pipelines": (_FAILS, "let one of the two make it, and write its ARN as `providerArn` in the other"),
    "nodes": (
        "the policy is attached to a role once, so whichever stack ends first takes it away from both",
        "keep it in one of the two stacks",
    ),
}
"""By section: what comes of two stacks that make the same thing, and the remedy."""


def _made_once(registry: StackRegistry) -> Iterator[tuple[str, str]]:
    """What a stack makes of which an account, or its Region, has one: the place in its file, and what it is."""
    settings, region = registry.settings, registry.region
    for host in {issuer_host(each.issued_by) for each in settings.pipelines.values() if each.provider_arn is None}:
        yield "pipelines", f"the OpenID Connect provider of {host}"
    for role in settings.nodes.roles if settings.nodes is not None else ():
        yield "nodes.roles", f"the role `{role_name_of(role)}`"
    for name in settings.public_repositories:
        yield f"publicRepositories.{name}", "this public repository"
    if region is None:
        return
    for prefix in settings.pull_through_cache:
        yield f"pullThroughCache.{prefix}", f"a cache with this prefix in {region}"
    for prefix in settings.creation_templates:
        yield f"creationTemplates.{prefix}", f"a template for this prefix in {region}"


def _repositories(registry: StackRegistry) -> Iterator[tuple[str, str]]:
    """The Regions and names of the repositories that a stack creates."""
    if registry.region is None:
        return
    by_region = managed_replicas(registry.settings, registry.account)
    by_region[registry.region] = registry.settings.physical_names()
    for region, names in by_region.items():
        yield from ((region, name) for name in names)
