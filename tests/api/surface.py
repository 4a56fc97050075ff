"""The public surface, as data: what programs, stack files, scripts and other languages rely on.

python -m tests.api.surface > docs/api.json
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import typer
from pydantic import BaseModel

import ecr_stack
from ecr_stack.cli import app
from ecr_stack.components.package import Package
from ecr_stack.schema.stack import schema as stack_schema

__all__ = ["commands", "component_schema", "surface"]


def surface() -> dict[str, Any]:
    """All of it, in an order that does not depend on that of the code."""
    data = {
        "python": {name: _described(getattr(ecr_stack, name)) for name in ecr_stack.__all__},
        "stackFile": _keys(stack_schema()),
        "commands": commands(),
        "componentPackage": _package(component_schema()),
    }
    plain: dict[str, Any] = json.loads(json.dumps(data, sort_keys=True))
    return plain


def component_schema() -> dict[str, Any]:
    """The schema of the component package, as the engine gets it."""
    schema: dict[str, Any] = json.loads(Package().schema)
    return schema


# Python


def _hints(thing: Any) -> dict[str, Any]:
    # `pulumi.Input` names `Output[T]` as text
    return typing.get_type_hints(
        thing, localns={"Output": pulumi.Output, "Input": pulumi.Input, "T": typing.TypeVar("T")}
    )


def _described(thing: Any) -> Any:
    if isinstance(thing, type) and issubclass(thing, pulumi.ComponentResource):
        # those of this class alone
        own = {name: hint for name, hint in thing.__annotations__.items() if not name.startswith("_")}
        return {
            "component": written(_hints(thing.__init__)["args"]),
            "outputs": {name: written(hint) for name, hint in own.items()},
            **_methods(thing),
        }
    if typing.is_typeddict(thing):
        hints = _hints(thing)
        return {
            "arguments": {
                name: written(hint) + ("" if name in thing.__required_keys__ else ", optional")
                for name, hint in hints.items()
            }
        }
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        return {"values": [member.value for member in thing]}
    if isinstance(thing, type) and issubclass(thing, BaseModel):
        return {"fields": {name: written(field.annotation) for name, field in thing.model_fields.items()}}
    if isinstance(thing, type):
        bases = [base.__name__ for base in thing.__bases__ if base is not object]
        fields = {name: written(hint) for name, hint in _hints(thing).items()}
        call = {} if issubclass(thing, Exception) else {"call": _signature(thing.__init__)}
        return {"bases": bases, "fields": fields, **call, **_methods(thing)}
    return {"call": _signature(thing)}


def _methods(thing: type) -> dict[str, Any]:
    found = {}
    for name, value in vars(thing).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(value):
            found[name] = _signature(value)
        elif isinstance(value, property) and value.fget:
            found[name] = written(_hints(value.fget)["return"])
    return {"methods": found} if found else {}


def _signature(function: Any) -> str:
    hints = _hints(function)
    parts = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        default = "" if parameter.default is inspect.Parameter.empty else f" = {parameter.default!r}"
        star = "*, " if parameter.kind is parameter.KEYWORD_ONLY and not any("*" in part for part in parts) else ""
        parts.append(f"{star}{name}: {written(hints.get(name, Any))}{default}")
    return f"({', '.join(parts)}) -> {written(hints.get('return', type(None)))}"


def written(hint: Any) -> str:
    """An annotation, the same on every Python."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is type(None):
        return "None"
    if hint is Any:
        return "Any"
    if origin is typing.Annotated:
        return written(arguments[0])
    if origin in (typing.Union, types.UnionType):
        awaited = [
            typing.get_args(option)[0] for option in arguments if typing.get_origin(option) is collections.abc.Awaitable
        ]
        if awaited:  # what `pulumi.Input` stands for
            rest = [
                option
                for option in arguments
                if option not in awaited and typing.get_origin(option) not in (collections.abc.Awaitable, pulumi.Output)
            ]
            return " | ".join([f"Input[{written(awaited[0])}]", *sorted(map(written, rest))])
        return " | ".join(sorted({written(option) for option in arguments}))
    if origin is not None:
        name = getattr(origin, "__name__", str(origin))
        return f"{name}[{', '.join(map(written, arguments))}]"
    return getattr(hint, "__name__", None) or str(getattr(hint, "__forward_arg__", hint))


# Stack files


def _keys(schema: Mapping[str, Any]) -> dict[str, str]:
    """Every key path with what may stand there."""
    found: dict[str, dict[str, None]] = {}
    for path, value in _below(schema["properties"]["config"], "", schema["$defs"], ()):
        found.setdefault(path, {})[value] = None
    return {path: " | ".join(values) for path, values in found.items()}


def _below(
    node: Mapping[str, Any], path: str, definitions: Mapping[str, Any], seen: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    options = [node["else"], *([node["then"]] if "const" in node["then"] else [])] if "else" in node else [node]
    for option in options:
        reference = option.get("$ref", "").rpartition("/")[2]
        if reference in seen:
            continue
        here = {**definitions.get(reference, {}), **{key: value for key, value in option.items() if key != "$ref"}}
        inside = (*seen, reference) if reference else seen
        if path:
            yield path, _value(here)
        for key, value in here.get("properties", {}).items():
            needed = "" if key in {*here.get("required", []), *here.get("then", {}).get("required", [])} else "?"
            yield from _below(value, f"{path}.{key}{needed}".lstrip("."), definitions, inside)
        if isinstance(here.get("items"), Mapping):
            yield from _below(here["items"], f"{path}[]", definitions, inside)
        if isinstance(here.get("additionalProperties"), Mapping):
            yield from _below(here["additionalProperties"], f"{path}.*", definitions, inside)


def _value(node: Mapping[str, Any]) -> str:
    if len(node.get("enum", ())) > 10:  # what AWS offers, e.g. its Regions
        return "string"
    if "enum" in node:
        return " | ".join(str(choice) for choice in node["enum"] if choice is not None)
    kinds = node.get("type", "anything")
    kinds = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
    return str(node.get("const", " | ".join(kinds)))


# Commands


def commands() -> dict[str, Any]:
    """Every command with its options, by its words, e.g. `ecr-stack lifecycle lint`."""
    return dict(_commands(typer.main.get_command(app), "ecr-stack"))


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    hints = _hints(command.callback) if command.callback else {}
    parameters = {}
    for parameter in command.params:
        if parameter.name not in hints:  # --help and the two for completion, which typer adds
            continue
        hint = next((option for option in typing.get_args(hints[parameter.name]) or [hints[parameter.name]]), str)
        choices = [member.value for member in hint] if isinstance(hint, type) and issubclass(hint, enum.Enum) else None
        option = parameter.param_type_name == "option"
        parameters[" ".join(parameter.opts) if option else str(parameter.name).upper()] = {
            "takes": "nothing" if getattr(parameter, "is_flag", False) else choices or written(hint),
            "required": bool(parameter.required),
            "many": parameter.nargs != 1 or bool(parameter.multiple),
        }
    yield path, parameters
    for name, one in (inner or {}).items():
        yield from _commands(one, f"{path} {name}")


# The component package


def _package(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resources": {
            token: {
                "inputs": _properties(resource, "inputProperties", "requiredInputs"),
                "outputs": _properties(resource, "properties", "required"),
            }
            for token, resource in schema["resources"].items()
        },
        "types": {
            token: [item["value"] for item in described["enum"]]
            if "enum" in described
            else _properties(described, "properties", "required")
            for token, described in schema["types"].items()
        },
    }


def _properties(node: Mapping[str, Any], properties: str, required: str) -> dict[str, str]:
    return {
        name: _package_type(value) + ("" if name in (node.get(required) or []) else ", optional")
        for name, value in (node.get(properties) or {}).items()
    }


def _package_type(node: Mapping[str, Any]) -> str:
    if node.get("$ref"):
        return str(node["$ref"]).removeprefix("#/types/").removeprefix("ecr-stack:index:")
    if node.get("type") == "array":
        return f"list[{_package_type(node['items'])}]"
    if node.get("type") == "object":
        return f"map[{_package_type(node['additionalProperties'])}]"
    return str(node.get("type"))


if __name__ == "__main__":
    print(json.dumps(surface(), indent=2, ensure_ascii=False))
