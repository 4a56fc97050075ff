"""What a preview knows of a resource's outputs, and which inputs the state of a resource amounts to.

Both are the same for every resource type: the classes of `pulumi_aws` say which outputs there are, and which of them
stay empty unless they are given.
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
    """Return the outputs that a resource is going to have, as far as anybody can know them.

    Args:
        kind: the resource type.
        inputs: the inputs that it is to have, checked.
        outputs: what it puts out now; `None` where it does not exist.
        known: outputs that follow from the provider's own configuration: its Region, its default tags.
        unknown: what stands for a value that only AWS can tell.
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
    """A program may hand a document over as an object; what comes back is text, as a whole or not at all."""
    if not isinstance(given, Mapping):
        return given
    return unknown if has_unknown(given) else text_of(given)


def inputs_of(kind: ResourceType, outputs: Inputs, inputs: Inputs | None) -> dict[str, Any]:
    """Return the inputs that a state amounts to.

    Args:
        kind: the resource type.
        outputs: what was read.
        inputs: the inputs that it was made from: they are brought up to date, and keep their spelling where that is
            all that differs. `None` when it is imported: everything that was read and can be an input is one.
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
    """Return the outputs of the resource that an `…Args` class is for: whether each is empty unless it is given."""
    resource: Any = getattr(sys.modules[args.__module__], args.__name__.removesuffix("Args"))
    python_names = resource_pulumi_to_py_names(resource)
    optional = {}
    for name in resource_types(resource):
        getter: Any = getattr(resource, python_names[name]).fget
        value = typing.get_args(typing.get_type_hints(getter)["return"])[0]
        optional[name] = type(None) in typing.get_args(value)
    return optional
