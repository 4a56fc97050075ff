"""What a registry has once per account and Region: its key, repositories, policy, scanning, signing, account settings.

The home Region has all of it. A destination of replication in the same account has the same, as far as it is replicated
there, with the Region's own key; or creation templates, from which ECR makes the repositories when images arrive.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, TypeVar, cast

import pulumi

from ecr_stack.components.account_settings import AccountSettings
from ecr_stack.components.caller import Caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.creation_template import CreationTemplate
from ecr_stack.components.encryption_key import EncryptionKey
from ecr_stack.components.notifications import Notifications
from ecr_stack.components.registry_policy import RegistryPolicy
from ecr_stack.components.repository import REPOSITORY, Repository
from ecr_stack.components.scanning import RegistryScanning
from ecr_stack.components.signing import RegistrySigning
from ecr_stack.model import Model, is_unknown, unknown_in
from ecr_stack.schema.access import Access, RegistryAccess
from ecr_stack.schema.account_settings import needs_extended_scope
from ecr_stack.schema.arguments import (
    AccountSettingsArguments,
    CreationTemplateArguments,
    EncryptionKeyArguments,
    NotificationsArguments,
    RegistryPolicyArguments,
    RegistryScanningArguments,
    RegistrySigningArguments,
    RepositoryArguments,
)
from ecr_stack.schema.checks import destination_regions, replica_plan, template_role_name
from ecr_stack.schema.encryption import RepositoryEncryption
from ecr_stack.schema.notifications import event_patterns
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.replica_templates import template_of
from ecr_stack.schema.replication import Destination
from ecr_stack.schema.repository import RepositoryDefaults
from ecr_stack.schema.signing import rules_of

__all__ = ["Regional", "arguments", "merged_tags", "replicate_to"]

M = TypeVar("M", bound=Model)

_ADOPTED_AS_THEY_ARE = [
    "encryptionConfigurations",
    "forceDelete",
    "imageScanningConfiguration",
    "imageTagMutability",
    "imageTagMutabilityExclusionFilters",
    "tags",
    "tagsAll",
]


class Regional:
    """A registry in one Region."""

    def __init__(
        self,
        owner: Component,
        settings: RegistrySettings,
        where: Caller,
        *,
        destination: Optional[Destination] = None,
        primary: Optional[EncryptionKey] = None,
    ) -> None:
        """Describe a Region of a registry; nothing is made yet.

        Args:
            owner: the registry.
            settings: its validated settings.
            where: its account and home Region.
            destination: what is said about the Region as a destination of replication. Default: the home Region.
            primary: the home Region's key, if the Region is to get a replica of it.
        """
        self._owner, self._settings, self._where = owner, settings, where
        self._destination, self._primary = destination, primary
        self._home = destination is None
        self.region: Any = getattr(settings, "region", None) if destination is None else destination.region
        self.label = owner._label if destination is None else f"{owner._label}-{destination.region}"
        self.key: Optional[EncryptionKey] = None
        self.repositories: dict[str, Repository] = {}
        self.parts: list[pulumi.Resource] = []
        """Everything that was made: what replication into this Region has to wait for."""

    def make_key(self, entries: Iterable[str], *, always: bool = False) -> None:
        """Make the Region's key, if one of these repositories needs it, or take the one that is given.

        Args:
            entries: repositories, by their key in the settings.
            always: whether something else needs the key, e.g. the template for any other repository.
        """
        encryption = self._settings.encryption
        given = encryption.key_arn if self._destination is None else self._destination.key_arn
        wanted = [self._settings.encryption_of(entry) for entry in entries]
        if self._home:
            if given is not None and encryption.type == "AES256":
                return
            needed = any(each.type != "AES256" and each.key_arn is None for each in wanted) or given is not None
        else:
            needed = any(each.type != "AES256" for each in wanted)
        if not needed and not (always and encryption.type != "AES256"):
            return
        primary = self._primary.key_arn if self._primary is not None and given is None else None
        # Without the key no image can be pulled: it is protected as soon as one repository is.
        protected = any(self._settings.repository(entry).protect for entry in self._settings.repositories)
        self.key = EncryptionKey(
            self.label,
            arguments(
                self._owner,
                EncryptionKeyArguments,
                "encryption",
                environment=self._settings.environment,
                tags=merged_tags(self._settings.tags),
                key_arn=given,
                primary_key_arn=primary,
                multi_region=True if self._home and encryption.multi_region and given is None else None,
                deletion_window_in_days=encryption.deletion_window_in_days,
                protect=True if protected else None,
                region=self.region,
            ),
            opts=self._owner._part(name=self.label),
        )
        self.parts.append(self.key)

    def make_repository(self, entry: str) -> None:
        """Make a repository with its own settings."""
        owner, settings = self._owner, self._settings
        merged = settings.repository(entry)
        fields = {
            name: value
            for name, value in merged.given().items()
            if name not in ("profile", "name", "aliases", "encryption", "tags", "access")
        }
        if not self._home:
            fields.pop("import_existing", None)
        name = merged.name if merged.name is not None else entry
        prefix = settings.name_prefix or ""
        label = self._repository_label(entry)
        aliases = [
            alias if alias.startswith("urn:") else self._repository_label(alias)
            for alias in merged.aliases or []
            # a URN is that of the repository in the home Region
            if self._home or not alias.startswith("urn:")
        ]
        adopted = self._destination is not None and settings.name_of(entry) in (self._destination.import_existing or ())
        if adopted:
            fields["import_existing"] = True
        repository = Repository(
            label,
            arguments(
                owner,
                RepositoryArguments,
                f"repositories.{entry}",
                self._places(entry),
                **fields,
                access=self._access(merged.access),
                name=together(lambda text: prefix + text, name) if prefix else name,
                aliases=aliases or None,
                encryption=self._encryption(settings.encryption_of(entry)),
                lifecycle_guard=settings.lifecycle_guard.limits_of(settings.name_of(entry)),
                environment=settings.environment,
                tags=merged_tags(settings.tags, merged.tags),
                region=self.region,
            ),
            opts=owner._part(name=label, **({"transformations": [_as_it_is]} if adopted else {})),
        )
        self.repositories[entry] = repository
        self.parts.append(repository)

    def _places(self, entry: str) -> dict[str, str]:
        """Where each setting of a repository is said: in the defaults, in its profile or at itself."""
        settings = self._settings
        places = dict.fromkeys(settings.repository_defaults.given(), "repository_defaults")
        layer = settings.repositories[entry]
        if layer is not None:
            profile = settings.profiles.get(str(layer.profile))
            places |= dict.fromkeys(profile.given() if profile else (), f"profiles.{layer.profile}")
            places |= dict.fromkeys(layer.given(), f"repositories.{entry}")
        places["encryption"] = "" if settings.repository(entry).encryption is None else f"repositories.{entry}"
        return places

    def _repository_label(self, entry: str) -> str:
        # `@` cannot be in a repository's name, so no key in the settings makes the same label
        own = f"{self._owner._label}-{entry}"
        return own if self._destination is None else f"{own}@{self._destination.region}"

    def make_registry(self) -> None:
        """Make what is the Region's registry's as a whole: account settings, its policy, scanning and signing."""
        owner, settings = self._owner, self._settings
        access = self._registry_access()
        own = settings.account_settings.given()
        if needs_extended_scope(access):
            own.setdefault("registry_policy_scope", "V2")
        before: list[pulumi.Resource] = []
        if own:
            # Under the scope V1 AWS heeds three actions of a registry policy, so the scope comes first.
            before = [
                AccountSettings(
                    self.label,
                    arguments(owner, AccountSettingsArguments, "account_settings", **own, region=self.region),
                    opts=owner._part(name=self.label),
                )
            ]
            self.parts += before
        if access is not None:
            policy = RegistryPolicy(
                self.label,
                arguments(
                    owner,
                    RegistryPolicyArguments,
                    "registry_access",
                    access=access,
                    name_prefix=settings.name_prefix,
                    region=self.region,
                ),
                opts=owner._part(name=self.label, depends_on=before),
            )
            self.parts.append(policy)
        if settings.scanning.type is not None:
            scanning = RegistryScanning(
                self.label,
                arguments(
                    owner,
                    RegistryScanningArguments,
                    "scanning",
                    **settings.scanning.given(),
                    region=self.region,
                ),
                opts=owner._part(name=self.label),
            )
            self.parts.append(scanning)
        there = self._destination.region if self._destination is not None else None
        rules = rules_of(settings.signing, there, set(destination_regions(settings, self._where.known_account)))
        if rules:
            signing = RegistrySigning(
                self.label,
                arguments(
                    owner,
                    RegistrySigningArguments,
                    "signing",
                    rules=[_with_prefix(rule, settings.name_prefix or "") for rule in rules],
                    region=self.region,
                ),
                opts=owner._part(name=self.label),
            )
            self.parts.append(signing)

    def make_notifications(self, slack_topics: Sequence[Any] = ()) -> Optional[Notifications]:
        """Make the notifications of the Region, if there is something to tell in it.

        Args:
            slack_topics: ARNs of the topics of other Regions, for the home Region: a Slack channel has one configuration.
        """
        owner, settings = self._owner, self._settings
        wanted = settings.notifications
        if wanted is None:
            return None
        access = settings.registry_access
        from_elsewhere = access is not None and not is_unknown(access) and bool(access.replication_from)
        replicated = not self._home or from_elsewhere
        if not event_patterns(wanted, None, replicated=replicated):
            if not slack_topics or wanted.slack is None:
                return None
            # only replication is told, and the channel needs somewhere to be
            replicated = True
        fields = wanted.given()
        if not self._home:
            fields = {name: value for name, value in fields.items() if name not in ("key_arn", "slack")}
        return Notifications(
            self.label,
            arguments(
                owner,
                NotificationsArguments,
                "notifications",
                **fields,
                name_prefix=settings.name_prefix,
                replicated=replicated,
                slack_topic_arns=list(slack_topics) or None,
                environment=settings.environment,
                tags=merged_tags(settings.tags),
                region=self.region,
            ),
            opts=owner._part(name=self.label),
        )

    def make_templates(self, templates: Mapping[str, tuple[RepositoryDefaults, Sequence[str]]], origin: str) -> None:
        """Make creation templates, and one role with which ECR uses them.

        Args:
            templates: by prefix, what repositories get, and when ECR makes a repository from the template.
            origin: where errors in them are.
        """
        owner, settings = self._owner, self._settings
        role_arn: Any = None
        fields = ("tag_mutability", "mutable_tags", "immutable_tags", "lifecycle", "lifecycle_document")
        encryptions = {
            prefix: self._encryption(template.encryption or settings.encryption)
            for prefix, (template, _) in templates.items()
        }
        for prefix, (template, applied_for) in templates.items():
            label = self.label if role_arn is None else f"{self.label}/{prefix}"
            args = arguments(
                owner,
                CreationTemplateArguments,
                origin,
                **{name: value for name, value in template.given().items() if name in fields},
                access=self._access(template.access),
                environment=settings.environment,
                tags=merged_tags(settings.tags, template.tags),
                encryption=encryptions[prefix],
                prefix=prefix,
                applied_for=list(applied_for),
                region=self.region,
                role_arn=role_arn,
                role_name=together(
                    lambda environment, region: template_role_name(environment, region, owner._label),
                    owner._value(settings, "environment"),
                    self.region if self._destination is not None else self._where.region,
                )
                if role_arn is None
                else None,
            )
            args._role_keys = [each.key_arn for each in encryptions.values() if each.key_arn is not None]
            made = CreationTemplate(label, args, opts=owner._part(name=label))
            role_arn = made.role_arn
            self.parts.append(made)

    def _encryption(self, encryption: RepositoryEncryption) -> RepositoryEncryption:
        """An encryption with the ARN of its key in this Region."""
        fields: dict[str, Any] = {"type": encryption.type}
        if encryption.type != "AES256":
            own = encryption.key_arn if self._home else None
            fields["key_arn"] = own or (self.key.key_arn if self.key else None)
        return RepositoryEncryption.model_construct(_fields_set=set(fields), **fields)

    def _access(self, access: Optional[Access]) -> Optional[Access]:
        """Grants as they hold in this Region: a Lambda function pulls its image in its own Region only."""
        if access is None or self._destination is None or is_unknown(access) or not access.given().get("lambda_"):
            return access
        here = together(lambda sources: [source for source in sources if _is_of(source, self.region)], access.lambda_)
        if unknown_in(access.lambda_):
            here = pulumi.Output.all(*access.lambda_).apply(
                lambda sources: [source for source in sources if _is_of(source, self.region)]
            )
        narrowed = access.model_copy(update={"lambda_": here})
        return narrowed if any(narrowed.given().get(name) for name in narrowed.given() if name != "match") else None

    def _registry_access(self) -> Optional[RegistryAccess]:
        """What the registry's policy grants in this Region."""
        access = self._settings.registry_access
        if access is None or self._destination is None or is_unknown(access) or is_unknown(access.statements):
            return access
        # Caches are in the home Region, and a statement about repositories of another Region says nothing here.
        statements = [
            statement
            for statement in access.statements
            if is_unknown(statement)
            or not statement.Resource
            or any(is_unknown(arn) or arn == "*" or arn.split(":")[3] == self.region for arn in statement.Resource)
        ]
        narrowed = access.model_copy(update={"pull_through_cache": [], "statements": statements})
        return narrowed if any(narrowed.given().get(name) for name in narrowed.given() if name != "match") else None


def replicate_to(
    owner: Component, settings: RegistrySettings, where: Caller, destination: Destination, home: Regional
) -> tuple[Regional, dict[str, str]]:
    """Make a destination in the registry's own account.

    Returns:
        The Region, and for each repository that is replicated there where its replica comes from.
    """
    plan = replica_plan(settings, destination.region, where.known_account)
    multi = settings.encryption.multi_region and home.key is not None
    region = Regional(owner, settings, where, destination=destination, primary=home.key if multi else None)
    names = {entry: settings.physical_name(entry) for entry in plan.entries}
    if destination.replicas == "none":
        return region, dict.fromkeys(names.values(), "made by ECR with its defaults")
    region.make_key(plan.entries, always=destination.replicas == "template" and plan.everything)
    if destination.replicas == "managed":
        for entry in plan.entries:
            region.make_repository(entry)
        region.make_registry()
        return region, dict.fromkeys(names.values(), "managed by this stack")
    templates = {prefix: (template, ["REPLICATION"]) for prefix, template in plan.templates.items()}
    region.make_templates(templates, "replication")
    region.make_registry()
    return region, {name: f"template {template_of(name, plan.templates)}" for name in names.values()}


def arguments(
    owner: Component, model: type[M], origin: str, places: Optional[Mapping[str, str]] = None, **fields: Any
) -> M:
    """The arguments of a component that a registry makes, validated already as a part of the registry's."""
    present = {name: value for name, value in fields.items() if value is not None}
    made: Any = model.model_construct(_fields_set=set(present), **present)
    made._origin = (owner._origin[0], origin)
    made._places = {"environment": "", "region": "", **(places or {})}
    return cast(M, made)


def _with_prefix(rule: Any, prefix: str) -> Any:
    """A signing rule whose filters are those of ECR: of the registry's repositories, with their prefix."""
    if not prefix:
        return rule
    filters = rule.repository_filters
    names = together(lambda texts: [prefix + text for text in texts], filters) if filters else [prefix + "*"]
    return rule.model_copy(update={"repository_filters": names})


def merged_tags(*layers: Any) -> Any:
    """Tags over tags; an Output of tags makes an Output."""
    known = [layer for layer in layers if layer is not None]
    return together(lambda *maps: {key: value for each in maps for key, value in each.items()}, *known)


def _is_of(source: str, region: str) -> bool:
    """Whether Lambda functions may be of a Region: an account's are, and those of an ARN with `*` for the Region."""
    return not source.startswith("arn:") or source.split(":")[3] in ("*", region)


def _as_it_is(args: pulumi.ResourceTransformationArgs) -> Optional[pulumi.ResourceTransformationResult]:
    """Adopt a repository with the settings that it has: Pulumi refuses to adopt one whose settings differ."""
    if args.type_ != REPOSITORY:
        return None
    kept = pulumi.ResourceOptions(ignore_changes=_ADOPTED_AS_THEY_ARE)
    return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, kept))
