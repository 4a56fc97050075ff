"""Finds missing dependencies: a resource that only happens to be created later may be created earlier next time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

from ecr_stack.rehearsal.report import ResourceRecord, Violation

__all__ = ["in_order", "undeclared_orders"]

# For each type: the property that names another resource, the type of that resource, and the property with its name.
_NEEDS = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": [("repository", "aws:ecr/repository:Repository", "name")],
    "aws:ecr/repositoryPolicy:RepositoryPolicy": [("repository", "aws:ecr/repository:Repository", "name")],
    "aws:ecr/repository:Repository": [("encryptionConfigurations", "aws:kms/key:Key", "arn")],
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": [
        ("encryptionConfigurations", "aws:kms/key:Key", "arn"),
        ("customRoleArn", "aws:iam/role:Role", "arn"),
    ],
    "aws:cloudwatch/eventTarget:EventTarget": [
        ("rule", "aws:cloudwatch/eventRule:EventRule", "name"),
        ("arn", "aws:sns/topic:Topic", "arn"),
        ("deadLetterConfig", "aws:sqs/queue:Queue", "arn"),
    ],
    "aws:sns/topic:Topic": [("kmsMasterKeyId", "aws:kms/key:Key", "arn")],
    "aws:sns/topicPolicy:TopicPolicy": [("arn", "aws:sns/topic:Topic", "arn")],
    "aws:sns/topicSubscription:TopicSubscription": [("topic", "aws:sns/topic:Topic", "arn")],
    "aws:sqs/queuePolicy:QueuePolicy": [("queueUrl", "aws:sqs/queue:Queue", "url")],
    "aws:kms/alias:Alias": [("targetKeyId", "aws:kms/key:Key", "keyId")],
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": [("role", "aws:iam/role:Role", "name")],
    "aws:iam/rolePolicy:RolePolicy": [("role", "aws:iam/role:Role", "name")],
}


def in_order(resources: Sequence[ResourceRecord]) -> list[ResourceRecord]:
    """Sort resources deterministically, so that each comes after its parent and its dependencies."""
    by_urn = {resource.urn: resource for resource in resources}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for resource in resources:
        before = [resource.parent, *resource.dependencies]
        sorter.add(resource.urn, *(urn for urn in before if urn in by_urn))
    sorter.prepare()
    ordered: list[ResourceRecord] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += [by_urn[urn] for urn in ready]
        sorter.done(*ready)
    return ordered


def undeclared_orders(resources: Sequence[ResourceRecord]) -> Iterator[Violation]:
    """Yield the resources that name another one of the stack without depending on it."""
    by_urn = {resource.urn: resource for resource in resources}
    named: dict[tuple[str, str, Any, Any], str] = {}
    for resource in resources:
        for _, needed, key in {need for needs in _NEEDS.values() for need in needs}:
            if resource.type == needed:
                named[needed, key, resource.outputs.get(key), _region(resource)] = resource.urn
    for resource in resources:
        for key, needed, by in _NEEDS.get(resource.type, []):
            for value in _texts(resource.inputs.get(key)):
                target = named.get((needed, by, value, _region(resource)))
                if target is not None and target not in _reachable(resource, by_urn):
                    yield Violation(
                        policy="what-needs-a-resource-depends-on-it",
                        level="mandatory",
                        urn=resource.urn,
                        message=f"`{key}` names {by_urn[target].name!r} without depending on it, so this may be created first; "
                        "use its output, or add depends_on",
                    )


def _region(resource: ResourceRecord) -> Any:
    return None if resource.type.startswith("aws:iam/") else resource.outputs.get("region")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _reachable(resource: ResourceRecord, by_urn: Mapping[str, ResourceRecord]) -> set[str]:
    seen: set[str] = set()
    waiting = list(resource.dependencies)
    while waiting:
        urn = waiting.pop()
        if urn not in seen:
            seen.add(urn)
            waiting += by_urn[urn].dependencies if urn in by_urn else []
    return seen
