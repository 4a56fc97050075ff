"""The reference of the stack file, written from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.schema.stack import NAMESPACE, schema

__all__ = ["reference"]

_TITLES = {
    "Encryption": "encryption",
    "RepositoryDefaults": "repositoryDefaults",
    "RepositorySettings": "repositories.NAME",
    "Rule": "a lifecycle rule",
    "Access": "access",
    "TagScheme": "a tag scheme",
    "LifecycleGuard": "lifecycleGuard",
    "GuardOverride": "lifecycleGuard.overrides.NAME",
    "Replication": "replication",
    "ReplicationRule": "a replication rule",
    "Destination": "a destination",
    "PipelineSettings": "pipelines.NAME",
    "PipelineSource": "a source repository",
    "NodeAccess": "nodes",
    "RegistryAccess": "registryAccess",
    "PullThroughCacheGrant": "a pull through cache grant",
    "Scanning": "scanning",
    "ScanRule": "a scan rule",
}


def reference() -> str:
    """Describe every key of a stack file, as Markdown tables."""
    described = schema()
    definitions: dict[str, Any] = described["$defs"]
    top: dict[str, Any] = described["properties"]["config"]
    return "\n".join(_tables(top, definitions)) + "\n"


def _tables(top: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    yield from _table("The top of the file, under `config:`", top, definitions)
    own = definitions["RepositoryDefaults"]["properties"]
    for name, title in _TITLES.items():
        shape = dict(definitions[name])
        if name == "RepositorySettings":
            # A repository may say all that the defaults say, which is listed there.
            shape["properties"] = {key: value for key, value in shape["properties"].items() if key not in own}
            yield from _table(f"`{title}`, on top of what `repositoryDefaults` may say", shape, definitions)
        else:
            yield from _table(title if " " in title else f"`{title}`", shape, definitions)


def _table(title: str, shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    required = set(shape.get("required", []))
    yield f"#### {title[:1].upper() + title[1:]}"
    yield ""
    yield "| key | value | |"
    yield "| --- | --- | --- |"
    for key, value in shape["properties"].items():
        mark = " (required)" if key in required else ""
        words = " ".join(str(value.get("description", "")).split()).replace("|", "\\|")
        yield f"| `{key.removeprefix(NAMESPACE) if key.startswith(NAMESPACE) else key}` | {_kind(value, definitions)}{mark} | {words} |"
    yield ""


def _kind(value: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in words what a value is."""
    if "anyOf" in value:
        return _kind(next(option for option in value["anyOf"] if option.get("type") != "null"), definitions)
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        target = definitions[name]
        if "enum" in target:
            return ", ".join(f"`{choice}`" for choice in target["enum"])
        return f"a map: *{_TITLES.get(name, name)}*"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    match value.get("type"):
        case "array":
            inner = value.get("items", {})
            name = inner.get("$ref", "").rsplit("/", 1)[-1]
            return (
                f"a list: *{_TITLES[name]}*"
                if name in _TITLES
                else "a list of texts"
                if inner.get("type") == "string"
                else "a list"
            )
        case "object":
            return (
                "a map of names to settings" if "$ref" in str(value.get("additionalProperties")) else "a map of texts"
            )
        case "boolean":
            return "true or false"
        case "integer":
            low, high = value.get("minimum"), value.get("maximum")
            return (
                f"{low} to {high}"
                if high is not None
                else f"a number, at least {low}"
                if low is not None
                else "a number"
            )
        case _:
            return "a text"
