"""The input properties of pulumi-aws resources, read from the installed `pulumi_aws`.

Its `…Args` classes define the properties, their types, and which are required, so none of that is repeated here.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi

from ecr_stack.errors import Problem
from ecr_stack.model import nearest
from ecr_stack.pulumi_sdk import input_type_py_to_pulumi_names, is_input_type

__all__ = ["Property", "class_of", "problems", "properties_of"]


@dataclass(frozen=True)
class Property:
    """A property: whether it is required, and its type."""

    required: bool
    type: Any
    """A Python type: `str`, `bool`, `int`, `float`, an `…Args` class, a `Sequence` or `Mapping` of such, or `Any`."""


@cache
def properties_of(args: type) -> Mapping[str, Property]:
    """Return the properties of an `…Args` class by their names in Pulumi (camelCase)."""
    names = input_type_py_to_pulumi_names(args)
    constructor: Any = vars(args)["__init__"]
    # `pulumi.Input[T]` refers to these two by name
    hints = typing.get_type_hints(constructor, localns={"Output": pulumi.Output, "T": typing.TypeVar("T")})
    parameters = inspect.signature(constructor).parameters
    return {
        pulumi_name: Property(parameters[name].default is inspect.Parameter.empty, _plain(hints[name]))
        for name, pulumi_name in names.items()
    }


def _plain(hint: Any) -> Any:
    """Strip `Input`, `Output`, `Optional`, and the dictionary alternatives of `…Args` classes."""
    origin = typing.get_origin(hint)
    if origin not in (typing.Union, types.UnionType):
        return hint
    options = [_plain(option) for option in typing.get_args(hint)]
    left = []
    for option in options:
        kind = typing.get_origin(option) or option
        if kind in (type(None), collections.abc.Awaitable, pulumi.Output) or typing.is_typeddict(kind):
            continue
        if option not in left:
            left.append(option)
    return left[0] if len(left) == 1 else Any


@cache
def class_of(token: str, suffix: str = "") -> Any:
    """Return the class of a token in the Python SDK of its package: `aws:s3/bucket:Bucket` is `pulumi_aws.s3.Bucket`.

    The module is imported on first use: importing those of all resource types takes a quarter of a second.

    Args:
        token: the token of a resource type or function.
        suffix: the suffix of the class name, such as `Args`.

    Returns:
        The class, or `None` if the package is not installed or has another layout.
    """
    package, module, last = (*token.split(":"), "", "")[:3]
    if not last:
        module, last = "index", module
    path = module.split("/")
    if len(path) > 1 and path[-1][:1].lower() + path[-1][1:] == last[:1].lower() + last[1:]:
        path = path[:-1]
    inside = [part.replace("-", "_") for part in path if part != "index"]
    try:
        home = importlib.import_module(".".join([f"pulumi_{package.replace('-', '_')}", *inside]))
    except Exception:
        return None
    return getattr(home, last[:1].upper() + last[1:] + suffix, None)


def problems(args: type, inputs: Mapping[str, Any], place: str = "") -> list[Problem]:
    """Find missing and unknown properties and wrong types, as a provider's check does."""
    known = properties_of(args)
    found = []
    for name, described in known.items():
        if described.required and inputs.get(name) is None:
            found.append(Problem(place + name, None, "the property is required", f"add `{name}`"))
    for name, value in inputs.items():
        if name.startswith("__"):
            continue
        if name not in known:
            guess = nearest(name, sorted(known))
            remedy = f"write `{guess}`" if guess else f"remove it; known keys here: {', '.join(sorted(known))}"
            found.append(Problem(place + name, value, f"`{name}` is not a known property", remedy))
        elif value is not None:
            found.extend(_mistyped(known[name].type, value, place + name))
    return found


def _mistyped(expected: Any, value: Any, place: str) -> list[Problem]:
    kind = typing.get_origin(expected) or expected
    if isinstance(kind, type) and is_input_type(kind):
        if isinstance(value, Mapping):
            return problems(kind, value, f"{place}.")
        return [Problem(place, value, "must be an object", "write its properties")]
    if kind is collections.abc.Sequence:
        if not isinstance(value, (list, tuple)):
            return [Problem(place, value, "must be a list", "write it in brackets")]
        item = _plain(typing.get_args(expected)[0])
        return [found for index, each in enumerate(value) for found in _mistyped(item, each, f"{place}[{index}]")]
    if kind is collections.abc.Mapping:
        if not isinstance(value, Mapping):
            return [Problem(place, value, "must be a map", "write keys and values")]
        item = _plain(typing.get_args(expected)[1])
        return [found for name, each in value.items() for found in _mistyped(item, each, f"{place}.{name}")]
    if value is not None and not _is(kind, value):
        names = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}
        return [Problem(place, value, f"must be {names[kind]}", "write a value of that type")]
    return []


def _is(kind: Any, value: Any) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is str:
        return isinstance(value, str)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        # the Pulumi engine has only one type of number
        return number and float(value).is_integer()
    return number if kind is float else True
