"""The arguments of the components, from the same models as the stack file.

`Registry` takes the settings of a stack file; the other components take parts of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from ecr_stack.aws.names import KmsKeyArn, Region, RepositoryName, SigningProfileArn, TagKey, TagValue
from ecr_stack.errors import Problem
from ecr_stack.model import Model, Structural, Text, is_unknown, unknown_in
from ecr_stack.schema.access import Access, RegistryAccess
from ecr_stack.schema.account_settings import AccountSettingValues
from ecr_stack.schema.budget import BudgetSettings
from ecr_stack.schema.encryption import DeletionWindow
from ecr_stack.schema.guard import RepositoryGuard
from ecr_stack.schema.lifecycle import LifecycleRule, document_problems, rule_list_problems
from ecr_stack.schema.notifications import NotificationSettings, prefixes_of, too_long
from ecr_stack.schema.pipelines import NewRoleName, NodeAccess, PipelineTrust, ProviderArn, RoleName, role_name_of
from ecr_stack.schema.public_repository import PublicRepositoryName, PublicRepositorySettings
from ecr_stack.schema.pull_through_cache import CachePrefix, CreatedRepositories, PullThroughCacheSettings
from ecr_stack.schema.registry import Environment
from ecr_stack.schema.replication import ReplicationRule, ReplicationSettings
from ecr_stack.schema.repository import RepositorySettings, TemplateUse, reserved_tags
from ecr_stack.schema.scanning import Scanning, ScanType
from ecr_stack.schema.signing import MAX_RULES as MAX_SIGNING_RULES
from ecr_stack.schema.signing import SigningRule, SigningSettings

__all__ = [
    "AccountSettingsArguments",
    "BudgetArguments",
    "CreationTemplateArguments",
    "EncryptionKeyArguments",
    "LifecyclePolicyArguments",
    "NotificationsArguments",
    "PipelineAccessArguments",
    "PublicRepositoryArguments",
    "PullAccessArguments",
    "PullThroughCacheArguments",
    "RegistryPolicyArguments",
    "RegistryScanningArguments",
    "RegistrySigningArguments",
    "ReplicationArguments",
    "RepositoryArguments",
    "RepositoryPolicyArguments",
]


class _InRegion(Model):
    region: Region | None = None
    """The Region. Default: the provider's own."""


class _Tagged(Model):
    environment: Environment | None = None
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: dict[TagKey, TagValue] = {}
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """The program's own tags cannot be set."""
        yield from super().cross_field_errors()
        yield from reserved_tags(self.known("tags"))


class RepositoryArguments(RepositorySettings, _InRegion):
    """The arguments of `Repository`."""

    environment: Environment | None = None
    """A slug such as `prod`, for the tags. Default: the Pulumi stack's name."""
    lifecycle_guard: RepositoryGuard | None = None
    """Limits on what a lifecycle change may remove. Default: no limits."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Encryption with KMS needs the key, and a profile needs a registry."""
        yield from super().cross_field_errors()
        encryption = self.known("encryption")
        if encryption is not None and encryption.known("type") not in ("AES256", None) and encryption.key_arn is None:
            yield Problem(
                "encryption.keyArn",
                None,
                "a `Repository` does not create a key",
                "add the `keyArn` of an `EncryptionKey` or of an existing key, or write `type: AES256`",
            )
        if self.profile is not None:
            yield Problem("profile", self.profile, "profiles belong to a registry", "write the settings here")


class EncryptionKeyArguments(_Tagged, _InRegion):
    """The arguments of `EncryptionKey`."""

    key_arn: KmsKeyArn | None = None
    """The ARN of an existing key in the same Region, instead of a new key."""
    deletion_window_in_days: DeletionWindow | None = None
    """The waiting period before the key is deleted, in days: 7 to 30. Default: 30."""
    multi_region: Annotated[bool | None, Structural] = None
    """Whether the key is a multi-Region key, which can have replicas in other Regions. Default: `false`."""
    primary_key_arn: Text | None = None
    """The ARN of a multi-Region key in another Region, to create a replica of it."""
    protect: Annotated[bool | None, Structural] = None
    """Whether Pulumi refuses to delete the key, without which no image can be pulled. Default: the parent's setting."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A deletion window requires a new key."""
        yield from super().cross_field_errors()
        if self.key_arn is not None and self.deletion_window_in_days is not None:
            yield Problem(
                "deletionWindowInDays",
                self.known("deletion_window_in_days"),
                "this stack cannot set the deletion window of an existing key",
                "remove `deletionWindowInDays`, or remove `keyArn` to create a key",
            )


class LifecyclePolicyArguments(_InRegion):
    """The arguments of `LifecyclePolicy`."""

    EXAMPLES = {"repository": "api"}

    repository: RepositoryName
    """The name of the repository."""
    rules: Annotated[list[LifecycleRule], Field(min_length=1)] | None = None
    """The rules, in priority order."""
    document: dict[str, Any] | None = None
    """A native lifecycle document, used unchanged, instead of `rules`."""
    guard: RepositoryGuard | None = None
    """Limits on what a policy change may remove. Default: no limits."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """A policy is defined by rules or a document."""
        if (self.rules is None) == (self.document is None):
            remedy = "add `rules`" if self.rules is None else "keep one of `rules` and `document`"
            yield Problem("rules", None, "a lifecycle policy is defined by either `rules` or a `document`", remedy)
        rules, document = self.known("rules"), self.known("document")
        if rules:
            yield from rule_list_problems(rules, "rules")
        if document is not None:
            yield from document_problems(document, "document")


class RepositoryPolicyArguments(_InRegion):
    """The arguments of `RepositoryPolicy`."""

    EXAMPLES = {"repository": "api", "access": "{pull: [role/NAME]}"}

    repository: RepositoryName
    """The name of the repository."""
    access: Access
    """Who may pull and push."""


class RegistryPolicyArguments(_InRegion):
    """The arguments of `RegistryPolicy`."""

    EXAMPLES = {"access": "{replicationFrom: [ACCOUNT]}"}

    access: RegistryAccess
    """Who may do what in every repository."""
    name_prefix: Text | None = None
    """The name prefix of the repositories that the policy applies to. Default: every repository."""


class RegistryScanningArguments(Scanning, _InRegion):
    """The arguments of `RegistryScanning`."""

    EXAMPLES = {"type": "BASIC"}

    type: ScanType
    """`BASIC` (ECR itself) or `ENHANCED` (Amazon Inspector)."""


class RegistrySigningArguments(SigningSettings, _InRegion):
    """The arguments of `RegistrySigning`."""

    EXAMPLES = {"rules": '[{signingProfileArn: "arn:aws:signer:us-east-1:111122223333:/signing-profiles/containers"}]'}

    rules: Annotated[list[SigningRule], Field(min_length=1, max_length=MAX_SIGNING_RULES)]
    """At most 10 rules, each with a profile in the Region."""


class NotificationsArguments(NotificationSettings, _Tagged, _InRegion):
    """The arguments of `Notifications`."""

    name_prefix: Text | None = None
    """The prefix of repository names, before the prefixes in `repositories`. Default: none."""
    replicated: Annotated[bool, Structural] = True
    """Whether the Region receives replicas, so that replication events are sent. Default: `true`."""
    slack_topic_arns: Annotated[list[Text], Structural] = []
    """ARNs of further topics, e.g. in other Regions, whose messages also go to the Slack channel."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Each rule's pattern must be short enough."""
        yield from super().cross_field_errors()
        if not unknown_in(self.repositories) and not is_unknown(self.name_prefix):
            yield from too_long(self, prefixes_of(self, self.name_prefix or ""))


class ReplicationArguments(ReplicationSettings, _InRegion):
    """The arguments of `Replication`."""

    EXAMPLES = {"rules": "[{destinations: [{region: us-west-2}]}]"}

    rules: Annotated[list[ReplicationRule], Field(max_length=10), Structural]
    """At most 10 rules, with at most 25 destinations in total."""
    repositories: list[RepositoryName] = []
    """The names of the repositories; a filter that matches none of them is an error. Default: filters are not
    checked."""


class CreationTemplateArguments(CreatedRepositories):
    """The arguments of `CreationTemplate`."""

    region: Region | None = None
    """The Region of the template: for replicas, a replication destination. Default: the provider's own."""
    environment: Environment | None = None
    """A slug such as `prod`, for tags and the role's name. Default: the Pulumi stack's name."""
    prefix: Annotated[str, Structural] = "ROOT"
    """The namespace that the template covers, or `ROOT` for repositories that no other template covers. Default:
    `ROOT`."""
    applied_for: Annotated[list[TemplateUse], Field(min_length=1), Structural] = ["REPLICATION"]
    """When ECR uses the template: `REPLICATION`, `PULL_THROUGH_CACHE`, `CREATE_ON_PUSH`. Default: `REPLICATION`."""
    role_arn: Text | None = None
    """The ARN of an existing role with which ECR creates the repositories. Default: a new role."""
    role_name: NewRoleName | None = None
    """The name of the new role. Default: `{environment}-ecr-template-{region}`."""
    _role_keys: Sequence[Any] = PrivateAttr(default=())
    """The ARNs of the keys used by the templates that share the role; may be unknown."""


class AccountSettingsArguments(AccountSettingValues, _InRegion):
    """The arguments of `AccountSettings`."""


class PullThroughCacheArguments(PullThroughCacheSettings, _Tagged, _InRegion):
    """The arguments of `PullThroughCache`."""

    EXAMPLES = {"upstream": "ecr-public"}

    prefix: CachePrefix | None = None
    """The prefix of cached repositories' names, or `ROOT`. Default: the component's name."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """Repository settings belong in a template."""
        yield from super().cross_field_errors()
        if self.repositories is not None:
            yield Problem(
                "repositories",
                self.repositories.as_written() if not is_unknown(self.repositories) else "(not known)",
                "a `PullThroughCache` does not create a template",
                "create a `CreationTemplate` with `appliedFor: [PULL_THROUGH_CACHE]`",
            )


class PublicRepositoryArguments(PublicRepositorySettings):
    """The arguments of `PublicRepository`."""

    name: PublicRepositoryName | None = None
    """The repository's name. Default: the component's."""
    environment: Environment | None = None
    """A slug such as `prod`, for the tags. Default: the Pulumi stack's name."""


class PipelineAccessArguments(PipelineTrust, _Tagged):
    """The arguments of `PipelineAccess`."""

    push: list[Text] = []
    """ARNs of the repositories that the pipelines push to."""
    pull: list[Text] = []
    """ARNs of the repositories that the pipelines pull from."""
    sign: list[SigningProfileArn] = []
    """ARNs of the AWS Signer profiles with which ECR signs the images they push."""
    provider_arn: ProviderArn | None = None
    """The ARN of the issuer's OpenID Connect provider; an account can have one per issuer. Default: a new one."""
    role_name: NewRoleName | None = None
    """The role's name. Default: `{environment}-ecr-push`."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """The role needs at least one repository."""
        yield from super().cross_field_errors()
        if self.push == [] and self.pull == []:
            yield Problem("push", None, "the role needs a repository to push to", "add the ARN of one")


class PullAccessArguments(NodeAccess):
    """The arguments of `PullAccess`."""

    roles: Annotated[list[RoleName], Structural] = []
    """Existing roles, e.g. of EKS nodes, as names, `role/NAME` or ARNs. Must be known when the program runs."""
    named_roles: Annotated[dict[str, Text], Structural] = {}
    """Roles that are Outputs of other resources, by a name of your choice."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """At least one role is required; an Output has no name from which to name its attachment."""
        yield from super().cross_field_errors()
        if self.roles == [] and self.named_roles == {}:
            yield Problem("roles", [], "at least one role is needed", "add a role, e.g. `eks-prod-node-role`")
        listed = {role_name_of(role) for role in self.known("roles") or [] if not is_unknown(role)}
        taken = dict.fromkeys(listed, "under `roles`")
        for key, role in (self.known("named_roles") or {}).items():
            if key in listed:
                rule = f"the attachment of the role `{key}` under `roles` already has this name"
                yield Problem(
                    f"namedRoles.{key}", "(an Output)" if is_unknown(role) else role, rule, "choose another name"
                )
            name = None if is_unknown(role) else role_name_of(role)
            if name is not None and name in taken:
                rule = f"the role `{name}` is also {taken[name]}; removing one attachment would remove the other"
                yield Problem(f"namedRoles.{key}", role, rule, "remove one of the two")
            elif name is not None:
                taken[name] = f"`{key}`"
        for index, role in enumerate(self.known("roles") or []):
            if is_unknown(role):
                yield Problem(
                    f"roles[{index}]",
                    "(an Output)",
                    "the attachment is named after the role, which is not known when the program runs; if it were "
                    "named after its position, reordering the list would remove its permissions",
                    "write it under `namedRoles`, e.g. `namedRoles: {builder: role.name}`",
                )


class BudgetArguments(BudgetSettings, _Tagged):
    """The arguments of `Budget`."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^:\\]+$")] | None = None
    """The budget's name, unique in the account. Default: `{environment}-ecr`."""
