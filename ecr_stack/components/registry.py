"""The registry of one environment.

Composes what exists once per account (issuers' providers, pipelines' roles), once per account and Region (`Regional`:
the key, the repositories, scanning, the registry's policy), and replication with what replicas need in their Regions.
"""

from typing import Any, Optional, TypeVar, cast

import pulumi

from ecr_stack.components.args import RegistryArgs
from ecr_stack.components.caller import Caller, caller
from ecr_stack.components.component import Component, as_run_error, together, with_outputs
from ecr_stack.components.creation_template import CreationTemplate
from ecr_stack.components.encryption_key import EncryptionKey
from ecr_stack.components.identity import PipelineAccess, PullAccess, issuer_provider
from ecr_stack.components.registry_policy import RegistryPolicy
from ecr_stack.components.replication import Replication
from ecr_stack.components.repository import Repository
from ecr_stack.components.scanning import RegistryScanning
from ecr_stack.model import Model
from ecr_stack.schema.arguments import (
    CreationTemplateArguments,
    EncryptionKeyArguments,
    PipelineAccessArguments,
    PullAccessArguments,
    RegistryPolicyArguments,
    RegistryScanningArguments,
    ReplicationArguments,
    RepositoryArguments,
)
from ecr_stack.schema.checks import pipeline_role_name, registry_settings
from ecr_stack.schema.encryption import RepositoryEncryption
from ecr_stack.schema.pipelines import issuer_host
from ecr_stack.schema.registry import RegistryArguments, RegistrySettings

__all__ = ["Registry"]

M = TypeVar("M", bound=Model)


class Registry(Component):
    """A private container registry: what one stack file describes."""

    ARGUMENTS = RegistryArguments

    repository_urls: pulumi.Output[dict[str, str]]
    """Where to push to and pull from, by repository name."""
    repository_arns: pulumi.Output[dict[str, str]]
    """The repositories' ARNs, by repository name."""
    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""
    region: pulumi.Output[str]
    """The Region of the registry."""
    key_arn: pulumi.Output[Optional[str]]
    """The ARN of the key that encrypts the images; nothing with AES256."""
    key_alias: pulumi.Output[Optional[str]]
    """The key's alias; nothing for an existing key and with AES256."""
    pipeline_role_arns: pulumi.Output[dict[str, str]]
    """The ARNs of the roles that pipelines ask for, by their key in the arguments."""
    replication_destinations: pulumi.Output[list[str]]
    """The registries that receive copies, each as `ACCOUNT.dkr.ecr.REGION.amazonaws.com`."""

    def __init__(
        self,
        name: str,
        args: RegistryArgs | RegistrySettings,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings, where = self._settings(args)
        self._environment_name = self._value(settings, "environment")

        key = self._key(name, settings, getattr(settings, "region", None))
        self._repositories = {entry: self._repository(entry, settings, key) for entry in settings.repositories}
        pipelines = self._identities(name, settings, where)
        if settings.registry_access is not None:
            RegistryPolicy(
                name,
                self._arguments(
                    RegistryPolicyArguments,
                    "registry_access",
                    access=settings.registry_access,
                    name_prefix=settings.name_prefix,
                    region=getattr(settings, "region", None),
                ),
                opts=self._part(),
            )
        if settings.scanning.type is not None:
            RegistryScanning(
                name,
                self._arguments(
                    RegistryScanningArguments,
                    "scanning",
                    **settings.scanning.given(),
                    region=getattr(settings, "region", None),
                ),
                opts=self._part(),
            )
        self.replication_destinations = self._replicate(settings, where)

        self.registry_id = pulumi.Output.from_input(where.account)
        self.region = pulumi.Output.from_input(where.region)
        names = {entry: settings.name_of(entry) for entry in settings.repositories}
        self.repository_urls = pulumi.Output.all(
            **{names[entry]: repository.repository_url for entry, repository in self._repositories.items()}
        )
        self.repository_arns = pulumi.Output.all(
            **{names[entry]: repository.arn for entry, repository in self._repositories.items()}
        )
        self.key_arn = pulumi.Output.from_input(key.key_arn if key else None)
        self.key_alias = pulumi.Output.from_input(key.alias_name if key else None)
        self.pipeline_role_arns = (
            pulumi.Output.all(**{entry: pipeline.role_arn for entry, pipeline in pipelines.items()})
            if pipelines
            else pulumi.Output.from_input({})
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

    def _settings(self, args: Any) -> tuple[RegistrySettings, Caller]:
        """The validated settings, and where they are for."""
        if isinstance(args, RegistrySettings):
            return args, caller(self, getattr(args, "region", None))
        given = with_outputs(args)
        where = caller(self, given.get("region") if isinstance(given, dict) else None)
        if isinstance(given, dict) and given.get("environment") is None:
            given = {**given, "environment": pulumi.get_stack()}
        with as_run_error():
            settings = registry_settings(
                given,
                source=self._origin[0],
                model=RegistryArguments,
                region=where.known_region,
                account=where.known_account,
                python_names=True,
            )
        return settings, where

    def _arguments(self, model: type[M], origin: str, places: Optional[dict[str, str]] = None, **fields: Any) -> M:
        """The arguments of a component that is made here, validated already as a part of this one's."""
        given = {name: value for name, value in fields.items() if value is not None}
        made: Any = model.model_construct(_fields_set=set(given), **given)
        made._origin = (self._origin[0], origin)
        made._places = {"environment": "", "region": "", **(places or {})}
        return cast(M, made)

    def _common(self, settings: RegistrySettings, *more: Any) -> dict[str, Any]:
        return {"environment": settings.environment, "tags": _tags(settings.tags, *more)}

    def _key(
        self, name: str, settings: RegistrySettings, region: Any, *, existing: bool = True
    ) -> Optional[EncryptionKey]:
        """The key of a Region; the one of the home Region may exist already."""
        encryption = settings.encryption
        key_arn = encryption.key_arn if existing else None
        if key_arn is None and not settings.makes_key():
            return None
        if key_arn is not None and encryption.type == "AES256":
            return None
        # Without the key no image can be pulled: it is protected as soon as one repository is.
        protected = any(settings.repository(entry).protect for entry in settings.repositories)
        return EncryptionKey(
            name,
            self._arguments(
                EncryptionKeyArguments,
                "encryption",
                **self._common(settings),
                key_arn=key_arn,
                deletion_window_in_days=encryption.deletion_window_in_days,
                protect=True if protected else None,
                region=region,
            ),
            opts=self._part(name=name),
        )

    def _encryption(self, encryption: RepositoryEncryption, key: Optional[EncryptionKey]) -> RepositoryEncryption:
        """An encryption with the ARN of its key."""
        given = {"type": encryption.type}
        if encryption.type != "AES256":
            given["key_arn"] = encryption.key_arn or (key.key_arn if key else None)  # type: ignore[assignment]
        return RepositoryEncryption.model_construct(_fields_set=set(given), **given)

    def _repository(self, entry: str, settings: RegistrySettings, key: Optional[EncryptionKey]) -> Repository:
        merged = settings.repository(entry)
        own = {
            name: value
            for name, value in merged.given().items()
            if name not in ("profile", "name", "aliases", "encryption", "tags")
        }
        name = merged.name if merged.name is not None else entry
        prefix = settings.name_prefix or ""
        aliases = [alias if alias.startswith("urn:") else f"{self._label}-{alias}" for alias in merged.aliases or []]
        places = dict.fromkeys(settings.repository_defaults.given(), "repository_defaults")
        layer = settings.repositories[entry]
        if layer is not None:
            profile = settings.profiles.get(str(layer.profile))
            places |= dict.fromkeys(profile.given() if profile else (), f"profiles.{layer.profile}")
            places |= dict.fromkeys(layer.given(), f"repositories.{entry}")
        places["encryption"] = "" if merged.encryption is None else f"repositories.{entry}"
        return Repository(
            f"{self._label}-{entry}",
            self._arguments(
                RepositoryArguments,
                f"repositories.{entry}",
                places,
                **own,
                name=together(lambda text: prefix + text, name) if prefix else name,
                aliases=aliases or None,
                encryption=self._encryption(settings.encryption_of(entry), key),
                lifecycle_guard=settings.lifecycle_guard.limits_of(settings.name_of(entry)),
                environment=settings.environment,
                tags=_tags(settings.tags, merged.tags),
                region=getattr(settings, "region", None),
            ),
            opts=self._part(name=f"{self._label}-{entry}"),
        )

    def _identities(self, name: str, settings: RegistrySettings, where: Caller) -> dict[str, PipelineAccess]:
        """The roles of pipelines with the providers of their issuers, and the managed policy of nodes."""
        # By name rather than from the repositories: a preview shows the permissions whole, and whether they fit is known.
        arns = [
            where.then(lambda place, text: place.arn("ecr", f"repository/{text}"), repository._physical_name)
            for repository in self._repositories.values()
        ]
        providers = self._providers_of_issuers(name, settings)
        pipelines = {}
        for entry, trust in settings.pipelines.items():
            role_name = trust.role_name or together(
                lambda env, entry=entry: pipeline_role_name(env, entry), self._environment_name
            )
            given = {
                field: value for field, value in trust.given().items() if field not in ("role_name", "provider_arn")
            }
            pipelines[entry] = PipelineAccess(
                f"{name}-{entry}",
                self._arguments(
                    PipelineAccessArguments,
                    f"pipelines.{entry}",
                    **given,
                    role_name=role_name,
                    provider_arn=trust.provider_arn if trust.provider_arn is not None else providers[trust.issued_by],
                    push=arns,
                    pull=arns,
                    **self._common(settings),
                ),
                opts=self._part(name=f"{name}-{entry}"),
            )
        if settings.nodes is not None:
            PullAccess(name, self._arguments(PullAccessArguments, "nodes", **settings.nodes.given()), opts=self._part())
        return pipelines

    def _providers_of_issuers(self, name: str, settings: RegistrySettings) -> dict[str, Any]:
        """One provider for each issuer that no pipeline brings with it."""
        pipelines: dict[str, list[str]] = {}
        for entry, trust in settings.pipelines.items():
            if trust.provider_arn is None:
                pipelines.setdefault(trust.issued_by, []).append(entry)
        providers = {}
        for issuer, entries in pipelines.items():
            self._claim("OpenID Connect provider", issuer, "pass its ARN as `provider_arn` of the pipelines here")
            label = f"{name}-{issuer_host(issuer)}"
            providers[issuer] = issuer_provider(
                label,
                issuer,
                list(dict.fromkeys(settings.pipelines[entry].audience for entry in entries)),
                self._environment_name,
                self._value(settings, "tags"),
                # Stacks of 0.1.0 have it at one of the pipelines.
                self._child(
                    name=label,
                    aliases=[
                        pulumi.Alias(
                            name=f"{name}-{entry}",
                            parent=pulumi.create_urn(f"{name}-{entry}", "ecr-stack:index:PipelineAccess", self),
                        )
                        for entry in entries
                    ],
                ),
            )
        return providers

    def _replicate(self, settings: RegistrySettings, where: Caller) -> "pulumi.Output[list[str]]":
        rules = settings.replication.rules
        if not rules:
            return pulumi.Output.from_input([])
        regions = dict.fromkeys(
            destination.region
            for rule in rules
            for destination in rule.destinations
            if destination.registry_id is None or destination.registry_id == where.known_account
        )
        templates: list[pulumi.Resource] = []
        if settings.replication.creation_template:
            templates = [self._creation_template(region, settings) for region in regions]
        prefix = settings.name_prefix or ""
        replication = Replication(
            self._label,
            self._arguments(
                ReplicationArguments,
                "replication",
                rules=[_prefixed(rule, prefix) for rule in rules],
                repositories=settings.physical_names(),
                region=getattr(settings, "region", None),
            ),
            # The first push after this makes the replicas' repositories: the templates must exist by then.
            opts=self._part(depends_on=templates),
        )
        return replication.destinations

    def _creation_template(self, region: str, settings: RegistrySettings) -> CreationTemplate:
        name = f"{self._label}-{region}"
        defaults = settings.repository_defaults
        fields = ("tag_mutability", "mutable_tags", "immutable_tags", "lifecycle", "lifecycle_document", "access")
        key = self._key(name, settings, region, existing=False) if settings.encryption.type != "AES256" else None
        return CreationTemplate(
            name,
            self._arguments(
                CreationTemplateArguments,
                "replication",
                {**dict.fromkeys((*fields, "tags"), "repository_defaults"), "encryption": ""},
                **{field: value for field, value in defaults.given().items() if field in fields},
                **self._common(settings, defaults.tags),
                encryption=self._encryption(RepositoryEncryption(type=settings.encryption.type), key),
                region=region,
            ),
            opts=self._part(name=name),
        )


def _tags(*layers: Any) -> Any:
    """Tags over tags; an Output of tags makes an Output."""
    known = [layer for layer in layers if layer is not None]
    return together(lambda *maps: {key: value for each in maps for key, value in each.items()}, *known)


def _prefixed(rule: Any, prefix: str) -> Any:
    """A replication rule whose filters are those of ECR: of the registry's repositories, with their prefix."""
    if not prefix:
        return rule
    filters = [prefix + text for text in rule.repository_filters or [""]]
    return rule.model_copy(update={"repository_filters": filters})
