"""The difference between two rehearsals of a stack: what a deployment would add, change, replace and remove.

Documents (policies, lifecycles) are compared as what they say, not as text. Keys have other ids in every rehearsal
and are compared by the resource that they belong to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_stack.errors import InvalidInput, Problem
from ecr_stack.review.access_changes import access_changes
from ecr_stack.review.cautions import cautions_of
from ecr_stack.review.comparison import Caution, Change, Comparison, Property

__all__ = ["compare"]

Record = Mapping[str, Any]


def compare(base: Mapping[str, Any], head: Mapping[str, Any], *, source: str = "the base") -> Comparison:
    """Compare two rehearsals, each as `rehearse --format json` prints it.

    Args:
        base: how it is.
        head: how it would be.
        source: the name of the base, for messages.

    Raises:
        InvalidInput: where the base is no rehearsal.
    """
    _check(base, source)
    before = {record["urn"]: record for record in _comparable(base)}
    after = {record["urn"]: record for record in _comparable(head)}
    was = _renames(before, after)
    comparison = Comparison(stack=str(head.get("stack", "")))
    for urn, record in after.items():
        old = before.get(was.get(urn, urn))
        if old is None:
            comparison.added.append(_change(record))
            continue
        properties = tuple(_differences(_facts(old), _facts(record)))
        replaces = _replaces(old, record) if properties else ()
        change = Change(urn, record["type"], record["name"], properties, replaces, was.get(urn))
        if replaces:
            comparison.replaced.append(change)
        elif properties:
            comparison.changed.append(change)
        elif urn in was:
            comparison.renamed.append(change)
    kept = {was.get(urn, urn) for urn in after}
    comparison.removed = [_change(record) for urn, record in before.items() if urn not in kept]
    old_violations, new_violations = list(base.get("violations", [])), list(head.get("violations", []))
    comparison.violations = {
        "new": [item for item in new_violations if item not in old_violations],
        "resolved": [item for item in old_violations if item not in new_violations],
        "remaining": [item for item in new_violations if item in old_violations],
    }
    access = (Caution(each.level, each.urn, each.name, each.message) for each in access_changes(before, after))
    comparison.cautions = sorted([*cautions_of(comparison), *access], key=lambda caution: caution.level != "danger")
    return comparison


def _check(base: object, source: str) -> None:
    if (
        isinstance(base, Mapping)
        and isinstance(base.get("resources"), list)
        and all(
            isinstance(item, Mapping) and {"urn", "type", "name", "inputs", "outputs", "options"} <= set(item)
            for item in base["resources"]
        )
    ):
        return
    rule = "this is not the report of a rehearsal"
    raise InvalidInput(
        source, [Problem("(the document)", None, rule, "write one with `ecr-stack rehearse --format json > FILE`")]
    )


def _comparable(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The physical resources, with what is other in every rehearsal written as what it stands for."""
    text = json.dumps([record for record in report["resources"] if record.get("id") is not None])
    for record in report["resources"]:
        if record["type"] == "aws:kms/key:Key":
            text = text.replace(str(record["outputs"].get("keyId")), f"({record['name']})")
    records: list[dict[str, Any]] = json.loads(text)
    return records


def _renames(before: Mapping[str, Record], after: Mapping[str, Record]) -> dict[str, str]:
    """For each new URN the old one of the same thing: by its aliases, or by its type, Region and physical id."""
    things = {_thing(record): urn for urn, record in before.items() if urn not in after}
    renamed: dict[str, str] = {}
    for urn, record in after.items():
        if urn in before:
            continue
        aliased = next((alias for alias in record["options"].get("aliases") or [] if alias in before), None)
        old = aliased or things.get(_thing(record))
        if old is not None and old not in renamed.values():
            renamed[urn] = old
    return renamed


def _thing(record: Record) -> tuple[Any, ...]:
    if record["type"] == "command:local:Command":
        return (record["type"], json.dumps(record["inputs"].get("environment"), sort_keys=True))
    return (record["type"], record["outputs"].get("region"), record.get("id"))


def _change(record: Record) -> Change:
    return Change(record["urn"], record["type"], record["name"])


# Options that decide what may happen to a resource.
_OPTIONS = ("protect", "retainOnDelete")


def _facts(record: Record) -> dict[str, Any]:
    """What a reviewer compares: the inputs with their documents read, and the options that matter."""
    facts = {key: _read(key, value) for key, value in record["inputs"].items()}
    facts["(options)"] = {name: record["options"].get(name) for name in _OPTIONS}
    return facts


_DOCUMENTS = ("policy", "assumeRolePolicy", "lifecyclePolicy", "repositoryPolicy", "stdin")


def _read(key: str, value: Any) -> Any:
    if key == "triggers":
        return "(the same as what it is triggered by)"
    if key in _DOCUMENTS and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _replaces(old: Record, new: Record) -> tuple[str, ...]:
    from ecr_stack.embedded_provider.provider import RESOURCE_TYPES

    kind = RESOURCE_TYPES.get(new["type"])
    if kind is None or new["type"] == "command:local:Command":  # a command that runs again replaces nothing
        return ()
    return kind.diff(dict(old["inputs"]), dict(new["inputs"])).replaces


_MISSING: Any = object()
# By which member the items of a list are known.
_NAMED = ("Sid", "rulePriority", "filter", "scanFrequency")


def _differences(before: Any, after: Any, path: str = "") -> Iterator[Property]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differences(
                before.get(key, _MISSING), after.get(key, _MISSING), f"{path}.{key}" if path else str(key)
            )
        return
    if isinstance(before, list) and isinstance(after, list):
        by = next((name for name in _NAMED if _all_have(before, name) and _all_have(after, name)), None)
        if by is not None:
            old, new = ({f"[{by}={item[by]}]": item for item in items} for items in (before, after))
            for key in [*old, *(key for key in new if key not in old)]:
                yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), f"{path}{key}")
            return
        if all(isinstance(item, str) for item in [*before, *after]):
            for item in before:
                if item not in after:
                    yield Property(path, item, None)
            for item in after:
                if item not in before:
                    yield Property(path, None, item)
            return
    yield Property(path, None if before is _MISSING else before, None if after is _MISSING else after)


def _all_have(items: Sequence[Any], name: str) -> bool:
    return all(isinstance(item, Mapping) and name in item for item in items) and len(
        {str(item[name]) for item in items}
    ) == len(items)
