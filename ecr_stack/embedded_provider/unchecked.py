"""Resources and functions that the embedded AWS does not support: placeholders like those of a mock, without checks.

A resource returns its inputs. Values that only its provider can know (an ARN, a generated name, a domain name) are
generated from the resource's name, because programs need a value. The resource's class defines the outputs.
"""

from __future__ import annotations

import collections.abc
import hashlib
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from ecr_stack.embedded_provider.resource import Inputs, Outputs, Scope
from ecr_stack.embedded_provider.schema import class_of
from ecr_stack.pulumi_sdk import (
    input_type_py_to_pulumi_names,
    is_input_type,
    resource_pulumi_to_py_names,
    resource_types,
)

__all__ = ["function_result", "outputs_of", "planned_outputs_of"]

_ARN_RESOURCE = {
    "lambda": "function:{name}",
    "sns": "{name}",
    "sqs": "{name}",
    "logs": "log-group:{name}",
    "dynamodb": "table/{name}",
    "secretsmanager": "secret:{name}",
    "ssm": "parameter/{name}",
}
"""The suffixes of ARNs of these services; those of others end with `type/name`."""

_GLOBAL_SERVICES = ("iam", "route53", "cloudfront")
"""The services whose ARNs have no Region."""


def outputs_of(scope: Scope, type_: str, name: str, inputs: Inputs) -> tuple[str, Outputs]:
    """Generate the id and the outputs of a resource.

    Args:
        scope: the account and the Region.
        type_: the resource type's token, e.g. `aws:s3/bucket:Bucket`.
        name: the resource's logical name.
        inputs: the program's inputs, which are outputs too.
    """
    physical = _physical_name(type_, name, inputs)
    outputs: Outputs = {key: value for key, value in inputs.items() if value is not None}
    for key, kind in _output_types(type_).items():
        if outputs.get(key) is None and kind is str:
            outputs[key] = _made_up(scope, type_, key, physical)
    return physical, outputs


def planned_outputs_of(type_: str, inputs: Inputs, unknown: Any) -> Outputs:
    """Return the planned outputs of a resource in a preview: its inputs."""
    outputs: Outputs = dict.fromkeys((key for key, kind in _output_types(type_).items() if kind is not None), unknown)
    return {**outputs, **{key: value for key, value in inputs.items() if value is not None}}


def function_result(scope: Scope, token: str, arguments: Inputs) -> Outputs:
    """Generate the result of a function: its arguments, and an empty value of the right type for everything else."""
    name = token.rsplit(":", 1)[-1]
    result: Outputs = {}
    for key, kind in _result_types(token).items():
        empty = {str: _made_up(scope, token, key, name), bool: False, int: 0, float: 0.0}
        if kind in empty:
            result[key] = empty[kind]
        elif kind is collections.abc.Sequence:
            result[key] = []
        elif kind is collections.abc.Mapping:
            result[key] = {}
    return {**result, **arguments}


def _physical_name(type_: str, name: str, inputs: Inputs) -> str:
    """The given name, or one generated as by the AWS provider."""
    last = type_.rsplit(":", 1)[-1]
    for key in ("name", last[:1].lower() + last[1:], "identifier"):
        if isinstance(inputs.get(key), str) and inputs[key]:
            return str(inputs[key])
    digits = hashlib.sha256(f"{type_} {name}".encode()).hexdigest()
    return f"{name}-{digits[:7]}"


def _made_up(scope: Scope, type_: str, key: str, physical: str) -> str:
    package, module, last = (*type_.split(":"), "", "")[:3]
    service = module.split("/")[0]
    if key == "region":
        return scope.region
    if key in ("accountId", "ownerId", "registryId"):
        return scope.account
    if key in ("name", "id", last[:1].lower() + last[1:]):
        return physical
    if key == "arn" and package == "aws":
        if service == "s3":
            return f"arn:{scope.partition}:s3:::{physical}"
        place = "" if service in _GLOBAL_SERVICES else scope.region
        ending = _ARN_RESOURCE.get(service, f"{last.lower()}/{{name}}").format(name=physical)
        return f"arn:{scope.partition}:{service}:{place}:{scope.account}:{ending}"
    return f"{physical}-{key}"


@cache
def _output_types(type_: str) -> Mapping[str, Any]:
    """The types of a resource's outputs: `None` for those that may be empty; no types if its class is not installed."""
    cls = class_of(type_)
    if cls is None:
        return {}
    args = class_of(type_, "Args")
    inputs = set(input_type_py_to_pulumi_names(args).values()) if args is not None and is_input_type(args) else set()
    last = type_.rsplit(":", 1)[-1]
    try:
        names = resource_pulumi_to_py_names(cls)
        found = {}
        for key in resource_types(cls):
            if key in inputs and key not in ("name", "region", last[:1].lower() + last[1:]):
                continue  # inputs that were omitted stay empty
            getter: Any = getattr(cls, names[key]).fget
            inner = typing.get_args(typing.get_type_hints(getter)["return"])[0]
            optional = type(None) in typing.get_args(inner)
            found[key] = None if optional else typing.get_origin(inner) or inner
    except (AttributeError, KeyError, IndexError, NameError, TypeError):
        return {}
    return found


@cache
def _result_types(token: str) -> Mapping[str, Any]:
    """The types in the result of a function; none if its class is not installed."""
    cls = class_of(token, "Result")
    if cls is None:
        return {}
    found = {}
    for name in dir(cls):
        member = getattr(cls, name)
        if isinstance(member, property) and member.fget is not None:
            try:
                hint = typing.get_type_hints(member.fget).get("return")
            except NameError:
                continue
            key = getattr(member.fget, "_pulumi_name", None) or _camel(name)
            if type(None) not in typing.get_args(hint):
                found[key] = typing.get_origin(hint) or hint
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
