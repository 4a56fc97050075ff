"""The registry of one environment.

Composes the encryption key, the repositories, scanning and replication with what replicas need in their Regions.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, Optional, TypedDict, cast

import pulumi

from ecr_stack.aws.iam.identity import Platform
from ecr_stack.components.arguments import plain_parts, refusing
from ecr_stack.components.caller import Caller, caller
from ecr_stack.components.creation_template import CreationTemplate, CreationTemplateArgs
from ecr_stack.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from ecr_stack.components.identity import (
    PipelineAccess,
    PipelineAccessArgs,
    PipelineSourceArgs,
    PullAccess,
    PullAccessArgs,
)
from ecr_stack.components.lifecycle_guard import LifecycleGuardArgs
from ecr_stack.components.registry_policy import RegistryAccessArgs, RegistryPolicy, RegistryPolicyArgs
from ecr_stack.components.replication import Replication, ReplicationArgs, ReplicationRuleArgs
from ecr_stack.components.repository import (
    Repository,
    RepositoryArgs,
    RepositoryDefaultsArgs,
    RepositorySettingsArgs,
)
from ecr_stack.components.scanning import RegistryScanning, RegistryScanningArgs, ScanRuleArgs
from ecr_stack.schema.encryption import EncryptionType
from ecr_stack.schema.registry import RegistrySettings, registry_settings
from ecr_stack.schema.repository import effective
from ecr_stack.schema.scanning import ScanType

__all__ = ["Registry", "RegistryArgs"]


class EncryptionArgs(TypedDict):
    """How images are encrypted at rest."""

    type: NotRequired[EncryptionType]
    """`KMS` unless given."""
    deletion_window_in_days: NotRequired[int]
    """Days between the key's scheduled deletion and its end: 7 to 30; 30 unless given."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the registry's Region, taken instead of a new one."""


class ReplicationSettingsArgs(TypedDict):
    """Where images are copied to."""

    rules: NotRequired[list[ReplicationRuleArgs]]
    """At most ten rules, to at most 25 registries in all."""
    creation_template: NotRequired[bool]
    """Whether this account's destinations get a creation template and a key; true unless given."""


class ScanningArgs(TypedDict):
    """How the registry scans images."""

    type: NotRequired[ScanType]
    """`BASIC` (ECR itself) or `ENHANCED` (Amazon Inspector)."""
    rules: NotRequired[list[ScanRuleArgs]]
    """At most two rules, each with a frequency of its own."""


class TagSchemeArgs(TypedDict):
    """One way in which pipelines tag images."""

    name: str
    """What these tags are, e.g. `releases`."""
    tag_patterns: NotRequired[list[str]]
    """What the tags look like; `*` stands for what varies."""
    commit_hashes: NotRequired[bool]
    """The tags are bare commit hashes."""
    kept: NotRequired[bool]
    """Images with such a tag are meant to stay for ever."""


class RegistryGuardArgs(LifecycleGuardArgs):
    """What a lifecycle change may remove from each repository."""

    overrides: NotRequired[dict[str, LifecycleGuardArgs]]
    """Other limits for single repositories, by their name in ECR, each with its reason."""


class RegistryPipelineArgs(TypedDict):
    """A role that named pipelines take on to push to, and pull from, the registry's repositories."""

    repositories: NotRequired[list[PipelineSourceArgs]]
    """The source repositories whose pipelines are trusted."""
    subjects: NotRequired[list[str]]
    """Subjects of tokens, written out; for another platform, or where GitHub's are customized."""
    platform: NotRequired[Platform]
    """`GITHUB` unless given; `GITLAB`; or `OTHER` with its `issuer` and `subjects`."""
    issuer: NotRequired[str]
    """Who makes the tokens; github.com or gitlab.com unless given, by the platform."""
    audience: NotRequired[str]
    """For whom the tokens are made; `sts.amazonaws.com` unless given."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing provider; one is made unless given."""
    role_name: NotRequired[str]
    """The role's name; `{environment}-ecr-push-{key}` unless given."""


class RegistryArgs(TypedDict):
    """The arguments of `Registry`: what a stack file says, in snake_case."""

    environment: NotRequired[str]
    """A slug such as `prod`; it names the key's alias and the tags. The Pulumi stack's name unless given."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """The team's own AWS tags, on everything that is made here."""
    encryption: NotRequired[EncryptionArgs]
    """How images are encrypted at rest."""
    repository_defaults: NotRequired[RepositoryDefaultsArgs]
    """What every repository takes unless it says otherwise."""
    repositories: dict[str, RepositorySettingsArgs]
    """The repositories, by name."""
    tag_schemes: NotRequired[list[TagSchemeArgs]]
    """How the pipelines tag images; each scheme has a lifecycle rule in every repository, or is declared as kept."""
    lifecycle_guard: NotRequired[RegistryGuardArgs]
    """What a lifecycle change may remove."""
    replication: NotRequired[ReplicationSettingsArgs]
    """Where images are copied to."""
    pipelines: NotRequired[dict[str, RegistryPipelineArgs]]
    """Roles for pipelines that push to, and pull from, the registry's repositories, by a name of your choice."""
    nodes: NotRequired[PullAccessArgs]
    """Roles of nodes that exist, to which AWS's managed pull policy is attached."""
    registry_access: NotRequired[RegistryAccessArgs]
    """Who may do what in every repository of the registry."""
    scanning: NotRequired[ScanningArgs]
    """How the registry scans images."""
    region: NotRequired[str]
    """The Region of the registry; the provider's own unless given."""


class Registry(pulumi.ComponentResource):
    """A private container registry: what one stack file describes."""

    repository_urls: pulumi.Output[dict[str, str]]
    """Where to push to and pull from, by repository name."""
    repository_arns: pulumi.Output[dict[str, str]]
    """The repositories' ARNs, by repository name."""
    registry_id: str
    """The registry's id, which is its account's."""
    region: str
    """The Region of the registry."""
    key_arn: pulumi.Output[Optional[str]]
    """The ARN of the key that encrypts the images; nothing with AES256."""
    key_alias: pulumi.Output[Optional[str]]
    """The key's alias; nothing for an existing key and with AES256."""
    pipeline_role_arns: pulumi.Output[dict[str, str]]
    """The ARNs of the roles that pipelines ask for, by their key in the arguments."""
    replication_destinations: list[str]
    """The registries that receive copies, each as `ACCOUNT.dkr.ecr.REGION.amazonaws.com`."""

    def __init__(self, name: str, args: RegistryArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:Registry", name, {}, opts)
        where = caller(self, args.get("region"))
        environment = args.get("environment") or pulumi.get_stack()
        plain = {**plain_parts(dict(args)), "environment": environment}
        plain.pop("region", None)
        with refusing():
            settings = registry_settings(
                plain,
                source=f'Registry "{name}"',
                region=where.region,
                account=where.account,
                python_names=True,
            )
        self._label = name
        self._args = args
        self._environment = environment
        self._tags = args.get("tags") or {}

        key = self._key(name, settings, args.get("encryption") or {}, args.get("region"))
        self._repositories = {
            repository: self._repository(repository, settings, key) for repository in settings.repositories
        }
        self._pipeline_roles = self._identities(name)
        if args.get("registry_access"):
            RegistryPolicy(
                name,
                cast(RegistryPolicyArgs, {"access": args["registry_access"], **self._region()}),
                opts=pulumi.ResourceOptions(parent=self),
            )
        if settings.scanning.type is not None:
            RegistryScanning(
                name,
                cast(RegistryScanningArgs, {**args["scanning"], **self._region()}),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.replication_destinations = self._replicate(settings, where)

        self.registry_id = where.account
        self.region = where.region
        names = dict(zip(settings.repositories, settings.names(), strict=True))
        self.repository_urls = pulumi.Output.all(
            **{names[key]: repository.repository_url for key, repository in self._repositories.items()}
        )
        self.repository_arns = pulumi.Output.all(
            **{names[key]: repository.arn for key, repository in self._repositories.items()}
        )
        self.key_arn = pulumi.Output.from_input(key.key_arn if key else None)
        self.key_alias = pulumi.Output.from_input(key.alias_name if key else None)
        self.pipeline_role_arns = pulumi.Output.all(
            **{key: pipeline.role_arn for key, pipeline in self._pipeline_roles.items()}
        )
        self.register_outputs(self.outputs())

    @property
    def repositories(self) -> dict[str, Repository]:
        """The repositories, by their key in the arguments."""
        return self._repositories

    def outputs(self) -> dict[str, Any]:
        """What a pipeline or another stack needs, under stable names."""
        return {
            "registryId": self.registry_id,
            "region": self.region,
            "repositoryUrls": self.repository_urls,
            "repositoryArns": self.repository_arns,
            "keyArn": self.key_arn,
            "keyAlias": self.key_alias,
            "replicationDestinations": self.replication_destinations,
            "pipelineRoleArns": self.pipeline_role_arns,
        }

    def _region(self) -> dict[str, str]:
        return {"region": self._args["region"]} if self._args.get("region") else {}

    def _key(
        self, name: str, settings: RegistrySettings, encryption: Mapping[str, Any], region: Optional[str]
    ) -> Optional[EncryptionKey]:
        if settings.encryption.type is EncryptionType.AES256:
            return None
        arguments: EncryptionKeyArgs = {
            "environment": self._environment,
            "tags": self._tags,
            # Without the key no image can be pulled: it is protected as soon as one repository is.
            "protect": any(settings.repository(key).get("protect") for key in settings.repositories),
        }
        for field in ("key_arn", "deletion_window_in_days"):
            if encryption.get(field) is not None:
                cast(dict[str, Any], arguments)[field] = encryption[field]
        if region:
            arguments["region"] = region
        return EncryptionKey(name, arguments, opts=pulumi.ResourceOptions(parent=self))

    def _repository(self, key: str, settings: RegistrySettings, encryption: Optional[EncryptionKey]) -> Repository:
        defaults = cast(Mapping[str, Any], self._args.get("repository_defaults") or {})
        own = cast(Mapping[str, Any], self._args["repositories"].get(key) or {})
        arguments: dict[str, Any] = {
            "name": key,
            **effective(defaults, own),
            **self._region(),
            "environment": self._environment,
        }
        arguments["tags"] = {**self._tags, **arguments.get("tags", {})}
        arguments["encryption_type"] = settings.encryption.type
        if encryption is not None:
            arguments["key_arn"] = encryption.key_arn
        limits = settings.lifecycle_guard.limits_of(arguments["name"])
        if limits:
            arguments["lifecycle_guard"] = limits
        former = arguments.pop("aliases", [])
        arguments["aliases"] = [alias if alias.startswith("urn:") else f"{self._label}-{alias}" for alias in former]
        return Repository(
            f"{self._label}-{key}", cast(RepositoryArgs, arguments), opts=pulumi.ResourceOptions(parent=self)
        )

    def _identities(self, name: str) -> dict[str, PipelineAccess]:
        """The roles of pipelines, and the managed policy of nodes."""
        arns = [repository.arn for repository in self._repositories.values()]
        pipelines = {}
        for key, trust in (self._args.get("pipelines") or {}).items():
            arguments: dict[str, Any] = {"role_name": f"{self._environment}-ecr-push-{key}", **trust}
            arguments |= {"push": arns, "pull": arns, "environment": self._environment, "tags": self._tags}
            pipelines[key] = PipelineAccess(
                f"{name}-{key}", cast(PipelineAccessArgs, arguments), opts=pulumi.ResourceOptions(parent=self)
            )
        if self._args.get("nodes"):
            PullAccess(name, self._args["nodes"], opts=pulumi.ResourceOptions(parent=self))
        return pipelines

    def _replicate(self, settings: RegistrySettings, where: Caller) -> list[str]:
        if not settings.replication.rules:
            return []
        regions = dict.fromkeys(
            destination.region
            for rule in settings.replication.rules
            for destination in rule.destinations
            if destination.registry_id in (None, where.account)
        )
        templates = []
        if settings.replication.creation_template:
            templates = [self._creation_template(region, settings) for region in regions]
        replication = Replication(
            self._label,
            cast(
                ReplicationArgs,
                {"rules": self._args["replication"]["rules"], "repositories": settings.names(), **self._region()},
            ),
            # The first push after this makes the replicas' repositories: the templates must stand by then.
            opts=pulumi.ResourceOptions(parent=self, depends_on=templates),
        )
        return replication.destinations

    def _creation_template(self, region: str, settings: RegistrySettings) -> CreationTemplate:
        name = f"{self._label}-{region}"
        defaults = cast(Mapping[str, Any], self._args.get("repository_defaults") or {})
        arguments: dict[str, Any] = {
            field: defaults[field]
            for field in ("tag_mutability", "mutable_tags", "immutable_tags", "lifecycle", "access")
            if defaults.get(field) is not None
        }
        arguments |= {"environment": self._environment, "region": region}
        arguments["tags"] = {**self._tags, **(defaults.get("tags") or {})}
        encryption = {key: value for key, value in (self._args.get("encryption") or {}).items() if key != "key_arn"}
        key = self._key(name, settings, encryption, region)
        if key is not None:
            arguments["key_arn"] = key.key_arn
        return CreationTemplate(name, cast(CreationTemplateArgs, arguments), opts=pulumi.ResourceOptions(parent=self))
