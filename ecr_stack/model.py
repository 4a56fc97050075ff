"""The base class of the pydantic models, and the validation of input into a model or `Problem`s.

Field names are snake_case in Python and camelCase (AWS's own name if there is one) in stack files. A model defines each
key once: its type, default and limits, its description (the docstring below it), and in `cross_field_errors` the rules
between keys. `validate` reports every error at once: an invalid value is replaced by `INVALID`, and everything else is
still checked.

A value may be unknown when it is validated, because it comes from a resource that does not exist yet. Unknown values
(`register_unknown`) pass validation; the user of the model validates again once they are known.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from ecr_stack.errors import InvalidInput, Problem, shown

__all__ = [
    "INVALID",
    "Item",
    "Model",
    "Structural",
    "Text",
    "Whole",
    "check",
    "is_unknown",
    "key_of",
    "nearest",
    "parse",
    "problems_of",
    "python_spelling",
    "refusal",
    "register_unknown",
    "unknown_in",
    "validate",
]


class _Invalid:
    """Replaces an invalid value, so that everything else can be checked."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID = _Invalid()
_unknown_types: tuple[type, ...] = (_Invalid,)


def register_unknown(*kinds: type) -> None:
    """Let values of these types pass validation: they represent values that are not known yet."""
    global _unknown_types  # noqa: PLW0603 - one process, one set of types
    _unknown_types = tuple(dict.fromkeys((*_unknown_types, *kinds)))


def is_unknown(value: object) -> bool:
    """Whether a value is not known (yet): an Output of a resource, or an invalid value."""
    return isinstance(value, _unknown_types)


def _pass_unknown(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return value if is_unknown(value) else handler(value)


Item = WrapValidator(_pass_unknown)
"""Metadata for the items of lists and maps: an item may be unknown."""

Text = Annotated[str, Item]
"""A string that may be unknown."""


class _Structural:
    """Metadata for a field that decides which resources exist: its value must be known."""

    def __repr__(self) -> str:
        return "Structural"


Structural = _Structural()

_SPELLINGS: dict[str, str] = {}


def _must_be_known() -> PydanticCustomError:
    return PydanticCustomError(
        "refused",
        "{rule}",
        {
            "rule": "the value decides which resources exist, so it must be known when the program runs, but it is an Output",
            "remedy": "pass a plain value, e.g. from the stack's configuration",
            "value": "(an Output)",
        },
    )


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
        arbitrary_types_allowed=True,
    )

    _origin: tuple[str, str] | None = PrivateAttr(default=None)
    """The arguments that this model is part of, and the key path; `None` if it is not part of others."""
    _places: Mapping[str, str] = PrivateAttr(default_factory=dict)
    """For fields that come from another map: the key path of the map, by Python name."""

    STRUCTURAL: ClassVar[bool] = False
    """Whether each of these determines which resources exist, so it must itself be known; its fields need not be."""

    EXAMPLES: ClassVar[Mapping[str, str]] = {}
    """Example values for required keys, by field name."""

    NOT_HERE: ClassVar[Mapping[str, str]] = {}
    """Fields of a base class that this model rejects, by name, each with the reason."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Remember how the keys of this model are spelled in Python."""
        super().__pydantic_init_subclass__(**kwargs)
        _SPELLINGS.update({key_of(cls, name): name for name in cls.model_fields if key_of(cls, name) != name})

    @field_validator("*", mode="wrap")
    @classmethod
    def _unknown_field(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if not is_unknown(value):
            return handler(value)
        if value is not INVALID and Structural in cls.model_fields[str(info.field_name)].metadata:
            raise _must_be_known()
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _unknown_model(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if is_unknown(value) and value is not INVALID and cls.STRUCTURAL:
            raise _must_be_known()
        return value if is_unknown(value) else handler(value)

    def cross_field_errors(self) -> Iterator[Problem]:
        """Yield conflicts between fields that are valid on their own; places are relative, in camelCase.

        A field may be unknown (`is_unknown`); then it conflicts with nothing.
        """
        return iter(())

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Yield the part of `cross_field_errors` that JSON Schema can express; it must not reject more than they do."""
        return iter(())

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        """The model's schema, including the rules between its keys."""
        described = super().__get_pydantic_json_schema__(core_schema, handler)
        own = handler.resolve_ref_schema(described)
        rules = list(cls.json_rules())
        if rules:
            own["allOf"] = rules
        for name in cls.NOT_HERE:
            own["properties"].pop(key_of(cls, name), None)
        return described

    @classmethod
    def own_fields(cls) -> dict[str, FieldInfo]:
        """The fields that may be set here, by Python name."""
        return {name: field for name, field in cls.model_fields.items() if name not in cls.NOT_HERE}

    def given(self) -> dict[str, Any]:
        """The fields that were set, by Python name, with unchanged values."""
        return {name: value for name in type(self).model_fields if (value := self._set(name)) is not None}

    def as_written(self) -> dict[str, Any]:
        """The fields that were set, by stack file key, for messages."""
        return {key_of(type(self), name): _written(value) for name, value in self.given().items()}

    def _set(self, name: str) -> Any:
        return getattr(self, name) if name in self.model_fields_set else None

    def known(self, name: str) -> Any:
        """A field's value, or `None` while it is unknown."""
        value = getattr(self, name)
        return None if is_unknown(value) else value


def _written(value: Any) -> Any:
    if isinstance(value, Model):
        return value.as_written()
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    return "…" if value is INVALID else "(not known)" if is_unknown(value) else value


def key_of(model: type[BaseModel], name: str) -> str:
    """A field's key in a stack file."""
    return model.model_fields[name].alias or name


def refusal(rule: str, remedy: str) -> PydanticCustomError:
    """Build the error for a validator to raise: the rule that a value breaks, and the remedy."""
    return PydanticCustomError("refused", "{rule}", {"rule": rule, "remedy": remedy})


def _whole(value: object) -> object:
    """Convert `7.0` to `7`: Pulumi passes every number from another language as a float."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number. JSON has one kind of number, so `7.0` is 7; `true` and `"7"` are not."""

_M = TypeVar("_M", bound=BaseModel)


def validate(model: type[_M], data: object, place: str = "", *, python_names: bool = False) -> tuple[_M, list[Problem]]:
    """Validate plain data and report every error in it.

    Args:
        model: what the data must be.
        data: plain data (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`), with unknown values in places.
        place: the key path of the data, e.g. `ecr-stack:repositories`; may be empty.
        python_names: whether keys are in snake_case, as component arguments are.

    Returns:
        The model and the problems, with keys spelled as in the data. The model holds `INVALID` in place of invalid
        values.
    """
    found, problems = _tolerant(model, data, place, python_names)
    if isinstance(found, Model):
        for part, where in _parts(found, place):
            for problem in part.cross_field_errors():
                problems.append(Problem(_joined(where, problem.place), problem.value, problem.rule, problem.remedy))
    return found, [python_spelling(problem) for problem in problems] if python_names else problems


def parse(model: type[_M], data: object, place: str, *, source: str, python_names: bool = False) -> _M:
    """Validate plain data.

    Args:
        model: what it must be.
        data: plain data (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`).
        place: the key path of the data, e.g. `ecr-stack:repositories`; may be empty.
        source: where the data comes from, for the error, e.g. `Pulumi.prod.yaml` or `Repository "api"`.
        python_names: whether keys are in snake_case, as component arguments are.

    Raises:
        InvalidInput: with every error found.
    """
    found, problems = validate(model, data, place, python_names=python_names)
    if problems:
        raise InvalidInput(source, problems)
    return found


_ROUNDS = 12
"""How often data with errors is validated again without them: as deep as errors can hide each other."""


def _tolerant(model: type[_M], data: Any, place: str, python_names: bool) -> tuple[_M, list[Problem]]:
    problems: dict[tuple[int | str, ...], Problem] = {}
    own = data
    for attempt in range(_ROUNDS):
        try:
            return (
                model.model_validate(own, by_alias=not python_names, by_name=python_names),
                list(problems.values()),
            )
        except RecursionError:
            remedy = "write plain YAML without self-referencing aliases"
            return typing.cast(_M, INVALID), [Problem(place, "…", "the value is nested too deeply", remedy)]
        except ValidationError as error:
            if attempt == 0:
                own = _copied(data)
            for detail in error.errors(include_url=False):
                loc = tuple(detail["loc"])
                if detail["input"] is INVALID:
                    # this type takes no unknown values: the error makes all of it unknown
                    _replace(own, detail | {"loc": loc[:-1], "type": "refused"}, model)
                    continue
                # in later attempts, "too short" is only the result of removing an error
                if loc not in problems and not (attempt and detail["type"] == "too_short"):
                    problems[loc] = _problem(detail, model, place, python_names)
                if not loc:
                    return typing.cast(_M, INVALID), list(problems.values())
                _replace(own, detail, model)
    return typing.cast(_M, INVALID), list(problems.values())


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return value


def _moved(model: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    """For a key that belongs elsewhere: where it belongs."""
    return getattr(_model_at(model, loc[:-1]), "MOVED", {}).get(str(loc[-1])) if loc else None


def _replace(data: Any, detail: ErrorDetails, model: type[BaseModel]) -> None:
    """Replace invalid values by `INVALID`; remove unknown and invalid keys."""
    loc = [part for part in detail["loc"] if part != "[key]"]
    here = data
    for part in loc[:-1]:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return
        if is_unknown(here):
            return
    if detail["type"] == "extra_forbidden" and len(loc) > 1 and _moved(model, detail["loc"]):
        # what belongs elsewhere says all there is to say about its map
        _replace(data, detail | {"loc": tuple(loc[:-1]), "type": "refused"}, model)
        return
    wrong_key = detail["type"] == "extra_forbidden" or detail["loc"][-1] == "[key]"
    if isinstance(here, dict):
        if wrong_key:
            here.pop(loc[-1], None)
        else:
            here[loc[-1]] = INVALID
    elif isinstance(here, list) and isinstance(loc[-1], int):
        here[loc[-1]] = INVALID


def _parts(value: Any, place: str) -> Iterator[tuple[Model, str]]:
    """Every model in a model, with its key path."""
    if isinstance(value, Model):
        yield value, place
        for name in value.model_fields_set:
            yield from _parts(getattr(value, name), _joined(place, key_of(type(value), name)))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(item, _joined(place, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _parts(item, f"{place}[{index}]")


def _joined(place: str, key: str) -> str:
    if not place or not key or key.startswith("["):
        return place + key
    # the top of a stack file is `ecr-stack:`, to which keys are appended without a dot
    return place + key if place.endswith(":") else f"{place}.{key}"


_UNKNOWN_KEY = "is not a known key"


def python_spelling(problem: Problem) -> Problem:
    """Convert the keys in a problem, in its place and code spans, to snake_case."""

    def spelled(text: str) -> str:
        return re.sub(r"(?<![\w/])[A-Za-z]+(?![\w/])", lambda match: _SPELLINGS.get(match[0], match[0]), text)

    def spans(text: str) -> str:
        return re.sub(r"`[^`]*`", lambda match: spelled(match[0]), text)

    *owners, last = problem.place.removeprefix(".").split(".")
    if problem.rule.endswith(_UNKNOWN_KEY):
        # the key as it was written, and the remedy in words of Python
        return Problem(".".join([*map(spelled, owners), last]), problem.value, problem.rule, problem.remedy)
    place = ".".join(map(spelled, [*owners, last]))
    return Problem(place, problem.value, spans(problem.rule), spans(problem.remedy))


def nearest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or `None`."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower()[:100], list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    place: str,
    *,
    python_names: bool = False,
    at: tuple[int | str, ...] = (),
) -> list[Problem]:
    """Translate pydantic's errors into one `Problem` each, with keys spelled as in the data.

    Args:
        error: the errors from pydantic.
        model: the model of the data, for suggestions for unknown keys.
        place: the key path of the data.
        python_names: whether keys are in snake_case.
        at: the location of the validated part in the model, if it was only a part.
    """
    return [
        _problem(detail | {"loc": (*at, *detail["loc"])}, model, place, python_names)
        for detail in error.errors(include_url=False)
    ]


def _problem(detail: ErrorDetails, model: type[BaseModel], place: str, python_names: bool) -> Problem:
    loc = tuple(part for part in detail["loc"] if part != "[key]")
    where = _path(place, loc)
    context: Mapping[str, Any] = detail.get("ctx") or {}
    value = _written(detail["input"])
    match detail["type"]:
        case "refused":
            return Problem(
                str(context.get("place", where)),
                context.get("value", value),
                context["rule"],
                context["remedy"],
            )
        case "missing":
            return Problem(where, None, "the key is required", f"add `{_example(model, loc, where)}`")
        case "extra_forbidden":
            return _unknown_key(where, value, model, loc, python_names)
        case "int_type" | "int_parsing" | "int_from_float":
            return Problem(where, value, "must be a whole number", "write digits without quotes, e.g. 7")
        case "float_type" | "float_parsing" | "finite_number":
            return Problem(where, value, "must be a number", "write it without quotes, e.g. 49.90")
        case "bool_type" | "bool_parsing":
            return Problem(where, value, "must be true or false", "write true or false without quotes")
        case "string_type":
            quoted = f'put it in quotes: "{shown(value)}"' if isinstance(value, (int, float)) else "write one string"
            return Problem(where, value, "must be a string", quoted)
        case "list_type" | "tuple_type":
            item = value if isinstance(value, (str, int, float, bool)) else "…"
            return Problem(where, value, "must be a list", f"write [{item}]")
        case "dict_type" | "model_type" | "model_attributes_type" | "mapping_type":
            remedy = "write `key: value` lines, or {}"
            if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
                remedy = f"write `{value[0]}: …` (a `key: value` line) for each entry, without the dash"
            key = _only_required(_model_at(model, tuple(detail["loc"])))
            if key is not None and isinstance(value, str):
                remedy = f"write `{{{key}: {value}}}`"
            return Problem(where, value, "must be a map of keys to values", remedy)
        case "enum" | "literal_error":
            choices = _choices(context)
            guess = nearest(value, choices) if isinstance(value, str) else None
            return Problem(where, value, f"must be one of {', '.join(choices)}", f"write {guess or choices[0]}")
        case "too_short" | "too_long":
            few = detail["type"] == "too_short"
            bound = context.get("min_length" if few else "max_length")
            rule = f"{'at least' if few else 'at most'} {bound} {'entry is' if bound == 1 else 'entries are'} "
            remedy = "add one, or remove the key" if few else "remove some"
            if few and isinstance(value, Mapping):
                remedy = f"add one, e.g. `{_example(model, loc, where).partition(': ')[2] or 'KEY: VALUE'}`"
            return Problem(where, value, rule + ("needed" if few else "allowed"), remedy)
        case "string_too_long" | "string_too_short":
            long = detail["type"] == "string_too_long"
            bound = context.get("max_length" if long else "min_length")
            rule = f"must have at {'most' if long else 'least'} {bound} characters"
            return Problem(where, value, rule, "shorten it" if long else "write more")
        case _:
            return Problem(where, value, _lower(detail["msg"]), "write a value that satisfies this rule")


def _only_required(model: type[BaseModel] | None) -> str | None:
    """The key of a model's only required field."""
    fields = model.model_fields.items() if model is not None else ()
    required = [key_of(model, name) for name, field in fields if model is not None and field.is_required()]
    return required[0] if len(required) == 1 else None


def _choices(context: Mapping[str, Any]) -> list[str]:
    return [choice.strip(" '") for choice in str(context.get("expected", "")).replace(" or ", ", ").split(",")]


def _example(model: type[BaseModel], loc: tuple[int | str, ...], where: str) -> str:
    """An example of a missing key."""
    owner = _model_at(model, loc[:-1])
    if owner is not None and issubclass(owner, Model):
        for name in owner.model_fields:
            if loc[-1] in (name, key_of(owner, name)) and name in owner.EXAMPLES:
                key = where if where.endswith(f":{loc[-1]}") else loc[-1]
                return f"{key}: {owner.EXAMPLES[name]}"
    return str(loc[-1] if loc else where)


def _unknown_key(
    where: str, value: object, model: type[BaseModel], loc: tuple[int | str, ...], python_names: bool
) -> Problem:
    owner = _model_at(model, loc[:-1])
    known = [name if python_names else key_of(owner, name) for name in owner.model_fields] if owner is not None else []
    word = str(loc[-1]) if loc else ""
    elsewhere = _moved(model, loc)
    if elsewhere:
        return Problem(where, value, f"`{word}` is not a key here", elsewhere)
    spelling = _SPELLINGS.get(word) if python_names else None
    guess = spelling if spelling in known else nearest(word, known)
    prefix = where.removesuffix(word) if where.removesuffix(word).endswith(":") else ""
    remedy = f"write `{prefix}{guess}`" if guess else f"remove it; known keys here: {', '.join(known) or 'none'}"
    return Problem(where, value, f"`{word}` {_UNKNOWN_KEY}", remedy)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:].removeprefix("alue error, ")


def _path(place: str, loc: tuple[int | str, ...]) -> str:
    text = place
    for part in loc:
        text = f"{text}[{part}]" if isinstance(part, int) else _joined(text, part)
    return text or "(the document)"


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model at a pydantic location."""
    here: Any = model
    for part in loc:
        here = _step(here, part)
    return _model_in(here)


def _step(annotation: Any, part: int | str) -> Any:
    found = _model_in(annotation)
    if found is not None and isinstance(part, str):
        for name, field in found.model_fields.items():
            if part in (name, field.alias):
                return field.annotation
    for option in options_of(annotation):
        arguments = typing.get_args(option)
        if arguments and typing.get_origin(option) not in (None, types.UnionType, typing.Union, Literal):
            return arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]
    return None


def options_of(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without their metadata."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return options_of(typing.get_args(annotation)[0])
    if origin in (types.UnionType, typing.Union):
        return [leaf for option in typing.get_args(annotation) for leaf in options_of(option)]
    return [annotation]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for option in options_of(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def unknown_in(value: Any) -> bool:
    """Whether something in a model, a list or a map is unknown."""
    if isinstance(value, Model):
        return any(unknown_in(item) for item in value.given().values())
    if isinstance(value, Mapping):
        return any(unknown_in(item) for item in value.values())
    if isinstance(value, list):
        return any(unknown_in(item) for item in value)
    return is_unknown(value)


def check(annotation: Any, value: object) -> bool:
    """Whether a single value satisfies an annotated type from `ecr_stack.aws.names`."""
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True
