"""Converts property values between the engine's form and plain JSON data.

https://www.pulumi.com/docs/iac/guides/building-extending/providers/implementers/protocol-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

__all__ = [
    "REDACTED", "UNKNOWN", "at", "has_unknown", "holds_secret", "message", "plain", "put", "redacted", "secrets_in", "steps",
]  # fmt: skip

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The placeholder for a value that is known only after an update."""

REDACTED = "[secret]"
"""What is shown in place of a secret, as by the `pulumi` command."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Convert properties to plain data: whole numbers are `int`, unknown values `UNKNOWN`, and secrets are unwrapped.

    A reference to another resource becomes its id, or its URN if it has no id.
    """
    return {name: _value(field) for name, field in properties.fields.items()}


def redacted(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Convert properties as `plain` does, with `REDACTED` in place of every secret."""
    return {name: _redacted(field) for name, field in properties.fields.items()}


def _redacted(field: struct_pb2.Value) -> Any:
    return REDACTED if _hidden(field) is not None else _value_with(field, _redacted)


def _value(field: struct_pb2.Value) -> Any:
    hidden = _hidden(field)
    return _value_with(field, _value) if hidden is None else _value(hidden)


def _value_with(field: struct_pb2.Value, read: Callable[[struct_pb2.Value], Any]) -> Any:
    kind = field.WhichOneof("kind")
    if kind == "struct_value":
        fields = field.struct_value.fields
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _RESOURCE:
            return (read(fields["id"]) if "id" in fields else None) or fields["urn"].string_value
        return {name: read(inner) for name, inner in fields.items()}
    if kind == "list_value":
        return [read(item) for item in field.list_value.values]
    if kind == "number_value":
        return int(field.number_value) if field.number_value.is_integer() else field.number_value
    return None if kind in (None, "null_value") else getattr(field, kind)


def _hidden(field: struct_pb2.Value) -> struct_pb2.Value | None:
    if not field.HasField("struct_value"):
        return None
    fields = field.struct_value.fields
    secret = _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET
    return fields["value"] if secret else None


def secrets_in(*properties: struct_pb2.Struct) -> frozenset[str]:
    """Return all secret strings in properties."""
    found: set[str] = set()

    def look(field: struct_pb2.Value, secret: bool) -> None:
        hidden = _hidden(field)
        if hidden is not None:
            look(hidden, True)
        elif secret and field.string_value:
            found.add(field.string_value)
        for inner in field.struct_value.fields.values() if hidden is None else ():
            look(inner, secret)
        for inner in field.list_value.values:
            look(inner, secret)

    for each in properties:
        for field in each.fields.values():
            look(field, False)
    return frozenset(found)


def message(
    properties: Mapping[str, Any], secrets: frozenset[str] = frozenset(), names: frozenset[str] = frozenset()
) -> struct_pb2.Struct:
    """Convert plain data to properties, without those that are `None`.

    Args:
        properties: plain data.
        secrets: strings; a property that contains one of them becomes secret as a whole.
        names: properties that always become secret.
    """
    written = struct_pb2.Struct()
    for name, value in _given(properties).items():
        hidden = name in names or (secrets and _holds(value, secrets))
        written.update({name: {_SIGNATURE: _SECRET, "value": value} if hidden else value})
    return written


def holds_secret(field: struct_pb2.Value) -> bool:
    """Whether a value is, or contains, a secret."""
    if _hidden(field) is not None:
        return True
    kind = field.WhichOneof("kind")
    if kind == "struct_value":
        return any(holds_secret(inner) for inner in field.struct_value.fields.values())
    return kind == "list_value" and any(holds_secret(inner) for inner in field.list_value.values)


def _given(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _given(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_given(item) for item in value]
    return value


def _holds(value: Any, secrets: frozenset[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_holds(item, secrets) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds(item, secrets) for item in value)
    return isinstance(value, str) and any(secret in value for secret in secrets)


def has_unknown(value: Any) -> bool:
    """Whether a value is, or contains, an unknown value."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return isinstance(value, str) and value == UNKNOWN


_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')


def steps(path: str) -> list[str | int]:
    """Split a property path, e.g. `tags["a.b"]` or `rules[0].filter`."""
    return [
        int(match[2]) if match[2] is not None else match[1] if match[1] is not None else match[3].replace('\\"', '"')
        for match in _STEP.finditer(path)
    ]


def at(value: Any, path: Sequence[str | int]) -> Any:
    """Return the value at a path, or `None`; everything below an unknown value is unknown."""
    for step in path:
        if isinstance(value, str) and value == UNKNOWN:
            return UNKNOWN
        inside = step in value if isinstance(value, Mapping) else _is_index(step, value)
        if not inside:
            return None
        value = value[step]
    return value


def _is_index(step: str | int, value: Any) -> bool:
    return isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value)


def put(value: Any, path: Sequence[str | int], what: Any) -> Any:
    """Copy a value with another value at a path; `None` removes it."""
    if not path:
        return what
    first, rest = path[0], path[1:]
    if isinstance(value, (list, tuple)):
        return [put(item, rest, what) if index == first else item for index, item in enumerate(value)]
    copied = dict(value) if isinstance(value, Mapping) else {}
    inner = put(copied.get(first), rest, what) if rest else what
    if inner is None:
        copied.pop(first, None)
    else:
        copied[first] = inner
    return copied
