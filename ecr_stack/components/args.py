"""The arguments of the components, as `TypedDict`s; written by `make docs` from the models in `ecr_stack.schema`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import pulumi

__all__ = [
    "AccessArgs",
    "AccountSettingValuesArgs",
    "AccountSettingsArgs",
    "BudgetArgs",
    "BudgetSettingsArgs",
    "CreatedRepositoriesArgs",
    "CreationTemplateArgs",
    "CredentialsArgs",
    "DestinationArgs",
    "EncryptionArgs",
    "EncryptionKeyArgs",
    "GuardOverrideArgs",
    "LifecycleGuardArgs",
    "LifecyclePolicyArgs",
    "LifecycleRuleArgs",
    "NodeAccessArgs",
    "NotificationSettingsArgs",
    "NotificationsArgs",
    "OwnTemplateArgs",
    "PipelineAccessArgs",
    "PipelineSettingsArgs",
    "PipelineSourceArgs",
    "PublicRepositoryArgs",
    "PublicRepositorySettingsArgs",
    "PullAccessArgs",
    "PullThroughCacheArgs",
    "PullThroughCacheGrantArgs",
    "PullThroughCacheSettingsArgs",
    "RegistryAccessArgs",
    "RegistryArgs",
    "RegistryPolicyArgs",
    "RegistryScanningArgs",
    "RegistrySigningArgs",
    "ReplicationArgs",
    "ReplicationRuleArgs",
    "ReplicationSettingsArgs",
    "RepositoryArgs",
    "RepositoryDefaultsArgs",
    "RepositoryEncryptionArgs",
    "RepositoryGuardArgs",
    "RepositoryPolicyArgs",
    "RepositorySettingsArgs",
    "ScanRuleArgs",
    "ScanningArgs",
    "ServiceGrantArgs",
    "SigningRuleArgs",
    "SigningSettingsArgs",
    "SlackChannelArgs",
    "TagSchemeArgs",
    "TrustedArgs",
]


class EncryptionArgs(TypedDict):
    """The encryption of the registry's repositories. AWS cannot change it on an existing repository."""

    type: NotRequired[Literal["KMS", "AES256", "KMS_DSSE"]]
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default: `KMS`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the repository's Region. Default: the key that the registry makes."""
    deletion_window_in_days: NotRequired[pulumi.Input[int]]
    """Days from the scheduled deletion of the key to its end. Default: 30."""
    multi_region: NotRequired[bool]
    """Whether the key is a multi-Region key, of which each destination of replication gets a replica. Otherwise each destination gets a key of its own. A key that exists cannot become one. Default: `false`."""


class RepositoryEncryptionArgs(TypedDict):
    """The encryption of one repository. AWS cannot change it later: a change replaces the repository."""

    type: NotRequired[Literal["KMS", "AES256", "KMS_DSSE"]]
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default: `KMS`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the repository's Region. Default: the key that the registry makes."""


class LifecycleRuleArgs(TypedDict):
    """One lifecycle rule: one selector and one outcome. Rules apply in their order, each image is handled by at most one."""

    description: NotRequired[pulumi.Input[str]]
    """Why, for whoever reads the policy in the console."""
    tag_prefixes: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Selects images with a tag that begins with any of these."""
    tag_patterns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Selects images with a tag that matches any of these; `*` matches any characters and is allowed four times."""
    untagged: NotRequired[pulumi.Input[bool]]
    """Selects images without a tag."""
    any: NotRequired[pulumi.Input[bool]]
    """Selects all images; such a rule is the last one."""
    keep_last: NotRequired[pulumi.Input[int]]
    """Expires all but the newest N images by push time, counted separately for each prefix or pattern."""
    expire_after_days: NotRequired[pulumi.Input[int]]
    """Expires images N days after their push."""
    archive_after_days: NotRequired[pulumi.Input[int]]
    """Moves images to the archive storage class N days after their push."""
    archive_after_days_since_pull: NotRequired[pulumi.Input[int]]
    """Moves images to the archive storage class N days after their last pull."""
    expire_after_days_in_archive: NotRequired[pulumi.Input[int]]
    """Expires archived images N days after they were archived: at least 90."""


class ServiceGrantArgs(TypedDict):
    """An AWS service that pulls, or pushes, on behalf of named resources or accounts."""

    service: pulumi.Input[str]
    """The service, e.g. `codebuild.amazonaws.com`."""
    source_arns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The resources for which it acts, e.g. the ARN of a CodeBuild project; `*` may stand in the resource's name."""
    source_accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The accounts for which it acts."""
    push: NotRequired[pulumi.Input[bool]]
    """Whether it may push as well. Default: `false`."""


class AccessArgs(TypedDict):
    """Who may pull and push images of a repository. Logging in needs a policy of the role itself."""

    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may pull: `role/NAME` of this account, an ARN, or an account id."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Those that may push; whoever also pulls is listed under `pull` too."""
    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Whole accounts that may pull. Each decides itself who of it does."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations all of whose accounts may pull."""
    read_only: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may pull and read about images, scans and policies."""
    full_access: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may do everything with the repository, deleting it included."""
    services: NotRequired[pulumi.Input[Sequence[ServiceGrantArgs]]]
    """AWS services, e.g. CodeBuild, each with the source it acts for."""
    lambda_: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Lambda functions that may be made from images: an account id, or ARNs of functions with `*` in the name."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    statements: NotRequired[pulumi.Input[Sequence[Mapping[str, Any]]]]
    """Custom statements, as in an IAM policy."""


class RepositoryDefaultsArgs(TypedDict):
    """What every repository takes unless it says otherwise. A repository's own field replaces the default's field whole."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    import_existing: NotRequired[bool]
    """Whether the repository exists already and is to be adopted instead of created. Default: `false`."""


class RepositorySettingsArgs(TypedDict):
    """One repository. `{}` or nothing takes every default."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    import_existing: NotRequired[bool]
    """Whether the repository exists already and is to be adopted instead of created. Default: `false`."""
    name: NotRequired[pulumi.Input[str]]
    """The repository's name in ECR, if it differs from the key in the map, as after a rename of the key."""
    aliases: NotRequired[Sequence[pulumi.Input[str]]]
    """Former keys of this repository in the map, or URNs that it, its lifecycle policy and its policy have in the stack's state: a rename or a move then replaces nothing."""
    profile: NotRequired[str]
    """The profile between the defaults and this repository's own settings."""


class TagSchemeArgs(TypedDict):
    """One way in which pipelines tag images: what the tags look like, and whether the images are meant to stay."""

    name: str
    """What these tags are, e.g. `releases`."""
    tag_patterns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """What the tags look like; `*` matches any characters."""
    commit_hashes: NotRequired[pulumi.Input[bool]]
    """The tags are bare commit hashes: hexadecimal digits and nothing before them."""
    kept: NotRequired[pulumi.Input[bool]]
    """Images with such a tag are meant to stay for ever: no rule is needed."""


class GuardOverrideArgs(TypedDict):
    """Other limits for one repository, on purpose. It stays on record here and in the stack's state."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may go to the archive, where they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may go to the archive. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within so many days may expire or go to the archive."""
    reason: str
    """Who decided it and why."""


class LifecycleGuardArgs(TypedDict):
    """Asks ECR before each lifecycle change which images it would remove, and stops it if a limit is exceeded."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may go to the archive, where they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may go to the archive. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within so many days may expire or go to the archive."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    overrides: NotRequired[Mapping[str, GuardOverrideArgs]]
    """Other limits for single repositories, by their key in `repositories`."""


class DestinationArgs(TypedDict):
    """One registry that receives copies."""

    region: str
    """The Region of the receiving registry."""
    registry_id: NotRequired[pulumi.Input[str]]
    """The account of the receiving registry, in quotes. Default: this stack's own."""
    replicas: NotRequired[Literal["managed", "template", "none"]]
    """How the repositories of replicas are made, in a Region of this account. `managed`: by the stack, each with its own settings. `template`: by ECR when the first image arrives, from creation templates. `none`: by ECR with its defaults, mutable and AES256. Default: `managed`, or what `creationTemplate` says."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in that Region. Default: a key that is made there."""
    import_existing: NotRequired[Sequence[pulumi.Input[str]]]
    """With `replicas: managed`: the repositories that ECR has made in that Region already. They are adopted as they are; the deployment after you remove the key brings them to their settings."""
    backfill: NotRequired[bool]
    """Whether images that were pushed before are copied as well, once, when the destination is added. Default: `false`."""


class ReplicationRuleArgs(TypedDict):
    """Which repositories go where."""

    destinations: Sequence[DestinationArgs]
    """The registries that receive copies, each in another Region or account."""
    repository_filters: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Prefixes of repository names; any of them selects a repository. Default: every repository."""


class ReplicationSettingsArgs(TypedDict):
    """The registry's replication: one configuration for an account and Region."""

    rules: NotRequired[Sequence[ReplicationRuleArgs]]
    """At most 10 rules, to at most 25 registries in all."""
    creation_template: NotRequired[bool]
    """What destinations do that do not say `replicas`, as in version 0.1.0: `true` is `replicas: template`, `false` is `replicas: none`. Default: `replicas: managed`."""


class PipelineSourceArgs(TypedDict):
    """A source repository, and for which of its pipelines a role is."""

    repository: pulumi.Input[str]
    """`owner/name`, or `owner@id/name@id` (GitHub, since 2026-07-15); the project's path at GitLab. No wildcards."""
    branches: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Pipelines of these branches; `*` in a name matches any characters."""
    tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Pipelines of these tags, e.g. `v*`."""
    environments: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """GitHub's deployment environments. A job with one is named by it, and not by its branch."""


class PipelineSettingsArgs(TypedDict):
    """A role that named pipelines assume to push to, and pull from, the repositories of the stack."""

    platform: NotRequired[Literal["GITHUB", "GITLAB", "OTHER"]]
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: NotRequired[pulumi.Input[str]]
    """Who makes the tokens. Default: github.com or gitlab.com, by the platform."""
    audience: NotRequired[pulumi.Input[str]]
    """For whom the tokens are made. Default: `sts.amazonaws.com`."""
    repositories: NotRequired[pulumi.Input[Sequence[PipelineSourceArgs]]]
    """Source repositories with their branches, tags and environments."""
    subjects: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subjects of tokens, written out; for another platform, or where GitHub's are customized."""
    role_name: NotRequired[pulumi.Input[str]]
    """The role's name. Default: `{environment}-ecr-push-{key}`."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the issuer's OpenID Connect provider, if the account has it already. Default: one is made for each issuer."""


class TrustedArgs(TypedDict):
    """Who outside of the account may be let in; whoever is not listed is stopped by the guardrails."""

    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Accounts besides the stack's own, in quotes."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations, one's own as well."""
    issuers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Issuers of OpenID Connect tokens besides the well-known ones, without `https://`; `*` matches any characters."""


class NodeAccessArgs(TypedDict):
    """Roles of nodes that may pull every image of the account, by a managed policy."""

    roles: Sequence[pulumi.Input[str]]
    """Roles of this account, e.g. those of EKS nodes: names, `role/NAME` or ARNs."""
    policy: NotRequired[Literal["PULL_ONLY", "READ_ONLY"]]
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read about repositories. Default: `PULL_ONLY`."""


class PullThroughCacheGrantArgs(TypedDict):
    """Who may import images from upstream, by pulling them through a cache."""

    principals: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Roles, users and accounts."""
    namespaces: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The prefixes of pull through cache rules, e.g. `ecr-public`. Default: every repository."""


class RegistryAccessArgs(TypedDict):
    """Who may do what in every repository of a registry."""

    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Those that may pull from every repository."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Those that may push to every repository that exists."""
    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Whole accounts that may pull from every repository."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations all of whose accounts may pull from every repository."""
    replication_from: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Accounts whose registries may replicate into this one, and create the repositories for it."""
    pull_through_cache: NotRequired[pulumi.Input[Sequence[PullThroughCacheGrantArgs]]]
    """Those that may import images from upstream, and create the repositories for it."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    statements: NotRequired[pulumi.Input[Sequence[Mapping[str, Any]]]]
    """Custom statements, as in an IAM policy."""


class ScanRuleArgs(TypedDict):
    """Which repositories are scanned when."""

    frequency: pulumi.Input[Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]]
    """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` (ENHANCED only) or `MANUAL` (BASIC only)."""
    filters: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Repository names with `*` wildcards; one without a wildcard matches every name that contains it."""


class ScanningArgs(TypedDict):
    """The registry's scanning: one configuration for an account and Region, which outranks the repositories' own flag."""

    type: NotRequired[Literal["BASIC", "ENHANCED"]]
    """`BASIC` or `ENHANCED`. Default: the stack leaves the registry's configuration alone."""
    rules: NotRequired[pulumi.Input[Sequence[ScanRuleArgs]]]
    """At most two rules, each with a frequency of its own."""
    inspector: NotRequired[pulumi.Input[Sequence[Literal["ECR", "EC2", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"]]]]
    """Everything that Amazon Inspector is to scan in this account, `ECR` among it, e.g. `[ECR, EC2]`. What is not in the list is switched off in every Region of the stack. Default: Inspector is not managed here. ECR enables it for images with `type: ENHANCED`; in an organization its delegated administrator does."""


class SigningRuleArgs(TypedDict):
    """Which repositories' images are signed with which profile of AWS Signer."""

    signing_profile_arn: pulumi.Input[str]
    """The ARN of an AWS Signer profile for the platform `Notation-OCI-SHA384-ECDSA`. It must be in the registry's Region; it may be another account's. Whoever pushes needs `signer:SignPayload` on it: the pipelines of this stack get it."""
    repository_filters: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Repository names with `*` wildcards. Default: every repository."""


class SigningSettingsArgs(TypedDict):
    """ECR's managed signing: one configuration for an account and Region."""

    rules: NotRequired[Sequence[SigningRuleArgs]]
    """At most 10 rules. An image is signed once for each profile whose rule selects its repository. A rule whose profile is in a destination's Region signs what is pushed there; a replica is not signed again."""


class BudgetSettingsArgs(TypedDict):
    """A monthly budget for everything that ECR costs in the account, in all Regions."""

    amount: pulumi.Input[float]
    """The budget of a month, e.g. `100` or `49.90`."""
    currency: NotRequired[pulumi.Input[str]]
    """The currency that AWS bills the account in. Default: `USD`."""
    actual_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the costs so far are reported. Default: `[80, 100]`."""
    forecast_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the forecast for the month is reported; AWS forecasts after about five weeks of usage. Default: `[100]`."""
    email: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who gets an e-mail: at most 10 addresses."""
    sns_topic_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""


class SlackChannelArgs(TypedDict):
    """A channel of Slack. An account has one configuration for a channel, so two registries of one account need two."""

    workspace: pulumi.Input[str]
    """The workspace's id. Somebody must have authorized it in the console of AWS Chatbot (Amazon Q Developer) before."""
    channel: pulumi.Input[str]
    """The channel's id. A private channel needs `/invite @Amazon Q`."""


class NotificationSettingsArgs(TypedDict):
    """What is told, about which repositories, and to whom: in the home Region, and in each destination of replication in the same account."""

    pushes: NotRequired[bool]
    """Whether pushes are told. Default: `false`."""
    deletions: NotRequired[bool]
    """Whether deletions are told, those by lifecycle rules too: ECR does not tell the two apart. Default: `false`."""
    archives: NotRequired[bool]
    """Whether it is told that an image went to the archive or came back from it. Default: `false`."""
    scans: NotRequired[bool]
    """Whether each completed basic scan and each first enhanced scan is told, whatever it found. Default: `false`."""
    findings: NotRequired[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"]]
    """Findings of at least this severity are told: basic scans that have one, and each one that Inspector finds."""
    replications: NotRequired[Literal["FAILED", "ALL"]]
    """Whether replication is told: `FAILED` or `ALL`. ECR tells it in the Region of the destination."""
    pull_through_failures: NotRequired[bool]
    """Whether pulls through a cache that cannot be synchronised are told. Default: `false`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Only repositories whose names begin with one of these. Default: every repository."""
    email: NotRequired[Sequence[pulumi.Input[str]]]
    """Addresses that get the events as JSON. AWS asks each to confirm."""
    https: NotRequired[Sequence[pulumi.Input[str]]]
    """HTTPS endpoints that get the events. AWS asks each to confirm, by a message with a `SubscribeURL`."""
    slack: NotRequired[SlackChannelArgs]
    """A channel of Slack that gets the events, by AWS Chatbot."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use `kms:Decrypt` and `kms:GenerateDataKey`. Default: a key is made. Destinations always get a key of their own."""


class AccountSettingValuesArgs(TypedDict):
    """Settings that an account has once in each Region. AWS has no call that takes one back: removing a key changes nothing."""

    registry_policy_scope: NotRequired[pulumi.Input[Literal["V2"]]]
    """`V2`: the registry's policy holds for every action of ECR. Older registries are V1, where it holds for replication and imports only. Default: `V2` if `registryAccess` grants anything else, and else what the account has."""
    blob_mounting: NotRequired[pulumi.Input[bool]]
    """Whether a push mounts layers that another repository of the registry has, instead of sending them again. Default: what the account has; AWS begins with `false`."""
    basic_scan_type_version: NotRequired[pulumi.Input[Literal["AWS_NATIVE"]]]
    """How basic scanning scans. `AWS_NATIVE` is the only version left. Default: what the account has."""
    pull_time_exclusions: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles and users, e.g. those of scanners, whose pulls do not count as pulls of an image. Lifecycle rules that go by the last pull would otherwise never end an image's life. They must exist."""


class CredentialsArgs(TypedDict):
    """A login at an upstream registry."""

    username: pulumi.Input[str]
    """The user's name there."""
    access_token: pulumi.Input[str]
    """The access token, encrypted: `pulumi config set --secret --path ecr-stack:pullThroughCache.NAME.credentials.accessToken`."""


class CreatedRepositoriesArgs(TypedDict):
    """The settings of repositories that ECR makes itself. What only a stack can do is not among them."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""


class PullThroughCacheSettingsArgs(TypedDict):
    """A cache of another registry."""

    upstream: Literal[
        "ecr",
        "ecr-public",
        "quay",
        "k8s",
        "docker-hub",
        "github-container-registry",
        "azure-container-registry",
        "gitlab-container-registry",
        "chainguard",
    ]
    """Whose images are cached: `ecr-public`, `docker-hub`, `quay`, `k8s`, `github-container-registry`, `gitlab-container-registry`, `azure-container-registry`, `chainguard`, or `ecr` for another private registry of ECR."""
    url: NotRequired[str]
    """With `ecr`: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; with `azure-container-registry`: `NAME.azurecr.io`. The others have one URL each."""
    upstream_prefix: NotRequired[pulumi.Input[str]]
    """What the names begin with there, left out of the names here. Default: nothing (`ROOT`)."""
    credentials: NotRequired[pulumi.Input[CredentialsArgs]]
    """A login at the upstream; the stack keeps it in AWS Secrets Manager."""
    credential_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing secret `ecr-pullthroughcache/…` of the same account and Region, instead of `credentials`."""
    custom_role_arn: NotRequired[pulumi.Input[str]]
    """With `ecr` and a registry of another account: the role of this account with which ECR pulls there."""
    repositories: NotRequired[CreatedRepositoriesArgs]
    """The settings of the repositories that ECR makes for cached images, by a creation template. Default: ECR's own (mutable, AES256, images stay for ever)."""


class OwnTemplateArgs(TypedDict):
    """A creation template: what repositories get that ECR makes under a prefix in the home Region."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    applied_for: Sequence[Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]]
    """When it is used: `REPLICATION` (another registry replicates here), `CREATE_ON_PUSH` (an image is pushed to a repository that does not exist), `PULL_THROUGH_CACHE`."""


class PublicRepositorySettingsArgs(TypedDict):
    """A repository from which everybody may pull, with what the gallery shows of it."""

    description: NotRequired[pulumi.Input[str]]
    """One or two sentences, which searches look at."""
    about_text: NotRequired[pulumi.Input[str]]
    """What the images are, in Markdown."""
    usage_text: NotRequired[pulumi.Input[str]]
    """How they are used, in Markdown."""
    architectures: NotRequired[pulumi.Input[Sequence[Literal["ARM", "ARM 64", "x86", "x86-64"]]]]
    """Of `ARM`, `ARM 64`, `x86`, `x86-64`."""
    operating_systems: NotRequired[pulumi.Input[Sequence[Literal["Linux", "Windows"]]]]
    """Of `Linux` and `Windows`."""
    logo: NotRequired[pulumi.Input[str]]
    """An image file of at most 512,000 bytes, in base64. The gallery shows it for verified accounts only."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may push, by the repository's policy. Everybody may pull."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""


class RegistryArgs(TypedDict):
    """The arguments of `Registry`: what a stack file says, in snake_case."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`; it names the key's alias and the tags. Default: the Pulumi stack's name."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """What the names of all repositories in ECR begin with, e.g. `dev/`. Keys, outputs and filters do without it."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """The team's own AWS tags, on everything that is made here. `Name`, `Environment` and `ManagedBy` are added."""
    encryption: NotRequired[EncryptionArgs]
    """How images are encrypted at rest."""
    repository_defaults: NotRequired[RepositoryDefaultsArgs]
    """What every repository takes unless it says otherwise."""
    profiles: NotRequired[Mapping[str, RepositoryDefaultsArgs]]
    """Settings for groups of repositories, by a name of your choice; a repository takes one with `profile: NAME`."""
    repositories: Mapping[str, RepositorySettingsArgs | None]
    """The repositories, by name. `{}` or nothing takes every default."""
    tag_schemes: NotRequired[Sequence[TagSchemeArgs]]
    """How the pipelines tag images. Each scheme has a lifecycle rule in every repository, or is declared as kept."""
    lifecycle_guard: NotRequired[LifecycleGuardArgs]
    """What a lifecycle change may remove. Default: anything."""
    replication: NotRequired[ReplicationSettingsArgs]
    """Where images are copied to. Default: nowhere."""
    pipelines: NotRequired[Mapping[str, PipelineSettingsArgs]]
    """Roles for pipelines that push, by a name of your choice: GitHub Actions, GitLab or another issuer of tokens."""
    trusted: NotRequired[pulumi.Input[TrustedArgs]]
    """Accounts, organizations and issuers outside of this account that the guardrails let in."""
    nodes: NotRequired[NodeAccessArgs]
    """Existing roles of nodes, e.g. of EKS, to which AWS's managed pull policy is attached."""
    registry_access: NotRequired[RegistryAccessArgs]
    """Who may do what in every repository, e.g. accounts that replicate into this registry."""
    scanning: NotRequired[ScanningArgs]
    """How the registry scans images. Default: each repository's `scanOnPush` decides."""
    signing: NotRequired[SigningSettingsArgs]
    """Which images ECR signs when they are pushed. Default: the stack leaves the registry's configuration alone."""
    budget: NotRequired[BudgetSettingsArgs]
    """A monthly budget for what ECR costs in the account, and who is told. Default: none."""
    notifications: NotRequired[NotificationSettingsArgs]
    """Who is told of pushes, deletions, findings and failed replication. Default: nobody."""
    account_settings: NotRequired[pulumi.Input[AccountSettingValuesArgs]]
    """Settings that the account has once in each Region. Default: as they are."""
    pull_through_cache: NotRequired[Mapping[str, PullThroughCacheSettingsArgs]]
    """Caches of other registries, by the prefix of the repositories here, e.g. `docker-hub`; `ROOT` for none."""
    creation_templates: NotRequired[Mapping[str, OwnTemplateArgs]]
    """What repositories get that ECR makes itself in the home Region, by prefix, or `ROOT` for every other one."""
    public_repositories: NotRequired[Mapping[str, PublicRepositorySettingsArgs | None]]
    """Repositories on the Amazon ECR Public Gallery, by name."""
    region: NotRequired[pulumi.Input[str]]
    """The Region of the registry. Default: the provider's own."""


class AccountSettingsArgs(TypedDict):
    """The arguments of `AccountSettings`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    registry_policy_scope: NotRequired[pulumi.Input[Literal["V2"]]]
    """`V2`: the registry's policy holds for every action of ECR. Older registries are V1, where it holds for replication and imports only. Default: `V2` if `registryAccess` grants anything else, and else what the account has."""
    blob_mounting: NotRequired[pulumi.Input[bool]]
    """Whether a push mounts layers that another repository of the registry has, instead of sending them again. Default: what the account has; AWS begins with `false`."""
    basic_scan_type_version: NotRequired[pulumi.Input[Literal["AWS_NATIVE"]]]
    """How basic scanning scans. `AWS_NATIVE` is the only version left. Default: what the account has."""
    pull_time_exclusions: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles and users, e.g. those of scanners, whose pulls do not count as pulls of an image. Lifecycle rules that go by the last pull would otherwise never end an image's life. They must exist."""


class BudgetArgs(TypedDict):
    """The arguments of `Budget`."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    amount: pulumi.Input[float]
    """The budget of a month, e.g. `100` or `49.90`."""
    currency: NotRequired[pulumi.Input[str]]
    """The currency that AWS bills the account in. Default: `USD`."""
    actual_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the costs so far are reported. Default: `[80, 100]`."""
    forecast_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the forecast for the month is reported; AWS forecasts after about five weeks of usage. Default: `[100]`."""
    email: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Who gets an e-mail: at most 10 addresses."""
    sns_topic_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""
    name: NotRequired[pulumi.Input[str]]
    """The budget's name, once in an account. Default: `{environment}-ecr`."""


class CreationTemplateArgs(TypedDict):
    """The arguments of `CreationTemplate`."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    import_existing: NotRequired[bool]
    """Whether the repository exists already and is to be adopted instead of created. Default: `false`."""
    region: NotRequired[pulumi.Input[str]]
    """The Region of the template: for replicas, a destination of replication. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for tags and the role's name. Default: the Pulumi stack's name."""
    prefix: NotRequired[str]
    """The namespace that the template is for, or `ROOT` for all that no other template covers. Default: `ROOT`."""
    applied_for: NotRequired[Sequence[Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]]]
    """When ECR makes repositories from it: `REPLICATION`, `PULL_THROUGH_CACHE`, `CREATE_ON_PUSH`. Default: `REPLICATION`."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing role with which ECR makes the repositories. Default: one is made."""
    role_name: NotRequired[pulumi.Input[str]]
    """The name of the role that is made. Default: `{environment}-ecr-template-{region}`."""


class EncryptionKeyArgs(TypedDict):
    """The arguments of `EncryptionKey`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the same Region; no key is made then."""
    deletion_window_in_days: NotRequired[pulumi.Input[int]]
    """Days from the scheduled deletion of the key to its end: 7 to 30. Default: 30."""
    multi_region: NotRequired[bool]
    """Whether the key is a multi-Region key, of which other Regions may have replicas. Default: `false`."""
    primary_key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a multi-Region key in another Region; the key is a replica of it then."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete the key: without it, no image can be pulled. Default: as the parent."""


class RepositoryGuardArgs(TypedDict):
    """The limits for one repository."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may go to the archive, where they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may go to the archive. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within so many days may expire or go to the archive."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    reason: NotRequired[pulumi.Input[str]]
    """Why these limits differ from others'; it stays on record in the stack's state."""


class LifecyclePolicyArgs(TypedDict):
    """The arguments of `LifecyclePolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    repository: pulumi.Input[str]
    """The name of the repository."""
    rules: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The rules, in priority order."""
    document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `rules`, used as it is."""
    guard: NotRequired[RepositoryGuardArgs]
    """What a change of the policy may remove. Default: anything."""


class NotificationsArgs(TypedDict):
    """The arguments of `Notifications`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    pushes: NotRequired[bool]
    """Whether pushes are told. Default: `false`."""
    deletions: NotRequired[bool]
    """Whether deletions are told, those by lifecycle rules too: ECR does not tell the two apart. Default: `false`."""
    archives: NotRequired[bool]
    """Whether it is told that an image went to the archive or came back from it. Default: `false`."""
    scans: NotRequired[bool]
    """Whether each completed basic scan and each first enhanced scan is told, whatever it found. Default: `false`."""
    findings: NotRequired[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"]]
    """Findings of at least this severity are told: basic scans that have one, and each one that Inspector finds."""
    replications: NotRequired[Literal["FAILED", "ALL"]]
    """Whether replication is told: `FAILED` or `ALL`. ECR tells it in the Region of the destination."""
    pull_through_failures: NotRequired[bool]
    """Whether pulls through a cache that cannot be synchronised are told. Default: `false`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Only repositories whose names begin with one of these. Default: every repository."""
    email: NotRequired[Sequence[pulumi.Input[str]]]
    """Addresses that get the events as JSON. AWS asks each to confirm."""
    https: NotRequired[Sequence[pulumi.Input[str]]]
    """HTTPS endpoints that get the events. AWS asks each to confirm, by a message with a `SubscribeURL`."""
    slack: NotRequired[SlackChannelArgs]
    """A channel of Slack that gets the events, by AWS Chatbot."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use `kms:Decrypt` and `kms:GenerateDataKey`. Default: a key is made. Destinations always get a key of their own."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """What the names of the repositories that are meant begin with, before `repositories`. Default: nothing."""
    replicated: NotRequired[bool]
    """Whether the Region gets replicas, so that replication is told. Default: `true`."""
    slack_topic_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of more topics, e.g. of other Regions, whose messages go to the channel of Slack as well."""


class PipelineAccessArgs(TypedDict):
    """The arguments of `PipelineAccess`."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    platform: NotRequired[Literal["GITHUB", "GITLAB", "OTHER"]]
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: NotRequired[pulumi.Input[str]]
    """Who makes the tokens. Default: github.com or gitlab.com, by the platform."""
    audience: NotRequired[pulumi.Input[str]]
    """For whom the tokens are made. Default: `sts.amazonaws.com`."""
    repositories: NotRequired[pulumi.Input[Sequence[PipelineSourceArgs]]]
    """Source repositories with their branches, tags and environments."""
    subjects: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Subjects of tokens, written out; for another platform, or where GitHub's are customized."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the repositories to which the pipelines push."""
    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the repositories from which they pull."""
    sign: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the AWS Signer profiles with which ECR signs what they push."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the issuer's OpenID Connect provider; an account has one for each issuer. Default: one is made."""
    role_name: NotRequired[pulumi.Input[str]]
    """The role's name. Default: `{environment}-ecr-push`."""


class PublicRepositoryArgs(TypedDict):
    """The arguments of `PublicRepository`."""

    description: NotRequired[pulumi.Input[str]]
    """One or two sentences, which searches look at."""
    about_text: NotRequired[pulumi.Input[str]]
    """What the images are, in Markdown."""
    usage_text: NotRequired[pulumi.Input[str]]
    """How they are used, in Markdown."""
    architectures: NotRequired[pulumi.Input[Sequence[Literal["ARM", "ARM 64", "x86", "x86-64"]]]]
    """Of `ARM`, `ARM 64`, `x86`, `x86-64`."""
    operating_systems: NotRequired[pulumi.Input[Sequence[Literal["Linux", "Windows"]]]]
    """Of `Linux` and `Windows`."""
    logo: NotRequired[pulumi.Input[str]]
    """An image file of at most 512,000 bytes, in base64. The gallery shows it for verified accounts only."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may push, by the repository's policy. Everybody may pull."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    name: NotRequired[pulumi.Input[str]]
    """The repository's name. Default: the component's."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for the tags. Default: the Pulumi stack's name."""


class PullAccessArgs(TypedDict):
    """The arguments of `PullAccess`."""

    roles: NotRequired[Sequence[pulumi.Input[str]]]
    """Existing roles, e.g. of EKS nodes: names, `role/NAME` or ARNs, known when the program runs."""
    policy: NotRequired[Literal["PULL_ONLY", "READ_ONLY"]]
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read about repositories. Default: `PULL_ONLY`."""
    named_roles: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Roles by a name of your choice, for roles that are Outputs of other resources."""


class PullThroughCacheArgs(TypedDict):
    """The arguments of `PullThroughCache`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    upstream: Literal[
        "ecr",
        "ecr-public",
        "quay",
        "k8s",
        "docker-hub",
        "github-container-registry",
        "azure-container-registry",
        "gitlab-container-registry",
        "chainguard",
    ]
    """Whose images are cached: `ecr-public`, `docker-hub`, `quay`, `k8s`, `github-container-registry`, `gitlab-container-registry`, `azure-container-registry`, `chainguard`, or `ecr` for another private registry of ECR."""
    url: NotRequired[str]
    """With `ecr`: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; with `azure-container-registry`: `NAME.azurecr.io`. The others have one URL each."""
    upstream_prefix: NotRequired[pulumi.Input[str]]
    """What the names begin with there, left out of the names here. Default: nothing (`ROOT`)."""
    credentials: NotRequired[pulumi.Input[CredentialsArgs]]
    """A login at the upstream; the stack keeps it in AWS Secrets Manager."""
    credential_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing secret `ecr-pullthroughcache/…` of the same account and Region, instead of `credentials`."""
    custom_role_arn: NotRequired[pulumi.Input[str]]
    """With `ecr` and a registry of another account: the role of this account with which ECR pulls there."""
    repositories: NotRequired[CreatedRepositoriesArgs]
    """The settings of the repositories that ECR makes for cached images, by a creation template. Default: ECR's own (mutable, AES256, images stay for ever)."""
    prefix: NotRequired[pulumi.Input[str]]
    """What the names of cached repositories begin with, or `ROOT`. Default: the component's name."""


class RegistryPolicyArgs(TypedDict):
    """The arguments of `RegistryPolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    access: pulumi.Input[RegistryAccessArgs]
    """Who may do what in every repository."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """What the names of the repositories that are meant begin with. Default: every repository."""


class RegistryScanningArgs(TypedDict):
    """The arguments of `RegistryScanning`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    type: pulumi.Input[Literal["BASIC", "ENHANCED"]]
    """`BASIC` (ECR itself) or `ENHANCED` (Amazon Inspector)."""
    rules: NotRequired[pulumi.Input[Sequence[ScanRuleArgs]]]
    """At most two rules, each with a frequency of its own."""
    inspector: NotRequired[pulumi.Input[Sequence[Literal["ECR", "EC2", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"]]]]
    """Everything that Amazon Inspector is to scan in this account, `ECR` among it, e.g. `[ECR, EC2]`. What is not in the list is switched off in every Region of the stack. Default: Inspector is not managed here. ECR enables it for images with `type: ENHANCED`; in an organization its delegated administrator does."""


class RegistrySigningArgs(TypedDict):
    """The arguments of `RegistrySigning`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    rules: pulumi.Input[Sequence[SigningRuleArgs]]
    """At most 10 rules, each with a profile in the Region."""


class ReplicationArgs(TypedDict):
    """The arguments of `Replication`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    rules: Sequence[ReplicationRuleArgs]
    """At most 10 rules, to at most 25 registries in all."""
    creation_template: NotRequired[bool]
    """What destinations do that do not say `replicas`, as in version 0.1.0: `true` is `replicas: template`, `false` is `replicas: none`. Default: `replicas: managed`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The names of the repositories; a filter that matches none of them is an error. Default: filters are not checked."""


class RepositoryArgs(TypedDict):
    """The arguments of `Repository`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether a tag may be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved all the same, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: what `encryption` of the registry says."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, and images stay for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document instead of `lifecycle`, used as it is."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of the registry's."""
    import_existing: NotRequired[bool]
    """Whether the repository exists already and is to be adopted instead of created. Default: `false`."""
    name: NotRequired[pulumi.Input[str]]
    """The repository's name in ECR, if it differs from the key in the map, as after a rename of the key."""
    aliases: NotRequired[Sequence[pulumi.Input[str]]]
    """Former keys of this repository in the map, or URNs that it, its lifecycle policy and its policy have in the stack's state: a rename or a move then replaces nothing."""
    profile: NotRequired[str]
    """The profile between the defaults and this repository's own settings."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for the tags. Default: the Pulumi stack's name."""
    lifecycle_guard: NotRequired[RepositoryGuardArgs]
    """What a change of the lifecycle may remove. Default: anything."""


class RepositoryPolicyArgs(TypedDict):
    """The arguments of `RepositoryPolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    repository: pulumi.Input[str]
    """The name of the repository."""
    access: pulumi.Input[AccessArgs]
    """Who may pull and push."""
