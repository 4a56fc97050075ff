"""How the registry scans images: one configuration for an account and Region.

Builds an `aws.ecr.RegistryScanningConfiguration`. It is stronger than the repositories' own scan-on-push flag.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from typing import Annotated, NotRequired, Optional, TypedDict

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ecr_stack.aws.names import Region
from ecr_stack.components.arguments import plain_parts, refusing
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.scanning import ScanFrequency, Scanning, ScanType
from ecr_stack.schema.section import judge

__all__ = ["RegistryScanning", "RegistryScanningArgs", "ScanRuleArgs"]


class ScanRuleArgs(TypedDict):
    """Which repositories are scanned when."""

    frequency: ScanFrequency
    """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` (ENHANCED only) or `MANUAL` (BASIC only)."""
    filters: list[str]
    """Repository names with `*` wildcards; one without a wildcard matches every name that contains it."""


class RegistryScanningArgs(TypedDict):
    """The arguments of `RegistryScanning`."""

    type: ScanType
    """`BASIC` (ECR itself) or `ENHANCED` (Amazon Inspector)."""
    rules: NotRequired[list[ScanRuleArgs]]
    """At most two rules, each with a frequency of its own. Repositories that none covers are not scanned."""
    region: NotRequired[str]
    """The Region of the registry; the provider's own unless given."""


class _Arguments(Scanning):
    type: Annotated[ScanType, Field(strict=False)]
    region: Region | None = None


class RegistryScanning(pulumi.ComponentResource):
    """The scanning configuration of a registry. An account and Region have one: make one, once."""

    registry_id: pulumi.Output[str]
    """The registry's id, which is its account's."""

    def __init__(self, name: str, args: RegistryScanningArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        super().__init__("ecr-stack:index:RegistryScanning", name, dict(args), opts)
        with refusing():
            settings, problems = judge(_Arguments, plain_parts(dict(args)), "", python_names=True)
            if settings is None:
                raise InvalidInput(f'RegistryScanning "{name}"', problems)
        configuration = aws.ecr.RegistryScanningConfiguration(
            name,
            scan_type=settings.type.value,
            rules=[
                aws.ecr.RegistryScanningConfigurationRuleArgs(
                    scan_frequency=rule.frequency.value,
                    repository_filters=[
                        aws.ecr.RegistryScanningConfigurationRuleRepositoryFilterArgs(
                            filter=text, filter_type="WILDCARD"
                        )
                        for text in rule.filters
                    ],
                )
                for rule in settings.rules
            ],
            region=settings.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.registry_id = configuration.registry_id
        self.register_outputs({"registryId": self.registry_id})
