"""Settings that an account has once in each Region.

Builds an `aws.ecr.AccountSetting` for each setting, and an `aws.ecr.PullTimeUpdateExclusion` for each role or user whose
pulls are not to count.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-settings.html
"""

from typing import Any, Optional

import pulumi
import pulumi_aws as aws

from ecr_stack.aws.iam.principals import arn_of
from ecr_stack.components.args import AccountSettingsArgs
from ecr_stack.components.caller import caller
from ecr_stack.components.component import Component
from ecr_stack.model import is_unknown
from ecr_stack.schema.arguments import AccountSettingsArguments

__all__ = ["AccountSettings"]


class AccountSettings(Component):
    """The account's ECR settings in one Region. Each account and Region has only one: create it once."""

    ARGUMENTS = AccountSettingsArguments

    def __init__(
        self,
        name: str,
        args: AccountSettingsArgs | AccountSettingsArguments,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(name, opts)
        settings: AccountSettingsArguments = self._validated(args)
        for field, setting, value in (
            ("registry_policy_scope", "REGISTRY_POLICY_SCOPE", str),
            ("blob_mounting", "BLOB_MOUNTING", lambda mounted: "ENABLED" if mounted else "DISABLED"),
            ("basic_scan_type_version", "BASIC_SCAN_TYPE_VERSION", str),
        ):
            if getattr(settings, field) is not None:
                label = f"{name}-{setting.lower().replace('_', '-')}"
                aws.ecr.AccountSetting(
                    label,
                    name=setting,
                    value=self._value(settings, field, value),
                    region=settings.region,
                    opts=self._child(name=label),
                )
        where = caller(self, settings.region)
        exclusions: Any = settings.pull_time_exclusions or []
        for number, principal in enumerate(exclusions):
            # An Output has no name by which its exclusion could be called.
            label = f"{name}-{number if is_unknown(principal) else principal}"
            aws.ecr.PullTimeUpdateExclusion(
                label,
                principal_arn=where.then(lambda place, known: arn_of(known, place.account, place.partition), principal),
                region=settings.region,
                opts=self._child(name=label),
            )
        self.register_outputs({})
