"""Whose registry it is: the account and the Region that the provider works in.

Both are asked for while the program runs, not as Outputs, so that a preview shows whole policy documents.
"""

from dataclasses import dataclass
from typing import Any, Optional
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from ecr_stack.aws.names import partition_of
from ecr_stack.components.arguments import Refused

__all__ = ["Caller", "caller"]


@dataclass(frozen=True)
class Caller:
    """An account and a Region."""

    account: str
    """Twelve digits."""
    region: str
    """The Region's code."""

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`, … ."""
        return partition_of(self.region)

    @property
    def root(self) -> str:
        """The account's ARN as a principal."""
        return f"arn:{self.partition}:iam::{self.account}:root"


_known: WeakKeyDictionary[Any, dict[str, Caller]] = WeakKeyDictionary()


def caller(parent: pulumi.Resource, region: Optional[str] = None) -> Caller:
    """Ask the provider of `parent` for its account and Region, once a program.

    Args:
        parent: the component that asks; its provider answers.
        region: the Region where the component is to work, if not the provider's own.

    Raises:
        Refused: where the provider names no account.
    """
    known = _known.setdefault(get_monitor(), {})
    provider = parent.get_provider("aws::")
    key = f"{id(provider) if provider else 'default'} {region}"
    if key not in known:
        options = pulumi.InvokeOptions(parent=parent)
        account = aws.get_caller_identity(opts=options).account_id
        where = region or aws.get_region(opts=options).region
        if not (account and where):
            # Tests of other people's programs often answer every call with {}: their documents name no account.
            if not isinstance(get_monitor(), MockMonitor):
                raise Refused("the AWS provider names no account or no Region; set `aws:region` and credentials")
            account, where = account or "000000000000", where or "us-east-1"
        known[key] = Caller(account, where)
    return known[key]
