"""Which images ECR signs when they are pushed: one configuration for an account and Region.

Builds an `aws.cloudcontrol.Resource` of the type `AWS::ECR::SigningConfiguration`: AWS's provider has no resource of its
own for it. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-signingconfiguration.html

https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
"""

import json
from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RegistrySigningArgs
from ecr_stack.components.component import Component
from ecr_stack.resources import SIGNING_CONFIGURATION
from ecr_stack.schema.arguments import RegistrySigningArguments

__all__ = ["RegistrySigning"]


class RegistrySigning(Component):
    """The registry's signing configuration. Each account and Region has only one: create it once."""

    ARGUMENTS = RegistrySigningArguments

    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""

    def __init__(
        self,
        name: str,
        args: RegistrySigningArgs | RegistrySigningArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: RegistrySigningArguments = self._validated(args)
        self._claim("signing configuration", "of the registry", "put the rules into one list", region=settings.region)
        configuration = aws.cloudcontrol.Resource(
            name,
            type_name=SIGNING_CONFIGURATION,
            desired_state=self._value(settings, "rules", _document),
            region=settings.region,
            opts=self._child(),
        )
        self.registry_id = configuration.id
        self.register_outputs({"registryId": self.registry_id})


def _document(rules: Any) -> str:
    return json.dumps({"Rules": [_rule(rule) for rule in rules]})


def _rule(rule: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"SigningProfileArn": rule.signing_profile_arn}
    if rule.repository_filters:
        written["RepositoryFilters"] = [
            {"Filter": text, "FilterType": "WILDCARD_MATCH"} for text in rule.repository_filters
        ]
    return written
