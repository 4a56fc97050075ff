"""The AWS resource types that the components create: one row each, for ordering, diagrams, comparison and review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RESOURCES", "SIGNING_CONFIGURATION", "ResourceType", "identity_of"]

SIGNING_CONFIGURATION = "AWS::ECR::SigningConfiguration"
"""The CloudFormation type of a registry's signing configuration, of which there is one."""


@dataclass(frozen=True)
class ResourceType:
    """The facts about a resource type."""

    token: str
    """Pulumi's type token, e.g. `aws:ecr/repository:Repository`."""
    noun: str
    """Its name in messages."""
    identity: tuple[str, ...] = ()
    """The inputs that identify it in AWS: two resources with the same values are the same thing. Empty if AWS assigns an
    id."""
    needs: tuple[str, ...] = ()
    """The types of which one must exist first, in the same Region or account."""
    policies: tuple[str, ...] = ()
    """The properties that hold IAM policy documents, as JSON."""
    loss: str = ""
    """What is lost when it is deleted; empty if a deployment would restore everything."""
    regional: bool = True
    """Whether it belongs to a Region; IAM resources belong to the account."""


_ROWS = (
    ResourceType(
        "aws:ecr/repository:Repository",
        "repository",
        ("name",),
        loss="the repository with all its images",
    ),
    ResourceType(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "lifecycle policy",
        ("repository",),
        ("aws:ecr/repository:Repository",),
        loss="the repository's lifecycle policy",
    ),
    ResourceType(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "repository policy",
        ("repository",),
        ("aws:ecr/repository:Repository",),
        ("policy",),
        loss="the access of everyone who pulls or pushes through the repository's policy",
    ),
    ResourceType(
        "aws:ecr/registryPolicy:RegistryPolicy",
        "registry policy",
        ("$region",),
        ("aws:ecr/accountSetting:AccountSetting",),
        policies=("policy",),
        loss="the permissions that the registry's policy grants",
    ),
    ResourceType(
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
        "scanning configuration",
        ("$region",),
        ("aws:inspector2/enabler:Enabler",),
    ),
    ResourceType(
        "aws:inspector2/enabler:Enabler",
        "activation of Amazon Inspector",
        ("$region",),
        loss="all scans by Amazon Inspector in the account, not only of images",
    ),
    ResourceType(
        "aws:cloudwatch/eventRule:EventRule",
        "event rule",
        ("name",),
        loss="the notifications of one kind of event",
    ),
    ResourceType(
        "aws:cloudwatch/eventTarget:EventTarget",
        "target of an event rule",
        ("rule", "targetId"),
        ("aws:cloudwatch/eventRule:EventRule", "aws:sns/topicPolicy:TopicPolicy", "aws:sqs/queuePolicy:QueuePolicy"),
        loss="the notifications of one kind of event",
    ),
    ResourceType(
        "aws:sns/topic:Topic",
        "notification topic",
        ("name",),
        ("aws:kms/key:Key",),
        loss="the topic with its subscriptions, which must be confirmed again",
    ),
    ResourceType(
        "aws:sns/topicPolicy:TopicPolicy",
        "policy of a topic",
        ("arn",),
        ("aws:sns/topic:Topic",),
        ("policy",),
        loss="the permission of EventBridge to publish to the topic",
    ),
    ResourceType(
        "aws:sns/topicSubscription:TopicSubscription",
        "subscription",
        ("topic", "protocol", "endpoint"),
        ("aws:sns/topic:Topic", "aws:sqs/queuePolicy:QueuePolicy"),
        loss="the notifications of one receiver",
    ),
    ResourceType(
        "aws:sqs/queue:Queue",
        "queue",
        ("name",),
        loss="the notifications that could not be delivered",
    ),
    ResourceType(
        "aws:sqs/queuePolicy:QueuePolicy",
        "policy of a queue",
        ("queueUrl",),
        ("aws:sqs/queue:Queue",),
        ("policy",),
    ),
    ResourceType(
        "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration",
        "Slack channel",
        ("slackTeamId", "slackChannelId"),
        ("aws:sns/topic:Topic", "aws:iam/role:Role"),
        loss="the notifications in a channel of Slack",
        regional=False,
    ),
    ResourceType(
        "aws:ecr/replicationConfiguration:ReplicationConfiguration",
        "replication configuration",
        ("$region",),
        ("aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",),
        loss="the replication of images to other registries",
    ),
    ResourceType(
        "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
        "creation template",
        ("prefix",),
        ("aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"),
        ("repositoryPolicy",),
        loss="the settings of replicas that ECR creates from then on",
    ),
    ResourceType(
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        "pull-through cache rule",
        ("ecrRepositoryPrefix",),
        ("aws:secretsmanager/secretVersion:SecretVersion", "aws:iam/role:Role"),
    ),
    ResourceType(
        "aws:cloudcontrol/resource:Resource",
        "resource by its CloudFormation type",
        ("typeName",),
        loss="the resource; for a signing configuration, the signing of images from then on",
    ),
    ResourceType(
        "aws:budgets/budget:Budget",
        "budget",
        ("name",),
        loss="the alerts about the registry's costs",
        regional=False,
    ),
    ResourceType("aws:ecr/accountSetting:AccountSetting", "account setting", ("name",)),
    ResourceType(
        "aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion",
        "pull-time exclusion",
        ("principalArn",),
        ("aws:iam/role:Role",),
    ),
    ResourceType(
        "aws:ecrpublic/repository:Repository",
        "public repository",
        ("repositoryName",),
        loss="the public repository with all its images",
    ),
    ResourceType(
        "aws:ecrpublic/repositoryPolicy:RepositoryPolicy",
        "policy of a public repository",
        ("repositoryName",),
        ("aws:ecrpublic/repository:Repository",),
        ("policy",),
        loss="the access of everyone who pushes through the public repository's policy",
    ),
    ResourceType(
        "aws:secretsmanager/secret:Secret",
        "secret",
        ("name",),
        loss="the credentials for the upstream registry, without which the cache gets no new images",
    ),
    ResourceType(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "value of a secret",
        needs=("aws:secretsmanager/secret:Secret",),
    ),
    ResourceType(
        "aws:kms/key:Key",
        "KMS key",
        policies=("policy",),
        loss="every image encrypted with the key, after the key's deletion window",
    ),
    ResourceType(
        "aws:kms/replicaKey:ReplicaKey",
        "KMS replica key",
        needs=("aws:kms/key:Key",),
        policies=("policy",),
        loss="every image in the Region encrypted with the key, after the key's deletion window",
    ),
    ResourceType("aws:kms/alias:Alias", "KMS alias", ("name",), ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")),
    ResourceType("aws:kms/grant:Grant", "KMS grant", needs=("aws:kms/key:Key",)),
    ResourceType(
        "aws:iam/role:Role",
        "role",
        ("name",),
        policies=("assumeRolePolicy",),
        loss="the access of whoever assumes the role",
        regional=False,
    ),
    ResourceType(
        "aws:iam/rolePolicy:RolePolicy",
        "inline policy of a role",
        ("role", "name"),
        ("aws:iam/role:Role",),
        ("policy",),
        loss="the permissions that it grants to the role",
        regional=False,
    ),
    ResourceType("aws:iam/policy:Policy", "managed policy", ("name",), policies=("policy",), regional=False),
    ResourceType(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "attached policy of a role",
        ("role", "policyArn"),
        ("aws:iam/role:Role",),
        loss="the permissions that the managed policy grants to the role",
        regional=False,
    ),
    ResourceType(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        "OpenID Connect provider",
        ("url",),
        loss="the access of every pipeline of the issuer in this account",
        regional=False,
    ),
)

RESOURCES: Mapping[str, ResourceType] = {row.token: row for row in _ROWS}
"""All rows, by type token."""


def identity_of(token: str, properties: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The identity of a resource in AWS, from its inputs or outputs; `None` if they do not contain it.

    The Region is compared separately: it may be the provider's.
    """
    row = RESOURCES.get(token)
    if row is None or not row.identity:
        return None
    if token == "aws:cloudcontrol/resource:Resource" and properties.get("typeName") != SIGNING_CONFIGURATION:
        return None
    values = tuple(properties.get(name) for name in row.identity if not name.startswith("$"))
    known = all(isinstance(value, str) and value for value in values)
    if token == "aws:iam/openIdConnectProvider:OpenIdConnectProvider" and known:
        values = tuple(str(value).removeprefix("https://") for value in values)
    return values if known else None
