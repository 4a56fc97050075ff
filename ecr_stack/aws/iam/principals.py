"""Whom a grant names: from the names of a stack file to ARNs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["account_of", "arn_of", "is_account", "names_an_issuer", "partition_problem", "root_of", "unique"]

_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):[a-z]+:[a-z0-9*-]*:(?P<account>[0-9]{12}):.*", re.DOTALL)


def root_of(account: str, partition: str) -> str:
    """The ARN that stands for a whole account."""
    return f"arn:{partition}:iam::{account}:root"


def arn_of(name: str, account: str, partition: str) -> str:
    """The ARN of a principal: of an account id its root, of `role/NAME` the role of this account."""
    if re.fullmatch(r"[0-9]{12}", name):
        return root_of(name, partition)
    if name.startswith(("role/", "user/")):
        return f"arn:{partition}:iam::{account}:{name}"
    return name


def is_account(name: str) -> bool:
    """Whether a principal is a whole account rather than a role or user."""
    return bool(re.fullmatch(r"[0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:root", name))


def account_of(arn: str) -> str:
    """The account in the ARN of a principal, or the account id itself."""
    match = _ARN.fullmatch(arn)
    return match["account"] if match else arn


def partition_problem(name: str, partition: str) -> bool:
    """Whether a name is an ARN of another partition, where this one's policies reach no one."""
    match = _ARN.fullmatch(name)
    return match is not None and match["partition"] != partition


def names_an_issuer(pattern: str) -> bool:
    """Whether a pattern for issuers of OpenID Connect tokens stays within one owner's domain.

    `*` reaches across dots and slashes, so the last two labels of the host have to be written out: `*.example.com/id/*`
    does, `*`, `*.com` and `example.com*` (which is `example.com.somebody.else` too) do not.
    """
    host = re.split(r"[:/]", pattern.lower().removeprefix("https://"), maxsplit=1)[0]
    return bool(re.fullmatch(r"(?:[^.]*\.)*[^.*?\[\]]+\.[^.*?\[\]]+", host))


def unique(names: Iterable[str]) -> list[str]:
    """The names without repetitions, in the order of their first appearance."""
    return list(dict.fromkeys(names))
