"""Whose registry it is: the account and the Region that the provider works in.

Both are asked for while the program runs, so that a preview shows whole policy documents. A provider that is not
configured yet (its role is made in the same program, say) does not answer in a preview: they are then unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional, TypeVar
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime.settings import get_monitor

from ecr_stack.aws.names import partition_of
from ecr_stack.components.component import as_run_error, together, unknown
from ecr_stack.model import is_unknown

__all__ = ["Caller", "Place", "caller"]

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """An account and a Region that are known."""

    account: str
    """Twelve digits."""
    region: str
    """The Region's code."""

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`, … ."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    @property
    def root(self) -> str:
        """The account's ARN as a principal."""
        return f"arn:{self.partition}:iam::{self.account}:root"


@dataclass(frozen=True)
class Caller:
    """The account and the Region that a provider works in; each may be an Output."""

    account: "pulumi.Input[str]"
    region: "pulumi.Input[str]"

    @property
    def known_account(self) -> Optional[str]:
        """The account, or `None` while it is unknown."""
        return None if is_unknown(self.account) else str(self.account)

    @property
    def known_region(self) -> Optional[str]:
        """The Region, or `None` while it is unknown."""
        return None if is_unknown(self.region) else str(self.region)

    def then(self, build: Callable[..., T], *values: Any) -> "pulumi.Input[T]":
        """Build something from the place, and from other values, as soon as all are known."""
        return together(
            lambda account, region, *known: build(Place(account, region), *known), self.account, self.region, *values
        )


_answers: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def caller(parent: pulumi.Resource, region: "Optional[pulumi.Input[str]]" = None) -> Caller:
    """Ask the provider of `parent` for its account and Region, once a program.

    Args:
        parent: the component that asks; its provider answers.
        region: the Region where the component is to work, if not the provider's own.
    """
    answers = _answers.setdefault(get_monitor(), {})
    provider = parent.get_provider("aws::")
    key = f"{id(provider) if provider else 'default'}"
    options = pulumi.InvokeOptions(parent=parent)
    with as_run_error():
        if key not in answers:
            answers[key] = aws.get_caller_identity(opts=options).account_id or unknown()
        if region is None:
            if f"{key} region" not in answers:
                answers[f"{key} region"] = aws.get_region(opts=options).region or unknown()
            region = answers[f"{key} region"]
    return Caller(answers[key], region)
