"""Risks in a change: lost images, opened access, weakened safeguards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.resources import RESOURCES, SIGNING_CONFIGURATION
from ecr_stack.review.access_changes import access_changes
from ecr_stack.review.comparison import Comparison, Risk
from ecr_stack.review.production import production_risks
from ecr_stack.review.report import Record, at, items, parsed
from ecr_stack.review.retention_changes import RetentionChange, retention_changes
from ecr_stack.review.safeguards import GUARD, weakened

__all__ = ["risks_of"]

_REPOSITORY = "aws:ecr/repository:Repository"
_KEY = "aws:kms/key:Key"
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
_COMMAND = "command:local:Command"

_REMOVED = {
    _REPOSITORY: ("danger", "the repository would be deleted, with its images"),
    _LIFECYCLE: ("attention", "the lifecycle would be removed: images are kept, and paid for, for ever"),
    _TEMPLATE: (
        "danger",
        "the template would be removed: repositories that ECR creates get its defaults: mutable tags, no lifecycle, "
        "no policy",
    ),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": ("danger", "replication would end"),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": (
        "danger",
        "the registry's scanning would revert to AWS's default",
    ),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (
        "danger",
        "the policy would be removed; pulls that need it will fail",
    ),
    "aws:ecr/registryPolicy:RegistryPolicy": ("danger", "the policy would be removed; access that needs it will fail"),
    "aws:kms/alias:Alias": ("attention", "the alias would be removed; anything that uses it will fail"),
    "aws:iam/role:Role": ("danger", "the role would be deleted; whoever assumes it will be locked out"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        "danger",
        "the identity provider would be deleted; pipelines that use it will fail",
    ),
}
"""The consequence of deleting a resource of each type."""


def risks_of(comparison: Comparison, base: Record, head: Record) -> list[Risk]:
    """Return the risks.

    Args:
        comparison: what differs.
        base: how it is, as `rehearse --format json` prints it.
        head: how it would be.
    """
    renamed = {
        change.urn: change.was
        for part in (comparison.renamed, comparison.changed, comparison.replaced)
        for change in part
        if change.was
    }
    return [
        *_losses(comparison, base),
        *_retention(comparison, base, head),
        *weakened(base, head, renamed),
        *production_risks(base, head, renamed),
        *_ignored(base, head, renamed),
        *_access(base, head),
    ]


def _losses(comparison: Comparison, base: Record) -> Iterator[Risk]:
    for change in comparison.replaced:
        if change.type == _REPOSITORY:
            message = (
                f"AWS cannot change {', '.join(change.replaces)}; the repository would be deleted and created again, "
                "and EVERY IMAGE in it would be lost"
            )
            yield Risk("danger", change.urn, change.name, message)
        elif change.type == _KEY:
            yield Risk("danger", change.urn, change.name, "the key would be replaced; images need the old one")
        elif change.type != _COMMAND:
            message = f"AWS cannot change {', '.join(change.replaces)}; it would be deleted and created again"
            yield Risk("attention", change.urn, change.name, message)
    records = {record["urn"]: record for record in base["resources"]}
    gone = {_repository(records[change.urn]) for change in comparison.removed if change.type == _REPOSITORY}
    for change in comparison.removed:
        record = records[change.urn]
        if change.type != _REPOSITORY and _repository(record) in gone:
            continue  # it goes with its repository
        if change.type == _COMMAND and at(record, "inputs", "environment", "ECR_STACK_REPOSITORY"):
            continue  # the guard of version 0.1.0
        if change.type == GUARD and isinstance(at(record, "inputs", "input", "limits"), Mapping):
            continue  # a guard is a safeguard of its repository
        level, message = (
            _key_loss(record, base) if change.type == _KEY else _REMOVED.get(change.type, ("attention", ""))
        )
        noun = RESOURCES[change.type].noun if change.type in RESOURCES else change.type
        if at(record, "inputs", "typeName") == SIGNING_CONFIGURATION:
            noun = "signing configuration"
        yield Risk(level, change.urn, change.name, message or f"the {noun} would be deleted")


def _ignored(base: Record, head: Record, renamed: Mapping[str, str]) -> Iterator[Risk]:
    """Yield the resources of which changes would no longer be made: what AWS has is then not what a rehearsal shows."""
    before = {record["urn"]: record for record in base["resources"]}
    for record in head["resources"]:
        old = before.get(renamed.get(record["urn"], record["urn"]))
        if old is not None:
            ignored, known = (set(map(str, items(at(each, "options", "ignoreChanges")))) for each in (record, old))
            if ignored - known:
                names = ", ".join(f"`{name}`" for name in sorted(ignored - known))
                words = f"changes of {names} would be ignored: what AWS has need not be what is rehearsed and reviewed"
                yield Risk("attention", record["urn"], record["name"], words)


def _key_loss(key: Record, report: Record) -> tuple[str, str]:
    """What it means if a key goes: not every key encrypts images."""
    users = [record["type"] for record in report["resources"] if key["urn"] in items(at(record, "dependencies"))]
    if _REPOSITORY in users or _TEMPLATE in users:
        return "danger", "the key would be deleted, and images encrypted with it could no longer be pulled"
    return "danger", "the key would be deleted; data encrypted with it could no longer be read"


def _repository(record: Record) -> tuple[Any, Any] | None:
    """The Region and name of the repository that a resource is, or belongs to."""
    name = at(record, "outputs", "name") if record["type"] == _REPOSITORY else at(record, "inputs", "repository")
    if record["type"] == _COMMAND:
        environment = at(record, "inputs", "environment")
        return at(environment, "ECR_STACK_REGION"), at(environment, "ECR_STACK_REPOSITORY")
    return (at(record, "outputs", "region"), name) if name else None


def _retention(comparison: Comparison, base: Record, head: Record) -> Iterator[Risk]:
    """Changed lifecycles, by what would go; a lifecycle that is new on a repository that exists is one, too."""
    told: set[str] = set()
    for change in retention_changes(base, head):
        losing = [kind.images for kind in change.kinds if kind.loses]
        for urn, name in change.resources:
            told.add(urn)
            if losing:
                yield Risk("danger", urn, name, _loss(change, losing))
            else:
                yield Risk("attention", urn, name, _no_loss(change))
    for difference in (*comparison.changed, *comparison.replaced):
        changed = [
            item
            for item in difference.properties
            if (difference.type == _LIFECYCLE or item.path.startswith("lifecyclePolicy"))
            and not item.path.endswith(".description")
        ]
        if changed and difference.type in (_LIFECYCLE, _TEMPLATE) and difference.urn not in told:
            message = "the lifecycle changes in a way that cannot be counted; review the rules"
            yield Risk("attention", difference.urn, difference.name, message)


def _no_loss(change: RetentionChange) -> str:
    archived = [kind.images for kind in change.kinds if kind.archives]
    if archived:
        return (
            f"the lifecycle changes; images that can be pulled today may go to the archive, where they cannot: "
            f"{_shortened(archived)}. `ecr-stack lifecycle plan` lists them"
        )
    if not change.complete:
        return "the lifecycle changes in a way that cannot be counted; read the rules"
    return "the lifecycle changes, but keeps no fewer images of any kind that it selects"


def _shortened(kinds: list[str]) -> str:
    return "; ".join(kinds[:3]) + (f" and {len(kinds) - 3} more kinds" if len(kinds) > 3 else "")


def _loss(change: RetentionChange, losing: list[str]) -> str:
    where = "of new replicas" if change.replicas else ""
    return (
        f"the lifecycle {where + ' ' if where else ''}changes; within 24 hours of the deployment, it may remove "
        f"images that are kept today: {_shortened(losing)}. `ecr-stack lifecycle plan` lists them"
    )


def _access(base: Record, head: Record) -> Iterator[Risk]:
    """What changed policies let someone do, wherever they are."""
    before, after = ({record["urn"]: record for record in report["resources"]} for report in (base, head))
    for change in access_changes(before, after):
        yield Risk(change.level, change.urn, change.name, change.message)
    for urn, record in after.items():
        if record["type"] not in _READ and _differs(before.get(urn), record):
            words = "has a new or changed policy that the review cannot interpret: review it"
            yield Risk("danger", urn, record["name"], words)


_READ = frozenset(
    {
        *("aws:ecr/repositoryPolicy:RepositoryPolicy", "aws:ecr/registryPolicy:RegistryPolicy", _TEMPLATE, _KEY),
        *("aws:sns/topicPolicy:TopicPolicy", "aws:sqs/queuePolicy:QueuePolicy"),
        *("aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:kms/grant:Grant", "aws:kms/keyPolicy:KeyPolicy"),
    }
)
"""The types whose policies `access_changes` interprets by themselves; others it does if a role has them."""


def _differs(old: Record | None, new: Record) -> bool:
    """Whether a resource has another policy than before."""
    return _policies(parsed(at(old, "inputs") or {})) != _policies(parsed(new["inputs"]))


def _policies(value: Any) -> list[Any]:
    """The statements of all policies in a value, wherever they are."""
    if isinstance(value, Mapping):
        if "Statement" in value:
            return [value["Statement"]]
        return [found for item in value.values() for found in _policies(item)]
    return [found for item in value for found in _policies(item)] if isinstance(value, list) else []
