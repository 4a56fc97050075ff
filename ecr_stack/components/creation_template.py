"""The settings of the repositories that ECR itself makes, for replicas, for caches and on push.

ECR makes such a repository with its defaults (mutable, AES256, no policies) unless its Region has a creation template. Builds an `aws.ecr.RepositoryCreationTemplate`, by default with the prefix `ROOT`,
which is for every repository that no longer prefix covers, and the role with which ECR uses the key and writes tags.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
"""

import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import CreationTemplateArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component, together
from ecr_stack.components.repository import encryption_of, exclusion_filters
from ecr_stack.components.repository_policy import access_text
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.arguments import CreationTemplateArguments
from ecr_stack.schema.checks import template_role_name
from ecr_stack.schema.lifecycle import lifecycle_text

__all__ = ["CreationTemplate"]


class CreationTemplate(Component):
    """A creation template for repositories that ECR creates in one Region. A Region has one per prefix."""

    ARGUMENTS = CreationTemplateArguments

    role_arn: pulumi.Output[str]
    """The ARN of the role with which ECR makes the repositories."""

    def __init__(
        self,
        name: str,
        args: CreationTemplateArgs | CreationTemplateArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: CreationTemplateArguments = self._validated(args)
        environment = self._environment(settings)
        where = caller(self, settings.region)
        encryption_type, key_arn = encryption_of(self, settings)
        tags = self._value(settings, "tags")
        self._claim(
            "creation template",
            settings.prefix,
            "make it once, and let the others do without, or write `replicas: managed`",
            region=where.region,
        )
        depends_on: list[pulumi.Resource] = []
        if settings.role_arn is None:
            role, permissions = self._role(settings, environment, where, key_arn, tags)
            # ECR assumes the role when the first replica arrives: by then it must be allowed to work.
            depends_on = [permissions]
            role_arn: pulumi.Input[str] = role.arn
        else:
            role_arn = self._value(settings, "role_arn")
        mutability = self._settled(settings, "tag_mutability", "mutable_tags", "immutable_tags")
        has_lifecycle = settings.lifecycle is not None or settings.lifecycle_document is not None
        aws.ecr.RepositoryCreationTemplate(
            name,
            prefix=settings.prefix,
            description=together(
                lambda env: (
                    f"Replicas of {env}: encrypted, tagged and expiring like the originals"
                    if settings.applied_for == ["REPLICATION"]
                    else f"Repositories that ECR makes for {env}"
                ),
                environment,
            ),
            applied_fors=settings.applied_for,
            custom_role_arn=role_arn,
            encryption_configurations=[
                aws.ecr.RepositoryCreationTemplateEncryptionConfigurationArgs(
                    encryption_type=encryption_type, kms_key=key_arn
                )
            ],
            image_tag_mutability=together(lambda known: known.tag_mutability or "MUTABLE", mutability),
            image_tag_mutability_exclusion_filters=exclusion_filters(
                mutability, aws.ecr.RepositoryCreationTemplateImageTagMutabilityExclusionFilterArgs
            ),
            lifecycle_policy=together(
                lambda known: lifecycle_text(known.lifecycle, known.lifecycle_document),
                self._settled(settings, "lifecycle", "lifecycle_document"),
            )
            if has_lifecycle
            else None,
            repository_policy=access_text(self, settings, settings.region, elsewhere=True)
            if settings.access is not None
            else None,
            # The Name of a replica is its repository's, which a template cannot say.
            resource_tags=together(
                lambda env, own: {key: value for key, value in all_tags("", env, own).items() if key != "Name"},
                environment,
                tags,
            ),
            region=settings.region,
            opts=self._child(depends_on=depends_on),
        )
        self.role_arn = pulumi.Output.from_input(role_arn)
        self.register_outputs({"roleArn": self.role_arn})

    def _role(
        self,
        settings: CreationTemplateArguments,
        environment: "pulumi.Input[str]",
        where: Any,
        key_arn: "pulumi.Input[Optional[str]]",
        tags: Any,
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role_name = (
            self._value(settings, "role_name")
            if settings.role_name is not None
            else together(template_role_name, environment, where.region)
        )
        self._claim("role", role_name, "pass the other role's ARN as `role_arn`")
        role = aws.iam.Role(
            self._label,
            name=role_name,
            description="Lets Amazon ECR make repositories from templates, with their key and tags",
            assume_role_policy=_TRUST,
            tags=together(all_tags, role_name, environment, tags),
            # A role that has another name in a stack of 0.1.0 keeps it: its replacement would stop replication meanwhile.
            opts=self._child(ignore_changes=["name"]),
        )
        permissions = aws.iam.RolePolicy(
            self._label,
            name="create-replicas",
            role=role.name,
            policy=where.then(_permissions, key_arn, *settings._role_keys),
            opts=self._child(),
        )
        return role, permissions


# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-create-iam.html
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecr.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def _permissions(place: Place, *keys: Optional[str]) -> str:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-custom.html, with the registry's
    # repositories and the templates' keys instead of `*`
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage", "ecr:TagResource"],
            "Resource": place.arn("ecr", "repository/*"),
        }
    ]
    used = list(dict.fromkeys(key for key in keys if key))
    if used:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["kms:CreateGrant", "kms:RetireGrant", "kms:DescribeKey"],
                "Resource": used[0] if len(used) == 1 else used,
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
