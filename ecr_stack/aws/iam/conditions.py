"""The conditions of a custom statement: the valid operators, keys and values.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from ecr_stack.errors import Problem
from ecr_stack.forms import Described, Form
from ecr_stack.model import Item, nearest, refusal

__all__ = ["Conditions", "condition_problems"]

_BASE = (
    "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
    "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals", "DateLessThan",
    "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress",
    "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
)  # fmt: skip

OPERATORS = frozenset(
    f"{quantifier}{operator}{suffix}"
    for quantifier in ("", "ForAllValues:", "ForAnyValue:")
    for operator in _BASE
    for suffix in ("", "IfExists")
) | {"Null"}
"""Every condition operator, with its quantifier and `…IfExists`."""


def _operator(value: str) -> str:
    if value in OPERATORS:
        return value
    guess = nearest(value, sorted(OPERATORS))
    raise refusal(
        f"`{value[:80]}` is not a condition operator",
        f"write `{guess}`" if guess else "write an operator such as `StringEquals` or `ArnLike`",
    )


_GLOBAL_KEYS = (
    "PrincipalArn", "PrincipalAccount", "PrincipalOrgPaths", "PrincipalOrgID", "PrincipalTag", "PrincipalIsAWSService",
    "PrincipalServiceName", "PrincipalServiceNamesList", "PrincipalType", "userid", "username", "AssumedRoot",
    "FederatedProvider", "TokenIssueTime", "MultiFactorAuthAge", "MultiFactorAuthPresent", "ChatbotSourceArn",
    "Ec2InstanceSourceVpc", "Ec2InstanceSourcePrivateIPv4", "SourceIdentity", "SignInSessionArn", "SourceIp", "SourceVpc",
    "SourceVpcArn", "SourceVpce", "VpceAccount", "VpceOrgID", "VpceOrgPaths", "VpcSourceIp", "ResourceAccount",
    "ResourceOrgPaths", "ResourceOrgID", "ResourceTag", "CalledVia", "CalledViaFirst", "CalledViaLast", "ViaAWSService",
    "CurrentTime", "EpochTime", "referer", "RequestedRegion", "RequestTag", "TagKeys", "SecureTransport", "SourceAccount",
    "SourceArn", "SourceOrgID", "SourceOrgPaths", "SourceOwner", "UserAgent",
)  # fmt: skip
"""The keys that every service knows, without `aws:`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_FOLDED = {key.lower(): key for key in _GLOBAL_KEYS}


def condition_problems(conditions: Mapping[str, Mapping[str, Sequence[Any]]]) -> Iterator[Problem]:
    """Find what AWS accepts and never matches: a misspelt global key, and neither `true` nor `false` where one is needed.

    A key that resembles no known one may be new, and passes.

    Args:
        conditions: operators → condition keys → values.
    """
    for operator, keys in conditions.items():
        for key, values in keys.items():
            place = f"Condition.{operator}.{key}"
            namespace, _, name = key.partition(":")
            name, slash, tag = name.partition("/")
            close = [] if name.lower() in _FOLDED else difflib.get_close_matches(name.lower(), _FOLDED, n=1, cutoff=0.9)
            if namespace.lower() == "aws" and close:
                rule = f"`{key}` is not a condition key of AWS, so no request has it"
                yield Problem(place, list(values), rule, f"write `aws:{_FOLDED[close[0]]}{slash}{tag}`")
            test = operator.rpartition(":")[2].removesuffix("IfExists")
            texts = [value.lower() for value in values if isinstance(value, str)]
            if test in ("Bool", "Null") and any(each not in ("true", "false") and "${" not in each for each in texts):
                yield Problem(place, list(values), f"`{operator}` compares with true or false", "write true or false")


_KEY = Form(
    r"[A-Za-z0-9-]+:[\w.:/=+@-]+",
    "a condition key must be a service prefix, a colon and a name",
    "write a key such as `aws:PrincipalOrgID`",
    longest=256,
)


def _values(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _value(value: object) -> object:
    """Convert `true` and `7` to the strings that IAM compares."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        if abs(value) >= 2**53:
            raise refusal("the number is too large to be compared", "write it in quotes if it is an id")
        return str(int(value)) if value == int(value) else str(value)
    return value


def _text(value: str) -> str:
    if len(value) <= 2048 and re.fullmatch(r"[\t\n\r\x20-\x7e\xa0-\xff]*", value):
        return value
    raise refusal(
        "a condition's value has at most 2,048 printable characters of Latin-1",
        "write the id, ARN or pattern to compare with",
    )


Conditions = Annotated[
    dict[
        Annotated[str, AfterValidator(_operator), Described(enum=sorted(OPERATORS))],
        Annotated[
            dict[
                Annotated[str, _KEY],
                Annotated[
                    list[Annotated[str, BeforeValidator(_value, json_schema_input_type=str | bool | int | float),
                                   AfterValidator(_text), Item]],
                    Field(min_length=1),
                    BeforeValidator(_values, json_schema_input_type=str | bool | int | float | list[str | bool | int | float]),
                ],
            ],
            Field(min_length=1),
        ],
    ],
    Field(min_length=1),
]  # fmt: skip
"""Operators → condition keys → values, e.g. `StringEquals: {"aws:PrincipalOrgID": o-a1b2c3d4e5}`."""
