"""The component package: the components as a Pulumi plugin, for programs in every language.

Its schema comes from the models of the arguments and from the annotations of the components' outputs.

https://www.pulumi.com/docs/iac/guides/building-extending/packages/
https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/
"""

import json
import sys
import types
import typing
from importlib.metadata import version
from typing import Any, Optional

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult, Provider, main
from pydantic import BaseModel

import ecr_stack
from ecr_stack.components.component import Component, InvalidArguments
from ecr_stack.model import Model, Structural, key_of, options_of
from ecr_stack.schema.typed_dicts import OPTIONAL, args_name, typed_models

__all__ = ["NAME", "Package", "components", "serve"]

NAME = "ecr-stack"


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
            InputPropertiesError: with every mistake in the arguments; the engine prints it without a traceback.
        """
        kind = self.components.get(resource_type.rsplit(":", maxsplit=1)[-1])
        if kind is None:
            raise InputPropertiesError(f"this package has no component {resource_type}", [])
        try:
            arguments = _by_name(kind.ARGUMENTS, inputs)
            make: Any = kind  # called (name, args, opts), as every component
            made = make(name, arguments, options)
        except InvalidArguments as error:
            raise InputPropertiesError(str(error), []) from None
        state = {key_of_output(field): getattr(made, field) for field in _outputs(kind)}
        return ConstructResult(made.urn, state)


def _by_name(model: type[Model], data: Any) -> Any:
    """Arguments with the keys of a stack file, by Python names: what is not a key of the model stays as it is."""
    if not isinstance(data, dict):
        return data
    names = {key_of(model, name): (name, field.annotation) for name, field in model.model_fields.items()}
    return {
        names[key][0] if key in names else key: _value(names[key][1], value) if key in names else value
        for key, value in data.items()
    }


def _value(annotation: Any, value: Any) -> Any:
    for option in options_of(annotation):
        origin, inner = typing.get_origin(option), typing.get_args(option)
        if isinstance(option, type) and issubclass(option, Model):
            return _by_name(option, value)
        if origin is list and isinstance(value, list):
            return [_value(inner[0], item) for item in value]
        if origin is dict and isinstance(value, dict):
            return {key: _value(inner[1], item) for key, item in value.items()}
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _value(annotation, known))
    return value


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


def _schema(kinds: dict[str, type[Component]], own: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "version": own,
        "description": (ecr_stack.__doc__ or "").splitlines()[0],
        "types": {
            _token(model): {
                "type": "object",
                "description": _words(model),
                **_properties(model),
            }
            for model in typed_models()
            if model not in {kind.ARGUMENTS for kind in kinds.values()}
        },
        "resources": {
            f"{NAME}:index:{name}": {
                "isComponent": True,
                "description": _words(kind),
                "inputProperties": (inputs := _properties(kind.ARGUMENTS))["properties"],
                "requiredInputs": inputs["required"],
                "properties": {key_of_output(field): _output(hint) for field, hint in _outputs(kind).items()},
                "required": [
                    key_of_output(field)
                    for field, hint in _outputs(kind).items()
                    if types.NoneType not in options_of(typing.get_args(hint)[0])
                ],
            }
            for name, kind in kinds.items()
        },
        "language": {"nodejs": {"respectSchemaVersion": True}, "python": {"respectSchemaVersion": True}},
    }


def _words(thing: type) -> str:
    return " ".join((thing.__doc__ or "").strip().split("\n\n")[0].split())


def _token(model: type[BaseModel]) -> str:
    return f"{NAME}:index:{args_name(model)}"


def _properties(model: type[Model]) -> dict[str, Any]:
    properties = {}
    for name, field in model.model_fields.items():
        described = _type(field.annotation)
        if Structural in field.metadata:
            described["plain"] = True
        properties[key_of(model, name)] = {**described, "description": " ".join((field.description or "").split())}
    required = [
        key_of(model, name)
        for name, field in model.model_fields.items()
        if field.is_required() and (model.__name__, name) not in OPTIONAL
    ]
    return {"properties": properties, "required": required}


def _type(annotation: Any) -> dict[str, Any]:
    options = [option for option in options_of(annotation) if option is not types.NoneType]
    option = options[0]
    origin, inner = typing.get_origin(option), typing.get_args(option)
    if origin is typing.Literal:
        return {"type": "string"}
    if origin is list:
        return {"type": "array", "items": _type(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(inner[1])}
    if isinstance(option, type) and issubclass(option, BaseModel):
        if option.model_config.get("alias_generator"):
            return {"type": "object", "$ref": f"#/types/{_token(option)}"}
        return {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}
    if option in (str, bool, int):
        return {"type": {str: "string", bool: "boolean", int: "integer"}[option]}
    return {"$ref": "pulumi.json#/Any"}


def _output(hint: Any) -> dict[str, Any]:
    """An output's type; every output is an `Output` of something."""
    return _type(typing.get_args(hint)[0])


def serve() -> None:
    """Serve the package to the engine that started this process, until the engine ends it."""
    main(Package(), sys.argv[1:])
