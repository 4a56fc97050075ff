"""Policy documents as AWS reads them: statements with principals, actions and conditions.

Every spelling that AWS accepts comes out the same: a single value or a list, `"*"` or `{"AWS": "*"}`, a text of JSON or
an object. Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guardrails.policy import Unjudgeable
from guardrails.resources import UNKNOWN, look


class UnreadableDocument(Unjudgeable):
    """A document that is not one; its text says what is wrong."""


@dataclass(frozen=True)
class Condition:
    """One operator with one key: all conditions of a statement must hold, and any of the values."""

    operator: str
    key: str
    """In lower case: AWS does not tell case apart in condition keys."""
    values: tuple[str, ...]

    needed: bool = False
    """Whether another condition, `Null` with `false`, refuses requests without the key."""

    @property
    def binds(self) -> bool:
        """Whether a request without the key, or with another value, is refused.

        `…IfExists` and `ForAllValues:` let a request without the key through, unless the key is needed; `Null` and
        `…Not…` say what is not.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        return self.test in {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}

    @property
    def test(self) -> str:
        """What is compared, in lower case, e.g. `stringequals`; "" where a request without the key passes."""
        operator = self.operator.lower().removeprefix("foranyvalue:")
        return operator.removeprefix("forallvalues:").removesuffix("ifexists") if self.needed else operator


@dataclass(frozen=True)
class Statement:
    """One statement; everything in lists."""

    called: str
    """Its Sid, or its place, for messages."""
    allows: bool
    principals: tuple[tuple[str, str], ...]
    """Kind (`AWS`, `Service`, `Federated`, `CanonicalUser`, `*`) and value."""
    not_principal: bool
    actions: tuple[str, ...]
    not_action: bool
    resources: tuple[str, ...]
    """What it is about; "*" also for all but some (NotResource) and for a document that is attached to its resource."""
    conditions: tuple[Condition, ...]


def statements(document: Any) -> tuple[Statement, ...]:
    """Read a document.

    Raises:
        UnreadableDocument: It is not JSON, or not a policy.
        UnknownValueError: A part of it is known only during the update.
    """
    if isinstance(document, str):
        return _parsed(document)
    if isinstance(document, Mapping):
        return _read(plain(document))
    raise UnreadableDocument(f"The policy is {document!r}. It must be a JSON object.")


@lru_cache(maxsize=8192)  # several policies read the same text, and many repositories have the same one
def _parsed(text: str) -> tuple[Statement, ...]:
    return _read(read_json(text))


def read_json(text: str) -> Any:
    """Read JSON text.

    Raises:
        UnreadableDocument: It is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except UnreadableDocument:
        raise
    except (ValueError, RecursionError) as error:
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        raise UnreadableDocument(f"The policy is not JSON ({error}): {shown!r}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # one of the two would be hidden from whoever reads the document
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise UnreadableDocument(f"The document has the key {twice!r} twice in one object. Write it once.")
    return found


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


def _read(document: Any) -> tuple[Statement, ...]:
    if not isinstance(document, dict):
        raise UnreadableDocument(f"The policy is {_shown(document)}. It must be a JSON object with a Statement.")
    found = _elements(document).get("statement")
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not found:
        raise UnreadableDocument("The policy has no Statement. It must have a list of one or more.")
    return tuple(_statement(number, statement) for number, statement in enumerate(found, 1))


def _statement(number: int, statement: Any) -> Statement:
    if not isinstance(statement, dict):
        raise UnreadableDocument(f"Statement {number} is {_shown(statement)}. It must be a JSON object.")
    elements = _elements(statement)
    sid = elements.get("sid")
    called = f"statement {sid!r}" if isinstance(sid, str) and sid else f"statement {number}"
    return Statement(
        called=called,
        allows=elements.get("effect") != "Deny",  # what is not clearly a denial is judged as an allowance
        principals=tuple(_principals(called, elements.get("principal", elements.get("notprincipal")))),
        not_principal="notprincipal" in elements,
        actions=_values(called, "Action", elements.get("action", elements.get("notaction"))),
        not_action="notaction" in elements,
        resources=("*",) if "notresource" in elements else _values(called, "Resource", elements.get("resource", "*")),
        conditions=tuple(_conditions(called, elements.get("condition"))),
    )


def _elements(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return _object([(str(key).lower(), value) for key, value in mapping.items()])


_KINDS = {kind.lower(): kind for kind in ("AWS", "Service", "Federated", "CanonicalUser")}


def _principals(called: str, principal: Any) -> list[tuple[str, str]]:
    if principal is None:
        return []
    if isinstance(principal, dict):
        return [
            (_KINDS.get(str(kind).lower(), str(kind)), value)
            for kind, values in principal.items()
            for value in _values(called, "Principal", values)
        ]
    return [("*", value) for value in _values(called, "Principal", principal)]


def _conditions(called: str, condition: Any) -> list[Condition]:
    if condition is None:
        return []
    if not isinstance(condition, dict) or not all(isinstance(keys, dict) for keys in condition.values()):
        raise UnreadableDocument(
            f'The Condition of {called} is {_shown(condition)}. It must be {{"Operator": {{"key": "value"}}}}.'
        )
    found = [
        (str(operator), str(key).lower(), _values(called, "Condition", values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    ]
    needed = {key for operator, key, values in found if operator.lower() == "null" and set(values) == {"false"}}
    return [Condition(operator, key, values, key in needed) for operator, key, values in found]


def _values(called: str, element: str, values: Any) -> tuple[str, ...]:
    found = values if isinstance(values, list) else [] if values is None else [values]
    texts = [json.dumps(value) if isinstance(value, bool | int | float) else value for value in found]
    if not all(isinstance(value, str) for value in texts):
        raise UnreadableDocument(f"The {element} of {called} is {_shown(values)}. It must be text or a list of texts.")
    return tuple(texts)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:80]}…"


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
