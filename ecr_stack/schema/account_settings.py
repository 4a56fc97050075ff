"""Settings of an account's registry in a Region: `ecr-stack:accountSettings`.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ecr_stack.aws.iam.actions import IMPORT, REPLICATE
from ecr_stack.aws.iam.principals import is_account
from ecr_stack.aws.names import PrincipalName
from ecr_stack.forms import Described
from ecr_stack.model import Item, Model, is_unknown, refusal
from ecr_stack.schema.access import RegistryAccess

__all__ = ["AccountSettingValues", "needs_extended_scope"]


def _identity(value: str) -> str:
    if is_account(value):
        raise refusal("one role or user is excluded at a time, not an account", "write `role/NAME` or a role's ARN")
    return value


class AccountSettingValues(Model):
    """Settings that an account has once in each Region. AWS has no call that takes one back: removing a key changes nothing."""

    registry_policy_scope: Literal["V2"] | None = None
    """`V2`: the registry's policy holds for every action of ECR. Older registries are V1, where it holds for replication
    and imports only. Default: `V2` if `registryAccess` grants anything else, and else what the account has."""
    blob_mounting: bool | None = None
    """Whether a push mounts layers that another repository of the registry has, instead of sending them again. Default:
    what the account has; AWS begins with `false`."""
    basic_scan_type_version: Literal["AWS_NATIVE"] | None = None
    """How basic scanning scans. `AWS_NATIVE` is the only version left. Default: what the account has."""
    pull_time_exclusions: (
        Annotated[
            list[Annotated[PrincipalName, AfterValidator(_identity), Described(pattern=r"(^|:)(role|user)/"), Item]],
            Field(min_length=1, max_length=100),
        ]
        | None
    ) = None
    """Roles and users, e.g. those of scanners, whose pulls do not count as pulls of an image. Lifecycle rules that go by the
    last pull would otherwise never end an image's life. They must exist."""


def needs_extended_scope(access: RegistryAccess | None) -> bool:
    """Whether a registry's policy needs the scope V2: it grants more than replication and imports.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions.html
    """
    if access is None:
        return False
    if any(is_unknown(value) or value for value in (access.pull, access.push, access.accounts, access.organizations)):
        return True
    statements = access.statements
    if is_unknown(statements):
        return True
    actions = [
        action
        for statement in statements
        for action in ((None,) if is_unknown(statement) or is_unknown(statement.Action) else statement.Action)
    ]
    return any(action not in (*REPLICATE, *IMPORT) for action in actions)
