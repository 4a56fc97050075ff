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
        raise refusal("an exclusion is a role or user, not an account", "write `role/NAME` or a role's ARN")
    return value


class AccountSettingValues(Model):
    """Account settings, once per Region. AWS has no call to reset a setting: removing a key changes nothing."""

    registry_policy_scope: Literal["V2"] | None = None
    """`V2`: the registry policy applies to every ECR action. Older registries are V1, where it only applies to
    replication and imports. Default: `V2` if `registryAccess` grants anything else; otherwise the account's current
    setting."""
    blob_mounting: bool | None = None
    """Whether a push mounts layers from another repository in the registry instead of uploading them again. Default:
    the account's current setting, initially `false`."""
    basic_scan_type_version: Literal["AWS_NATIVE"] | None = None
    """The version of basic scanning. `AWS_NATIVE` is the only remaining one. Default: the account's current setting."""
    pull_time_exclusions: (
        Annotated[
            list[Annotated[PrincipalName, AfterValidator(_identity), Described(pattern=r"(^|:)(role|user)/"), Item]],
            Field(min_length=1, max_length=100),
        ]
        | None
    ) = None
    """Roles and users, e.g. of scanners, whose pulls are not recorded. Otherwise, lifecycle rules based on the last
    pull would never remove an image that is scanned regularly. They must exist."""


def needs_extended_scope(access: RegistryAccess | None) -> bool:
    """Whether a registry policy needs the scope V2: it grants more than replication and imports.

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
