"""The resources that guardrails look at: their types, and what can be known of one during a preview.

During a preview some properties are not known yet; reading one stops the policy. `look` answers `UNKNOWN` instead, so
that one repository's unknown key does not keep the others from being judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from pulumi_policy.policy import PolicyResource
from pulumi_policy.proxy import UnknownValueError, _is_unknown

from guardrails.policy import Resource

REPOSITORY = "aws:ecr/repository:Repository"
LIFECYCLE_POLICY = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
REPOSITORY_POLICY = "aws:ecr/repositoryPolicy:RepositoryPolicy"
REGISTRY_POLICY = "aws:ecr/registryPolicy:RegistryPolicy"
REGISTRY_SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
CREATION_TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
KEY = "aws:kms/key:Key"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
REPLICA_KEY = "aws:kms/replicaKey:ReplicaKey"
EXTERNAL_KEY = "aws:kms/externalKey:ExternalKey"
GRANT = "aws:kms/grant:Grant"
ROLE = "aws:iam/role:Role"
OIDC_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
PUBLIC_REPOSITORY = "aws:ecrpublic/repository:Repository"
PUBLIC_REPOSITORY_POLICY = "aws:ecrpublic/repositoryPolicy:RepositoryPolicy"
ACCOUNT_SETTING = "aws:ecr/accountSetting:AccountSetting"
PULL_THROUGH_RULE = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule"

POLICY_ATTACHMENT = "aws:iam/policyAttachment:PolicyAttachment"
ATTACHMENTS = [
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    POLICY_ATTACHMENT,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
]
USERS_POLICIES = [
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
    POLICY_ATTACHMENT,
]
IDENTITY_POLICIES = [
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    ROLE,
    *ATTACHMENTS,
]


class Unknown(Enum):
    """A value that only the update will know."""

    UNKNOWN = "not known during a preview"


UNKNOWN: Final = Unknown.UNKNOWN


def look(values: Any, key: str | int) -> Any:
    """The value at a key of an object or at an index of a list; None where there is none, UNKNOWN where not known.

    What is in something unknown is unknown too.
    """
    value = None
    try:
        if values is UNKNOWN:
            return UNKNOWN
        if isinstance(values, Mapping):
            value = values.get(key)
        elif isinstance(values, Sequence) and not isinstance(values, str) and isinstance(key, int):
            value = values[key] if -len(values) <= key < len(values) else None
    except UnknownValueError:
        return UNKNOWN
    # A remediation is given unknown values as the engine marks them.
    return UNKNOWN if _is_unknown(value) else value


def text(values: Any, key: str | int) -> str:
    """The value at a key where it is text, and known; else ""."""
    value = look(values, key)
    return value if isinstance(value, str) else ""


def flag(values: Any, key: str) -> Any:
    """The value at a key where it is true or false, also as text, which the provider takes too; else None or UNKNOWN."""
    value = look(values, key)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
    return value if value is UNKNOWN or isinstance(value, bool) else None


def number(values: Any, key: str) -> float | None:
    """The value at a key where it is a number, also as text; else None."""
    value = look(values, key)
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def each(values: Any, key: str) -> Iterator[Any]:
    """The elements of the list at a key, UNKNOWN for those that are not known; once UNKNOWN for an unknown list."""
    elements = look(values, key)
    if elements is UNKNOWN:
        yield UNKNOWN
    elif isinstance(elements, Sequence) and not isinstance(elements, str):
        for index in range(len(elements)):
            element = look(elements, index)
            if element is not None:
                yield element


def tags_of(resource: Resource) -> dict[str, Any]:
    """The tags that the resource will have, the provider's default tags included; a value may be UNKNOWN."""
    tags: dict[str, Any] = {}
    defaults: Any = look(resource.provider.props, "defaultTags") if resource.provider else None
    if isinstance(defaults, str):  # the engine gives nested provider configuration as JSON text
        try:
            defaults = json.loads(defaults)
        except ValueError:
            defaults = None
    for values in (
        look(defaults, "tags"),
        look(resource.props, "resourceTags"),
        look(resource.props, "tagsAll"),
        look(resource.props, "tags"),
    ):
        if isinstance(values, Mapping):
            tags.update({key: look(values, key) for key in values})
    return tags


def tags_are_known(resource: Resource) -> bool:
    """Whether the preview knows which tags there will be, if not every value."""
    return look(resource.props, "tags") is not UNKNOWN


def stack_of(resource: Resource) -> str:
    """The stack's name, from `urn:pulumi:STACK::PROJECT::TYPES::NAME`."""
    return resource.urn.removeprefix("urn:pulumi:").partition("::")[0]


def called(resource: Resource) -> str:
    """What to call the resource in a message: its name in AWS, where known."""
    for key in ("name", "repository", "repositoryName"):
        if found := text(resource.props, key):
            return found
    return resource.name


def region_of(resource: Resource) -> str:
    """The region, "" where it cannot be seen."""
    arn = text(resource.props, "arn").split(":")
    provider = text(resource.provider.props, "region") if resource.provider else ""
    return text(resource.props, "region") or (arn[3] if len(arn) > 5 else "") or provider


def same_region(one: str, other: str) -> bool:
    """Whether two regions are the same as far as can be seen."""
    return not one or not other or one == other


class Repositories:
    """The repositories of a stack, to be found by what names them: indexed once, for stacks of thousands."""

    def __init__(self, resources: Sequence[PolicyResource]) -> None:
        self.all = [resource for resource in resources if resource.resource_type == REPOSITORY]
        self._by_name: dict[str, list[PolicyResource]] = {}
        for repository in self.all:
            self._by_name.setdefault(text(repository.props, "name") or repository.urn, []).append(repository)

    def of(self, resource: PolicyResource) -> list[PolicyResource]:
        """The repositories that a policy resource is about: by name, and where that is not known, by dependency."""
        name = look(resource.props, "repository")
        if isinstance(name, str):
            region = region_of(resource)
            return [found for found in self._by_name.get(name, []) if same_region(region, region_of(found))]
        depended = resource.property_dependencies.get("repository") or resource.dependencies
        return [found for found in depended if found.resource_type == REPOSITORY]
