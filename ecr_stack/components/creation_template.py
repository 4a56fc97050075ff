"""What replicas look like: the settings of the repositories that ECR makes in a destination Region.

ECR makes the repository of a replica with its defaults (mutable, AES256, no policies) unless the destination has a
creation template for replication. Builds an `aws.ecr.RepositoryCreationTemplate` with the prefix `ROOT`, which holds
for every repository that no longer prefix covers, and the role through which ECR uses the key and writes tags.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

import json
from typing import NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.lifecycle import compile_rules, policy_text, rule_list_problems
from ecr_stack.aws.names import Region
from ecr_stack.components.arguments import plain_parts, refusing, resolved
from ecr_stack.components.caller import Caller, caller
from ecr_stack.components.lifecycle_policy import LifecycleRuleArgs
from ecr_stack.components.repository_policy import AccessArgs, access_text
from ecr_stack.components.tags import all_tags
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.registry import Environment
from ecr_stack.schema.repository import RepositoryDefaults, TagMutability
from ecr_stack.schema.section import judge

__all__ = ["CreationTemplate", "CreationTemplateArgs"]


class CreationTemplateArgs(TypedDict):
    """The arguments of `CreationTemplate`."""

    region: str
    """The destination Region, where the template stands."""
    environment: NotRequired[str]
    """A slug such as `prod`, for tags and the role's name. The Pulumi stack's name unless given."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of the destination Region's KMS key; AES256 unless given."""
    tag_mutability: NotRequired[TagMutability]
    """Whether a tag may be moved to another image; `MUTABLE` unless given."""
    mutable_tags: NotRequired[list[str]]
    """With `IMMUTABLE_WITH_EXCLUSION`: the tags that may be moved."""
    immutable_tags: NotRequired[list[str]]
    """With `MUTABLE_WITH_EXCLUSION`: the tags that may not be moved."""
    lifecycle: NotRequired[list[LifecycleRuleArgs]]
    """The lifecycle rules, in priority order."""
    access: NotRequired[AccessArgs]
    """Who may pull and push, by the repositories' policy."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """AWS tags, on top of Environment and ManagedBy."""


class _Arguments(RepositoryDefaults):
    region: Region
    environment: Environment


class CreationTemplate(pulumi.ComponentResource):
    """The creation template for replicas in one Region. A Region has one for `ROOT`: make one, once."""

    role_arn: pulumi.Output[str]
    """The ARN of the role that ECR takes on to make the repositories."""

    def __init__(self, name: str, args: CreationTemplateArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:CreationTemplate", name, {}, opts)
        environment = args.get("environment") or pulumi.get_stack()
        plain = {**plain_parts(dict(args)), "environment": environment}
        plain.pop("key_arn", None)
        with refusing():
            settings, problems = judge(_Arguments, plain, "", python_names=True)
            if settings is not None and settings.lifecycle:
                problems += rule_list_problems(settings.lifecycle, "lifecycle")
            if settings is None or problems:
                raise InvalidInput(f'CreationTemplate "{name}"', problems)
        where = caller(self, settings.region)
        key_arn = args.get("key_arn")
        # The Name of a replica is its repository's, which a template cannot say.
        tags = all_tags(name, environment, args.get("tags"))
        role = aws.iam.Role(
            name,
            name=f"{environment}-ecr-template-{settings.region}",
            description="Lets Amazon ECR make the repositories of replicas with their key and tags",
            assume_role_policy=_TRUST,
            tags={**tags, "Name": f"{environment}-ecr-template-{settings.region}"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        permissions = aws.iam.RolePolicy(
            name,
            name="create-replicas",
            role=role.name,
            policy=resolved(
                {"key": key_arn} if key_arn is not None else {},
                lambda known: _permissions(where, known.get("key")),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ecr.RepositoryCreationTemplate(
            name,
            prefix="ROOT",
            description=f"Replicas of {environment}: encrypted, tagged and expiring like the originals",
            applied_fors=["REPLICATION"],
            custom_role_arn=role.arn,
            encryption_configurations=[
                aws.ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key_arn)
                if key_arn is not None
                else aws.ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(encryption_type="AES256")
            ],
            image_tag_mutability=(settings.tag_mutability or TagMutability.MUTABLE).value,
            image_tag_mutability_exclusion_filters=[
                aws.ecr.RepositoryCreationTemplateImageTagMutabilityExclusionFilterArgs(
                    filter=text, filter_type="WILDCARD"
                )
                for text in settings.mutable_tags or settings.immutable_tags or []
            ]
            or None,
            lifecycle_policy=policy_text(compile_rules(settings.lifecycle)) if settings.lifecycle else None,
            repository_policy=access_text(args["access"], where) if args.get("access") is not None else None,
            resource_tags={key: value for key, value in tags.items() if key != "Name"},
            region=settings.region,
            # ECR tries the role when the first replica arrives: by then it must be allowed to work.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )
        self.role_arn = role.arn
        self.register_outputs({"roleArn": self.role_arn})


_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def _permissions(where: Caller, key: Optional[str]) -> str:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-iam.html
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": f"arn:{where.partition}:ecr:{where.region}:{where.account}:repository/*",
        }
    ]
    if key:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["kms:CreateGrant", "kms:RetireGrant", "kms:DescribeKey"],
                "Resource": key,
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
