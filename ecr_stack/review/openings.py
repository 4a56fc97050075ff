"""What a change of a policy document opens and closes: who is let in, who is shut out, on what terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.review.comparison import Property

__all__ = ["openings", "who"]


def openings(property_: Property) -> Iterator[tuple[str, str]]:
    """Yield what one changed property of a policy document means: a level (`danger`, `attention`), and words.

    Args:
        property_: its path leads through the document, e.g. `policy.Statement[Sid=AllowPull].Action`.
    """
    path, before, after = property_.path, property_.before, property_.after
    member = path.rpartition("]")[2]
    if path.endswith("Statement"):  # statements without names are compared as a whole
        for item in _items(after):
            if item not in _items(before):
                yield from _statement(item, "new", path)
        for item in _items(before):
            if item not in _items(after):
                yield from _statement(item, "gone", path)
    elif path.endswith("]") and "Statement[" in path:
        yield from _statement(after, "new", path) if before is None else _statement(before, "gone", path)
    elif member.startswith(".Effect"):
        yield "danger", f"what was a matter of {before} is one of {after} ({path})"
    elif "Principal" in member or ".Action" in member:
        what = "a principal" if "Principal" in member else "an action"
        if after is not None:
            yield "danger", f"{what} is let in: {_short(after)} ({path})"
        if before is not None and not isinstance(after, dict):
            yield "attention", f"{what} is shut out: {_short(before)} ({path})"
    elif ".Condition" in member:
        yield "danger", f"a condition on access changes: {_short(before)} → {_short(after)} ({path})"
    elif ".Resource" in member or ".NotResource" in member:
        yield "danger", f"what access is given to changes: {_short(before)} → {_short(after)} ({path})"


def who(statement: Mapping[str, Any]) -> str:
    """Name those that a statement is about: its principals, and what its conditions ask of them."""
    named: dict[str, None] = {}
    for key in ("Principal", "NotPrincipal"):
        for name in _leaves(statement.get(key)):
            named[f"not {name}" if key == "NotPrincipal" else name] = None
    asked = [
        value
        for keys in (statement.get("Condition") or {}).values()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
        if key.lower() in _IDENTIFYING or key.lower().endswith(":sub")
        for value in _leaves(values)
    ]
    if asked and "*" in named:  # anybody, of those that meet the condition
        del named["*"]
    return ", ".join([*named, *dict.fromkeys(asked)]) or "those that the policy belongs to"


_IDENTIFYING = {"aws:principalarn", "aws:principalorgid", "aws:principalaccount", "aws:sourcearn", "aws:sourceaccount"}


def _statement(statement: Any, event: str, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(statement, Mapping):
        return
    denies = statement.get("Effect") == "Deny"
    opens = denies is (event == "gone")
    what = "a denial" if denies else "a statement"
    text = f"{what} is {event}, for {who(statement)} ({path})"
    yield ("danger" if opens else "attention"), text


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value)


def _short(value: Any) -> str:
    return ", ".join(_leaves(value)) or "nothing"
