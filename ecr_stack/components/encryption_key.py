"""The key that encrypts the images at rest.

Builds an `aws.kms.Key` with rotation on, a deletion window and an explicit key policy, and its alias
`alias/{environment}-ecr`; or takes the ARN of a key that exists.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

import json
from typing import Any, NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.names import Region
from ecr_stack.components.arguments import plain_parts, refusing, resolved
from ecr_stack.components.caller import Caller, caller
from ecr_stack.components.tags import all_tags
from ecr_stack.errors import InvalidInput
from ecr_stack.model import Model, parse
from ecr_stack.schema.encryption import Encryption
from ecr_stack.schema.registry import Environment
from ecr_stack.schema.section import judge

__all__ = ["EncryptionKey", "EncryptionKeyArgs", "key_policy"]

DELETION_WINDOW_IN_DAYS = 30


class EncryptionKeyArgs(TypedDict):
    """The arguments of `EncryptionKey`."""

    environment: NotRequired[str]
    """A slug such as `prod`; it names the alias `alias/{environment}-ecr`. The Pulumi stack's name unless given."""
    key_arn: NotRequired[pulumi.Input[str]]
    """The ARN of an existing key in the same Region; nothing is made then."""
    deletion_window_in_days: NotRequired[int]
    """Days between the key's scheduled deletion and its end: 7 to 30; 30 unless given."""
    protect: NotRequired[bool]
    """Whether Pulumi refuses to delete the key: without it, no image can be pulled any more."""
    region: NotRequired[str]
    """The Region of the key; the provider's own unless given."""
    tags: NotRequired[dict[str, pulumi.Input[str]]]
    """AWS tags, on top of Name, Environment and ManagedBy."""


class _Place(Model):
    environment: Environment
    region: Region | None = None
    protect: bool | None = None


class EncryptionKey(pulumi.ComponentResource):
    """A KMS key for Amazon ECR, with its alias; or an existing key, by its ARN."""

    key_arn: pulumi.Output[str]
    """The key's ARN. Repositories take the ARN, never the alias: ECR would plan to replace them."""
    alias_name: pulumi.Output[Optional[str]]
    """`alias/{environment}-ecr`, or nothing for an existing key."""

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:EncryptionKey", name, dict(args), opts)
        source = f'EncryptionKey "{name}"'
        environment = args.get("environment") or pulumi.get_stack()
        plain = plain_parts(dict(args))
        encryption = {key: plain.pop(key) for key in ("key_arn", "deletion_window_in_days") if key in plain}
        plain.pop("tags", None)
        with refusing():
            parse(_Place, {**plain, "environment": environment}, "", source=source, python_names=True)
            settings, problems = judge(Encryption, encryption, "", python_names=True)
            if settings is None:
                raise InvalidInput(source, problems)

        existing = args.get("key_arn")
        if existing is not None:
            self.key_arn = pulumi.Output.from_input(resolved(existing, lambda arn: checked_key_arn(arn, source)))
            self.alias_name = pulumi.Output.from_input(None)
        else:
            where = caller(self, args.get("region"))
            tags = all_tags(f"{environment}-ecr-key", environment, args.get("tags"))
            key = aws.kms.Key(
                name,
                description=f"Encrypts the container images of {environment} in Amazon ECR",
                enable_key_rotation=True,
                deletion_window_in_days=settings.deletion_window_in_days or DELETION_WINDOW_IN_DAYS,
                policy=json.dumps(key_policy(where)),
                region=args.get("region"),
                tags=tags,
                opts=pulumi.ResourceOptions(parent=self, protect=args.get("protect")),
            )
            alias = aws.kms.Alias(
                name,
                name=f"alias/{environment}-ecr",
                target_key_id=key.key_id,
                region=args.get("region"),
                opts=pulumi.ResourceOptions(parent=self, protect=False),
            )
            self.key_arn = key.arn
            self.alias_name = alias.name
        self.register_outputs({"keyArn": self.key_arn, "aliasName": self.alias_name})


def key_policy(where: Caller) -> dict[str, Any]:
    """Let the account's own IAM policies decide over the key, and nobody else.

    ECR needs no statement of its own: it works by grants that the caller makes while a repository is created.
    Without the account among the principals, a key can become unmanageable, and KMS refuses the policy.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountDecidesByIamPolicies",
                "Effect": "Allow",
                "Principal": {"AWS": where.root},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


def checked_key_arn(arn: str, source: str) -> str:
    """Give the ARN of a KMS key back, or refuse what is none (an alias, say).

    Raises:
        InvalidInput: where it is not the ARN of a key.
    """
    _, problems = judge(Encryption, {"key_arn": arn}, "", python_names=True)
    if problems:
        raise InvalidInput(source, problems)
    return arn
