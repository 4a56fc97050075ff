"""The key that encrypts the images at rest.

Builds an `aws.kms.Key` with rotation on, a deletion window and an explicit key policy, and its alias
`alias/{environment}-ecr`; or an `aws.kms.ReplicaKey`, the replica of a multi-Region key; or takes the ARN of a key that exists.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
"""

import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import EncryptionKeyArgs
from ecr_stack.components.caller import Place, caller
from ecr_stack.components.component import Component, made_here, together
from ecr_stack.components.tags import all_tags
from ecr_stack.schema.arguments import EncryptionKeyArguments
from ecr_stack.schema.encryption import DELETION_WINDOW_IN_DAYS

__all__ = ["EncryptionKey", "key_policy"]


class EncryptionKey(Component):
    """A KMS key for Amazon ECR, with its alias; or an existing key, by its ARN."""

    ARGUMENTS = EncryptionKeyArguments

    key_arn: pulumi.Output[str]
    """The key's ARN. Repositories take the ARN, never the alias: ECR would plan to replace them."""
    alias_name: pulumi.Output[Optional[str]]
    """`alias/{environment}-ecr`, or nothing for an existing key."""

    def __init__(
        self,
        name: str,
        args: EncryptionKeyArgs | EncryptionKeyArguments | None = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: EncryptionKeyArguments = self._validated(args)
        if settings.key_arn is not None:
            self.key_arn = pulumi.Output.from_input(self._value(settings, "key_arn"))
            self.alias_name = pulumi.Output.from_input(None)
        else:
            where = caller(self, settings.region)
            environment = self._environment(settings)
            alias_name = together(lambda env: f"alias/{env}-ecr", environment)
            self._claim(
                "KMS alias",
                alias_name,
                "give one of the two another `environment`, or pass the other key's ARN as `key_arn`",
                region=where.region,
            )
            common: dict[str, Any] = {
                "description": together(
                    lambda env: f"Encrypts the container images of {env} in Amazon ECR", environment
                ),
                "deletion_window_in_days": together(
                    lambda days: days or DELETION_WINDOW_IN_DAYS, self._value(settings, "deletion_window_in_days")
                ),
                "policy": where.then(lambda place: json.dumps(key_policy(place))),
                "region": settings.region,
                "tags": together(
                    lambda env, own: all_tags(f"{env}-ecr-key", env, own), environment, self._value(settings, "tags")
                ),
                "opts": self._child(protect=settings.protect),
            }
            key: aws.kms.Key | aws.kms.ReplicaKey
            if settings.primary_key_arn is not None:
                # A replica is rotated with its primary key.
                key = aws.kms.ReplicaKey(name, primary_key_arn=self._value(settings, "primary_key_arn"), **common)
            else:
                key = aws.kms.Key(name, enable_key_rotation=True, multi_region=settings.multi_region, **common)
            alias = aws.kms.Alias(
                name,
                name=alias_name,
                target_key_id=key.key_id,
                region=settings.region,
                opts=self._child(),
            )
            self.key_arn = made_here(key.arn)
            self.alias_name = alias.name
        self.register_outputs({"keyArn": self.key_arn, "aliasName": self.alias_name})


def key_policy(place: Place) -> dict[str, Any]:
    """Let the account's own IAM policies decide over the key, and no one else.

    ECR needs no statement of its own: it works by grants that the caller makes while a repository is created.
    Without the account among the principals, a key can become unmanageable, and KMS rejects the policy.
    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountDecidesByIamPolicies",
                "Effect": "Allow",
                "Principal": {"AWS": place.root},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
