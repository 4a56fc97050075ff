"""The settings of one environment's registry.

Each section has its own model; checks between sections are in `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from ecr_stack.aws.iam.principals import names_an_issuer
from ecr_stack.aws.names import AccountId, OrganizationId, Region, RepositoryName
from ecr_stack.forms import Described, Form
from ecr_stack.model import Item, Model, Structural, is_unknown, refusal
from ecr_stack.schema.access import RegistryAccess
from ecr_stack.schema.account_settings import AccountSettingValues
from ecr_stack.schema.budget import BudgetSettings
from ecr_stack.schema.encryption import Encryption, RepositoryEncryption
from ecr_stack.schema.guard import LifecycleGuard
from ecr_stack.schema.json_schema import given, never
from ecr_stack.schema.lifecycle import lifecycle_text
from ecr_stack.schema.notifications import NotificationSettings
from ecr_stack.schema.pipelines import NodeAccess, PipelineSettings
from ecr_stack.schema.public_repository import PublicRepositoryName, PublicRepositorySettings
from ecr_stack.schema.pull_through_cache import CachePrefix, OwnTemplate, PullThroughCacheSettings, TemplatePrefix
from ecr_stack.schema.replication import ReplicationSettings
from ecr_stack.schema.repository import RepositoryDefaults, RepositorySettings, Tags, TemplateUse, layered
from ecr_stack.schema.scanning import Scanning
from ecr_stack.schema.signing import SigningSettings
from ecr_stack.schema.tag_schemes import TagScheme

__all__ = ["Environment", "NamePrefix", "RegistryArguments", "RegistrySettings"]


def _better_environment(value: str) -> PydanticCustomError | None:
    fixed = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")[:32].strip("-")
    return refusal(_ENVIRONMENT.rule, f"write `{fixed}`") if _ENVIRONMENT.fits(fixed) else None


_ENVIRONMENT = Form(
    "[a-z][a-z0-9]*(-[a-z0-9]+)*",
    "an environment must be a slug: 1 to 32 lowercase letters and digits, separated by single hyphens, starting with "
    "a letter",
    "write a word such as `dev` or `prod`",
    longest=32,
    explain=_better_environment,
)
Environment = Annotated[str, _ENVIRONMENT, Item]
"""A slug such as `dev` or `prod`."""


NamePrefix = Annotated[
    str,
    Form(
        r"[a-z0-9]+((\.|_|__|-+|/)[a-z0-9]+)*(\.|_|__|-|/)?",
        "a name prefix must consist of lowercase letters and digits, separated by single `.`, `_`, `-` or `/`",
        "write one such as `dev/` or `payments-`",
        longest=200,
    ),
    Structural,
]


def _issuer(value: str) -> str:
    if names_an_issuer(value):
        return value
    raise refusal(
        "an issuer must be a host with an optional path, without wildcards in the host's last two labels",
        "write one such as `gitlab.example.com` or `oidc.example.com/id/*`",
    )


Issuer = Annotated[str, AfterValidator(_issuer), Described(pattern=r"[^.]\.[^.]"), Item]


class Trusted(Model):
    """Who outside the account may be granted access; the guardrails report everyone else."""

    accounts: list[AccountId] = []
    """Accounts other than the stack's own, in quotes."""
    organizations: list[OrganizationId] = []
    """AWS organizations, including your own."""
    issuers: list[Issuer] = []
    """OpenID Connect issuers in addition to the well-known ones, without `https://`; `*` matches any characters."""


class RegistrySettings(Model):
    """The registry of one environment: repositories, the key that encrypts them, replication and scanning."""

    EXAMPLES = {"environment": "dev", "repositories": "{NAME: {}}"}

    environment: Environment
    """A slug such as `dev` or `prod`; it names the key's alias and the tags."""
    name_prefix: NamePrefix | None = None
    """The prefix of all repository names in ECR, e.g. `dev/`. Omit it in keys and filters; outputs omit it too."""
    tags: Tags = {}
    """AWS tags for every resource, in addition to `Name`, `Environment` and `ManagedBy`."""
    encryption: Annotated[Encryption, Structural] = Encryption()
    """How images are encrypted at rest."""
    repository_defaults: Annotated[RepositoryDefaults, Described(**never(given("encryption"))), Structural] = (
        RepositoryDefaults()
    )
    """Default settings for every repository."""
    profiles: Annotated[dict[str, RepositoryDefaults], Structural] = {}
    """Settings for groups of repositories, by a name of your choice; a repository uses one with `profile: NAME`."""
    repositories: Annotated[dict[RepositoryName, RepositorySettings | None], Field(min_length=1), Structural]
    """The repositories, by name. `{}` or nothing means the defaults."""
    tag_schemes: list[TagScheme] = []
    """How the pipelines tag images. Each scheme needs a lifecycle rule in every repository, unless it is declared as
    kept."""
    lifecycle_guard: Annotated[LifecycleGuard, Structural] = LifecycleGuard()
    """Limits on what a lifecycle change may remove. Default: no limits."""
    replication: Annotated[ReplicationSettings, Structural] = ReplicationSettings()
    """Where images are replicated to. Default: nowhere."""
    pipelines: Annotated[dict[str, PipelineSettings], Structural] = {}
    """Roles for pipelines that push, by a name of your choice: GitHub Actions, GitLab or another issuer of tokens."""
    trusted: Trusted = Trusted()
    """Accounts, organizations and issuers outside this account that the guardrails accept."""
    nodes: Annotated[NodeAccess | None, Structural] = None
    """Existing node roles, e.g. of EKS, that get AWS's managed pull policy."""
    registry_access: Annotated[RegistryAccess | None, Structural] = None
    """The registry policy: access to every repository, e.g. for accounts that replicate into this registry."""
    scanning: Annotated[Scanning, Structural] = Scanning()
    """How the registry scans images. Default: by each repository's `scanOnPush`."""
    signing: Annotated[SigningSettings, Structural] = SigningSettings()
    """Which images ECR signs on push. Default: the stack does not change the registry's configuration."""
    budget: Annotated[BudgetSettings | None, Structural] = None
    """A monthly budget for the account's ECR costs, with alerts. Default: none."""
    notifications: Annotated[NotificationSettings | None, Structural] = None
    """Notifications about pushes, deletions, findings and failed replication. Default: none."""
    account_settings: AccountSettingValues = AccountSettingValues()
    """Account settings, once per Region. Default: unchanged."""
    pull_through_cache: Annotated[dict[CachePrefix, PullThroughCacheSettings], Structural] = {}
    """Pull-through caches, by the prefix of the cached repositories, e.g. `docker-hub`; `ROOT` for no prefix."""
    creation_templates: Annotated[dict[TemplatePrefix, OwnTemplate], Structural] = {}
    """Settings for repositories that ECR creates in the home Region, by prefix, or `ROOT` for all others."""
    public_repositories: Annotated[dict[PublicRepositoryName, PublicRepositorySettings | None], Structural] = {}
    """Repositories on the Amazon ECR Public Gallery, by name."""

    EMPTY_IS_NOTHING: ClassVar[tuple[str, ...]] = ("nodes", "notifications", "registry_access")
    """The sections for which `{}` is equivalent to none."""

    @field_validator(*EMPTY_IS_NOTHING, mode="before")
    @classmethod
    def _empty_is_nothing(cls, value: Any) -> Any:
        return None if isinstance(value, Mapping) and not value else value

    def name_of(self, key: str) -> str:
        """A repository's name without the prefix, as in outputs and filters; its key if `name` is unknown."""
        own = self.repositories[key]
        name = None if own is None or is_unknown(own) else own.known("name")
        return name or key

    def names(self) -> list[str]:
        """The repositories' names without the prefix, in the order of the file."""
        return [self.name_of(key) for key in self.repositories]

    def physical_name(self, key: str) -> str:
        """A repository's name in ECR."""
        return (self.known("name_prefix") or "") + self.name_of(key)

    def physical_names(self) -> list[str]:
        """The repositories' names in ECR, in the order of the file."""
        return [self.physical_name(key) for key in self.repositories]

    def repository(self, key: str) -> RepositorySettings:
        """A repository's settings merged with its profile and the defaults, without validation."""
        own = self.repositories[key]
        profile = self.profiles.get(str(own.profile)) if own is not None else None
        merged = layered(self.repository_defaults, profile, own)
        return RepositorySettings.model_construct(_fields_set=set(merged), **merged)

    def encryption_of(self, key: str) -> RepositoryEncryption:
        """A repository's encryption: its own, or the registry's."""
        return self.repository(key).encryption or self.encryption

    def created_repositories(self) -> dict[str, tuple[RepositoryDefaults, list[TemplateUse]]]:
        """The creation templates of the home Region by prefix, with `ROOT` first if there is one."""
        found: dict[str, tuple[RepositoryDefaults, list[TemplateUse]]] = {
            prefix: (cache.repositories, ["PULL_THROUGH_CACHE"])
            for prefix, cache in (self.known("pull_through_cache") or {}).items()
            if cache.repositories is not None
        }
        found |= {
            prefix: (template, template.applied_for)
            for prefix, template in (self.known("creation_templates") or {}).items()
        }
        return dict(sorted(found.items(), key=lambda item: (item[0] != "ROOT", item[0])))

    def makes_key(self) -> bool:
        """Whether any repository is encrypted with a key that this registry creates."""
        return any(
            encryption.type != "AES256" and encryption.key_arn is None
            for encryption in map(self.encryption_of, self.repositories)
        )

    def lifecycle_text(self, key: str) -> str | None:
        """A repository's lifecycle document as sent to ECR, or `None`; nothing in it may be unknown."""
        repository = self.repository(key)
        return lifecycle_text(repository.lifecycle, repository.lifecycle_document)


class RegistryArguments(RegistrySettings):
    """The arguments of `Registry`: the settings of a stack file, in snake_case."""

    environment: Environment
    """A slug such as `prod`; it names the key's alias and the tags. Default: the Pulumi stack's name."""
    region: Region | None = None
    """The Region of the registry. Default: the provider's own."""
