"""How components take their arguments: judged at once where they are plain, when they are known where they are not.

A component's arguments are a `TypedDict`. Its structure, numbers, booleans and enums are plain and are judged when
the component is made; texts may be Outputs of other resources and are judged when those are known. A mistake stops
the program with `RefusedArguments`, which Pulumi prints without a traceback.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pulumi

from ecr_stack.errors import EcrStackError

__all__ = ["Refused", "child_options", "plain_parts", "refusing", "resolved"]

T = TypeVar("T")


class Refused(EcrStackError, pulumi.RunError):
    """What was asked for cannot be made. Pulumi prints the message alone, without a traceback."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn an `EcrStackError` into one that Pulumi prints without a traceback."""
    try:
        yield
    except Refused:
        raise
    except EcrStackError as error:
        raise Refused(str(error)) from None


def plain_parts(value: Any) -> Any:
    """Copy plain data without what is only known later: entries and items that are Outputs are left out."""
    if isinstance(value, Mapping):
        return {key: plain_parts(item) for key, item in value.items() if not _later(item)}
    if isinstance(value, (list, tuple)):
        return [plain_parts(item) for item in value if not _later(item)]
    return value


def resolved(value: Any, build: Callable[[Any], T]) -> "pulumi.Input[T]":
    """Build something from plain data that may hold Outputs: at once where it holds none, else when they are known."""
    if not _holds_later(value):
        with refusing():
            return build(value)

    def later(known: Any) -> T:
        with refusing():
            return build(known)

    return pulumi.Output.from_input(value).apply(later)


def child_options(parent: pulumi.Resource, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Hand a component's options about order down to its one resource.

    Components pass their providers on to their children, but not what they wait for or perish with.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        protect=False,
        depends_on=opts.depends_on if opts else None,
        deleted_with=opts.deleted_with if opts else None,
        replace_with=opts.replace_with if opts else None,
        delete_before_replace=opts.delete_before_replace if opts else None,
    )


def _later(value: Any) -> bool:
    return isinstance(value, pulumi.Output) or hasattr(value, "__await__")


def _holds_later(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_later(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_later(item) for item in value)
    return _later(value)
