"""The component package: the components as a Pulumi plugin, for programs in every language.

Its schema comes from the models of the arguments and from the annotations of the components' outputs.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/
https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

import ast
import asyncio
import contextlib
import hashlib
import inspect
import json
import re
import sys
import textwrap
import types
import typing
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise
from typing import Any, Optional

import grpc.aio
import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.output import Unknown
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc
from pydantic import BaseModel

import ecr_stack
from ecr_stack.components.component import Component, unknown
from ecr_stack.components.takeover import HOOK_SUFFIX
from ecr_stack.errors import EcrStackError, InvalidInput, Problem
from ecr_stack.model import Model, key_of, options_of
from ecr_stack.schema.typed_dicts import OPTIONAL, args_name, is_plain, typed_models

__all__ = ["NAME", "Package", "components", "serve"]

NAME = "ecr-stack"
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
"""What Pulumi's own servers allow: a message holds all the arguments of a component."""


def components() -> dict[str, type[Component]]:
    """Every component, by the type token's last part."""
    public = [getattr(ecr_stack, entry) for entry in ecr_stack.__all__]
    return {entry.__name__: entry for entry in public if isinstance(entry, type) and issubclass(entry, Component)}


class Package(Provider):
    """All components, under the project's name and version."""

    def __init__(self) -> None:
        own = version("ecr-stack")
        self.components = components()
        super().__init__(own, json.dumps(_schema(self.components, own)))

    def construct(
        self, name: str, resource_type: str, inputs: Any, options: Optional[pulumi.ResourceOptions] = None
    ) -> ConstructResult:
        """Make a component for a program in another language.

        Raises:
            InputPropertiesError: a key is spelled as in Python.
            InvalidArguments: with every other error in the arguments, in Python's spelling.
        """
        kind = self.components.get(resource_type.rsplit(":", maxsplit=1)[-1])
        if kind is None:
            raise InputPropertiesError(f"this package has no component {resource_type}", [])
        problems: list[Problem] = []
        arguments = _by_name(kind.ARGUMENTS, inputs, "", problems)
        if problems:
            raise _refusal(f'{kind.__name__} "{name}"', problems)
        make: Any = kind  # called (name, args, opts), as every component
        made = make(name, arguments, options)
        return ConstructResult(made.urn, {key_of_output(field): getattr(made, field) for field in _outputs(kind)})


# Arguments


def _by_name(model: type[Model], data: Any, place: str, problems: list[Problem]) -> Any:
    """Arguments by Python names; a key that is none stays as it is, for the model to reject."""
    if not isinstance(data, dict):
        return _value(Any, data, place, problems)
    names = {key_of(model, name): (name, field.annotation) for name, field in model.model_fields.items()}
    named: dict[str, Any] = {}
    for key, value in data.items():
        where = f"{place}.{key}".removeprefix(".")
        if key not in names and key in model.model_fields:
            remedy = f"write `{key_of(model, key)}`"
            problems.append(Problem(where, None, f"`{key}` is not a known key", remedy))
        name, annotation = names.get(key, (key, Any))
        named[name] = _value(annotation, value, where, problems)
    return named


def _value(annotation: Any, value: Any, place: str, problems: list[Problem]) -> Any:
    if isinstance(value, Unknown):
        return unknown()
    if isinstance(value, pulumi.Output):

        def known_later(known: Any) -> Any:
            found: list[Problem] = []
            named = _value(annotation, known, place, found)
            if found:
                raise _refusal("the arguments", found)
            return named

        return value.apply(known_later)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # every number is a float on its way here
    for option in options_of(annotation):
        origin, inner = typing.get_origin(option), typing.get_args(option)
        if isinstance(value, dict):
            if isinstance(option, type) and issubclass(option, Model) and option.model_config.get("alias_generator"):
                return _by_name(option, value, place, problems)
            item = inner[1] if origin is dict else Any
            return {key: _value(item, each, f"{place}.{key}", problems) for key, each in value.items()}
        if isinstance(value, list):
            item = inner[0] if origin is list else Any
            return [_value(item, each, f"{place}[{index}]", problems) for index, each in enumerate(value)]
    return value


def _refusal(source: str, problems: list[Problem]) -> InputPropertiesError:
    return InputPropertiesError(str(InvalidInput(source, problems)), [])


def _keys() -> dict[str, str]:
    """The keys of arguments in other languages, by their Python names, where they differ."""
    return {
        name: key_of(model, name)
        for model in typed_models()
        for name in model.model_fields
        if key_of(model, name) != name
    }


def _respelled(message: str) -> str:
    """A message about arguments with the keys as other languages spell them; values in quotes stay as they are."""
    keys = _keys()

    def respelled(match: re.Match[str]) -> str:
        text = match[0]
        if text.startswith('"'):
            is_key = message[match.end() :].startswith(":")
            return f'"{keys.get(text[1:-1], text[1:-1])}"' if is_key else text
        return keys.get(text, text)

    return re.sub(r'"(?:[^"\\]|\\.)*"|(?<![\w/-])[a-z]\w*', respelled, message)


# The schema


def key_of_output(field: str) -> str:
    """An output's name in other languages."""
    head, *rest = field.split("_")
    return head + "".join(part.title() for part in rest)


def _outputs(kind: type[Component]) -> dict[str, Any]:
    """The outputs of a component with their types: its public annotations."""
    # `pulumi.Input` names its parts as text
    names = {"Input": pulumi.Input, "Output": pulumi.Output, "T": typing.TypeVar("T")}
    hints = typing.get_type_hints(kind, localns=names)
    return {name: hints[name] for name in kind.__annotations__ if not name.startswith("_") and not name.isupper()}


def _output_descriptions(kind: type[Component]) -> dict[str, str]:
    """The docstring below each annotation of a class."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    return {
        statement.target.id: _line(after.value.value)
        for statement, after in pairwise(typing.cast(ast.ClassDef, tree).body)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _schema(kinds: dict[str, type[Component]], own: str) -> dict[str, Any]:
    objects = {
        _token(model): {"type": "object", "description": _words(model), **_properties(model)}
        for model in typed_models()
        if model not in {kind.ARGUMENTS for kind in kinds.values()}
    }
    return {
        "name": NAME,
        "version": own,
        "description": _line((ecr_stack.__doc__ or "").splitlines()[0]),
        "types": {**objects, **dict(_enums())},
        "resources": {f"{NAME}:index:{name}": _resource(kind) for name, kind in kinds.items()},
        "language": {"nodejs": {"respectSchemaVersion": True}, "python": {"respectSchemaVersion": True}},
    }


def _resource(kind: type[Component]) -> dict[str, Any]:
    inputs, outputs, descriptions = _properties(kind.ARGUMENTS), _outputs(kind), _output_descriptions(kind)
    types_of_outputs = {field: typing.get_args(hint)[0] for field, hint in outputs.items()}
    return {
        "isComponent": True,
        "description": _words(kind),
        "inputProperties": inputs["properties"],
        "requiredInputs": inputs["required"],
        "properties": {
            key_of_output(field): {**_type(annotation), "description": descriptions[field]}
            for field, annotation in types_of_outputs.items()
        },
        "required": [
            key_of_output(field)
            for field, annotation in types_of_outputs.items()
            if types.NoneType not in options_of(annotation)
        ],
    }


def _line(text: str) -> str:
    return " ".join(text.split())


def _words(thing: type) -> str:
    return _line((thing.__doc__ or "").strip().split("\n\n")[0])


def _token(model: type[BaseModel]) -> str:
    return f"{NAME}:index:{args_name(model).removesuffix('Args')}"


def _enums() -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts of which a value must be one, described where they are first used."""
    for model in typed_models():
        for name, field in model.model_fields.items():
            for option in _leaves(field.annotation):
                if _is_enum(option):
                    values = [{"value": value} for value in typing.get_args(option)]
                    description = f"What `{key_of(model, name)}` may be. {_line(field.description or '')}"
                    yield _enum_token(option), {"type": "string", "description": description, "enum": values}


def _leaves(annotation: Any) -> Iterator[Any]:
    """The alternatives of an annotation, and those of the items of its lists and maps."""
    for option in options_of(annotation):
        if typing.get_origin(option) in (list, dict):
            yield from _leaves(typing.get_args(option)[-1])
        else:
            yield option


def _is_enum(option: Any) -> bool:
    """Whether an option is a choice of strings; of one alone there is nothing to choose."""
    return typing.get_origin(option) is typing.Literal and len(typing.get_args(option)) > 1


def _enum_token(literal: Any) -> str:
    """An enum is called as its `Literal` is in `ecr_stack.schema`."""
    for model in typed_models():
        for name, value in vars(import_module(model.__module__)).items():
            if literal in options_of(value):
                return f"{NAME}:index:{name}"
    raise LookupError(f"{literal} has no name")


def _properties(model: type[Model]) -> dict[str, Any]:
    fields = model.own_fields().items()
    return {
        "properties": {
            key_of(model, name): {
                **_type(field.annotation, plain=is_plain(field)),
                "description": _line(field.description or ""),
            }
            for name, field in fields
        },
        "required": [
            key_of(model, name)
            for name, field in fields
            if field.is_required() and (model.__name__, name) not in OPTIONAL
        ],
    }


def _type(annotation: Any, *, plain: bool = False) -> dict[str, Any]:
    """A type in the schema. The items of what is plain are plain as well, except strings."""
    (option,) = [option for option in options_of(annotation) if option is not types.NoneType]
    origin, inner = typing.get_origin(option), typing.get_args(option)
    flag = {"plain": True} if plain else {}
    if origin is typing.Literal:
        return {"$ref": f"#/types/{_enum_token(option)}", **flag} if _is_enum(option) else {"type": "string", **flag}
    if origin in (list, dict):
        item = _type(inner[-1])
        if plain and item != {"type": "string"}:
            item = _type(inner[-1], plain=True)
        return {"type": "array", "items": item, **flag} if origin is list else _map(item, flag)
    if isinstance(option, type) and issubclass(option, BaseModel):
        if option.model_config.get("alias_generator"):
            return {"$ref": f"#/types/{_token(option)}", **flag}
        return _map({"$ref": "pulumi.json#/Any"}, flag)  # what AWS spells, e.g. a statement of a policy
    if option in (str, bool, int, float):
        return {"type": {str: "string", bool: "boolean", int: "integer", float: "number"}[option], **flag}
    return {"$ref": "pulumi.json#/Any"}


def _map(item: dict[str, Any], flag: dict[str, bool]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": item, **flag}


# The server


class _Servicer(ProviderServicer):
    """Answers the engine; what someone's arguments are rejected for is told without a traceback."""

    async def _construct(self, request: Any, context: Any) -> Any:
        identity = f"{request.parent}::{request.type}::{request.name}"
        HOOK_SUFFIX.set(f"-{hashlib.sha256(identity.encode()).hexdigest()[:8]}")
        try:
            return await super()._construct(request, context)
        except EcrStackError as error:
            raise InputPropertiesError(_respelled(str(error)), []) from None
        except Exception as error:
            # so the SDK raises what the engine has answered, e.g. for a child that AWS rejects
            if type(error) in (Exception, pulumi.RunError):
                raise InputPropertiesError(str(error), []) from None
            raise


def serve() -> None:
    """Serve the package to the engine that started this process, until the engine ends it."""
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")

    async def serving() -> None:
        limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
        server = grpc.aio.server(options=limits)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(Package(), sys.argv[1:], engine), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(port, flush=True)
        await server.wait_for_termination()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serving())
