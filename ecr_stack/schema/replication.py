"""Replication of images: `ecr-stack:replication`.

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
"""`managed`: the stack creates the replicas' repositories; `template`: ECR creates them from the stack's creation
templates; `none`: ECR creates them with its defaults or someone else's templates."""

# The API model allows 25 rules; the service quota is 10 in every Region but ca-central-1, and the provider's schema
# enforces 10. https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html
MAX_RULES = 10
MAX_DESTINATIONS = 25


class Destination(Model):
    """A registry that receives replicas."""

    STRUCTURAL = True
    EXAMPLES = {"region": "us-west-2"}

    region: Annotated[Region, Structural]
    """The Region of the receiving registry."""
    registry_id: AccountId | None = None
    """The account of the receiving registry, in quotes. Default: this stack's own."""
    replicas: Annotated[ReplicaSource | None, Structural] = None
    """How the replicas' repositories are created in a Region of this account. `managed`: by the stack, each with its
    own settings. `template`: by ECR, from creation templates, when the first image arrives. `none`: by ECR, with its
    defaults, mutable and AES256. Default: `managed`, unless `creationTemplate` is set."""
    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in that Region. Default: a new key there."""
    import_existing: Annotated[list[RepositoryName] | None, Structural] = Field(default=None, alias="import")
    """With `replicas: managed`: the repositories that ECR has already created in that Region. They are adopted
    unchanged; the first deployment after you remove this key applies their settings."""
    backfill: Annotated[bool | None, Structural] = None
    """Whether existing images are also replicated, once, when the destination is added. Default: `false`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A key must be in the destination's Region; only managed repositories can be adopted."""
        arn = self.known("key_arn")
        match = KMS_KEY_ARN.fullmatch(arn or "")
        if match and not is_unknown(self.region) and match[1] != self.region:
            yield Problem(
                "keyArn",
                arn,
                f"the key must be in the destination's Region, {self.region}",
                f"use a key whose ARN begins with arn:{partition_of(self.region)}:kms:{self.region}:",
            )
        if self.replicas == "none" and arn is not None:
            yield Problem(
                "keyArn",
                arn,
                "with `replicas: none`, this stack creates nothing that would use the key",
                "remove `keyArn`, or write `replicas: managed`",
            )
        if self.import_existing is not None and self.replicas in ("template", "none"):
            yield Problem(
                "import",
                self.import_existing,
                "only managed repositories can be adopted",
                "write `replicas: managed`, or remove `import`",
            )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """What is made here has a key; what the stack manages is adopted."""
        yield never(is_one_of("replicas", "none"), given("keyArn"))
        yield never(is_one_of("replicas", "template", "none"), given("import"))


class ReplicationRule(Model):
    """Which repositories are replicated to which destinations."""

    STRUCTURAL = True
    EXAMPLES = {"destinations": "[{region: us-west-2}]"}

    destinations: Annotated[list[Destination], Field(min_length=1, max_length=MAX_DESTINATIONS), Structural]
    """The destination registries, each in another Region or account."""
    repository_filters: Annotated[list[ReplicationFilter], Field(min_length=1, max_length=100)] | None = None
    """Prefixes of repository names; any of them selects a repository. Default: every repository."""


class ReplicationSettings(Model):
    """The registry's replication: one configuration per account and Region."""

    rules: Annotated[list[ReplicationRule], Field(max_length=MAX_RULES), Structural] = []
    """At most 10 rules, with at most 25 destinations in total."""
    creation_template: Annotated[bool | None, Structural] = None
    """The default for `replicas`, as in version 0.1.0: `true` means `template`, `false` means `none`. Default:
    `managed`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """No duplicate destinations in a rule, at most 25 in total."""
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
                        "the destination is repeated in the rule",
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
                            f"`{first[0]}` has different settings for the same destination",
                            "set them in one rule; the other rules only need the `region`",
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
    """The destinations in the stack's own account, each with the settings from any rule.

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
    """Whether a rule selects a repository; an unknown filter is assumed to."""
    filters = rule.known("repository_filters")
    return not filters or any(is_unknown(prefix) or name.startswith(prefix) for prefix in filters)


def replication_notes(replication: ReplicationSettings) -> list[str]:
    """Warnings about what AWS does not do by itself for these destinations."""
    regions = {
        destination.region
        for rule in replication.known("rules") or []
        for destination in rule.destinations
        if destination.region in OPT_IN_REGIONS
    }
    return [
        f"{region} is an opt-in Region: replication to it fails until the receiving account has enabled it"
        for region in sorted(regions)
    ]


def replication_problems(
    replication: ReplicationSettings, names: Sequence[str], region: str | None, account: str | None
) -> Iterator[Problem]:
    """Yield settings that AWS would reject or silently ignore for this registry.

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
                            f"this stack cannot create anything in account {destination.registry_id}",
                            f"remove `{key}`; use `registryAccess.replicationFrom` and `creationTemplates` in the "
                            "other account's stack file",
                        )
            if destination.region == region and own:
                yield Problem(
                    here,
                    destination.region,
                    "a registry cannot replicate to itself",
                    "use another Region, or the `registryId` of another account",
                )
            elif partition_of(destination.region) != partition_of(region):
                yield Problem(
                    here,
                    destination.region,
                    f"images cannot be replicated across partitions ({partition_of(region)} to "
                    f"{partition_of(destination.region)})",
                    f"use a Region in partition {partition_of(region)}",
                )
            for adopted in destination.import_existing or ():
                if names and not is_unknown(adopted) and not (adopted in names and replicates(rule, adopted)):
                    yield Problem(
                        f"rules[{number}].destinations[{position}].import",
                        adopted,
                        "the rule does not replicate a repository with this name",
                        "write names in `repositories` that are replicated to this destination",
                    )
        for position, prefix in enumerate(rule.known("repository_filters") or []):
            if names and not is_unknown(prefix) and not any(name.startswith(prefix) for name in names):
                shown = f"{', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
                yield Problem(
                    f"rules[{number}].repositoryFilters[{position}]",
                    prefix,
                    "a filter is a prefix of repository names, and no repository in this stack begins with this one: "
                    "nothing would be replicated",
                    f"write a prefix of one of {shown}",
                )
