"""A stack file's configuration as a whole: our namespace, other keys, and the JSON Schema for editors."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.aws.names import Region
from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.model import Model, key_of, nearest, validate
from ecr_stack.schema.checks import registry_settings
from ecr_stack.schema.json_schema import StackFileSchema, when
from ecr_stack.schema.registry import RegistrySettings

__all__ = ["NAMESPACE", "region_problem", "schema", "settings_in", "stack_settings_of"]

NAMESPACE = "ecr-stack:"


def settings_in(config: Mapping[str, Any], *, source: str) -> RegistrySettings:
    """Validate a stack's configuration.

    Args:
        config: every key of the stack with its namespace; values as Pulumi passes them to a program: strings, with maps
            and lists as JSON.
        source: the file's name, for messages.

    Raises:
        InvalidInput: with all errors.
    """
    own = {
        key.removeprefix(NAMESPACE): _structured(value) for key, value in config.items() if key.startswith(NAMESPACE)
    }
    strange = list(_strange_namespaces(config))
    try:
        settings = stack_settings_of(own, source=source, region=config.get("aws:region"))
    except InvalidInput as error:
        raise InvalidInput(source, [*strange, *error.problems]) from None
    if strange:
        raise InvalidInput(source, strange)
    return settings


def _strange_namespaces(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Find keys that were meant for this program: Pulumi silently accepts other namespaces.

    A key without a namespace gets the project's name as its namespace, so this also finds keys without `ecr-stack:`.
    """
    for key, value in config.items():
        namespace, colon, rest = key.partition(":")
        if not colon or namespace == NAMESPACE[:-1]:
            continue
        if nearest(namespace, [NAMESPACE[:-1]]):
            rule = f"`{namespace}` is not a namespace of this program, so the key would have no effect"
            yield Problem(key, _structured(value), rule, f"write `{NAMESPACE}{rest}`")
        elif joined := _JOINED.fullmatch(unicodedata.normalize("NFKC", rest)):
            rule = f"without `{NAMESPACE}`, this is a key of the project `{namespace}`, which ecr-stack does not read"
            yield Problem(key, _structured(value), rule, f"write `{NAMESPACE}{joined[1]}`")
        elif namespace != "aws" and _is_a_setting(rest, _structured(value)):
            rule = f"without `{NAMESPACE}`, this is a key of the project `{namespace}`, which ecr-stack does not read"
            remedy = f"write `{NAMESPACE}{rest}`, or rename the key if your own program reads it"
            yield Problem(key, _structured(value), rule, remedy)


_JOINED = re.compile(r"ecr[-_ ]?stack\W+(\w+)", re.IGNORECASE)
"""The namespace and a name with something else than a colon between them."""


def _is_a_setting(name: str, value: Any) -> bool:
    """Distinguish a registry setting from a program's own key of the same name.

    Names of several words, such as `lifecycleGuard`, are assumed to be settings; single words such as `budget` are
    settings if their value is valid for the setting. `environment` and `tags` could be any program's.
    """
    if name in ("environment", "tags") or name not in (field.alias for field in RegistrySettings.model_fields.values()):
        return False
    if not name.islower():
        return True
    least: dict[str, Any] = {"environment": "any", "repositories": {"any": {}}}
    _, problems = validate(RegistrySettings, {**least, name: value}, "")
    return bool(value) and not problems


class _Region(Model):
    region: Region


def region_problem(region: object) -> Problem | None:
    """Validate `aws:region`."""
    _, problems = validate(_Region, {"region": region}, "aws:")
    return problems[0] if problems else None


def stack_settings_of(settings: Mapping[str, Any], *, source: str, region: object) -> RegistrySettings:
    """Validate the settings in a stack file.

    Args:
        settings: the keys of the namespace `ecr-stack:`, without it.
        source: the file's name, for messages.
        region: the value of `aws:region`, `None` if the file has none.

    Raises:
        InvalidInput: with all errors.
    """
    wrong = region_problem(region) if region is not None else None
    try:
        known = region if isinstance(region, str) and wrong is None else None
        judged = registry_settings(settings, source=source, model=RegistrySettings, prefix=NAMESPACE, region=known)
    except InvalidInput as error:
        raise InvalidInput(source, [*([wrong] if wrong else []), *error.problems]) from None
    if wrong:
        raise InvalidInput(source, [wrong])
    return judged


def schema() -> dict[str, Any]:
    """Describe a stack file as JSON Schema (draft 2020-12), for editors and for other tools."""
    described = RegistrySettings.model_json_schema(by_alias=True, schema_generator=StackFileSchema)
    definitions = described.pop("$defs", {})
    properties = {
        f"{NAMESPACE}{key}": _top(value, definitions, key_of(RegistrySettings, name) in _empty_is_nothing())
        for (key, value), name in zip(described["properties"].items(), RegistrySettings.model_fields, strict=True)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack file of ecr-stack",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": {
                    "aws:region": {
                        **_Region.model_json_schema(schema_generator=StackFileSchema)["properties"]["region"],
                        "description": "The Region of the registry, e.g. `us-east-1`.",
                    },
                    **properties,
                },
                "required": [f"{NAMESPACE}{key}" for key in described.get("required", [])],
                # Other namespaces belong to other programs; a misspelled key in ours is an error.
                "patternProperties": {f"^(?!{NAMESPACE})[^:]+:": True},
                "additionalProperties": False,
            }
        },
        "required": ["config"],
        # YAML that other keys refer to may stand beside `config:`; keys of ours that do are at the wrong margin.
        "propertyNames": {"not": {"pattern": f"^{NAMESPACE}"}},
        "$defs": definitions,
    }


def _top(value: dict[str, Any], definitions: dict[str, Any], empty_is_nothing: bool) -> dict[str, Any]:
    """A key of the outermost map: Pulumi hands nothing over as the empty string, and a scalar as its text."""
    name = value.get("$ref", "").rpartition("/")[2]
    if name and isinstance(definitions[name]["type"], list):
        definitions[name]["type"] = "object"
    if name and empty_is_nothing:
        shape = definitions[name]
        conditions = {key: shape.pop(key) for key in ("required", "allOf") if key in shape}
        if conditions:
            shape |= when({"minProperties": 1}, conditions)
    types = value["type"] if isinstance(value.get("type"), list) else [value.get("type")]
    if types[0] != "string":
        return value | ({"type": types[0]} if value.get("type") else {})
    texts = {"boolean": "true", "number": "1"}
    return value | {"type": ["string", *(kind for kind, text in texts.items() if re.search(value["pattern"], text))]}


def _empty_is_nothing() -> set[str]:
    return {key_of(RegistrySettings, name) for name in RegistrySettings.EMPTY_IS_NOTHING}


def _structured(value: Any) -> Any:
    """Convert a value back to its form in the stack file: Pulumi passes maps and lists as JSON, the rest as strings."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
