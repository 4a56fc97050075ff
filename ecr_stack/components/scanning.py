"""How the registry scans images: one configuration for an account and Region.

Builds an `aws.ecr.RegistryScanningConfiguration`. It outranks the repositories' own scan-on-push flag.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RegistryScanningArgs
from ecr_stack.components.component import Component
from ecr_stack.schema.arguments import RegistryScanningArguments

__all__ = ["RegistryScanning"]


class RegistryScanning(Component):
    """The scanning configuration of a registry. An account and Region have one: make one, once."""

    ARGUMENTS = RegistryScanningArguments

    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""

    def __init__(
        self,
        name: str,
        args: RegistryScanningArgs | RegistryScanningArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: RegistryScanningArguments = self._validated(args)
        configuration = aws.ecr.RegistryScanningConfiguration(
            name,
            scan_type=settings.type,
            rules=self._value(settings, "rules", _rules),
            region=settings.region,
            opts=self._child(),
        )
        self.registry_id = configuration.registry_id
        self.register_outputs({"registryId": self.registry_id})


def _rules(rules: Any) -> list[aws.ecr.RegistryScanningConfigurationRuleArgs]:
    return [
        aws.ecr.RegistryScanningConfigurationRuleArgs(
            scan_frequency=rule.frequency,
            repository_filters=[
                aws.ecr.RegistryScanningConfigurationRuleRepositoryFilterArgs(filter=text, filter_type="WILDCARD")
                for text in rule.filters
            ],
        )
        for rule in rules
    ]
