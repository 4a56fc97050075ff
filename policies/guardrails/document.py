"""Policy documents in the properties of a resource, during a preview or an update, for ecr-stack's reader of policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecr_stack.aws.iam import reader
from ecr_stack.aws.iam.reader import Condition, Statement, UnreadablePolicy
from guardrails.policy import Unjudgeable
from guardrails.resources import UNKNOWN, look

__all__ = ["Condition", "Statement", "UnreadableDocument", "documents", "plain", "read_json", "statements"]


class UnreadableDocument(Unjudgeable):
    """A document that is not one; its text says what is wrong."""


def statements(document: Any) -> tuple[Statement, ...]:
    """Read a document.

    Raises:
        UnreadableDocument: It is not JSON, or not a policy.
        UnknownValueError: A part of it is known only during the update.
    """
    try:
        return reader.read_policy(plain(document))
    except UnreadablePolicy as error:
        raise UnreadableDocument(str(error)) from None


def read_json(text: str) -> Any:
    """Read JSON text.

    Raises:
        UnreadableDocument: It is not JSON.
    """
    try:
        return reader.read_json(text)
    except UnreadablePolicy as error:
        raise UnreadableDocument(str(error)) from None


def plain(value: Any) -> Any:
    """An object or list as it is, without the engine's wrappers.

    Raises:
        UnknownValueError: A part of it is known only during the update.
    """
    if isinstance(value, Mapping):
        return {key: plain(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(element) for element in value]
    return value


def documents(values: Any, *keys: str) -> list[tuple[str, Any]]:
    """The documents at some properties of a resource, where there are any, with the property's name.

    Raises:
        UnknownValueError: One is known only during the update.
    """
    found = []
    for key in keys:
        value = look(values, key)
        if value is UNKNOWN:
            value = values[key]  # raises: the engine then says that this waits for the update
        if value is not None and value != "":
            found.append((key, value))
    return found
