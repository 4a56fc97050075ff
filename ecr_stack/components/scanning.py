"""How the registry scans images: one configuration for an account and Region.

Builds an `aws.ecr.RegistryScanningConfiguration`, which outranks the repositories' own scan-on-push flag, and an
`aws.inspector2.Enabler` if the arguments say what Inspector is to scan.

- https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
- https://docs.aws.amazon.com/inspector/latest/user/scanning-ecr.html
"""

from typing import Any, Optional, get_args

import pulumi
import pulumi_aws as aws

from ecr_stack.components.args import RegistryScanningArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component
from ecr_stack.schema.arguments import RegistryScanningArguments
from ecr_stack.schema.scanning import InspectorResource

__all__ = ["RegistryScanning"]


class RegistryScanning(Component):
    """The registry's scanning configuration. Each account and Region has only one: create it once."""

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
        # Enabling Inspector for ECR changes the registry's configuration, so the rules come after it.
        enabler = self._enabler(name, settings) if settings.inspector else None
        configuration = aws.ecr.RegistryScanningConfiguration(
            name,
            scan_type=settings.type,
            rules=self._value(settings, "rules", _rules),
            region=settings.region,
            opts=self._child(depends_on=[enabler] if enabler else None),
        )
        self.registry_id = configuration.registry_id
        self.register_outputs({"registryId": self.registry_id})

    def _enabler(self, name: str, settings: RegistryScanningArguments) -> aws.inspector2.Enabler:
        where = caller(self, settings.region)
        others = [kind for kind in get_args(InspectorResource) if kind not in (settings.inspector or ())]
        if others:
            pulumi.log.warn(
                f"Amazon Inspector is switched off for {', '.join(others)} in {where.known_region or 'this Region'}: "
                "`inspector` does not list them",
                self,
            )
        return aws.inspector2.Enabler(
            name,
            account_ids=[where.account],
            resource_types=list(settings.inspector or ()),
            region=settings.region,
            # To delete it is to switch Inspector off for everything in the account, whatever the list says.
            opts=self._child(retain_on_delete=True),
        )


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
