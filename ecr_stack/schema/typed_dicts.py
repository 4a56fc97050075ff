"""Generates the `TypedDict`s of the components' arguments from the models: `make docs` writes
`ecr_stack/components/args.py`."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ecr_stack.model import Model, Structural, options_of
from ecr_stack.schema import arguments
from ecr_stack.schema.registry import RegistryArguments

__all__ = ["OPTIONAL", "args_name", "is_plain", "source", "typed_models"]

_HEAD = '''"""The arguments of the components, as `TypedDict`s; written by `make docs` from the models in `ecr_stack.schema`."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

import pulumi

'''

# keys that are required in a stack file, but that a component gets from elsewhere
OPTIONAL = {("RegistryArguments", "environment")}


def args_name(model: type[BaseModel]) -> str:
    """The name of a model's `TypedDict`."""
    return model.__name__.removesuffix("Arguments") + "Args"


def typed_models() -> list[type[Model]]:
    """Every model that needs a `TypedDict`, dependencies first."""
    found: dict[type[Model], None] = {}
    for name in ["RegistryArguments", *arguments.__all__]:
        _visit(getattr(arguments, name, RegistryArguments), found)
    return list(found)


def _visit(model: type[Model], found: dict[type[Model], None]) -> None:
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            if inner not in found and inner.model_config.get("alias_generator"):
                _visit(inner, found)
    found.setdefault(model)


def _models_in(annotation: Any) -> Iterator[type[Model]]:
    for option in options_of(annotation):
        if isinstance(option, type) and issubclass(option, Model):
            yield option
        elif typing.get_origin(option) not in (None, typing.Literal):
            for argument in typing.get_args(option):
                yield from _models_in(argument)


def source() -> str:
    """The text of `ecr_stack/components/args.py`."""
    models = typed_models()
    listed = "\n".join(f'    "{name}",' for name in sorted(map(args_name, models)))
    return _HEAD + f"__all__ = [\n{listed}\n]\n\n\n" + "\n\n".join(_class(model) for model in models)


def _class(model: type[Model]) -> str:
    fields = model.own_fields()
    lines = [f"    {_field(model, name, field)}" for name, field in fields.items()]
    doc = (model.__doc__ or "").strip().split("\n\n")[0]
    doc = " ".join(doc.split())
    if any(not name.isidentifier() or _is_keyword(name) for name in fields):
        entries = "\n".join(f'        "{name}": {_annotation(model, name, field)},' for name, field in fields.items())
        return (
            f'{args_name(model)} = TypedDict(\n    "{args_name(model)}",\n    {{\n{entries}\n    }},\n)\n"""{doc}"""\n'
        )
    return f'class {args_name(model)}(TypedDict):\n    """{doc}"""\n\n' + "\n".join(lines) + "\n"


def _is_keyword(name: str) -> bool:
    import keyword

    return keyword.iskeyword(name)


def _field(model: type[Model], name: str, field: FieldInfo) -> str:
    words = " ".join((field.description or "").split())
    return f'{name}: {_annotation(model, name, field)}\n    """{words}"""'


def _annotation(model: type[Model], name: str, field: FieldInfo) -> str:
    text = _type(field.annotation)
    if not is_plain(field):
        text = f"pulumi.Input[{text}]"
    optional = not field.is_required() or (model.__name__, name) in OPTIONAL
    return f"NotRequired[{text}]" if optional else text


def is_plain(field: FieldInfo) -> bool:
    """Whether a field must be known when the program runs: by itself, or because something in it must be."""
    return Structural in field.metadata or any(
        is_plain(inner) for model in _models_in(field.annotation) for inner in model.model_fields.values()
    )


def _type(annotation: Any) -> str:
    options = [option for option in options_of(annotation) if option is not types.NoneType]
    if len(options) > 1:
        return " | ".join(dict.fromkeys(_type(option) for option in options))
    (option,) = options
    origin, inner = typing.get_origin(option), typing.get_args(option)
    if origin is typing.Literal:
        return f"Literal[{', '.join(repr(choice).replace(chr(39), chr(34)) for choice in inner)}]"
    if origin in (list, tuple):
        return f"Sequence[{_item(inner[0])}]"
    if origin is dict:
        return f"Mapping[str, {_item(inner[1])}]"
    if isinstance(option, type) and issubclass(option, BaseModel):
        # AWS's own formats, e.g. a policy statement, have AWS's own type: a map
        return args_name(option) if option.model_config.get("alias_generator") else "Mapping[str, Any]"
    return {str: "str", bool: "bool", int: "int", float: "float"}.get(option, "Any")


def _item(annotation: Any) -> str:
    text = _type(annotation)
    if types.NoneType in options_of(annotation):
        text += " | None"
    return f"pulumi.Input[{text}]" if text == "str" else text


if __name__ == "__main__":
    sys.stdout.write(source())
