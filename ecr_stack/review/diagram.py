"""The registry as a Mermaid flowchart: what encrypts what, how repositories are protected, what is copied where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecr_stack.review.comparison import Comparison
from ecr_stack.review.markdown import visible
from ecr_stack.review.report import Record, at, items

__all__ = ["mermaid"]

_NAMED = 6
"""A group of more repositories than this names the first ones and counts the rest."""

_REPOSITORY = "aws:ecr/repository:Repository"
_STATES = {
    "removed": ("would be deleted", "fill:#ffebe9,stroke:#cf222e,stroke-width:2px,stroke-dasharray:6 4"),
    "replaced": ("would be deleted and created again", "fill:#ffd7d5,stroke:#cf222e,stroke-width:3px"),
    "changed": ("changes", "fill:#fff8c5,stroke:#9a6700,stroke-width:2px"),
    "added": ("is new", "fill:#dafbe1,stroke:#1a7f37,stroke-width:2px"),
}
"""The states of a repository in words and colours, the worst first."""


@dataclass(frozen=True)
class _Alike:
    """What repositories in one node have in common."""

    state: str
    facts: str
    destinations: tuple[str, ...]


def mermaid(report: Record, comparison: Comparison | None = None) -> str:
    """Draw a rehearsed stack; what differs from another rehearsal is coloured, and a legend says how.

    Repositories that are alike are one node: of thirty, what is drawn is how they differ. Replicas are their
    destination, which has the worst of their colours.

    Args:
        report: the rehearsal, as `rehearse --format json` prints it.
        comparison: what differs from another rehearsal.
    """
    repositories = [record for record in report["resources"] if record["type"] == _REPOSITORY]
    copies = _copies(report)
    groups: dict[_Alike, list[str]] = {}
    replicas: dict[str, set[str]] = {}
    for record in repositories:
        where = f"{at(record, 'outputs', 'registryId')} · {at(record, 'outputs', 'region')}"
        if where in copies:
            replicas.setdefault(where, set()).add(_state(record, comparison))
            continue
        name = str(at(record, "outputs", "name"))
        destinations = tuple(where for where, prefixes in copies.items() if _copied(name, prefixes))
        alike = _Alike(_state(record, comparison), _facts(record), destinations)
        groups.setdefault(alike, []).append(name)
    for change in comparison.removed if comparison is not None else []:
        if change.type == _REPOSITORY:
            groups.setdefault(_Alike("removed", "", ()), []).append(change.name)

    lines = ["flowchart LR"]
    key = next(
        (
            record
            for record in report["resources"]
            if record["type"] == "aws:kms/key:Key" and at(record, "outputs", "region") == report.get("region")
        ),
        None,
    )
    if key is not None:
        lines.append(f'  key["🔑 {_label(_alias(report, key))}"]')
    home = f"{report.get('account', '')} · {report.get('region', '')}"
    lines.append(f'  subgraph home["{_label(home)}"]')
    if not groups:
        lines.append('    none["no repositories"]')
    for number, (alike, names) in enumerate(groups.items()):
        lines.append(f'    r{number}["{_node(alike, sorted(names))}"]')
    lines.append("  end")
    if key is not None:
        lines.append("  key -->|encrypts| home")
    lines += _arrows(copies, list(groups))
    states = {f"r{number}": alike.state for number, alike in enumerate(groups)}
    for number, where in enumerate(copies):
        found = replicas.get(where, set())
        states[f"d{number}"] = next((state for state in _STATES if state in found), "")
    for state, (words, style) in _STATES.items():
        if state in states.values():
            lines.append(f"  classDef {state} {style}")
            lines += [f"  class {node} {state}" for node, each in states.items() if each == state]
            lines.append(f'  legend_{state}["{words}"]:::{state}')
    return "\n".join(lines)


def _label(text: Any, limit: int = 80) -> str:
    """Write a text as part of a quoted label: what Mermaid or HTML could read as more is written by its number.

    https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
    """
    shown = visible(str(text))
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    return re.sub(r"[^\w ./:*·…,+-]", lambda match: f"#{ord(match[0])};", shown)


def _node(alike: _Alike, names: Sequence[str]) -> str:
    shown = "<br/>".join(_label(name) for name in names[:_NAMED])
    if len(names) > _NAMED:
        shown = f"{len(names)} repositories<br/>{shown}<br/>and {len(names) - _NAMED} more"
    return f"{shown}<br/><small>{_label(alike.facts)}</small>" if alike.facts else shown


def _alias(report: Record, key: Record) -> str:
    for record in report["resources"]:
        if record["type"] == "aws:kms/alias:Alias":
            outputs = record["outputs"]
            if outputs.get("targetKeyArn") is not None and outputs["targetKeyArn"] == at(key, "outputs", "arn"):
                return str(outputs.get("name"))
    return "key"


def _facts(record: Record) -> str:
    mutability = str(at(record, "outputs", "imageTagMutability") or "MUTABLE").split("_")[0].lower()
    exclusions = [
        str(at(item, "filter")) for item in items(at(record, "outputs", "imageTagMutabilityExclusionFilters"))
    ]
    but = f" except {', '.join(exclusions)}" if exclusions else ""
    return f"{mutability} tags{but}{', protected' if at(record, 'options', 'protect') else ', not protected'}"


def _state(record: Record, comparison: Comparison | None) -> str:
    """What happens to a repository, its documents included: the worst of it."""
    component = _component(record["urn"])
    for state in ("replaced", "changed", "added"):
        changes = getattr(comparison, state) if comparison is not None else []
        if any(_component(change.urn) == component for change in changes):
            return state
    # without one of its documents it is another one
    removed = comparison.removed if comparison is not None else []
    return "changed" if any(_component(change.urn) == component for change in removed) else ""


def _component(urn: str) -> str:
    """The name under which a repository and its documents are made."""
    return urn.rsplit("::", 1)[-1] if "index:Repository$" in urn else urn


def _copies(report: Record) -> dict[str, list[tuple[str, ...]]]:
    """For each destination the prefixes of the rules that copy to it; no prefixes copy everything."""
    copies: dict[str, list[tuple[str, ...]]] = {}
    for record in report["resources"]:
        if record["type"] == "aws:ecr/replicationConfiguration:ReplicationConfiguration":
            for rule in items(at(record, "outputs", "replicationConfiguration", "rules")):
                prefixes = tuple(str(at(entry, "filter")) for entry in items(at(rule, "repositoryFilters")))
                for destination in items(at(rule, "destinations")):
                    where = f"{at(destination, 'registryId')} · {at(destination, 'region')}"
                    copies.setdefault(where, []).append(prefixes)
    return copies


def _copied(name: str, rules: Sequence[tuple[str, ...]]) -> bool:
    return any(not prefixes or name.startswith(prefixes) for prefixes in rules)


def _arrows(copies: Mapping[str, Sequence[tuple[str, ...]]], groups: Sequence[_Alike]) -> list[str]:
    lines: list[str] = []
    for number, (where, rules) in enumerate(copies.items()):
        lines.append(f'  d{number}["{_label(where)}"]')
        if any(not prefixes for prefixes in rules):
            lines.append(f"  home -->|everything| d{number}")
        else:
            lines += [f"  r{place} --> d{number}" for place, alike in enumerate(groups) if where in alike.destinations]
    return lines
