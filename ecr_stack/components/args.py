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
    """The encryption of the registry's repositories. It cannot be changed for existing repositories."""

    type: NotRequired[Literal["KMS", "AES256", "KMS_DSSE"]]
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default: `KMS`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the repository's Region. Default: the registry's key."""
    deletion_window_in_days: NotRequired[pulumi.Input[int]]
    """The waiting period before the key is deleted, in days. Default: 30."""
    multi_region: NotRequired[bool]
    """Whether the key is a multi-Region key, with a replica in each replication destination. Otherwise, each destination gets its own key. An existing key cannot become a multi-Region key. Default: `false`."""


class RepositoryEncryptionArgs(TypedDict):
    """The encryption of a repository. It cannot be changed later: a change replaces the repository."""

    type: NotRequired[Literal["KMS", "AES256", "KMS_DSSE"]]
    """`KMS` (a key of AWS KMS), `AES256` (a key that Amazon S3 owns), or `KMS_DSSE` (AWS GovCloud (US) only). Default: `KMS`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the repository's Region. Default: the registry's key."""


class LifecycleRuleArgs(TypedDict):
    """One lifecycle rule: one selector and one outcome. Rules apply in order, and each image is handled by at most one."""

    description: NotRequired[pulumi.Input[str]]
    """The reason for the rule, shown in the console."""
    tag_prefixes: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Selects images with a tag that begins with any of these."""
    tag_patterns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Selects images with a tag that matches any of these; `*` matches any characters, at most four per pattern."""
    untagged: NotRequired[pulumi.Input[bool]]
    """Selects images without a tag."""
    any: NotRequired[pulumi.Input[bool]]
    """Selects all images; must be the last rule."""
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
    """The resources on whose behalf it acts, e.g. the ARN of a CodeBuild project; `*` is allowed in the resource's name."""
    source_accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The accounts on whose behalf it acts."""
    push: NotRequired[pulumi.Input[bool]]
    """Whether it may also push. Default: `false`."""


class AccessArgs(TypedDict):
    """Who may pull and push a repository's images. Logging in requires an identity policy on the role."""

    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may pull: `role/NAME` in this account, an ARN, or an account id."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may push. List those that also pull under `pull` too."""
    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Whole accounts that may pull. Each account decides which of its principals may."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations whose accounts may all pull."""
    read_only: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may pull and read metadata of images, scans and policies."""
    full_access: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may do everything with the repository, including deleting it."""
    services: NotRequired[pulumi.Input[Sequence[ServiceGrantArgs]]]
    """AWS services, e.g. CodeBuild, each with the sources on whose behalf it acts."""
    lambda_: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Lambda functions that may be created from images: an account id, or function ARNs with `*` in the name."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    statements: NotRequired[pulumi.Input[Sequence[Mapping[str, Any]]]]
    """Custom statements, as in an IAM policy."""


class RepositoryDefaultsArgs(TypedDict):
    """Default settings for every repository. A field in a repository replaces the whole default field."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    import_existing: NotRequired[bool]
    """Whether to adopt an existing repository instead of creating one. Default: `false`."""


class RepositorySettingsArgs(TypedDict):
    """One repository. `{}` or nothing means the defaults."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    import_existing: NotRequired[bool]
    """Whether to adopt an existing repository instead of creating one. Default: `false`."""
    name: NotRequired[pulumi.Input[str]]
    """The repository's name in ECR, if it differs from the key in the map, e.g. after renaming the key."""
    aliases: NotRequired[Sequence[pulumi.Input[str]]]
    """Former keys of this repository in the map, or existing URNs of the repository and its policies in the stack's state, so that renaming or moving it replaces nothing."""
    profile: NotRequired[str]
    """A profile, which overrides the defaults and is overridden by the repository's own settings."""


class TagSchemeArgs(TypedDict):
    """A way in which pipelines tag images: the form of the tags, and whether the images are kept for ever."""

    name: str
    """What the tags are for, e.g. `releases`."""
    tag_patterns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Patterns for the tags; `*` matches any characters."""
    commit_hashes: NotRequired[pulumi.Input[bool]]
    """Whether the tags are bare commit hashes: hexadecimal digits without a prefix."""
    kept: NotRequired[pulumi.Input[bool]]
    """Whether images with such a tag are kept for ever, so that no rule is needed."""


class GuardOverrideArgs(TypedDict):
    """Deliberately different limits for one repository. They are recorded here and in the stack's state."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may be archived, after which they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may be archived. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within this many days may expire or be archived."""
    reason: str
    """Who decided it and why."""


class LifecycleGuardArgs(TypedDict):
    """Before each lifecycle change, asks ECR which images it would remove, and stops the change if a limit is exceeded."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may be archived, after which they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may be archived. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within this many days may expire or be archived."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    overrides: NotRequired[Mapping[str, GuardOverrideArgs]]
    """Different limits for individual repositories, by their key in `repositories`."""


class DestinationArgs(TypedDict):
    """A registry that receives replicas."""

    region: str
    """The Region of the receiving registry."""
    registry_id: NotRequired[pulumi.Input[str]]
    """The account of the receiving registry, in quotes. Default: this stack's own."""
    replicas: NotRequired[Literal["managed", "template", "none"]]
    """How the replicas' repositories are created in a Region of this account. `managed`: by the stack, each with its own settings. `template`: by ECR, from creation templates, when the first image arrives. `none`: by ECR, with its defaults, mutable and AES256. Default: `managed`, unless `creationTemplate` is set."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in that Region. Default: a new key there."""
    import_existing: NotRequired[Sequence[pulumi.Input[str]]]
    """With `replicas: managed`: the repositories that ECR has already created in that Region. They are adopted unchanged; the first deployment after you remove this key applies their settings."""
    backfill: NotRequired[bool]
    """Whether existing images are also replicated, once, when the destination is added. Default: `false`."""


class ReplicationRuleArgs(TypedDict):
    """Which repositories are replicated to which destinations."""

    destinations: Sequence[DestinationArgs]
    """The destination registries, each in another Region or account."""
    repository_filters: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Prefixes of repository names; any of them selects a repository. Default: every repository."""


class ReplicationSettingsArgs(TypedDict):
    """The registry's replication: one configuration per account and Region."""

    rules: NotRequired[Sequence[ReplicationRuleArgs]]
    """At most 10 rules, with at most 25 destinations in total."""
    creation_template: NotRequired[bool]
    """The default for `replicas`, as in version 0.1.0: `true` means `template`, `false` means `none`. Default: `managed`."""


class PipelineSourceArgs(TypedDict):
    """A source repository, and which of its pipelines may assume the role."""

    repository: pulumi.Input[str]
    """`owner/name`, or `owner@id/name@id` (GitHub, since 2026-07-15); for GitLab, the project path. No wildcards."""
    branches: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Branches whose pipelines are trusted; `*` matches any characters."""
    tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Tags whose pipelines are trusted, e.g. `v*`."""
    environments: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """GitHub deployment environments. A job with an environment is identified by it, not by its branch."""


class PipelineSettingsArgs(TypedDict):
    """A role that the specified pipelines assume to push to, and pull from, the stack's repositories."""

    platform: NotRequired[Literal["GITHUB", "GITLAB", "OTHER"]]
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: NotRequired[pulumi.Input[str]]
    """The issuer of the tokens. Default: github.com or gitlab.com, depending on the platform."""
    audience: NotRequired[pulumi.Input[str]]
    """The audience of the tokens. Default: `sts.amazonaws.com`."""
    repositories: NotRequired[pulumi.Input[Sequence[PipelineSourceArgs]]]
    """Source repositories with their branches, tags and environments."""
    subjects: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Exact token subjects, for other platforms or customized GitHub subjects."""
    role_name: NotRequired[pulumi.Input[str]]
    """The role's name. Default: `{environment}-ecr-push-{key}`."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the issuer's existing OpenID Connect provider. Default: a new one per issuer."""


class TrustedArgs(TypedDict):
    """Who outside the account may be granted access; the guardrails report everyone else."""

    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Accounts other than the stack's own, in quotes."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations, including your own."""
    issuers: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """OpenID Connect issuers in addition to the well-known ones, without `https://`; `*` matches any characters."""


class NodeAccessArgs(TypedDict):
    """Node roles that may pull every image in the account, through a managed policy."""

    roles: Sequence[pulumi.Input[str]]
    """Roles in this account, e.g. of EKS nodes: names, `role/NAME` or ARNs."""
    policy: NotRequired[Literal["PULL_ONLY", "READ_ONLY"]]
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read metadata. Default: `PULL_ONLY`."""


class PullThroughCacheGrantArgs(TypedDict):
    """Who may import images from upstream through a pull-through cache."""

    principals: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Roles, users and accounts."""
    namespaces: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The prefixes of pull-through cache rules, e.g. `ecr-public`. Default: every repository."""


class RegistryAccessArgs(TypedDict):
    """Who may do what in every repository of a registry."""

    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may pull from every repository."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Principals that may push to every existing repository."""
    accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Whole accounts that may pull from every repository."""
    organizations: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """AWS organizations whose accounts may all pull from every repository."""
    replication_from: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Accounts whose registries may replicate into this one and create the repositories."""
    pull_through_cache: NotRequired[pulumi.Input[Sequence[PullThroughCacheGrantArgs]]]
    """Principals that may import images from upstream and create the repositories."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    statements: NotRequired[pulumi.Input[Sequence[Mapping[str, Any]]]]
    """Custom statements, as in an IAM policy."""


class ScanRuleArgs(TypedDict):
    """A scan frequency and its repositories."""

    frequency: pulumi.Input[Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]]
    """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` (ENHANCED only) or `MANUAL` (BASIC only)."""
    filters: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Repository names with `*` wildcards; a filter without a wildcard matches every name that contains it."""


class ScanningArgs(TypedDict):
    """The registry's scanning: one configuration per account and Region, which overrides the repositories' own flag."""

    type: NotRequired[Literal["BASIC", "ENHANCED"]]
    """`BASIC` or `ENHANCED`. Default: the stack does not change the registry's configuration."""
    rules: NotRequired[pulumi.Input[Sequence[ScanRuleArgs]]]
    """At most two rules, with different frequencies."""
    inspector: NotRequired[pulumi.Input[Sequence[Literal["ECR", "EC2", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"]]]]
    """Everything that Amazon Inspector should scan in this account, including `ECR`, e.g. `[ECR, EC2]`. Anything else is disabled in every Region of the stack. Default: the stack does not manage Inspector. With `type: ENHANCED`, ECR enables it for images; in an organization, the delegated administrator does."""


class SigningRuleArgs(TypedDict):
    """An AWS Signer profile, and the repositories whose images it signs."""

    signing_profile_arn: pulumi.Input[str]
    """The ARN of an AWS Signer profile for the platform `Notation-OCI-SHA384-ECDSA`. It must be in the registry's Region, and may belong to another account. The pusher needs `signer:SignPayload` on it, which this stack's pipelines get."""
    repository_filters: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Repository names with `*` wildcards. Default: every repository."""


class SigningSettingsArgs(TypedDict):
    """ECR's managed signing: one configuration per account and Region."""

    rules: NotRequired[Sequence[SigningRuleArgs]]
    """At most 10 rules. An image is signed once for each profile whose rule selects its repository. A rule whose profile is in a destination's Region signs images pushed there; replicas are not signed again."""


class BudgetSettingsArgs(TypedDict):
    """A monthly budget for the cost of ECR in the account, in all Regions."""

    amount: pulumi.Input[float]
    """The monthly budget, e.g. `100` or `49.90`."""
    currency: NotRequired[pulumi.Input[str]]
    """The currency of the account's bill. Default: `USD`."""
    actual_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which actual costs trigger an alert. Default: `[80, 100]`."""
    forecast_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the month's forecast triggers an alert; AWS forecasts after about five weeks of usage. Default: `[100]`."""
    email: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """E-mail addresses for alerts: at most 10."""
    sns_topic_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""


class SlackChannelArgs(TypedDict):
    """A Slack channel. An account has one configuration per channel, so two registries in an account need two channels."""

    workspace: pulumi.Input[str]
    """The workspace id. The workspace must already be authorized in the console of AWS Chatbot (Amazon Q Developer)."""
    channel: pulumi.Input[str]
    """The channel id. A private channel needs `/invite @Amazon Q`."""


class NotificationSettingsArgs(TypedDict):
    """Which events to report, for which repositories, and to whom: in the home Region and each replication destination in the same account."""

    pushes: NotRequired[bool]
    """Whether to report pushes. Default: `false`."""
    deletions: NotRequired[bool]
    """Whether to report deletions, including those by lifecycle rules, which ECR does not distinguish. Default: `false`."""
    archives: NotRequired[bool]
    """Whether to report archived and restored images. Default: `false`."""
    scans: NotRequired[bool]
    """Whether to report each completed basic scan and each first enhanced scan, regardless of findings. Default: `false`."""
    findings: NotRequired[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"]]
    """The minimum severity of findings to report: basic scans with such a finding, and each such finding from Inspector."""
    replications: NotRequired[Literal["FAILED", "ALL"]]
    """Which replications to report: `FAILED` or `ALL`. ECR sends these events in the destination Region."""
    pull_through_failures: NotRequired[bool]
    """Whether to report failed synchronisation of pull-through caches. Default: `false`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Prefixes of repository names; other repositories are not reported. Default: every repository."""
    email: NotRequired[Sequence[pulumi.Input[str]]]
    """E-mail addresses that receive the events as JSON. Each must confirm its subscription."""
    https: NotRequired[Sequence[pulumi.Input[str]]]
    """HTTPS endpoints that receive the events. Each must confirm its subscription, through a message with a `SubscribeURL`."""
    slack: NotRequired[SlackChannelArgs]
    """A Slack channel that receives the events through AWS Chatbot."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use `kms:Decrypt` and `kms:GenerateDataKey`. Default: a new key. Destinations always get their own keys."""


class AccountSettingValuesArgs(TypedDict):
    """Account settings, once per Region. AWS has no call to reset a setting: removing a key changes nothing."""

    registry_policy_scope: NotRequired[pulumi.Input[Literal["V2"]]]
    """`V2`: the registry policy applies to every ECR action. Older registries are V1, where it only applies to replication and imports. Default: `V2` if `registryAccess` grants anything else; otherwise the account's current setting."""
    blob_mounting: NotRequired[pulumi.Input[bool]]
    """Whether a push mounts layers from another repository in the registry instead of uploading them again. Default: the account's current setting, initially `false`."""
    basic_scan_type_version: NotRequired[pulumi.Input[Literal["AWS_NATIVE"]]]
    """The version of basic scanning. `AWS_NATIVE` is the only remaining one. Default: the account's current setting."""
    pull_time_exclusions: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles and users, e.g. of scanners, whose pulls are not recorded. Otherwise, lifecycle rules based on the last pull would never remove an image that is scanned regularly. They must exist."""


class CredentialsArgs(TypedDict):
    """Credentials for an upstream registry."""

    username: pulumi.Input[str]
    """The user name."""
    access_token: pulumi.Input[str]
    """The access token, encrypted: `pulumi config set --secret --path ecr-stack:pullThroughCache.NAME.credentials.accessToken`."""


class CreatedRepositoriesArgs(TypedDict):
    """The settings of repositories that ECR creates."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""


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
    """The upstream registry: `ecr-public`, `docker-hub`, `quay`, `k8s`, `github-container-registry`, `gitlab-container-registry`, `azure-container-registry`, `chainguard`, or `ecr` for another private ECR registry."""
    url: NotRequired[str]
    """With `ecr`: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; with `azure-container-registry`: `NAME.azurecr.io`. The others have fixed URLs."""
    upstream_prefix: NotRequired[pulumi.Input[str]]
    """The prefix of names in the upstream, omitted from the cached names. Default: none (`ROOT`)."""
    credentials: NotRequired[pulumi.Input[CredentialsArgs]]
    """Credentials for the upstream; the stack stores them in AWS Secrets Manager."""
    credential_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing secret `ecr-pullthroughcache/…` in the same account and Region, instead of `credentials`."""
    custom_role_arn: NotRequired[pulumi.Input[str]]
    """With `ecr` and another account's registry: the role in this account with which ECR pulls from it."""
    repositories: NotRequired[CreatedRepositoriesArgs]
    """The settings of the repositories that ECR creates for cached images, through a creation template. Default: ECR's own (mutable, AES256, no lifecycle)."""


class OwnTemplateArgs(TypedDict):
    """A creation template: settings for repositories that ECR creates under a prefix in the home Region."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    applied_for: Sequence[Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]]
    """When ECR uses the template: `REPLICATION` (another registry replicates into this one), `CREATE_ON_PUSH` (an image is pushed to a missing repository), `PULL_THROUGH_CACHE`."""


class PublicRepositorySettingsArgs(TypedDict):
    """A repository that everyone may pull from, with its gallery metadata."""

    description: NotRequired[pulumi.Input[str]]
    """One or two sentences, used in searches."""
    about_text: NotRequired[pulumi.Input[str]]
    """A description of the images, in Markdown."""
    usage_text: NotRequired[pulumi.Input[str]]
    """Usage instructions, in Markdown."""
    architectures: NotRequired[pulumi.Input[Sequence[Literal["ARM", "ARM 64", "x86", "x86-64"]]]]
    """Of `ARM`, `ARM 64`, `x86`, `x86-64`."""
    operating_systems: NotRequired[pulumi.Input[Sequence[Literal["Linux", "Windows"]]]]
    """`Linux`, `Windows`, or both."""
    logo: NotRequired[pulumi.Input[str]]
    """An image file of at most 512,000 bytes, in base64. The gallery only shows it for verified accounts."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may push, through the repository policy. Everyone may pull."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""


class RegistryArgs(TypedDict):
    """The arguments of `Registry`: the settings of a stack file, in snake_case."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`; it names the key's alias and the tags. Default: the Pulumi stack's name."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """The prefix of all repository names in ECR, e.g. `dev/`. Omit it in keys and filters; outputs omit it too."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags for every resource, in addition to `Name`, `Environment` and `ManagedBy`."""
    encryption: NotRequired[EncryptionArgs]
    """How images are encrypted at rest."""
    repository_defaults: NotRequired[RepositoryDefaultsArgs]
    """Default settings for every repository."""
    profiles: NotRequired[Mapping[str, RepositoryDefaultsArgs]]
    """Settings for groups of repositories, by a name of your choice; a repository uses one with `profile: NAME`."""
    repositories: Mapping[str, RepositorySettingsArgs | None]
    """The repositories, by name. `{}` or nothing means the defaults."""
    tag_schemes: NotRequired[Sequence[TagSchemeArgs]]
    """How the pipelines tag images. Each scheme needs a lifecycle rule in every repository, unless it is declared as kept."""
    lifecycle_guard: NotRequired[LifecycleGuardArgs]
    """Limits on what a lifecycle change may remove. Default: no limits."""
    replication: NotRequired[ReplicationSettingsArgs]
    """Where images are replicated to. Default: nowhere."""
    pipelines: NotRequired[Mapping[str, PipelineSettingsArgs]]
    """Roles for pipelines that push, by a name of your choice: GitHub Actions, GitLab or another issuer of tokens."""
    trusted: NotRequired[pulumi.Input[TrustedArgs]]
    """Accounts, organizations and issuers outside this account that the guardrails accept."""
    nodes: NotRequired[NodeAccessArgs]
    """Existing node roles, e.g. of EKS, that get AWS's managed pull policy."""
    registry_access: NotRequired[RegistryAccessArgs]
    """The registry policy: access to every repository, e.g. for accounts that replicate into this registry."""
    scanning: NotRequired[ScanningArgs]
    """How the registry scans images. Default: by each repository's `scanOnPush`."""
    signing: NotRequired[SigningSettingsArgs]
    """Which images ECR signs on push. Default: the stack does not change the registry's configuration."""
    budget: NotRequired[BudgetSettingsArgs]
    """A monthly budget for the account's ECR costs, with alerts. Default: none."""
    notifications: NotRequired[NotificationSettingsArgs]
    """Notifications about pushes, deletions, findings and failed replication. Default: none."""
    account_settings: NotRequired[pulumi.Input[AccountSettingValuesArgs]]
    """Account settings, once per Region. Default: unchanged."""
    pull_through_cache: NotRequired[Mapping[str, PullThroughCacheSettingsArgs]]
    """Pull-through caches, by the prefix of the cached repositories, e.g. `docker-hub`; `ROOT` for no prefix."""
    creation_templates: NotRequired[Mapping[str, OwnTemplateArgs]]
    """Settings for repositories that ECR creates in the home Region, by prefix, or `ROOT` for all others."""
    public_repositories: NotRequired[Mapping[str, PublicRepositorySettingsArgs | None]]
    """Repositories on the Amazon ECR Public Gallery, by name."""
    region: NotRequired[pulumi.Input[str]]
    """The Region of the registry. Default: the provider's own."""


class AccountSettingsArgs(TypedDict):
    """The arguments of `AccountSettings`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    registry_policy_scope: NotRequired[pulumi.Input[Literal["V2"]]]
    """`V2`: the registry policy applies to every ECR action. Older registries are V1, where it only applies to replication and imports. Default: `V2` if `registryAccess` grants anything else; otherwise the account's current setting."""
    blob_mounting: NotRequired[pulumi.Input[bool]]
    """Whether a push mounts layers from another repository in the registry instead of uploading them again. Default: the account's current setting, initially `false`."""
    basic_scan_type_version: NotRequired[pulumi.Input[Literal["AWS_NATIVE"]]]
    """The version of basic scanning. `AWS_NATIVE` is the only remaining one. Default: the account's current setting."""
    pull_time_exclusions: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles and users, e.g. of scanners, whose pulls are not recorded. Otherwise, lifecycle rules based on the last pull would never remove an image that is scanned regularly. They must exist."""


class BudgetArgs(TypedDict):
    """The arguments of `Budget`."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    amount: pulumi.Input[float]
    """The monthly budget, e.g. `100` or `49.90`."""
    currency: NotRequired[pulumi.Input[str]]
    """The currency of the account's bill. Default: `USD`."""
    actual_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which actual costs trigger an alert. Default: `[80, 100]`."""
    forecast_thresholds: NotRequired[pulumi.Input[Sequence[float]]]
    """Percentages of the budget at which the month's forecast triggers an alert; AWS forecasts after about five weeks of usage. Default: `[100]`."""
    email: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """E-mail addresses for alerts: at most 10."""
    sns_topic_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an SNS topic. Its policy must let `budgets.amazonaws.com` publish."""
    name: NotRequired[pulumi.Input[str]]
    """The budget's name, unique in the account. Default: `{environment}-ecr`."""


class CreationTemplateArgs(TypedDict):
    """The arguments of `CreationTemplate`."""

    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    region: NotRequired[pulumi.Input[str]]
    """The Region of the template: for replicas, a replication destination. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for tags and the role's name. Default: the Pulumi stack's name."""
    prefix: NotRequired[str]
    """The namespace that the template covers, or `ROOT` for repositories that no other template covers. Default: `ROOT`."""
    applied_for: NotRequired[Sequence[Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]]]
    """When ECR uses the template: `REPLICATION`, `PULL_THROUGH_CACHE`, `CREATE_ON_PUSH`. Default: `REPLICATION`."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing role with which ECR creates the repositories. Default: a new role."""
    role_name: NotRequired[pulumi.Input[str]]
    """The name of the new role. Default: `{environment}-ecr-template-{region}`."""


class EncryptionKeyArgs(TypedDict):
    """The arguments of `EncryptionKey`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the same Region, instead of a new key."""
    deletion_window_in_days: NotRequired[pulumi.Input[int]]
    """The waiting period before the key is deleted, in days: 7 to 30. Default: 30."""
    multi_region: NotRequired[bool]
    """Whether the key is a multi-Region key, which can have replicas in other Regions. Default: `false`."""
    primary_key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a multi-Region key in another Region, to create a replica of it."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete the key, without which no image can be pulled. Default: the parent's setting."""


class RepositoryGuardArgs(TypedDict):
    """The limits for one repository."""

    max_expire: NotRequired[int]
    """The maximum number of images that may expire."""
    max_expire_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may expire."""
    max_archive: NotRequired[int]
    """The maximum number of images that may be archived, after which they cannot be pulled. Default: `maxExpire`."""
    max_archive_percent: NotRequired[int]
    """The maximum percentage of the repository's images that may be archived. Default: `maxExpirePercent`."""
    protect_pulled_within_days: NotRequired[int]
    """No image that was pulled within this many days may expire or be archived."""
    role_arn: NotRequired[pulumi.Input[str]]
    """The ARN of a role that the guard assumes to ask ECR. Default: the provider's own credentials."""
    reason: NotRequired[pulumi.Input[str]]
    """Why these limits differ; recorded in the stack's state."""


class LifecyclePolicyArgs(TypedDict):
    """The arguments of `LifecyclePolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    repository: pulumi.Input[str]
    """The name of the repository."""
    rules: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The rules, in priority order."""
    document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `rules`."""
    guard: NotRequired[RepositoryGuardArgs]
    """Limits on what a policy change may remove. Default: no limits."""


class NotificationsArgs(TypedDict):
    """The arguments of `Notifications`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    pushes: NotRequired[bool]
    """Whether to report pushes. Default: `false`."""
    deletions: NotRequired[bool]
    """Whether to report deletions, including those by lifecycle rules, which ECR does not distinguish. Default: `false`."""
    archives: NotRequired[bool]
    """Whether to report archived and restored images. Default: `false`."""
    scans: NotRequired[bool]
    """Whether to report each completed basic scan and each first enhanced scan, regardless of findings. Default: `false`."""
    findings: NotRequired[Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED"]]
    """The minimum severity of findings to report: basic scans with such a finding, and each such finding from Inspector."""
    replications: NotRequired[Literal["FAILED", "ALL"]]
    """Which replications to report: `FAILED` or `ALL`. ECR sends these events in the destination Region."""
    pull_through_failures: NotRequired[bool]
    """Whether to report failed synchronisation of pull-through caches. Default: `false`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Prefixes of repository names; other repositories are not reported. Default: every repository."""
    email: NotRequired[Sequence[pulumi.Input[str]]]
    """E-mail addresses that receive the events as JSON. Each must confirm its subscription."""
    https: NotRequired[Sequence[pulumi.Input[str]]]
    """HTTPS endpoints that receive the events. Each must confirm its subscription, through a message with a `SubscribeURL`."""
    slack: NotRequired[SlackChannelArgs]
    """A Slack channel that receives the events through AWS Chatbot."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the home Region for the topic; its policy must let `events.amazonaws.com` use `kms:Decrypt` and `kms:GenerateDataKey`. Default: a new key. Destinations always get their own keys."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """The prefix of repository names, before the prefixes in `repositories`. Default: none."""
    replicated: NotRequired[bool]
    """Whether the Region receives replicas, so that replication events are sent. Default: `true`."""
    slack_topic_arns: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of further topics, e.g. in other Regions, whose messages also go to the Slack channel."""


class PipelineAccessArgs(TypedDict):
    """The arguments of `PipelineAccess`."""

    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for names and tags. Default: the Pulumi stack's name."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, on top of `Name`, `Environment` and `ManagedBy`."""
    platform: NotRequired[Literal["GITHUB", "GITLAB", "OTHER"]]
    """`GITHUB`, `GITLAB`, or `OTHER` with its `issuer` and `subjects`. Default: `GITHUB`."""
    issuer: NotRequired[pulumi.Input[str]]
    """The issuer of the tokens. Default: github.com or gitlab.com, depending on the platform."""
    audience: NotRequired[pulumi.Input[str]]
    """The audience of the tokens. Default: `sts.amazonaws.com`."""
    repositories: NotRequired[pulumi.Input[Sequence[PipelineSourceArgs]]]
    """Source repositories with their branches, tags and environments."""
    subjects: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Exact token subjects, for other platforms or customized GitHub subjects."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the repositories that the pipelines push to."""
    pull: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the repositories that the pipelines pull from."""
    sign: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ARNs of the AWS Signer profiles with which ECR signs the images they push."""
    provider_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the issuer's OpenID Connect provider; an account can have one per issuer. Default: a new one."""
    role_name: NotRequired[pulumi.Input[str]]
    """The role's name. Default: `{environment}-ecr-push`."""


class PublicRepositoryArgs(TypedDict):
    """The arguments of `PublicRepository`."""

    description: NotRequired[pulumi.Input[str]]
    """One or two sentences, used in searches."""
    about_text: NotRequired[pulumi.Input[str]]
    """A description of the images, in Markdown."""
    usage_text: NotRequired[pulumi.Input[str]]
    """Usage instructions, in Markdown."""
    architectures: NotRequired[pulumi.Input[Sequence[Literal["ARM", "ARM 64", "x86", "x86-64"]]]]
    """Of `ARM`, `ARM 64`, `x86`, `x86-64`."""
    operating_systems: NotRequired[pulumi.Input[Sequence[Literal["Linux", "Windows"]]]]
    """`Linux`, `Windows`, or both."""
    logo: NotRequired[pulumi.Input[str]]
    """An image file of at most 512,000 bytes, in base64. The gallery only shows it for verified accounts."""
    push: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Roles, users and accounts that may push, through the repository policy. Everyone may pull."""
    match: NotRequired[pulumi.Input[Literal["CONDITION", "PRINCIPAL"]]]
    """How roles and users are matched: by `CONDITION`, which works before they exist, or as `PRINCIPAL`. Default: `CONDITION`."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
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
    """Existing roles, e.g. of EKS nodes, as names, `role/NAME` or ARNs. Must be known when the program runs."""
    policy: NotRequired[Literal["PULL_ONLY", "READ_ONLY"]]
    """`PULL_ONLY`, or `READ_ONLY` for nodes that also read metadata. Default: `PULL_ONLY`."""
    named_roles: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Roles that are Outputs of other resources, by a name of your choice."""


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
    """The upstream registry: `ecr-public`, `docker-hub`, `quay`, `k8s`, `github-container-registry`, `gitlab-container-registry`, `azure-container-registry`, `chainguard`, or `ecr` for another private ECR registry."""
    url: NotRequired[str]
    """With `ecr`: `ACCOUNT.dkr.ecr.REGION.amazonaws.com`; with `azure-container-registry`: `NAME.azurecr.io`. The others have fixed URLs."""
    upstream_prefix: NotRequired[pulumi.Input[str]]
    """The prefix of names in the upstream, omitted from the cached names. Default: none (`ROOT`)."""
    credentials: NotRequired[pulumi.Input[CredentialsArgs]]
    """Credentials for the upstream; the stack stores them in AWS Secrets Manager."""
    credential_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing secret `ecr-pullthroughcache/…` in the same account and Region, instead of `credentials`."""
    custom_role_arn: NotRequired[pulumi.Input[str]]
    """With `ecr` and another account's registry: the role in this account with which ECR pulls from it."""
    repositories: NotRequired[CreatedRepositoriesArgs]
    """The settings of the repositories that ECR creates for cached images, through a creation template. Default: ECR's own (mutable, AES256, no lifecycle)."""
    prefix: NotRequired[pulumi.Input[str]]
    """The prefix of cached repositories' names, or `ROOT`. Default: the component's name."""


class RegistryPolicyArgs(TypedDict):
    """The arguments of `RegistryPolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    access: pulumi.Input[RegistryAccessArgs]
    """Who may do what in every repository."""
    name_prefix: NotRequired[pulumi.Input[str]]
    """The name prefix of the repositories that the policy applies to. Default: every repository."""


class RegistryScanningArgs(TypedDict):
    """The arguments of `RegistryScanning`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    type: pulumi.Input[Literal["BASIC", "ENHANCED"]]
    """`BASIC` (ECR itself) or `ENHANCED` (Amazon Inspector)."""
    rules: NotRequired[pulumi.Input[Sequence[ScanRuleArgs]]]
    """At most two rules, with different frequencies."""
    inspector: NotRequired[pulumi.Input[Sequence[Literal["ECR", "EC2", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"]]]]
    """Everything that Amazon Inspector should scan in this account, including `ECR`, e.g. `[ECR, EC2]`. Anything else is disabled in every Region of the stack. Default: the stack does not manage Inspector. With `type: ENHANCED`, ECR enables it for images; in an organization, the delegated administrator does."""


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
    """At most 10 rules, with at most 25 destinations in total."""
    creation_template: NotRequired[bool]
    """The default for `replicas`, as in version 0.1.0: `true` means `template`, `false` means `none`. Default: `managed`."""
    repositories: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The names of the repositories; a filter that matches none of them is an error. Default: filters are not checked."""


class RepositoryArgs(TypedDict):
    """The arguments of `Repository`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    tag_mutability: NotRequired[
        pulumi.Input[Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]]
    ]
    """Whether tags can be moved to another image. Default: `MUTABLE`. See also `mutableTags`."""
    mutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that can be moved, e.g. `latest`; at most two `*` each."""
    immutable_tags: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that cannot be moved, e.g. `v*`; at most two `*` each."""
    scan_on_push: NotRequired[pulumi.Input[bool]]
    """Whether images are scanned for vulnerabilities when pushed. Default: `true`."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository. Default: `false`."""
    force_delete: NotRequired[pulumi.Input[bool]]
    """Whether deleting the repository deletes the images in it. Default: `false`."""
    encryption: NotRequired[RepositoryEncryptionArgs]
    """How the images are encrypted. Default: the registry's `encryption`."""
    lifecycle: NotRequired[pulumi.Input[Sequence[LifecycleRuleArgs]]]
    """The lifecycle rules, in priority order. Default: none, so images are kept for ever."""
    lifecycle_document: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """A native lifecycle document, used unchanged, instead of `lifecycle`."""
    access: NotRequired[pulumi.Input[AccessArgs]]
    """Who may pull and push, through the repository policy."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """AWS tags, in addition to the registry's."""
    import_existing: NotRequired[bool]
    """Whether to adopt an existing repository instead of creating one. Default: `false`."""
    name: NotRequired[pulumi.Input[str]]
    """The repository's name in ECR, if it differs from the key in the map, e.g. after renaming the key."""
    aliases: NotRequired[Sequence[pulumi.Input[str]]]
    """Former keys of this repository in the map, or existing URNs of the repository and its policies in the stack's state, so that renaming or moving it replaces nothing."""
    profile: NotRequired[str]
    """A profile, which overrides the defaults and is overridden by the repository's own settings."""
    environment: NotRequired[pulumi.Input[str]]
    """A slug such as `prod`, for the tags. Default: the Pulumi stack's name."""
    lifecycle_guard: NotRequired[RepositoryGuardArgs]
    """Limits on what a lifecycle change may remove. Default: no limits."""


class RepositoryPolicyArgs(TypedDict):
    """The arguments of `RepositoryPolicy`."""

    region: NotRequired[pulumi.Input[str]]
    """The Region. Default: the provider's own."""
    repository: pulumi.Input[str]
    """The name of the repository."""
    access: pulumi.Input[AccessArgs]
    """Who may pull and push."""
