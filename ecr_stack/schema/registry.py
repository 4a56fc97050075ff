"""What a stack file may say: the settings of one environment's registry.

Each section is a model of its own; what must hold between sections is in `checks`.
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
    "an environment is a slug: 1 to 32 lowercase letters, digits and single hyphens between them, a letter first",
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
        "a name prefix is the beginning of repository names: lowercase letters and digits, joined by single `.`, `_`, `-` "
        "or `/`",
        "write one such as `dev/` or `payments-`",
        longest=200,
    ),
    Structural,
]


def _issuer(value: str) -> str:
    if names_an_issuer(value):
        return value
    raise refusal(
        "an issuer is a host with a path, in which at least the last two labels of the host have no wildcard",
        "write one such as `gitlab.example.com` or `oidc.example.com/id/*`",
    )


Issuer = Annotated[str, AfterValidator(_issuer), Described(pattern=r"[^.]\.[^.]"), Item]


class Trusted(Model):
    """Who outside of the account may be let in; whoever is not listed is stopped by the guardrails."""

    accounts: list[AccountId] = []
    """Accounts besides the stack's own, in quotes."""
    organizations: list[OrganizationId] = []
    """AWS organizations, one's own as well."""
    issuers: list[Issuer] = []
    """Issuers of OpenID Connect tokens besides the well-known ones, without `https://`; `*` matches any characters."""


class RegistrySettings(Model):
    """The registry of one environment: repositories, the key that encrypts them, replication and scanning."""

    EXAMPLES = {"environment": "dev", "repositories": "{NAME: {}}"}

    environment: Environment
    """A slug such as `dev` or `prod`; it names the key's alias and the tags."""
    name_prefix: NamePrefix | None = None
    """What the names of all repositories in ECR begin with, e.g. `dev/`. Keys, outputs and filters do without it."""
    tags: Tags = {}
    """The team's own AWS tags, on everything that is made here. `Name`, `Environment` and `ManagedBy` are added."""
    encryption: Annotated[Encryption, Structural] = Encryption()
    """How images are encrypted at rest."""
    repository_defaults: Annotated[RepositoryDefaults, Described(**never(given("encryption"))), Structural] = (
        RepositoryDefaults()
    )
    """What every repository takes unless it says otherwise."""
    profiles: Annotated[dict[str, RepositoryDefaults], Structural] = {}
    """Settings for groups of repositories, by a name of your choice; a repository takes one with `profile: NAME`."""
    repositories: Annotated[dict[RepositoryName, RepositorySettings | None], Field(min_length=1), Structural]
    """The repositories, by name. `{}` or nothing takes every default."""
    tag_schemes: list[TagScheme] = []
    """How the pipelines tag images. Each scheme has a lifecycle rule in every repository, or is declared as kept."""
    lifecycle_guard: Annotated[LifecycleGuard, Structural] = LifecycleGuard()
    """What a lifecycle change may remove. Default: anything."""
    replication: Annotated[ReplicationSettings, Structural] = ReplicationSettings()
    """Where images are copied to. Default: nowhere."""
    pipelines: Annotated[dict[str, PipelineSettings], Structural] = {}
    """Roles for pipelines that push, by a name of your choice: GitHub Actions, GitLab or another issuer of tokens."""
    trusted: Trusted = Trusted()
    """Accounts, organizations and issuers outside of this account that the guardrails let in."""
    nodes: Annotated[NodeAccess | None, Structural] = None
    """Existing roles of nodes, e.g. of EKS, to which AWS's managed pull policy is attached."""
    registry_access: Annotated[RegistryAccess | None, Structural] = None
    """Who may do what in every repository, e.g. accounts that replicate into this registry."""
    scanning: Annotated[Scanning, Structural] = Scanning()
    """How the registry scans images. Default: each repository's `scanOnPush` decides."""
    signing: Annotated[SigningSettings, Structural] = SigningSettings()
    """Which images ECR signs when they are pushed. Default: the stack leaves the registry's configuration alone."""
    budget: Annotated[BudgetSettings | None, Structural] = None
    """A monthly budget for what ECR costs in the account, and who is told. Default: none."""
    notifications: Annotated[NotificationSettings | None, Structural] = None
    """Who is told of pushes, deletions, findings and failed replication. Default: nobody."""
    account_settings: AccountSettingValues = AccountSettingValues()
    """Settings that the account has once in each Region. Default: as they are."""
    pull_through_cache: Annotated[dict[CachePrefix, PullThroughCacheSettings], Structural] = {}
    """Caches of other registries, by the prefix of the repositories here, e.g. `docker-hub`; `ROOT` for none."""
    creation_templates: Annotated[dict[TemplatePrefix, OwnTemplate], Structural] = {}
    """What repositories get that ECR makes itself in the home Region, by prefix, or `ROOT` for every other one."""
    public_repositories: Annotated[dict[PublicRepositoryName, PublicRepositorySettings | None], Structural] = {}
    """Repositories on the Amazon ECR Public Gallery, by name."""

    EMPTY_IS_NOTHING: ClassVar[tuple[str, ...]] = ("nodes", "notifications", "registry_access")
    """The sections for which `{}` means the same as none."""

    @field_validator(*EMPTY_IS_NOTHING, mode="before")
    @classmethod
    def _empty_is_nothing(cls, value: Any) -> Any:
        return None if isinstance(value, Mapping) and not value else value

    def name_of(self, key: str) -> str:
        """A repository's name without the prefix, as outputs and filters have it; its key if `name` is not known."""
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
        """A repository's settings with its profile and the defaults below them; nothing is validated again."""
        own = self.repositories[key]
        profile = self.profiles.get(str(own.profile)) if own is not None else None
        merged = layered(self.repository_defaults, profile, own)
        return RepositorySettings.model_construct(_fields_set=set(merged), **merged)

    def encryption_of(self, key: str) -> RepositoryEncryption:
        """How a repository is encrypted: its own way, or the registry's."""
        return self.repository(key).encryption or self.encryption

    def created_repositories(self) -> dict[str, tuple[RepositoryDefaults, list[TemplateUse]]]:
        """What repositories get that ECR makes in the home Region, and when, by prefix: `ROOT` first, if there is one."""
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
        """Whether some repository is encrypted with a key that this registry makes."""
        return any(
            encryption.type != "AES256" and encryption.key_arn is None
            for encryption in map(self.encryption_of, self.repositories)
        )

    def lifecycle_text(self, key: str) -> str | None:
        """The lifecycle document of a repository as ECR gets it, or `None`; nothing in it may be unknown."""
        repository = self.repository(key)
        return lifecycle_text(repository.lifecycle, repository.lifecycle_document)


class RegistryArguments(RegistrySettings):
    """The arguments of `Registry`: what a stack file says, in snake_case."""

    environment: Environment
    """A slug such as `prod`; it names the key's alias and the tags. Default: the Pulumi stack's name."""
    region: Region | None = None
    """The Region of the registry. Default: the provider's own."""
