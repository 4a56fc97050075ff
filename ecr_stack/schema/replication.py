"""Where images are copied to: `ecr-stack:replication`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from ecr_stack.aws.names import (
    KMS_KEY_ARN,
    OPT_IN_REGIONS,
    AccountId,
    KmsKeyArn,
    Region,
    ReplicationFilter,
    RepositoryName,
    partition_of,
)
from ecr_stack.errors import Problem
from ecr_stack.model import Model, Structural, is_unknown
from ecr_stack.schema.json_schema import given, is_one_of, never

__all__ = [
    "Destination",
    "ReplicaSource",
    "ReplicationRule",
    "ReplicationSettings",
    "destination_settings",
    "replicates",
    "replication_notes",
    "replication_problems",
]

ReplicaSource = Literal["managed", "template", "none"]
"""`managed`: the stack makes the repositories of replicas itself; `template`: ECR makes them from creation templates of the
stack; `none`: ECR makes them by its defaults, or by what somebody else has put there."""

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
    replicas: Annotated[ReplicaSource | None, Structural] = None
    """How the repositories of replicas are made, in a Region of this account. `managed`: by the stack, each with its own
    settings. `template`: by ECR when the first image arrives, from creation templates. `none`: by ECR with its defaults,
    mutable and AES256. Default: `managed`, or what `creationTemplate` says."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in that Region. Default: a key that is made there."""
    import_existing: Annotated[list[RepositoryName] | None, Structural] = Field(default=None, alias="import")
    """With `replicas: managed`: the repositories that ECR has made in that Region already. They are adopted as they are;
    the deployment after you remove the key brings them to their settings."""
    backfill: Annotated[bool | None, Structural] = None
    """Whether images that were pushed before are copied as well, once, when the destination is added. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A key belongs to its Region; only managed repositories are adopted."""
        arn = self.known("key_arn")
        match = KMS_KEY_ARN.fullmatch(arn or "")
        if match and not is_unknown(self.region) and match[1] != self.region:
            yield Problem(
                "keyArn",
                arn,
                f"the key must be in the destination's Region, {self.region}",
                f"name a key whose ARN begins with arn:{partition_of(self.region)}:kms:{self.region}:",
            )
        if self.replicas == "none" and arn is not None:
            yield Problem(
                "keyArn",
                arn,
                "with `replicas: none`, nothing that this stack makes is encrypted with the key",
                "remove `keyArn`, or write `replicas: managed`",
            )
        if self.import_existing is not None and self.replicas in ("template", "none"):
            yield Problem(
                "import",
                self.import_existing,
                "only repositories that the stack manages are adopted",
                "write `replicas: managed`, or remove `import`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """What is made here has a key; what the stack manages is adopted."""
        yield never(is_one_of("replicas", "none"), given("keyArn"))
        yield never(is_one_of("replicas", "template", "none"), given("import"))


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
    creation_template: Annotated[bool | None, Structural] = None
    """What destinations do that do not say `replicas`, as in version 0.1.0: `true` is `replicas: template`, `false` is
    `replicas: none`. Default: `replicas: managed`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """No destination twice in a rule, at most 25 in all."""
        seen: set[tuple[str, object]] = set()
        settings: dict[tuple[str, object, str], tuple[str, Any]] = {}
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
                for field in ("replicas", "key_arn", "import_existing", "backfill"):
                    value, key = getattr(destination, field), type(destination).model_fields[field].alias
                    place = f"rules[{number}].destinations[{position}].{key}"
                    first = settings.setdefault((*target, field), (place, value)) if value is not None else None
                    if first is not None and first[1] != value and not (is_unknown(value) or is_unknown(first[1])):
                        yield Problem(
                            place,
                            value,
                            f"`{first[0]}` says something else about the same destination",
                            "say it once; the other rules need only the `region`",
                        )
            seen |= here
        if len(seen) > MAX_DESTINATIONS:
            yield Problem(
                "rules",
                f"{len(seen)} destinations",
                f"a registry replicates to at most {MAX_DESTINATIONS} destinations",
                "remove some",
            )


def destination_settings(replication: ReplicationSettings, account: str | None) -> dict[str, Destination]:
    """The destinations in Regions of the stack's own account, each with what any rule says about it.

    Args:
        replication: the section, without problems.
        account: the registry's account, `None` if it is not known.

    Returns:
        By Region, in the order of the rules; `replicas` is always set.
    """
    default = {None: "managed", True: "template", False: "none"}[replication.known("creation_template")]
    merged: dict[str, dict[str, Any]] = {}
    for rule in replication.known("rules") or []:
        for destination in () if is_unknown(rule) else rule.known("destinations") or ():
            if is_unknown(destination) or is_unknown(destination.region):
                continue
            if destination.registry_id is None or destination.registry_id == account:
                merged.setdefault(destination.region, {}).update(destination.given())
    return {
        region: Destination.model_construct(
            _fields_set={*given, "region", "replicas"}, **{"replicas": default, **given, "registry_id": None}
        )
        for region, given in merged.items()
    }


def replicates(rule: ReplicationRule, name: str) -> bool:
    """Whether a rule selects a repository; a filter that is not known yet may."""
    filters = rule.known("repository_filters")
    return not filters or any(is_unknown(prefix) or name.startswith(prefix) for prefix in filters)


def replication_notes(replication: ReplicationSettings) -> list[str]:
    """What AWS does not do by itself for these destinations: sentences for whoever deploys."""
    regions = {
        destination.region
        for rule in replication.known("rules") or []
        for destination in rule.destinations
        if destination.region in OPT_IN_REGIONS
    }
    return [
        f"{region} is an opt-in Region: replication into it fails until the receiving account has enabled it"
        for region in sorted(regions)
    ]


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
            if not own:
                for field in ("replicas", "key_arn", "import_existing"):
                    if getattr(destination, field) is not None:
                        key = type(destination).model_fields[field].alias
                        yield Problem(
                            f"rules[{number}].destinations[{position}].{key}",
                            getattr(destination, field),
                            f"nothing can be made in account {destination.registry_id} from here",
                            f"remove `{key}`; the other account's stack file has `registryAccess.replicationFrom` and "
                            "`creationTemplates`",
                        )
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
            for adopted in destination.import_existing or ():
                if names and not is_unknown(adopted) and not (adopted in names and replicates(rule, adopted)):
                    yield Problem(
                        f"rules[{number}].destinations[{position}].import",
                        adopted,
                        "this is not a repository of the stack that the rule replicates",
                        "write names of `repositories` that go to this destination",
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
