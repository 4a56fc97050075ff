"""A part of a stack file that is judged as a whole, every mistake of it at once.

pydantic checks field by field, and skips what compares fields as soon as one field is wrong. A section compares
what can be compared all the same: `contradictions` sees the fields that are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

from pydantic import ValidationError

from ecr_stack.errors import Problem
from ecr_stack.model import Model, problems_of

__all__ = ["Section", "in_python", "judge"]


class Section(Model):
    """A model whose fields may contradict each other."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterable[Problem]:
        """Yield what is wrong between fields that are each right.

        Args:
            values: the valid fields that were given, by Python name.
            place: the key path of the section.
        """
        del values, place
        return ()

    @classmethod
    def given(cls, data: object) -> tuple[dict[str, Any], Self | None]:
        """The valid fields of `data` by Python name, and the model where everything is valid."""
        names = _names(cls)
        try:
            model = cls.model_validate(data)
        except ValidationError as error:
            if not isinstance(data, Mapping):
                return {}, None
            bad = {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]}
            rest = {key: value for key, value in data.items() if key not in bad}
            try:
                model = cls.model_validate(rest)
            except ValidationError:  # a required key is missing: its absence contradicts nothing
                return {}, None
            return {names[key]: getattr(model, names[key]) for key in rest if key in names}, None
        return {name: getattr(model, name) for name in model.model_fields_set}, model


_S = TypeVar("_S", bound=Section)


def _names(section: type[Section]) -> dict[str, str]:
    return {spelling: name for name, field in section.model_fields.items() for spelling in (name, field.alias or name)}


def judge(
    section: type[_S], data: object, place: str, *, python_names: bool = False
) -> tuple[_S | None, list[Problem]]:
    """Validate a section: the model, or `None` and every mistake in it.

    Args:
        section: what `data` must be.
        data: plain data, as YAML or JSON gives it.
        place: the key path of the section, for messages.
        python_names: whether keys are spelled in snake_case.
    """
    problems: list[Problem] = []
    try:
        section.model_validate(data, by_alias=not python_names, by_name=python_names)
    except ValidationError as error:
        problems = problems_of(error, section, place, python_names=python_names)
    values, model = section.given(data)
    found = section.contradictions(values, place)
    problems += in_python(found) if python_names else found
    return (None if problems else model), problems


def in_python(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Spell the keys in the places of problems the way Python does; repositories' names have no capitals."""
    for problem in problems:
        place = re.sub(r"(?<=[a-z])([A-Z])", lambda match: "_" + match[1].lower(), problem.place)
        yield Problem(place.removeprefix("."), problem.value, problem.rule, problem.remedy)
