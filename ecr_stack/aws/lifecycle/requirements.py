"""What ECR requires of a lifecycle document: everything that it rejects is an error.

The rules are from the pages cited in `findings`. In addition, ECR has been observed to reject null for an optional key
(cloudposse/terraform-aws-ecr#158) and an empty list of tags in a rule that may not have one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecr_stack.aws.lifecycle import findings as kinds
from ecr_stack.aws.lifecycle.findings import Finding
from ecr_stack.errors import shown
from ecr_stack.model import nearest

__all__ = [
    "MAX_RULES",
    "MAX_TEXT",
    "MAX_WILDCARDS",
    "MIN_DAYS_IN_ARCHIVE",
    "MIN_TEXT",
    "errors_in",
    "rules_without_errors",
]

MAX_RULES = 50
MIN_TEXT, MAX_TEXT = 100, 30_720
MAX_DESCRIPTION = 256
MAX_WILDCARDS = 4
MIN_DAYS_IN_ARCHIVE = 90

_RULE = {"rulePriority": True, "description": False, "selection": True, "action": True}
_SELECTION = {
    "tagStatus": True,
    "tagPrefixList": False,
    "tagPatternList": False,
    "storageClass": False,
    "countType": True,
    "countUnit": False,
    "countNumber": True,
}
_ACTION = {"type": True, "targetStorageClass": False}

TAG_STATUSES = ("tagged", "untagged", "any")
STORAGE_CLASSES = ("standard", "archive")
COUNT_TYPES = ("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled", "sinceImageTransitioned")
ACTIONS = ("expire", "transition")


def errors_in(data: object) -> list[Finding]:
    """Return the errors for which ECR would reject plain JSON data as a lifecycle document."""
    if not isinstance(data, Mapping):
        return [kinds.WRONG_TYPE.found(None, f"the document: {shown(data)} is not an object")]
    found = list(_keys(None, "the document", data, {"rules": True}))
    if "rules" not in data:
        return found
    rules = data["rules"]
    if not isinstance(rules, list):
        return [*found, kinds.WRONG_TYPE.found(None, f"rules: {shown(rules)} is not a list")]
    if not 1 <= len(rules) <= MAX_RULES:
        found.append(kinds.RULES_COUNT.found(None, f"rules: there are {len(rules)}"))
    for index, rule in enumerate(rules):
        found += _rule(f"rules[{index}]", rule)
    return found + list(_across(rules))


def rules_without_errors(data: object) -> list[Mapping[str, Any]]:
    """Return the rules that are valid on their own, regardless of the document and its other rules."""
    rules = data.get("rules") if isinstance(data, Mapping) else None
    if not isinstance(rules, list):
        return []
    return [rule for rule in rules if not any(finding.severity == "error" for finding in _rule("", rule))]


def _rule(place: str, rule: object) -> Iterator[Finding]:
    if not isinstance(rule, Mapping):
        yield kinds.WRONG_TYPE.found(None, f"{place}: {shown(rule)} is not an object")
        return
    priority = _priority(rule)
    yield from _keys(priority, place, rule, _RULE)
    if "rulePriority" in rule:
        yield from _number(None, f"{place}.rulePriority", rule["rulePriority"], kinds.PRIORITY_RANGE)
    if "description" in rule:
        yield from _description(priority, f"{place}.description", rule["description"])
    for key, check in (("selection", _selection), ("action", _action)):
        if key not in rule:
            continue
        if isinstance(rule[key], Mapping):
            yield from check(priority, f"{place}.{key}", rule[key])
        else:
            yield kinds.WRONG_TYPE.found(priority, f"{place}.{key}: {shown(rule[key])} is not an object")
    if isinstance(rule.get("selection"), Mapping) and isinstance(rule.get("action"), Mapping):
        yield from _pair(priority, place, rule["selection"], rule["action"])


def _description(priority: int | None, place: str, value: object) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield kinds.WRONG_TYPE.found(priority, f"{place}: {shown(value)} is not a string")
    elif len(value) > MAX_DESCRIPTION:
        yield kinds.DESCRIPTION_LENGTH.found(priority, f"{place}: {len(value)} characters")


def _selection(priority: int | None, place: str, selection: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _keys(priority, place, selection, _SELECTION)
    for key, values in (("tagStatus", TAG_STATUSES), ("storageClass", STORAGE_CLASSES), ("countType", COUNT_TYPES)):
        yield from _choice(priority, place, selection, key, values)
    yield from _tag_lists(priority, place, selection)
    yield from _count(priority, place, selection)


def _tag_lists(priority: int | None, place: str, selection: Mapping[str, Any]) -> Iterator[Finding]:
    lists = [key for key in ("tagPrefixList", "tagPatternList") if key in selection]
    for key in lists:
        yield from _tags(priority, f"{place}.{key}", selection[key], patterns=key == "tagPatternList")
    status = selection.get("tagStatus")
    if status == "tagged":
        if len(lists) > 1:
            yield kinds.TAG_LIST_BOTH.found(priority, f"{place}: has both tagPrefixList and tagPatternList")
        if not lists or any(selection[key] == [] for key in lists):
            yield kinds.TAG_LIST_MISSING.found(priority, f"{place}: tagStatus is tagged, but no tags are named")
    elif status in ("untagged", "any"):
        for key in lists:
            yield kinds.TAG_LIST_FORBIDDEN.found(priority, f"{place}.{key}: tagStatus is {status}")


def _tags(priority: int | None, place: str, value: object, *, patterns: bool) -> Iterator[Finding]:
    if not isinstance(value, list):
        yield kinds.WRONG_TYPE.found(
            priority, f"{place}: {shown(value)} is not a list", f"write [{shown(value)}]" if value else None
        )
        return
    for index, entry in enumerate(value):
        if not isinstance(entry, str):
            yield kinds.WRONG_TYPE.found(priority, f"{place}[{index}]: {shown(entry)} is not a string")
        elif patterns and entry.count("*") > MAX_WILDCARDS:
            yield kinds.WILDCARD_LIMIT.found(
                priority, f"{place}[{index}]: {shown(entry)} has {entry.count('*')} wildcards"
            )


def _count(priority: int | None, place: str, selection: Mapping[str, Any]) -> Iterator[Finding]:
    kind = selection.get("countType")
    if "countNumber" in selection:
        number = selection["countNumber"]
        yield from _number(priority, f"{place}.countNumber", number, kinds.COUNT_NUMBER_RANGE)
        if kind == "sinceImageTransitioned" and _whole(number) and 1 <= number < MIN_DAYS_IN_ARCHIVE:
            yield kinds.ARCHIVE_MINIMUM.found(priority, f"{place}.countNumber: {number} days in the archive")
    if kind == "imageCountMoreThan":
        if "countUnit" in selection:
            yield kinds.COUNT_UNIT_FORBIDDEN.found(
                priority, f"{place}.countUnit: {shown(selection['countUnit'])} with imageCountMoreThan"
            )
    elif kind in COUNT_TYPES and "countUnit" not in selection:
        yield kinds.COUNT_UNIT_MISSING.found(priority, f"{place}: countType is {kind}, but there is no countUnit")
    else:
        yield from _choice(priority, place, selection, "countUnit", ("days",))
    if kind in COUNT_TYPES:
        needed = "archive" if kind == "sinceImageTransitioned" else "standard"
        given = selection.get("storageClass", "standard")
        if given in STORAGE_CLASSES and given != needed:
            remedy = 'write "storageClass": "archive"' if needed == "archive" else "remove storageClass"
            yield kinds.STORAGE_CLASS.found(priority, f"{place}: countType {kind} with storageClass {given}", remedy)


def _action(priority: int | None, place: str, action: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _keys(priority, place, action, _ACTION)
    yield from _choice(priority, place, action, "type", ACTIONS)
    if action.get("type") == "expire":
        if "targetStorageClass" in action:
            yield kinds.TARGET_STORAGE_CLASS.found(
                priority, f"{place}.targetStorageClass: the action is expire", "remove targetStorageClass"
            )
    elif action.get("type") == "transition" and "targetStorageClass" not in action:
        yield kinds.TARGET_STORAGE_CLASS.found(
            priority,
            f"{place}: the action is transition, but there is no targetStorageClass",
            'add "targetStorageClass": "archive"',
        )
    else:
        yield from _choice(priority, place, action, "targetStorageClass", ("archive",))


def _pair(
    priority: int | None, place: str, selection: Mapping[str, Any], action: Mapping[str, Any]
) -> Iterator[Finding]:
    pair = (selection.get("countType"), action.get("type"))
    if pair == ("sinceImagePulled", "expire"):
        yield kinds.PULLED_EXPIRES.found(priority, f"{place}: countType sinceImagePulled with action expire")
    if pair == ("sinceImageTransitioned", "transition"):
        yield kinds.TRANSITIONED_ARCHIVES.found(
            priority, f"{place}: countType sinceImageTransitioned with action transition"
        )


def _across(rules: list[Any]) -> Iterator[Finding]:
    """Find conflicts between rules; rules that are not valid enough to compare are skipped."""
    seen: dict[int, int] = {}
    for index, rule in enumerate(rules):
        priority = _priority(rule)
        if priority is not None and seen.setdefault(priority, index) != index:
            yield kinds.PRIORITY_DUPLICATE.found(
                priority, f"rules[{index}].rulePriority: {priority} is also the priority of rules[{seen[priority]}]"
            )
    readable = [
        (index, priority, rule["selection"])
        for index, rule in enumerate(rules)
        if isinstance(rule, Mapping)
        and isinstance(rule.get("selection"), Mapping)
        and (priority := _priority(rule)) is not None
    ]
    for storage_class in STORAGE_CLASSES:
        own = [entry for entry in readable if _storage_class(entry[2]) == storage_class]
        yield from _one_of_each(own, storage_class)


def _one_of_each(own: list[tuple[int, int, Mapping[str, Any]]], storage_class: str) -> Iterator[Finding]:
    highest = max((priority for _, priority, _ in own), default=0)
    untagged: int | None = None
    sets: dict[frozenset[str], int] = {}
    last = max((index for index, priority, _ in own if priority == highest), default=0)
    for index, priority, selection in own:
        place = f"rules[{index}].selection"
        status = selection.get("tagStatus")
        if status == "any" and index != last:
            yield kinds.ANY_NOT_LAST.found(
                priority,
                f"{place}.tagStatus: any with priority {priority}; the highest for {storage_class} is {highest}",
            )
        if status == "untagged":
            if untagged is not None:
                yield kinds.UNTAGGED_DUPLICATE.found(
                    priority, f"{place}.tagStatus: untagged, as in rules[{untagged}], both for {storage_class}"
                )
            untagged = index if untagged is None else untagged
        prefixes = selection.get("tagPrefixList")
        if status == "tagged" and isinstance(prefixes, list):
            own_set = frozenset(prefix for prefix in prefixes if isinstance(prefix, str))
            if not own_set:
                continue
            if own_set in sets:
                yield kinds.PREFIX_DUPLICATE.found(
                    priority,
                    f"{place}.tagPrefixList: {' and '.join(shown(prefix) for prefix in sorted(own_set))}, as in "
                    f"rules[{sets[own_set]}]",
                )
                continue
            for other, its_index in sets.items():
                for prefix in sorted(own_set & other):
                    yield kinds.PREFIX_SHARED.found(
                        priority, f"{place}.tagPrefixList: {shown(prefix)} is also in rules[{its_index}]"
                    )
            sets[own_set] = index


def _storage_class(selection: Mapping[str, Any]) -> str:
    """The storage class that a rule selects. An invalid value is reported elsewhere."""
    given = selection.get("storageClass", "standard")
    return given if isinstance(given, str) else "standard"


def _keys(priority: int | None, place: str, data: Mapping[str, Any], known: Mapping[str, bool]) -> Iterator[Finding]:
    for key in data:
        if key not in known:
            guess = nearest(str(key), list(known))
            yield kinds.UNKNOWN_KEY.found(
                priority,
                f"{place}: {shown(key)} is not a known key",
                f"write {guess}" if guess and guess not in data else f"remove it; known keys here: {', '.join(known)}",
            )
    for key, required in known.items():
        if required and key not in data:
            yield kinds.MISSING_KEY.found(priority, f"{place}: {key} is missing", f"add {key}")


def _choice(
    priority: int | None, place: str, data: Mapping[str, Any], key: str, values: tuple[str, ...]
) -> Iterator[Finding]:
    if key not in data:
        return
    value = data[key]
    if not isinstance(value, str):
        yield kinds.WRONG_TYPE.found(priority, f"{place}.{key}: {shown(value)} is not a string")
    elif value not in values:
        guess = nearest(value, values)
        yield kinds.UNKNOWN_VALUE.found(
            priority,
            f"{place}.{key}: {shown(value)} is not one of {', '.join(values)}",
            f"write {guess or ' or '.join(values)}",
        )


def _number(priority: int | None, place: str, value: object, below: kinds.Kind) -> Iterator[Finding]:
    # ECR validates documents with JSON Schema draft 4, in which `7.0` is a number but not an integer.
    if not _whole(value):
        yield kinds.WRONG_TYPE.found(
            priority, f"{place}: {shown(value)} is not a whole number", "write digits without quotes, e.g. 7"
        )
    elif isinstance(value, int) and value < 1:
        yield below.found(priority, f"{place}: {value}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _priority(rule: object) -> int | None:
    value = rule.get("rulePriority") if isinstance(rule, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
