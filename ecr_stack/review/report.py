"""The report of a rehearsal, read back: a file that `rehearse --format json` wrote, or that someone says it wrote.

The file of a pull request's base comes from elsewhere. It is therefore checked before anything is compared: its size and
depth are limited, and every part that is used has its shape. What is inside inputs and outputs stays as it is; `at` and
`items` read it without assuming anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecr_stack.errors import InvalidInput, NotFound, Problem

__all__ = ["Record", "at", "checked", "items", "parsed", "read_report"]

Record = Mapping[str, Any]

MAX_BYTES = 200_000_000
"""Maximum size of a file. A report has about 4 kB for each resource, and a registry at most some ten thousands."""
MAX_DEPTH = 64
"""Maximum depth of the data. A report of this project is less than 15 deep."""

_REMEDY = "write a report with `ecr-stack rehearse --format json > FILE`"
_Text = Annotated[str, Field(max_length=4096)]
_Object = dict[str, Any]


class _Strict(BaseModel):
    # newer versions may add to reports
    model_config = ConfigDict(strict=True, extra="ignore")


class _Options(_Strict):
    protect: bool | None = None
    retainOnDelete: bool | None = None  # noqa: N815  (the contract's spelling)
    aliases: list[str] | None = None


class _Resource(_Strict):
    urn: _Text
    type: _Text
    name: _Text
    id: str | None = None
    parent: str | None = None
    inputs: _Object
    outputs: _Object
    options: _Options
    dependencies: list[str] = []


class _Violation(_Strict):
    policy: _Text
    level: _Text
    urn: _Text
    message: str


class _Report(_Strict):
    stack: _Text = ""
    account: _Text = ""
    region: _Text = ""
    resources: list[_Resource]
    violations: list[_Violation] = []
    warnings: list[str] = []
    guardrails: _Object | None = None
    settings: _Object | None = None
    provider: _Object | None = None


def read_report(file: Path) -> dict[str, Any]:
    """Read the report of a rehearsal.

    Raises:
        NotFound: if the file cannot be read.
        InvalidInput: if it is too large, not JSON, or not a report.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotFound(f"{file}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        rule = f"a report has at most {MAX_BYTES:,} bytes"
        raise InvalidInput(str(file), [Problem("(the file)", None, rule, _REMEDY)])
    try:
        report = json.loads(data)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput(str(file), [Problem(place, None, f"must be JSON: {error.msg}", _REMEDY)]) from None
    except (ValueError, RecursionError) as error:
        # not UTF-8, a number of thousands of digits, or thousands of brackets
        rule = "nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
        raise InvalidInput(str(file), [Problem("(the file)", None, f"must be JSON: {rule}", _REMEDY)]) from None
    return checked(report, str(file))


def checked(report: Any, source: str) -> dict[str, Any]:
    """Return a report back if it is one.

    Args:
        report: any data.
        source: its name, for messages.

    Raises:
        InvalidInput: if it is not the report of a rehearsal; names at most ten places.
    """
    if depth(report) > MAX_DEPTH:
        rule = f"a report is at most {MAX_DEPTH} levels deep"
        raise InvalidInput(source, [Problem("(the document)", None, rule, _REMEDY)])
    try:
        _Report.model_validate(report)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)
        problems = [
            Problem(_place(item["loc"]), _value(item), f"this is not the report of a rehearsal: {item['msg']}", _REMEDY)
            for item in wrong[:10]
        ]
        raise InvalidInput(source, problems) from None
    assert isinstance(report, dict)
    return report


def _place(parts: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.lstrip(".") or "(the document)"


def _value(item: Any) -> Any:
    return None if item["type"] == "missing" else item["input"]


def depth(value: Any, limit: int = MAX_DEPTH) -> int:
    """How deep data is nested; it looks no further than one level past the limit."""
    level, values = 0, [value]
    while values and level <= limit:
        nested = [item for item in values if isinstance(item, (dict, list)) and item]
        if not nested:
            break
        level += 1
        values = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    return level


def at(value: Any, *keys: str) -> Any:
    """What is at a path of keys, or `None` if there is nothing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def items(value: Any) -> list[Any]:
    """A list as it is, one thing as a list of it, and nothing as an empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def parsed(value: Any) -> Any:
    """Read the JSON objects that are written as text: policies, lifecycles. Other values stay as they are."""
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return document if depth(document) <= MAX_DEPTH else value
    if isinstance(value, Mapping):
        return {key: parsed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [parsed(item) for item in value]
    return value
