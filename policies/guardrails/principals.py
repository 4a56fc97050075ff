"""Who a statement lets in: whether that is everyone, and which accounts it is otherwise.

Principals: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
Keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from guardrails.document import Condition, Statement

_ACCOUNT = re.compile(r"[0-9]{12}")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ORGANIZATION_PATH = re.compile(r"o-[a-z0-9]{10,32}/.*")
# Nothing before the account may be a wildcard: `*` reaches across colons in StringLike.
_ARN_OF_ACCOUNT = re.compile(r"arn:[^:*?$]+:[^:*?$]+:[^:*?$]*:([0-9]{12}):.+", re.DOTALL)

# ArnLike and ArnEquals compare the six parts by themselves, so that a wildcard in the region stays in the region.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
_ARN_LIKE = re.compile(r"arn:[^:$]+:[^:$]+:[^:$]*:([0-9]{12}):.+", re.DOTALL)

# The id of a user, or of a role with the name of any session.
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,}(:.*)?", re.DOTALL)

_BINDING = {
    "aws:principalorgid": _ORGANIZATION,
    "aws:sourceorgid": _ORGANIZATION,
    "aws:principalorgpaths": _ORGANIZATION_PATH,
    "aws:sourceorgpaths": _ORGANIZATION_PATH,
    "aws:principalaccount": _ACCOUNT,
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourceowner": _ACCOUNT,
    "kms:calleraccount": _ACCOUNT,
    "aws:principalarn": _ARN_OF_ACCOUNT,
    "aws:sourcearn": _ARN_OF_ACCOUNT,
    "aws:userid": _UNIQUE_ID,
}

_SOURCES = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}


def public(statement: Statement, extra_keys: Collection[str] = ()) -> str | None:
    """How the statement lets everyone in, in words; None if it does not.

    `extra_keys` are condition keys that bind as well, when their values have no wildcards.
    """
    if not statement.allows:
        return None
    if statement.not_principal:
        return "allows everyone except those whom NotPrincipal names"
    for kind, value in statement.principals:
        if not _wild(value) or _ARN_OF_ACCOUNT.fullmatch(value):
            continue
        if not any(_binds(condition, extra_keys) for condition in statement.conditions):
            written = f'"{value}"' if kind == "*" else f'{{"{kind}": "{value}"}}'
            return f"allows the principal {written}{_loose(statement)}"
    return None


def unbound_services(statement: Statement) -> list[str]:
    """The services that the statement lets act for anybody: confused deputies.

    A service acts for all its customers; a condition on the source says for which.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    if not statement.allows or any(_binds_source(condition) for condition in statement.conditions):
        return []
    return [value for kind, value in statement.principals if kind == "Service"]


def _binds_source(condition: Condition) -> bool:
    # ARNs of some sources, such as buckets, have no account.
    exact = condition.key == "aws:sourcearn" and not any(_wild(value) for value in condition.values)
    return condition.key in _SOURCES and (
        _binds(condition, ()) or (condition.binds and exact and condition.values != ())
    )


def _wild(value: str) -> bool:
    return any(wildcard in value for wildcard in ("*", "?", "${"))


def _loose(statement: Statement) -> str:
    """Why the conditions that are there do not help."""
    if not statement.conditions:
        return " without a condition"
    named = ", ".join(
        f"{condition.operator} {condition.key} {list(condition.values)}" for condition in statement.conditions
    )
    return f", and its conditions leave the organization or account open ({named})"


def _binds(condition: Condition, extra_keys: Collection[str]) -> bool:
    if not condition.values:
        return False
    extra = condition.key in {key.lower() for key in extra_keys}
    if condition.test == "ipaddress":
        return extra and all(_is_narrow(value) for value in condition.values)
    if not condition.binds:
        return False
    pattern = _BINDING.get(condition.key)
    if pattern is _ARN_OF_ACCOUNT:
        pattern = _arn_pattern(condition)
    if pattern is not None:
        return all(pattern.fullmatch(value) for value in condition.values)
    return extra and not any(_wild(value) for value in condition.values)


def _is_narrow(addresses: str) -> bool:
    """Whether a range is somebody's: AWS takes those wider than /8, or /32 of IPv6, for the public.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    try:
        network = ipaddress.ip_network(addresses, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


@dataclass(frozen=True)
class Party:
    """Somebody whom a statement lets in."""

    kind: str
    """`account`, `organization`, or `unknown` where the id does not say whose it is."""
    id: str
    written: str
    """The text of the document that names it."""


def crossings(statement: Statement, trusted: Callable[[Party], bool]) -> list[Party]:
    """Whom a statement lets in who is not trusted.

    Everyone without any condition that binds is not listed here: `public` says so. Conditions must all hold, so one
    that admits trusted parties only is enough.
    """
    if not statement.allows or statement.not_principal:
        return []
    limits = [admitted for condition in statement.conditions if (admitted := _parties(condition))]
    if any(all(trusted(party) for party in limit) for limit in limits):
        return []
    found: dict[Party, None] = {}
    for kind, value in statement.principals:
        match = _ARN_OF_ACCOUNT.fullmatch(value)
        if match and kind != "Service":
            named = [Party("account", match[1], value)]
        elif _ACCOUNT.fullmatch(value):
            named = [Party("account", value, value)]
        elif kind == "Service" or _wild(value):
            named = limits[0] if limits else []
        else:  # of an identity provider that AWS knows by its host name, `identity` judges the trust
            named = [] if kind == "Federated" else [Party("unknown", value, value)]
        found.update(dict.fromkeys(party for party in named if not trusted(party)))
    return list(found)


def _parties(condition: Condition) -> list[Party]:
    """The accounts or organizations that a binding condition admits, all of them."""
    if not _binds(condition, ()):
        return []
    pattern = _BINDING[condition.key]
    if pattern in {_ORGANIZATION, _ORGANIZATION_PATH}:
        return [Party("organization", value.partition("/")[0], value) for value in condition.values]
    if pattern is _UNIQUE_ID:
        return [Party("unknown", value, value) for value in condition.values]
    return [Party("account", _account(condition, value), value) for value in condition.values]


def _account(condition: Condition, value: str) -> str:
    match = _arn_pattern(condition).fullmatch(value)
    return match[1] if match else value


def _arn_pattern(condition: Condition) -> re.Pattern[str]:
    return _ARN_LIKE if condition.test.startswith("arn") else _ARN_OF_ACCOUNT
