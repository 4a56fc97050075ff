"""The base of every pydantic model here, and the way from pydantic's errors to `Problem`s.

Field names are snake_case in Python and camelCase (AWS's own words where AWS has one) in stack files. Unknown
keys are refused with the nearest known one. Validators refuse with `refusal(rule, remedy)`, so that every
message has the same parts.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from ecr_stack.errors import InvalidInput, Problem, shown

__all__ = ["Model", "Whole", "nearest", "parse", "problems_of", "refusal"]


class Model(BaseModel):
    """Strict, frozen, no unknown keys; camelCase aliases."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        strict=True,
        frozen=True,
        use_attribute_docstrings=True,
    )


def refusal(rule: str, remedy: str) -> PydanticCustomError:
    """Build the error that a validator raises: the rule that a value breaks, and what to write instead."""
    return PydanticCustomError("refused", "{rule}", {"rule": rule, "remedy": remedy})


def _whole(value: object) -> object:
    """Take `7.0` for `7`: Pulumi hands every number from another language over as a float."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number. JSON has one kind of number, so `7.0` is 7; `true` and `"7"` are not."""

_M = TypeVar("_M", bound=BaseModel)


def parse(model: type[_M], data: object, place: str, *, source: str, python_names: bool = False) -> _M:
    """Validate plain data.

    Args:
        model: what it must be.
        data: plain data (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`).
        place: the key path under which `data` stands, e.g. `ecr-stack:repositories`; may be empty.
        source: whose mistake it would be, e.g. `Pulumi.prod.yaml` or `Repository "api"`.
        python_names: whether keys are spelled in snake_case, as component arguments are.

    Raises:
        InvalidInput: with every mistake found.
    """
    try:
        return model.model_validate(data, by_alias=not python_names, by_name=python_names)
    except ValidationError as error:
        raise InvalidInput(source, problems_of(error, model, place, python_names=python_names)) from None
    except RecursionError:
        problem = Problem(place, "…", "the value is nested without end", "write plain YAML without aliases to itself")
        raise InvalidInput(source, [problem]) from None


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Find the known word that `word` was most likely meant to be, or `None`."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    place: str,
    *,
    python_names: bool = False,
    at: tuple[int | str, ...] = (),
) -> list[Problem]:
    """Translate pydantic's errors: one `Problem` each, in the words of whoever wrote the data.

    Args:
        error: what pydantic found.
        model: what the data should have been, by which unknown keys are compared with known ones.
        place: the key path of the data.
        python_names: whether keys are spelled in snake_case.
        at: where in the model the validated part stands, where it was not the whole.
    """
    return [
        _problem(detail | {"loc": (*at, *detail["loc"])}, model, place, python_names)
        for detail in error.errors(include_url=False)
    ]


def _problem(detail: ErrorDetails, model: type[BaseModel], place: str, python_names: bool) -> Problem:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    where = _path(place, loc)
    context: Mapping[str, Any] = detail.get("ctx") or {}
    value = detail["input"]
    match detail["type"]:
        case "refused":
            return Problem(
                str(context.get("place", where)),
                context.get("value", value),
                context["rule"],
                context["remedy"],
            )
        case "missing":
            return Problem(where, None, "the key is required", f"add `{loc[-1] if loc else where}`")
        case "extra_forbidden":
            known = sorted(_keys_at(model, loc[:-1], python_names))
            word = str(loc[-1]) if loc else ""
            guess = nearest(word, known)
            remedy = f"write `{guess}`" if guess else f"remove it; known here: {', '.join(known) or 'nothing'}"
            return Problem(where, value, f"`{word}` is not a known key", remedy)
        case "int_type" | "int_parsing" | "int_from_float":
            return Problem(where, value, "a whole number is needed", "write digits without quotes, e.g. 7")
        case "bool_type" | "bool_parsing":
            return Problem(where, value, "true or false is needed", "write true or false without quotes")
        case "string_type":
            quoted = (
                f'put it in quotes: "{shown(value)}"' if isinstance(value, (int, float)) else "write one text value"
            )
            return Problem(where, value, "a text is needed", quoted)
        case "list_type" | "tuple_type":
            item = value if isinstance(value, (str, int, float, bool)) else "…"
            return Problem(where, value, "a list is needed", f"write [{item}]")
        case "dict_type" | "model_type" | "model_attributes_type" | "mapping_type":
            return Problem(where, value, "a map of keys to values is needed", "write `key: value` lines, or {}")
        case "enum" | "literal_error":
            expected = str(context.get("expected", ""))
            choices = [choice.strip(" '") for choice in expected.replace(" or ", ", ").split(",")]
            guess = nearest(value, choices) if isinstance(value, str) else None
            return Problem(where, value, f"one of {', '.join(choices)} is needed", f"write {guess or choices[0]}")
        case "too_short" | "too_long":
            few = detail["type"] == "too_short"
            bound = context.get("min_length" if few else "max_length")
            rule = f"{'at least' if few else 'at most'} {bound} {'entry is' if bound == 1 else 'entries are'} "
            remedy = "add one, or remove the key" if few else "remove some"
            return Problem(where, value, rule + ("needed" if few else "allowed"), remedy)
        case "string_too_long" | "string_too_short":
            long = detail["type"] == "string_too_long"
            bound = context.get("max_length" if long else "min_length")
            rule = f"a text of at {'most' if long else 'least'} {bound} characters is needed"
            return Problem(where, value, rule, "shorten it" if long else "write more")
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            return Problem(where, value, _lower(detail["msg"]), "write a number within the limit")
        case _:
            return Problem(where, value, _lower(detail["msg"]), "write a value that keeps this rule")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _path(place: str, loc: tuple[int | str, ...]) -> str:
    text = place
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            # the top of a stack file is `ecr-stack:`, to which keys are appended without a dot
            text += part if not text or text.endswith(":") else f".{part}"
    return text or "(the document)"


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...], python_names: bool) -> set[str]:
    """The keys that are known at a place: walks the models along pydantic's location."""
    here: Any = model
    for part in loc:
        here = _step(here, part)
    found = _model_in(here)
    if found is None:
        return set()
    return {name if python_names else (field.alias or name) for name, field in found.model_fields.items()}


def _step(annotation: Any, part: int | str) -> Any:
    found = _model_in(annotation)
    if found is not None and isinstance(part, str):
        for name, field in found.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    for option in _options(annotation):
        arguments = typing.get_args(option)
        if arguments and typing.get_origin(option) not in (None, types.UnionType, typing.Union):
            return arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]
    return None


def _options(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _options(typing.get_args(annotation)[0])
    if origin in (types.UnionType, typing.Union):
        return [leaf for option in typing.get_args(annotation) for leaf in _options(option)]
    return [annotation]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def check(annotation: Any, value: object) -> bool:
    """Whether a single value satisfies an annotated type from `constraints`."""
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True
