"""Whether the condition of a statement holds, as far as is known.

The answer has three values: `True`, `False`, and `None` where it depends on something that is not known, such as
the organization of an account.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from ecr_stack.aws.iam.reader import Condition

__all__ = ["Context", "Truth", "all_of", "any_of", "condition_holds", "covers", "glob", "has_variable", "negated"]

Truth = bool | None
"""Yes, no, or not known."""

Context = Mapping[str, Sequence[str]]
"""What is known of a request: condition keys in lowercase and their values; an empty list for a key that is known to
be absent. A key that is not in it is not known."""


def any_of(truths: Iterable[Truth]) -> Truth:
    """Whether one is true: `None` where none is known to be and one may be."""
    found = list(truths)
    return True if True in found else (None if None in found else False)


def all_of(truths: Iterable[Truth]) -> Truth:
    """Whether all are true: `None` where none is known not to be and one may not be."""
    found = list(truths)
    return False if False in found else (None if None in found else True)


def negated(truth: Truth) -> Truth:
    """The opposite; what is not known stays so."""
    return None if truth is None else not truth


def has_variable(text: str) -> bool:
    """Whether a text has a policy variable such as `${aws:username}`, whose value depends on the request."""
    return re.search(r"\$\{(?![*?$]\})", text) is not None


def glob(pattern: str, value: str) -> bool:
    """Whether a text matches a pattern of `*` and `?`, by case.

    Takes time in proportion to both lengths multiplied; a regular expression of many stars may never end.
    """
    if "*" not in pattern and "?" not in pattern:
        return pattern == value
    at = here = 0
    star, mark = -1, 0
    while here < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, here, at + 1
        elif at < len(pattern) and pattern[at] in ("?", value[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return set(pattern[at:]) <= {"*"}


def covers(pattern: str, other: str) -> bool:
    """Whether everything that the pattern `other` matches is matched by `pattern`; no where that is not plain."""
    if pattern == other:
        return True
    # A `?` of the pattern takes one character, and a `*` of the other may be many.
    return not has_variable(pattern + other) and not ("?" in pattern and "*" in other) and glob(pattern, other)


def condition_holds(conditions: Iterable[Condition], context: Context) -> Truth:
    """Whether all conditions of a statement hold."""
    return all_of(_holds(each.operator, context.get(each.key), each.values) for each in conditions)


def _holds(operator: str, actual: Sequence[str] | None, wanted: Sequence[str]) -> Truth:
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if actual is None or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        return None
    if name == "Null":
        return any_of(value.lower() == ("false" if actual else "true") for value in wanted)
    if name not in _OPERATORS:
        return None
    compare, negative = _OPERATORS[name]
    if not actual:
        return if_exists or quantifier == "ForAllValues" or (negative and quantifier != "ForAnyValue")

    def matches(value: str) -> Truth:
        found = any_of(_compared(compare, value, one) for one in wanted)
        return negated(found) if negative else found

    # Without a quantifier, one of several values satisfies a positive operator, and all must satisfy a negative one.
    every = quantifier == "ForAllValues" or (negative and quantifier != "ForAnyValue")
    return (all_of if every else any_of)(matches(value) for value in actual)


def _compared(compare: Callable[[str, str], bool], value: str, wanted: str) -> Truth:
    if has_variable(wanted):
        return None
    try:
        return compare(value, wanted)
    except ValueError:
        return False


def _string_like(value: str, wanted: str) -> bool:
    return glob(wanted, value)


def _arn_like(value: str, wanted: str) -> bool:
    """Each of the six parts of an ARN is matched by itself."""
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(map(glob, patterns, parts))


def _number(text: str) -> float:
    return float(text)


def _date(text: str) -> datetime:
    if re.fullmatch(r"[0-9]+", text):
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _in_network(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (lambda value, wanted: value == wanted, False),
    "StringNotEquals": (lambda value, wanted: value == wanted, True),
    "StringEqualsIgnoreCase": (lambda value, wanted: value.lower() == wanted.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda value, wanted: value.lower() == wanted.lower(), True),
    "StringLike": (_string_like, False),
    "StringNotLike": (_string_like, True),
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
    "Bool": (lambda value, wanted: value.lower() == wanted.lower(), False),
    "BinaryEquals": (lambda value, wanted: value == wanted, False),
    "IpAddress": (_in_network, False),
    "NotIpAddress": (_in_network, True),
    "NumericEquals": (lambda value, wanted: _number(value) == _number(wanted), False),
    "NumericNotEquals": (lambda value, wanted: _number(value) == _number(wanted), True),
    "NumericLessThan": (lambda value, wanted: _number(value) < _number(wanted), False),
    "NumericLessThanEquals": (lambda value, wanted: _number(value) <= _number(wanted), False),
    "NumericGreaterThan": (lambda value, wanted: _number(value) > _number(wanted), False),
    "NumericGreaterThanEquals": (lambda value, wanted: _number(value) >= _number(wanted), False),
    "DateEquals": (lambda value, wanted: _date(value) == _date(wanted), False),
    "DateNotEquals": (lambda value, wanted: _date(value) == _date(wanted), True),
    "DateLessThan": (lambda value, wanted: _date(value) < _date(wanted), False),
    "DateLessThanEquals": (lambda value, wanted: _date(value) <= _date(wanted), False),
    "DateGreaterThan": (lambda value, wanted: _date(value) > _date(wanted), False),
    "DateGreaterThanEquals": (lambda value, wanted: _date(value) >= _date(wanted), False),
}
"""Each operator: how a value is compared, and whether it must not compare so."""
