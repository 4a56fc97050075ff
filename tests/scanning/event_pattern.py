"""EventBridge's matching, as far as the patterns here use it.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import fnmatch
import operator
from typing import Any

_NUMERIC = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq}


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Whether an event matches a pattern; unknown operators raise."""
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    if not isinstance(event, dict):
        return False
    return all(
        any(matches(each, event) for each in _at_least_two(wanted))
        if key == "$or"
        else matches(wanted, event.get(key))
        if isinstance(wanted, dict)
        else key in event and any(_value(each, value) for each in wanted for value in _values(event[key]))
        for key, wanted in pattern.items()
    )


def _at_least_two(alternatives: list[Any]) -> list[Any]:
    assert len(alternatives) >= 2, "EventBridge refuses `$or` with one alternative"
    return alternatives


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(wanted == value)
    ((name, argument),) = wanted.items()
    match name:
        case "anything-but":
            return value not in argument
        case "numeric":
            compare, number = argument
            return isinstance(value, (int, float)) and bool(_NUMERIC[compare](value, number))
        case "prefix":
            return isinstance(value, str) and value.startswith(argument)
        case "wildcard":
            return isinstance(value, str) and fnmatch.fnmatchcase(value, argument)
    raise AssertionError(f"unknown operator {name}")
