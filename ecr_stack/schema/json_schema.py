"""How the models become JSON Schema, and the words in which a model says there what must hold between its keys.

What is said here is what the program refuses, or less: a schema cannot look into other sections, or into AWS. Keywords are
those that draft 7 and 2020-12 share, for the language servers of editors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

__all__ = ["StackFileSchema", "at_least_one", "exactly_one", "given", "is_one_of", "never", "not_empty", "when"]

_NULL = {"type": "null"}


def given(*keys: str) -> dict[str, Any]:
    """The map has each of these keys, with a value: `null` counts as nothing."""
    return {"type": "object", "required": list(keys), "properties": {key: {"not": _NULL} for key in keys}}


def is_one_of(key: str, *values: Any) -> dict[str, Any]:
    """The map has the key, with one of these values."""
    return {"type": "object", "required": [key], "properties": {key: {"enum": list(values)}}}


def not_empty(key: str) -> dict[str, Any]:
    """The map has the key, with a list or a map that has entries."""
    return {"type": "object", "required": [key], "properties": {key: {"minItems": 1, "minProperties": 1}}}


def exactly_one(keys: Sequence[str]) -> dict[str, Any]:
    """The map has one of these keys, and none of the others."""
    return {"oneOf": [given(key) for key in keys]}


def at_least_one(*options: dict[str, Any]) -> dict[str, Any]:
    """One of several things holds."""
    return {"anyOf": list(options)}


def never(*conditions: dict[str, Any]) -> dict[str, Any]:
    """Not all of several things hold."""
    return {"not": conditions[0] if len(conditions) == 1 else {"allOf": list(conditions)}}


def when(condition: dict[str, Any], *consequences: dict[str, Any], otherwise: dict[str, Any] | None = None) -> Any:
    """If one thing holds, so do others."""
    then = consequences[0] if len(consequences) == 1 else {"allOf": list(consequences)}
    return {"if": condition, "then": then, **({"else": otherwise} if otherwise is not None else {})}


class StackFileSchema(GenerateJsonSchema):
    """Pydantic's JSON Schema, in the words of whoever reads it in an editor.

    An optional value has one type list instead of a union with `null`: a mistake in it is told as that, and not as
    `is not of type 'null'`. Forms of keys are `propertyNames`.
    """

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """An optional value."""
        inner = self.generate_inner(schema["schema"])
        # references are resolved when all definitions are known
        return {"nullable": True, **inner}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A value with a default, which its description tells."""
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A map, with the form of its keys."""
        described: JsonSchemaValue = {"type": "object"}
        keys = self.generate_inner(schema["keys_schema"]) if "keys_schema" in schema else {}
        names = {key: value for key, value in keys.items() if key not in ("type", "title")}
        if names:
            described["propertyNames"] = names
        described["additionalProperties"] = self.generate_inner(schema["values_schema"]) or True
        self.update_with_validations(described, schema, self.ValidationsMapping.object)
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Titles would repeat the keys."""
        return False

    def generate(self, schema: core_schema.CoreSchema, mode: Any = "validation") -> JsonSchemaValue:
        """The whole schema, optional values resolved."""
        described = super().generate(schema, mode)
        definitions: dict[str, Any] = described.get("$defs", {})
        optional: set[str] = set()
        _resolve(described, definitions, optional)
        for name in optional:
            definitions[name]["type"] = ["object", "null"]
        return described


def _types(part: dict[str, Any]) -> list[str]:
    return part["type"] if isinstance(part["type"], list) else [part["type"]]


def _resolve(part: Any, definitions: dict[str, Any], optional: set[str]) -> None:
    """Write `null` into the types of optional values, and note the models that are optional somewhere."""
    if isinstance(part, list):
        for item in part:
            _resolve(item, definitions, optional)
    if not isinstance(part, dict):
        return
    if part.pop("nullable", False):
        if "$ref" in part:
            optional.add(part["$ref"].rpartition("/")[2])
        if "const" in part:
            part["enum"] = [part.pop("const")]
        if "enum" in part:
            part["enum"] = [*part["enum"], None]
        if "type" in part:
            part["type"] = [*_types(part), "null"]
    options = part.get("anyOf", [])
    if options and all("type" in option and not {"enum", "const", "required"} & set(option) for option in options):
        # keywords are about values of one type, so alternatives of several types are one
        del part["anyOf"]
        part |= {key: value for option in options for key, value in option.items()}
        part["type"] = list(dict.fromkeys(kind for option in options for kind in _types(option)))
    for key, value in part.items():
        if key not in ("enum", "required", "const"):
            _resolve(value, definitions, optional)
