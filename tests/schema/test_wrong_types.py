"""A value of any wrong type, at any key, beside settings that are right: a message, never a traceback."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from ecr_stack.errors import InvalidInput
from ecr_stack.model import Model, key_of, options_of
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import stack_settings_of

WRONG: tuple[Any, ...] = ({}, [], "", "x", 3, -1.5, True, None, [[]], [{}], {"x": {}}, {"x": None}, ["x", "x"])


def places(model: type[Model], above: tuple[Any, ...] = (), depth: int = 0) -> Iterator[tuple[Any, ...]]:
    """Every key of a model and of the models in it, as a path; the entries of maps are `api`, those of lists the first."""
    for name, field in model.model_fields.items():
        path = (*above, key_of(model, name))
        yield path
        if depth < 5:
            for inner, end in models(field.annotation):
                yield from places(inner, path + end, depth + 1)


def models(annotation: Any, end: tuple[Any, ...] = ()) -> Iterator[tuple[type[Model], tuple[Any, ...]]]:
    for option in options_of(annotation):
        origin, inner = typing.get_origin(option), typing.get_args(option)
        if origin is list:
            yield from models(inner[0], (*end, 0))
        elif origin is dict:
            yield from models(inner[1], (*end, "api"))
        elif isinstance(option, type) and issubclass(option, Model):
            yield option, end


def put(path: tuple[Any, ...], value: Any) -> Any:
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


PATHS = sorted(set(places(RegistrySettings)), key=str)


@pytest.mark.parametrize("section", sorted({path[0] for path in PATHS}))
def test_a_wrong_type_is_told(section: str) -> None:
    for path, value in itertools.product((path for path in PATHS if path[0] == section), WRONG):
        said = {"environment": "test", "repositories": {"api": {}}, "replication": {"rules": []}, **put(path, value)}
        for region in ("us-east-1", None):
            try:
                stack_settings_of(said, source="Pulumi.test.yaml", region=region)
            except InvalidInput:
                continue
            except Exception as error:
                raise AssertionError(f"{said}: {error!r}") from error
