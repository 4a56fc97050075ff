"""The registry of one environment.

Composes what exists once per account (issuers' providers, pipelines' roles), once per account and Region (`Regional`:
the key, the repositories, scanning, the registry's policy), and replication with what replicas need in their Regions.
"""

from typing import Any, Optional, TypeVar

import pulumi

from ecr_stack.components.args import RegistryArgs
from ecr_stack.components.budget import Budget
from ecr_stack.components.caller import Caller, caller
from ecr_stack.components.component import Component, as_run_error, together, with_outputs
from ecr_stack.components.identity import PipelineAccess, PullAccess, issuer_provider
from ecr_stack.components.public_repository import PublicRepository
from ecr_stack.components.pull_through_cache import PullThroughCache
from ecr_stack.components.regional import Regional, arguments, merged_tags, replicate_to
from ecr_stack.components.replication import Replication
from ecr_stack.components.repository import Repository
from ecr_stack.model import Model
from ecr_stack.schema.arguments import (
    BudgetArguments,
    PipelineAccessArguments,
    PublicRepositoryArguments,
    PullAccessArguments,
    PullThroughCacheArguments,
    ReplicationArguments,
)
from ecr_stack.schema.checks import pipeline_role_name, registry_settings
from ecr_stack.schema.pipelines import issuer_host
from ecr_stack.schema.registry import RegistryArguments, RegistrySettings
from ecr_stack.schema.replication import destination_settings, replication_notes

__all__ = ["Registry"]

M = TypeVar("M", bound=Model)


class Registry(Component):
    """A private container registry, as described by one stack file."""

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
    replicas: pulumi.Output[dict[str, dict[str, str]]]
    """By Region of this account and by repository, what makes the repository of the replica: the stack or a template."""
    pull_commands: pulumi.Output[dict[str, str]]
    """By prefix of a cache, how to pull an image through it, with `IMAGE:TAG` in its place."""
    notification_topics: pulumi.Output[dict[str, str]]
    """By Region, the ARN of the topic to which notifications are published."""
    public_repository_urls: pulumi.Output[dict[str, str]]
    """Where to push to and pull from on the Public Gallery, by repository name."""

    def __init__(
        self,
        name: str,
        args: RegistryArgs | RegistrySettings,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings, where = self._settings(args)
        self._environment_name = self._value(settings, "environment")

        home = Regional(self, settings, where)
        created = settings.created_repositories()
        home.make_key(
            settings.repositories,
            always=any((made.encryption or settings.encryption).type != "AES256" for made, _ in created.values()),
        )
        for entry in settings.repositories:
            home.make_repository(entry)
        key, self._repositories = home.key, home.repositories
        pipelines = self._identities(name, settings, where)
        home.make_registry()
        home.make_templates(created, "creation_templates")
        caches = self._caches(name, settings, home)
        public = self._public(name, settings)
        if settings.budget is not None:
            budget = self._arguments(BudgetArguments, "budget", **settings.budget.given(), **self._common(settings))
            Budget(name, budget, opts=self._part())
        self.replication_destinations, there = self._replicate(settings, where, home)
        self.notification_topics = _notifications(where, home, there)

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
        self.pull_commands = pulumi.Output.all(**{prefix: cache.pull_command for prefix, cache in caches.items()})
        self.public_repository_urls = pulumi.Output.all(
            **{entry: repository.repository_url for entry, repository in public.items()}
        )
        if not caches:
            self.pull_commands = pulumi.Output.from_input({})
        if not public:
            self.public_repository_urls = pulumi.Output.from_input({})
        self.register_outputs(self.outputs())

    @property
    def repositories(self) -> dict[str, Repository]:
        """The repositories, by their key in the arguments."""
        return self._repositories

    def outputs(self) -> dict[str, Any]:
        """The outputs for pipelines and other stacks, under stable names."""
        return {
            "registryId": self.registry_id,
            "region": self.region,
            "repositoryUrls": self.repository_urls,
            "repositoryArns": self.repository_arns,
            "keyArn": self.key_arn,
            "keyAlias": self.key_alias,
            "replicationDestinations": self.replication_destinations,
            "replicas": self.replicas,
            "pipelineRoleArns": self.pipeline_role_arns,
            "pullCommands": self.pull_commands,
            "publicRepositoryUrls": self.public_repository_urls,
            "notificationTopics": self.notification_topics,
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
        return arguments(self, model, origin, places, **fields)

    def _common(self, settings: RegistrySettings) -> dict[str, Any]:
        return {"environment": settings.environment, "tags": merged_tags(settings.tags)}

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
                    sign=[rule.signing_profile_arn for rule in settings.signing.rules],
                    **self._common(settings),
                ),
                opts=self._part(name=f"{name}-{entry}"),
            )
        if settings.nodes is not None:
            PullAccess(name, self._arguments(PullAccessArguments, "nodes", **settings.nodes.given()), opts=self._part())
        return pipelines

    def _caches(self, name: str, settings: RegistrySettings, home: Regional) -> dict[str, PullThroughCache]:
        """The caches; what their repositories get must be there before the first pull."""
        return {
            prefix: PullThroughCache(
                f"{name}-{prefix}",
                self._arguments(
                    PullThroughCacheArguments,
                    f"pull_through_cache.{prefix}",
                    **{field: value for field, value in cache.given().items() if field != "repositories"},
                    **self._common(settings),
                    prefix=prefix,
                    region=getattr(settings, "region", None),
                ),
                opts=self._part(name=f"{name}-{prefix}", depends_on=home.parts),
            )
            for prefix, cache in settings.pull_through_cache.items()
        }

    def _public(self, name: str, settings: RegistrySettings) -> dict[str, PublicRepository]:
        return {
            entry: PublicRepository(
                f"{name}-{entry}",
                self._arguments(
                    PublicRepositoryArguments,
                    f"public_repositories.{entry}",
                    **{
                        **(own.given() if own is not None else {}),
                        "name": entry,
                        "environment": settings.environment,
                        "tags": merged_tags(settings.tags, own.tags if own is not None else None),
                    },
                ),
                opts=self._part(name=f"{name}-{entry}"),
            )
            for entry, own in settings.public_repositories.items()
        }

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

    def _replicate(
        self, settings: RegistrySettings, where: Caller, home: Regional
    ) -> "tuple[pulumi.Output[list[str]], list[Regional]]":
        """Replicate; returns the registries that receive copies, and those of this account."""
        rules = settings.replication.rules
        sources: dict[str, dict[str, str]] = {}
        self.replicas = pulumi.Output.from_input(sources)
        if not rules:
            return pulumi.Output.from_input([]), []
        for note in replication_notes(settings.replication):
            pulumi.log.warn(note, self)
        parts: list[pulumi.Resource] = []
        destinations: list[Regional] = []
        for region, destination in destination_settings(settings.replication, where.known_account).items():
            there, sources[region] = replicate_to(self, settings, where, destination, home)
            parts += there.parts
            destinations.append(there)
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
            # The first push after this arrives there: what is to receive it must exist by then.
            opts=self._part(depends_on=parts),
        )
        self.replicas = pulumi.Output.from_input(sources)
        return replication.destinations, destinations


def _notifications(where: Caller, home: Regional, destinations: list[Regional]) -> "pulumi.Output[dict[str, str]]":
    """Make the notifications of every Region, those of the home Region last: its Slack channel gets all of them."""
    topics: list[Any] = []
    for each in destinations:
        made = each.make_notifications()
        if made is not None:
            topics.append((each.region, made.topic_arn))
    own = home.make_notifications([arn for _, arn in topics])
    if own is not None:
        topics.insert(0, (where.region, own.topic_arn))
    pairs = [pulumi.Output.all(region, arn) for region, arn in topics]
    return pulumi.Output.all(*pairs).apply(dict) if pairs else pulumi.Output.from_input({})


def _prefixed(rule: Any, prefix: str) -> Any:
    """A replication rule whose filters are those of ECR: of the registry's repositories, with their prefix."""
    if not prefix:
        return rule
    filters = [prefix + text for text in rule.repository_filters or [""]]
    return rule.model_copy(update={"repository_filters": filters})
