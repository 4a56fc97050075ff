"""Generates the stack file's reference from the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ecr_stack.errors import InvalidInput
from ecr_stack.model import key_of
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import NAMESPACE, schema, stack_settings_of

__all__ = ["project_config", "reference"]

_MANY = 10
"""Maximum number of choices that are listed, which Regions are not."""


def project_config() -> str:
    """Declare the keys for Pulumi itself: the section `config` of Pulumi.yaml.

    Pulumi rejects a stack file that lacks a declared key, unless the key has a default. So a key is declared if it is
    required, or if an empty map or list is equivalent to no value.
    """
    declared: dict[str, Any] = {}
    for name, field in RegistrySettings.model_fields.items():
        described = {"description": field.description or ""}
        if field.is_required():
            kind = "string" if field.annotation is str else "object"
            declared[key_of(RegistrySettings, name)] = {"type": kind, **described}
        elif _takes(name, {}):
            declared[key_of(RegistrySettings, name)] = {"type": "object", "default": {}, **described}
        elif _takes(name, []):
            items = {"items": {"type": "object"}}
            declared[key_of(RegistrySettings, name)] = {"type": "array", **items, "default": [], **described}
    return yaml.safe_dump({"config": declared}, sort_keys=False, allow_unicode=True, width=1000)


def _takes(name: str, value: Any) -> bool:
    least = {"environment": "dev", "repositories": {"api": {}}, key_of(RegistrySettings, name): value}
    try:
        stack_settings_of(least, source="Pulumi.yaml", region=None)
    except InvalidInput:
        return False
    return True


def reference() -> str:
    """Describe every key of a stack file, as Markdown tables."""
    described = schema()
    definitions: dict[str, Any] = described["$defs"]
    top: dict[str, Any] = described["properties"]["config"]
    return "\n".join(_tables(top, definitions)) + "\n"


def _tables(top: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    titles = _places(top, definitions)
    yield from _table("The top of the file, under `config:`", top, definitions, titles)
    own = definitions["RepositoryDefaults"]["properties"]
    for name, title in titles.items():
        shape = dict(definitions[name])
        if name == "RepositorySettings":
            # A repository has all fields of the defaults, which are listed there.
            shape["properties"] = {key: value for key, value in shape["properties"].items() if key not in own}
        more = ", in addition to the fields of `repositoryDefaults`" if name == "RepositorySettings" else ""
        yield from _table(title + more, shape, definitions, titles)


def _places(top: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, str]:
    """Where each definition is first used, in file order."""
    titles: dict[str, str] = {}
    waiting = [("", top)]
    while waiting:
        place, shape = waiting.pop(0)
        for key, value in shape["properties"].items():
            for name, inner in _references(value):
                if "properties" in definitions[name] and name not in titles:
                    path = f"{place}.{key.removeprefix(NAMESPACE)}{inner}".removeprefix(".")
                    titles[name] = f"`{path}`"
                    waiting.append((path, definitions[name]))
    return titles


def _references(value: Mapping[str, Any], inner: str = "") -> Iterator[tuple[str, str]]:
    """The definitions that a value refers to, with their nesting: in a list, or under a name."""
    if "$ref" in value:
        yield value["$ref"].rsplit("/", 1)[-1], inner
    if "else" in value:
        yield from _references(value["else"], inner)
    if isinstance(value.get("items"), Mapping):
        yield from _references(value["items"], f"{inner}[]")
    if isinstance(value.get("additionalProperties"), Mapping):
        yield from _references(value["additionalProperties"], f"{inner}.NAME")


def _table(
    title: str, shape: Mapping[str, Any], definitions: Mapping[str, Any], titles: Mapping[str, str]
) -> Iterator[str]:
    required = {*shape.get("required", []), *shape.get("then", {}).get("required", [])}
    yield f"#### {title[:1].upper() + title[1:]}"
    yield ""
    yield "| key | value | |"
    yield "| --- | --- | --- |"
    for key, value in shape["properties"].items():
        mark = " (required)" if key in required else ""
        words = " ".join(str(value.get("description", "")).split()).replace("|", "\\|")
        yield f"| `{key.removeprefix(NAMESPACE) if key.startswith(NAMESPACE) else key}` | {_kind(value, definitions, titles)}{mark} | {words} |"
    yield ""


def _kind(value: Mapping[str, Any], definitions: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Describe a value's type."""
    value = value.get("else", value)
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        target = definitions[name]
        if "enum" in target:
            return ", ".join(f"`{choice}`" for choice in target["enum"])
        return f"a map: {titles.get(name, name)}"
    choices = [choice for choice in value.get("enum", []) if isinstance(choice, str)]
    if 0 < len(choices) <= _MANY:
        return ", ".join(f"`{choice}`" for choice in choices)
    kinds = value.get("type")
    if isinstance(kinds, list) and {"string", "array"} <= set(kinds):
        return "a string, or a list of strings"
    match kinds[0] if isinstance(kinds, list) else kinds:
        case "array":
            inner = value.get("items", {})
            name = inner.get("$ref", "").rsplit("/", 1)[-1]
            return (
                f"a list: {titles[name]}"
                if name in titles
                else "a list of strings"
                if inner.get("type") == "string"
                else "a list of numbers"
                if inner.get("type") in ("number", "integer")
                else "a list"
            )
        case "object":
            inner = value.get("additionalProperties")
            if "$ref" in str(inner):
                return "a map of names to settings"
            return "a map of strings" if isinstance(inner, Mapping) and inner.get("type") == "string" else "a map"
        case "boolean":
            return "true or false"
        case "integer" | "number":
            low, high = value.get("minimum"), value.get("maximum")
            return (
                f"{low} to {high}"
                if low is not None and high is not None
                else f"a number, at least {low}"
                if low is not None
                else f"a number above {value['exclusiveMinimum']}"
                if "exclusiveMinimum" in value
                else "a number"
            )
        case _:
            return "a string"
