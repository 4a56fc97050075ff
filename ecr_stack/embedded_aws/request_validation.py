"""Requests checked against AWS's API model: members, types, enums, lengths, ranges and patterns.

botocore knows all of these constraints and checks only the required and unknown members, the types and the
minima. AWS checks them all; patterns against the whole value, as Java's `matches()` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from botocore.exceptions import ParamValidationError
from botocore.model import OperationModel, Shape

from ecr_stack.embedded_aws.aws_errors import invalid

__all__ = ["check_request", "matches"]

_CONTROL = r"\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
# Patterns that Python reads otherwise than Java, and what they mean. The scan filter's backtracks without end on long values
# ("aaaa…!"), since every letter may be either the optional one or one of those that follow; its language is words of
# letters, joined by single separators. In the others Python lacks a flag in the middle, a range that begins with a class, or
# a property class.
_EQUIVALENT = {
    r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$": r"[a-z0-9*]+(?:[._\-/][a-z0-9*]+)*",
    r"^(?![^:\\]*/action/|(?i).*<script>.*</script>.*)[^:\\]+$": r"(?![^:\\]*/action/|(?i:.*<script>.*</script>.*))[^:\\]+",
    r"^(?! )[\p{L}\p{N}\p{Z}-_]*(?<! )$": r"(?! )[\p{L}\p{N}\p{Z}\-_]*(?<! )",
    r"[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+": rf"[^{_CONTROL}]+",
    r"[^\p{C}]*": rf"[^{_CONTROL}]*",
}
# Java's property classes, which occur inside of character classes only.
_SPACES = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": _SPACES, r"\p{ASCII}": r"\x00-\x7f"}

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "a string"),
    "integer": ((int,), "a whole number"),
    "long": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "blob": ((bytes, bytearray, str), "bytes"),
    "timestamp": ((datetime, int, float, str), "a time"),
    "structure": ((Mapping,), "a structure"),
    "map": ((Mapping,), "a map"),
    "list": ((list, tuple), "a list"),
}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    text = _EQUIVALENT.get(pattern, pattern)
    for java, python in _JAVA_CLASSES.items():
        text = text.replace(java, python)
    return re.compile(text)


def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` matches a pattern of the API model."""
    return _compiled(pattern).fullmatch(value) is not None


def check_request(model: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Check a request (shaped as for boto3) against the operation's model.

    Raises:
        botocore.exceptions.ParamValidationError: members are missing, unknown or of the wrong type; no SDK sends
            such a request.
        botocore.exceptions.ClientError: AWS rejects a value.
    """
    if model.input_shape is None:
        if parameters:
            raise ParamValidationError(report=f"{model.name} takes no parameters, not {sorted(parameters)}")
        return
    report: list[str] = []
    _check_form(model.input_shape, parameters, "", report)
    if report:
        raise ParamValidationError(report="\n".join(report))
    _check_values(model, model.input_shape, parameters, "")


def _check_form(shape: Any, value: Any, place: str, report: list[str]) -> None:
    types, expected = _TYPES[shape.type_name]
    fits: bool = isinstance(value, types) and (shape.type_name == "boolean" or not isinstance(value, bool))
    if not fits:
        where = place or "the request"
        report.append(f"Invalid type for parameter {where}, value: {value!r}, valid: {expected}")
        return
    match shape.type_name:
        case "structure":
            for name in shape.required_members:
                if name not in value:
                    report.append(f'Missing required parameter in {place or "input"}: "{name}"')
            for name, member in value.items():
                if name in shape.members:
                    _check_form(shape.members[name], member, _inside(place, name), report)
                else:
                    known = ", ".join(shape.members)
                    report.append(f'Unknown parameter in {place or "input"}: "{name}", must be one of: {known}')
        case "list":
            for index, member in enumerate(value):
                _check_form(shape.member, member, f"{place}[{index}]", report)
        case "map":
            for name, member in value.items():
                _check_form(shape.key, name, f"{place} (key: {name})", report)
                _check_form(shape.value, member, _inside(place, str(name)), report)


def _inside(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _check_values(model: OperationModel, shape: Shape, value: Any, place: str) -> None:
    _check_limits(model, shape, value, place)
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                _check_values(model, shape.members[name], member, _inside(place, name))
        case "list":
            for index, member in enumerate(value, 1):
                # AWS counts members from one
                _check_values(model, shape.member, member, f"{place}.{index}.member")
        case "map":
            for name, member in value.items():
                _check_values(model, shape.key, name, place)
                _check_values(model, shape.value, member, _inside(place, str(name)))


def _check_limits(model: OperationModel, shape: Shape, value: Any, place: str) -> None:
    limits = shape.metadata
    if not limits:
        return
    sized: str | Sequence[Any] | Mapping[str, Any] | None = None
    if shape.type_name in ("string", "blob", "list", "map"):
        sized = value
    amount = len(sized) if sized is not None else value
    noun = "length" if sized is not None else "value"
    choices = limits.get("enum")
    if choices and value not in choices:
        raise invalid(model, place, value, f"Member must satisfy enum value set: [{', '.join(choices)}]")
    if "max" in limits and amount > limits["max"]:
        raise invalid(model, place, value, f"Member must have {noun} less than or equal to {limits['max']}")
    pattern = limits.get("pattern")
    if pattern and shape.type_name == "string" and not matches(pattern, value):
        raise invalid(model, place, value, f"Member must satisfy regular expression pattern: {pattern}")
    if "min" in limits and amount < limits["min"]:
        raise invalid(model, place, value, f"Member must have {noun} greater than or equal to {limits['min']}")
