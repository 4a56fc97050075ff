"""The difference between two rehearsals of a stack: what a deployment would add, change, replace and remove.

Documents (policies, lifecycles) are compared as what they say, not as text. Keys and secrets have other ids in every
rehearsal: keys are compared by the resource that they belong to, secrets by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecr_stack.review.comparison import Change, Comparison, Property, Risk, worst_first
from ecr_stack.review.guardrail_changes import configuration_risks
from ecr_stack.review.production import counts_as_production
from ecr_stack.review.replacements import replaced_by
from ecr_stack.review.report import Record, at, checked, parsed
from ecr_stack.review.risks import risks_of
from ecr_stack.review.setting_changes import setting_risks
from ecr_stack.review.violations import places_of

__all__ = ["compare"]


def compare(base: Record, head: Record, *, source: str = "the base") -> Comparison:
    """Compare two rehearsals, each as `rehearse --format json` prints it.

    Args:
        base: how it is.
        head: how it would be.
        source: the name of the base, for messages.

    Raises:
        InvalidInput: if the base is not a rehearsal's report.
    """
    base = checked(base, source)
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
        # a command that runs again replaces nothing
        replaces = replaced_by(old, record) if record["type"] != "command:local:Command" else ()
        change = Change(urn, record["type"], record["name"], properties, replaces, was.get(urn))
        if replaces:
            comparison.replaced.append(change)
        elif properties:
            comparison.changed.append(change)
        elif urn in was:
            comparison.renamed.append(change)
    kept = {was.get(urn, urn) for urn in after}
    comparison.removed = [_change(record) for urn, record in before.items() if urn not in kept]
    comparison.violations = _violations(base.get("violations") or [], head.get("violations") or [], was)
    places = places_of([*base["resources"], *head["resources"]])
    violating = [item["urn"] for found in comparison.violations.values() for item in found]
    comparison.places = {urn: places[urn] for urn in violating if urn in places}
    comparison.guarded = head.get("guardrails") is not None
    comparison.production = counts_as_production(head)
    known = {_without_line(warning) for warning in base.get("warnings") or []}
    comparison.warnings = [warning for warning in head.get("warnings") or [] if _without_line(warning) not in known]
    risks = risks_of(
        comparison, {**base, "resources": list(before.values())}, {**head, "resources": list(after.values())}
    )
    comparison.risks = worst_first(
        [*risks, *_guardrails(base, head), *setting_risks(base, head), *_lost_outputs(base, head)]
    )
    return comparison


def _without_line(warning: object) -> str:
    """A warning without its file and line, which move when something is written above it."""
    return re.sub(r"^[^\s:]+:\d+: ", "", str(warning))


def _guardrails(base: Record, head: Record) -> Iterator[Risk]:
    """How the configuration changes by which the guardrails were run: one that is switched off violates nothing."""
    old, new = base.get("guardrails"), head.get("guardrails")
    if old is not None and new is not None:
        yield from configuration_risks(old, new)
    elif old is not None:
        yield Risk("danger", "", "policies", "the guardrails are no longer run: nothing is checked")
    elif new and base["resources"]:
        words = "the base does not record its guardrail configuration, and the configuration here relaxes some"
        yield Risk("attention", "", "policies/config.json", f"{words}: read it")


def _lost_outputs(base: Record, head: Record) -> Iterator[Risk]:
    """The stack's outputs that go: other stacks read them by stack references, and scripts by name."""
    old, new = (each.get("outputs") for each in (base, head))
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(map(str, set(old) - set(new))):
            yield Risk("attention", "", name, "the output would be removed; stacks and scripts that read it fail")


def _violations(old: list[Any], new: list[Any], was: Mapping[str, str]) -> dict[str, list[Any]]:
    """Sort violations by whether they are new; the policy and the resource say which is which, not the text.

    A text may count other resources. A resource may violate a policy several times: as many as before are not new, and
    of those the ones that say the same are taken first.
    """
    unmatched: dict[tuple[str, str], list[Any]] = {}
    for item in old:
        unmatched.setdefault((item["policy"], item["urn"]), []).append(item)
    places = [(item["policy"], was.get(item["urn"], item["urn"])) for item in new]
    remaining: set[int] = set()
    for same_text in (True, False):
        for number, item in enumerate(new):
            candidates = unmatched.get(places[number], [])
            match = next((each for each in candidates if not same_text or each["message"] == item["message"]), None)
            if number not in remaining and match is not None:
                candidates.remove(match)
                remaining.add(number)
    return {
        "new": [item for number, item in enumerate(new) if number not in remaining],
        "resolved": [item for items in unmatched.values() for item in items],
        "remaining": [item for number, item in enumerate(new) if number in remaining],
    }


_RUN_SPECIFIC = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+-[0-9A-Za-z]{6}"
    r"|(?:mrk-)?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
    re.ASCII,
)
"""A secret's ARN, which ends in six random characters, and the id of a key."""


def _comparable(report: Record) -> list[dict[str, Any]]:
    """The physical resources, without what differs in every run: a key's id is its name, a secret's ARN has no suffix."""
    names = {}
    for record in report["resources"]:
        if record["type"] == "aws:kms/key:Key":
            names[str(at(record, "outputs", "keyId"))] = f"({record['name']})"
        elif record["type"] == "aws:secretsmanager/secret:Secret":
            arn = str(at(record, "outputs", "arn"))
            names[arn] = arn.rpartition("-")[0]
    records = [record for record in report["resources"] if record.get("id") is not None]
    renamed: list[dict[str, Any]] = _with_names(records, names)
    return renamed


def _with_names(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _RUN_SPECIFIC.sub(lambda match: names.get(match[0], match[0]), value) if names else value
    if isinstance(value, Mapping):
        return {key: _with_names(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_names(item, names) for item in value]
    return value


def _renames(before: Mapping[str, Record], after: Mapping[str, Record]) -> dict[str, str]:
    """For each new URN the old one of the same thing: by its aliases, or by its type, Region and physical id."""
    things = {_thing(record): urn for urn, record in before.items() if urn not in after}
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for urn, record in after.items():
        if urn in before:
            continue
        aliased = next((alias for alias in record["options"].get("aliases") or [] if alias in before), None)
        old = aliased or things.get(_thing(record))
        if old is not None and old not in taken:
            renamed[urn] = old
            taken.add(old)
    return renamed


def _thing(record: Record) -> tuple[Any, ...]:
    if record["type"] == "command:local:Command":
        return (record["type"], json.dumps(record["inputs"].get("environment"), sort_keys=True))
    return (record["type"], str(record["outputs"].get("region")), record.get("id"))


def _change(record: Record) -> Change:
    return Change(record["urn"], record["type"], record["name"])


# Options that decide what may happen to a resource.
_OPTIONS = ("protect", "retainOnDelete")


def _facts(record: Record) -> dict[str, Any]:
    """What a reviewer compares: the inputs with their documents read, and the options that matter."""
    facts = {key: parsed(value) for key, value in record["inputs"].items() if key != "triggers"}
    facts["(options)"] = {name: bool(record["options"].get(name)) for name in _OPTIONS}
    return facts


_MISSING: Any = object()
# By which member the items of a list are known.
_NAMED = ("Sid", "rulePriority", "filter", "scanFrequency", "name")


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
            old_items, new_items = set(before), set(after)
            yield from (Property(path, item, None) for item in before if item not in new_items)
            yield from (Property(path, None, item) for item in after if item not in old_items)
            return
    yield Property(path, None if before is _MISSING else before, None if after is _MISSING else after)


def _all_have(items: Sequence[Any], name: str) -> bool:
    return all(isinstance(item, Mapping) and name in item for item in items) and len(
        {str(item[name]) for item in items}
    ) == len(items)
