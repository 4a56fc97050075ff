"""A repository, with all that belongs to it.

Builds an `aws.ecr.Repository` and, where asked for, its lifecycle policy and its repository policy.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html
"""

from typing import Annotated, NotRequired, Optional, TypedDict, cast

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ecr_stack.aws.lifecycle import rule_list_problems
from ecr_stack.aws.names import Region
from ecr_stack.components.arguments import plain_parts, refusing, resolved
from ecr_stack.components.encryption_key import checked_key_arn
from ecr_stack.components.grants import Grantee, grant_pull, grant_push
from ecr_stack.components.lifecycle_guard import LifecycleGuardArgs
from ecr_stack.components.lifecycle_policy import LifecyclePolicyArgs, LifecycleRuleArgs, lifecycle_policy
from ecr_stack.components.repository_policy import AccessArgs, RepositoryPolicyArgs, repository_policy
from ecr_stack.components.tags import all_tags
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.schema.encryption import EncryptionType
from ecr_stack.schema.registry import Environment, given
from ecr_stack.schema.repository import RepositorySettings, TagMutability, misfits
from ecr_stack.schema.section import in_python, judge

__all__ = ["Repository", "RepositoryArgs", "RepositoryDefaultsArgs"]


class RepositoryDefaultsArgs(TypedDict):
    """What a repository may say, and what a registry may say for all of its repositories."""

    tag_mutability: NotRequired[TagMutability]
    """Whether a tag may be moved to another image; `MUTABLE` unless given."""
    mutable_tags: NotRequired[list[str]]
    """With `IMMUTABLE_WITH_EXCLUSION`: one to five tags that may be moved, with at most two `*` each."""
    immutable_tags: NotRequired[list[str]]
    """With `MUTABLE_WITH_EXCLUSION`: one to five tags that may not be moved, with at most two `*` each."""
    scan_on_push: NotRequired[bool]
    """Whether images are scanned for vulnerabilities when pushed; true unless given."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete or replace the repository; false unless given."""
    force_delete: NotRequired[bool]
    """Whether deleting the repository deletes the images in it; false unless given."""
    lifecycle: NotRequired[list[LifecycleRuleArgs]]
    """The lifecycle rules, in priority order. Without any, images stay for ever."""
    access: NotRequired[AccessArgs]
    """Who may pull and push, by the repository's policy."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """AWS tags, on top of Name, Environment and ManagedBy."""


class RepositorySettingsArgs(RepositoryDefaultsArgs):
    """What a registry may say of one of its repositories."""

    name: NotRequired[str]
    """The repository's name in ECR: 2 to 256 characters. The name of the component, or its key, unless given."""
    aliases: NotRequired[list[str]]
    """Former names of this component, or URNs of the repository in the stack's state."""
    import_existing: NotRequired[bool]
    """Whether the repository exists already and is to be adopted instead of created."""


class RepositoryArgs(RepositorySettingsArgs):
    """The arguments of `Repository`."""

    environment: NotRequired[str]
    """A slug such as `prod`, for the tags. The Pulumi stack's name unless given."""
    encryption_type: NotRequired[EncryptionType]
    """`KMS` where `key_arn` is given, else `AES256`, unless given."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the KMS key that encrypts the images, in the repository's Region."""
    lifecycle_guard: NotRequired[LifecycleGuardArgs]
    """What a change of the lifecycle may remove; without limits, anything."""
    region: NotRequired[str]
    """The Region of the repository; the provider's own unless given."""


class _Arguments(RepositorySettings):
    environment: Environment
    encryption_type: Annotated[EncryptionType, Field(strict=False)] | None = None
    region: Region | None = None


class Repository(pulumi.ComponentResource):
    """A repository for container images, encrypted, scanned, with its lifecycle and its access."""

    repository_name: pulumi.Output[str]
    """The repository's name in ECR."""
    repository_url: pulumi.Output[str]
    """Where to push to and pull from: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`."""
    arn: pulumi.Output[str]
    """The repository's ARN."""
    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""

    def __init__(self, name: str, args: RepositoryArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        former = list(args.get("aliases") or [])
        own_aliases = pulumi.ResourceOptions(
            aliases=[pulumi.Alias(name=alias) for alias in former if not alias.startswith("urn:")]
        )
        super().__init__("ecr-stack:index:Repository", name, {}, pulumi.ResourceOptions.merge(own_aliases, opts))
        environment = args.get("environment") or pulumi.get_stack()
        source = f'Repository "{name}"'
        settings = _judged(source, name, environment, args)
        physical = settings.name or name
        key_arn = args.get("key_arn")
        kind = settings.encryption_type or (EncryptionType.KMS if key_arn is not None else EncryptionType.AES256)

        repository = aws.ecr.Repository(
            name,
            name=physical,
            image_tag_mutability=(settings.tag_mutability or TagMutability.MUTABLE).value,
            image_tag_mutability_exclusion_filters=[
                aws.ecr.RepositoryImageTagMutabilityExclusionFilterArgs(filter=text, filter_type="WILDCARD")
                for text in settings.mutable_tags or settings.immutable_tags or []
            ]
            or None,
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(
                    encryption_type=kind.value,
                    kms_key=resolved(key_arn, lambda arn: checked_key_arn(arn, source))
                    if key_arn is not None
                    else None,
                )
            ],
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(
                scan_on_push=settings.scan_on_push is not False
            ),
            force_delete=bool(settings.force_delete),
            region=settings.region,
            tags=all_tags(physical, environment, args.get("tags")),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.protect,
                import_=physical if settings.import_existing else None,
                aliases=[alias for alias in former if alias.startswith("urn:")],
            ),
        )
        # The documents name the repository by its plain name, so that a preview shows them whole; they wait for it,
        # and perish and are replaced with it. A new one would be deleted with the old: both have the same id.
        with_it = pulumi.ResourceOptions(
            parent=self,
            depends_on=[repository],
            deleted_with=repository,
            replace_with=[repository],
            delete_before_replace=True,
        )
        region = {"region": settings.region} if settings.region else {}
        if args.get("lifecycle") is not None:
            lifecycle_policy(
                source,
                name,
                cast(
                    LifecyclePolicyArgs,
                    {
                        "repository": physical,
                        "rules": args["lifecycle"],
                        "guard": args.get("lifecycle_guard"),
                        **region,
                    },
                ),
                self,
                with_it,
            )
        if args.get("access") is not None:
            repository_policy(
                source,
                name,
                cast(RepositoryPolicyArgs, {"repository": physical, "access": args["access"], **region}),
                self,
                with_it,
            )
        self._label = name
        self._grants: dict[str, aws.iam.RolePolicy] = {}
        self.repository_name = repository.name
        self.repository_url = repository.repository_url
        self.arn = repository.arn
        self.registry_id = repository.registry_id
        self.register_outputs(
            {
                "repositoryName": self.repository_name,
                "repositoryUrl": self.repository_url,
                "arn": self.arn,
                "registryId": self.registry_id,
            }
        )

    def grant_pull(self, role: Grantee) -> aws.iam.RolePolicy:
        """Let a role log in and pull from this repository, by a policy of the role itself.

        Args:
            role: a role of the program, or a role's name, `role/NAME` or ARN.

        Raises:
            Refused: where `role` names no role, or one of another account.
        """
        return self._granted("pull", role)

    def grant_push(self, role: Grantee) -> aws.iam.RolePolicy:
        """Let a role log in and push to this repository; one that also pulls is granted that, too.

        Args:
            role: a role of the program, or a role's name, `role/NAME` or ARN.

        Raises:
            Refused: where `role` names no role, or one of another account.
        """
        return self._granted("push", role)

    def _granted(self, what: str, role: Grantee) -> aws.iam.RolePolicy:
        # One role takes several grants, and one repository grants several roles: the name says which it is.
        who = role._name if isinstance(role, aws.iam.Role) else str(len(self._grants)) if _later(role) else str(role)
        name = f"{self._label}-{what}-{who}"
        if name not in self._grants:
            grant = grant_pull if what == "pull" else grant_push
            self._grants[name] = grant(name, self.arn, role, pulumi.ResourceOptions(parent=self))
        return self._grants[name]


def _later(value: object) -> bool:
    return not isinstance(value, str)


def _judged(source: str, name: str, environment: str, args: RepositoryArgs) -> _Arguments:
    plain = {"name": name, **plain_parts(dict(args)), "environment": environment}
    for field in ("key_arn", "lifecycle_guard"):
        plain.pop(field, None)
    with refusing():
        settings, problems = judge(_Arguments, plain, "", python_names=True)
        if settings is not None:
            problems += in_python(misfits({}, given(settings), ""))
            if settings.lifecycle:
                problems += rule_list_problems(settings.lifecycle, "lifecycle")
        kind, key = args.get("encryption_type"), args.get("key_arn")
        if settings is None or problems:
            raise InvalidInput(source, problems)
        if key is not None and kind == EncryptionType.AES256:
            rule = "AES256 encrypts with a key that Amazon S3 owns"
            raise InvalidInput(source, [Problem("key_arn", "…", rule, "remove `key_arn` or `encryption_type`")])
    return settings
