"""Derives the planned outputs of a resource in a preview, and the inputs equivalent to a state.

Both work the same for every resource type: the classes of `pulumi_aws` define the outputs, and which of them are empty
unless given.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from ecr_stack.embedded_provider.property_values import has_unknown
from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, text_of
from ecr_stack.embedded_provider.schema import properties_of
from ecr_stack.pulumi_sdk import resource_pulumi_to_py_names, resource_types

__all__ = ["inputs_of", "planned"]


def planned(kind: ResourceType, inputs: Inputs, outputs: Inputs | None, known: Inputs, unknown: Any) -> Outputs:
    """Return the planned outputs of a resource, as far as they can be known.

    Args:
        kind: the resource type.
        inputs: the new, checked inputs.
        outputs: its current outputs; `None` if it does not exist.
        known: outputs that follow from the provider's configuration: its Region, its default tags.
        unknown: the placeholder for values that only AWS can provide.
    """
    given = {name: value for name, value in inputs.items() if value is not None and not name.startswith("__")}
    plan: Outputs = {}
    for name, optional in _outputs_of(kind.args).items():
        if name in given:
            plan[name] = _document(given[name], unknown) if name in kind.documents else given[name]
        elif name in known:
            plan[name] = known[name]
        elif outputs is None:
            if not optional:
                plan[name] = unknown
        elif outputs.get(name) is not None and (
            name not in properties_of(kind.args) or name in kind.optional_blocks or not optional
        ):
            # AWS's own answers, and what stays as it is where nothing is said
            plan[name] = outputs[name]
    return plan


def _document(given: Any, unknown: Any) -> Any:
    """A program may pass a document as an object; the output is text, known either entirely or not at all."""
    if not isinstance(given, Mapping):
        return given
    return unknown if has_unknown(given) else text_of(given)


def inputs_of(kind: ResourceType, outputs: Inputs, inputs: Inputs | None) -> dict[str, Any]:
    """Return the inputs equivalent to a state.

    Args:
        kind: the resource type.
        outputs: the outputs that were read.
        inputs: the inputs that it was created from. They are updated; equivalent values keep their spelling. `None` for
            an import: then all outputs that can be inputs are returned.
    """
    if inputs is None:
        known = properties_of(kind.args)
        return {name: value for name, value in outputs.items() if name in known and value not in (None, "", [], {})}
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        now = outputs.get(name)
        if name.startswith("__") or name not in outputs or kind.same(name, now, value):
            found[name] = value
        elif now is not None:
            found[name] = now
    return found


@cache
def _outputs_of(args: type) -> Mapping[str, bool]:
    """Return the outputs of the resource of an `…Args` class: whether each is empty unless given."""
    resource: Any = getattr(sys.modules[args.__module__], args.__name__.removesuffix("Args"))
    python_names = resource_pulumi_to_py_names(resource)
    optional = {}
    for name in resource_types(resource):
        getter: Any = getattr(resource, python_names[name]).fget
        value = typing.get_args(typing.get_type_hints(getter)["return"])[0]
        optional[name] = type(None) in typing.get_args(value)
    return optional
