"""Formats a comparison of two rehearsals for a terminal and for a pull request comment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from ecr_stack.errors import counted
from ecr_stack.review.comparison import Change, Comparison, Risk
from ecr_stack.review.diagram import mermaid
from ecr_stack.review.markdown import code, prose, visible
from ecr_stack.review.retention_changes import RetentionChange
from ecr_stack.review.violations import Told, told

if TYPE_CHECKING:
    from ecr_stack.rehearsal.report import Report

__all__ = ["details", "disclaimer", "headline", "markdown", "show", "sign", "summary"]

_NAMED = 3
"""Number of resources of a group that are listed by name; the rest are counted."""

_PARTS = (
    ("replaced", "deleted and created again", "red", "±"),
    ("removed", "removed", "red", "-"),
    ("changed", "changed", "yellow", "~"),
    ("renamed", "renamed, otherwise unchanged", "dim", "="),
    ("added", "added", "green", "+"),
)


def show(comparison: Comparison, console: Console) -> None:
    """Write a comparison for a terminal."""
    console.print(f"\n[bold]{_plain(comparison.stack)}[/]: {headline(comparison)}\n")
    for level, colour in (("danger", "bold red"), ("attention", "yellow")):
        for names, message in _grouped(comparison.risks, level):
            shown = _names([visible(name) for name in names])
            console.print(f"[{colour}]{level}[/] {escape(shown)}: {_plain(message)}", highlight=False, soft_wrap=True)
    if comparison.risks:
        console.print()
    for part, words, colour, mark in _PARTS:
        for (kind, rows), names in _alike(getattr(comparison, part)).items():
            shown = _names([visible(name) for name in names])
            title = f"[{colour}]{mark} {_plain(kind)} {escape(shown)}[/] [dim]{words}[/]"
            console.print(title, highlight=False, soft_wrap=True)
            for path, before, after in rows:
                line = f"    {_plain(path)}: {_plain(before)} → {_plain(after)}"
                console.print(line, highlight=False, soft_wrap=True)
    for warning in comparison.warnings:
        console.print(f"[yellow]new warning[/] {_plain(warning)}", highlight=False, soft_wrap=True)
    for title, key, colour in (("new", "new", "red"), ("resolved", "resolved", "green")):
        for violation in told(comparison.violations[key], comparison.places):
            where = f"{_plain(violation.policy)} on {_plain(violation.where)}"
            line = f"[{colour}]{title} violation[/] {where}: {_plain(violation.message)}"
            console.print(line, highlight=False, soft_wrap=True)


def _plain(text: str) -> str:
    return escape(visible(text))


def markdown(comparison: Comparison, report: Report, changes: Sequence[RetentionChange] = ()) -> str:
    """Write a comparison as a pull request comment, in GitHub's Markdown.

    Args:
        comparison: what differs.
        report: how it would be.
        changes: the effects of the changed lifecycle policies.
    """
    lines = [disclaimer(sum(report.calls.values())), "", *summary(comparison, changes)]
    return "\n".join([*lines, *details(comparison, report)]) + "\n"


def disclaimer(calls: int) -> str:
    """The disclaimer at the top of the document."""
    return (
        f"<sub>Rehearsed in an embedded AWS: {counted(calls, 'API call')}. Nothing was deployed. "
        "The code under review produced this report: review the changed files too.</sub>"
    )


def sign(comparison: Comparison) -> str:
    """Stop, check, or proceed."""
    dangers = any(risk.level == "danger" for risk in comparison.risks)
    return "🛑" if dangers or comparison.stops else "⚠️" if comparison.risks or comparison.warnings else "✅"


def summary(comparison: Comparison, changes: Sequence[RetentionChange] = ()) -> list[str]:
    """The most important lines for a reviewer, above the details."""
    lines = [f"### {sign(comparison)} Stack {code(comparison.stack)}: {headline(comparison)}", ""]
    for level, alert in (("danger", "CAUTION"), ("attention", "WARNING")):
        grouped = list(_grouped(comparison.risks, level))
        if grouped:
            said = [f"> - {_names([code(name) for name in names])}: {prose(message)}" for names, message in grouped]
            lines += [f"> [!{alert}]", *said, ""]
    if comparison.warnings:
        lines += ["**New warnings**", "", *(f"- {prose(warning)}" for warning in comparison.warnings), ""]
    return [*lines, *_violations(comparison), *_retention(changes)]


def details(comparison: Comparison, report: Report) -> list[str]:
    """Every changed property, and a graph of the registry, in collapsible sections."""
    lines = [f"#### Stack {code(comparison.stack)}", ""]
    count = sum(len(getattr(comparison, part)) for part, *_ in _PARTS)
    if count:
        lines += [
            f"<details><summary>{counted(count, 'resource')}, property by property</summary>",
            "",
            "| resource | | property | before | after |",
            "| --- | --- | --- | --- | --- |",
        ]
        for part, words, _, _ in _PARTS:
            for (kind, rows), names in _alike(getattr(comparison, part)).items():
                for path, before, after in rows or (("", "", ""),):
                    named = f"{code(kind)} {_names([code(name) for name in names])}"
                    cells = (named, words, code(path), code(before), code(after))
                    lines.append("| " + " | ".join(cells) + " |")
        lines += ["", "</details>", ""]
    lines += ["<details><summary>The registry</summary>", ""]
    return [*lines, "```mermaid", mermaid(report.as_json(), comparison), "```", "", "</details>", ""]


def headline(comparison: Comparison) -> str:
    """Summarize the number of differences."""
    counts = [f"{len(getattr(comparison, part))} {part}" for part, *_ in _PARTS if getattr(comparison, part)]
    return ", ".join(counts) or "no changes"


def _violations(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for key, title in (("new", "New guardrail violations"), ("resolved", "Resolved guardrail violations")):
        found = told(comparison.violations[key], comparison.places)
        found.sort(key=lambda each: (each.level != "mandatory", each.policy))
        if found:
            lines += [f"**{title}**", ""]
            for (level, policy), group in groupby(found, lambda each: (each.level, each.policy)):
                alike = list(group)
                lines += [
                    f"- {prose(level)} {code(policy)}{_in_regions(each)}: {prose(each.message)}"
                    for each in alike[:_NAMED]
                ]
                if len(alike) > _NAMED:
                    where = _names([code(each.where) for each in alike[_NAMED:]])
                    lines.append(f"- {prose(level)} {code(policy)}: {len(alike) - _NAMED} more of the same, on {where}")
            lines.append("")
    remaining = told(comparison.violations["remaining"], comparison.places)
    if remaining:
        mandatory = sum(each.level == "mandatory" for each in remaining)
        stopping = f" ({mandatory} mandatory)" if mandatory else ""
        lines += [f"Existing guardrail violations: {len(remaining)}{stopping}.", ""]
    if not comparison.guarded:
        lines += ["No guardrail was run: what they would say is not known.", ""]
    elif not remaining and not comparison.violations["new"]:
        less = "" if comparison.production else " What they ask of production alone is not asked of this stack."
        lines += [f"Guardrails: no violations.{less}", ""]
    return lines


def _in_regions(violation: Told) -> str:
    """The Regions, where there are several."""
    regions = violation.regions
    return f" in {', '.join(map(code, regions))}" if len(regions) > 1 else ""


def _retention(changes: Sequence[RetentionChange]) -> list[str]:
    lines: list[str] = []
    for change in changes:
        whose = "new replicas in " if change.replicas else ""
        named = _names([code(name) for name in change.repositories])
        lines += [
            f"**Lifecycle** of {whose}{named}, if one such image is pushed every day:",
            "",
            "| | before | after |",
            "| --- | --- | --- |",
            *(
                f"| {'🛑 ' if kind.loses else ''}{prose(kind.images)} | {kind.before} | {kind.after} |"
                for kind in change.kinds
            ),
            "",
        ]
    return lines


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _grouped(risks: Iterable[Risk], level: str) -> Iterator[tuple[list[str], str]]:
    """Merge identical messages about several resources."""
    groups: dict[str, list[str]] = {}
    for risk in risks:
        if risk.level == level:
            groups.setdefault(risk.message, []).append(risk.name)
    for message, names in groups.items():
        yield names, message


Rows = tuple[tuple[str, str, str], ...]


def _alike(changes: Iterable[Change]) -> dict[tuple[str, Rows], list[str]]:
    """Group resources of one type whose properties changed in the same way, by name."""
    same: dict[tuple[str, Rows], list[str]] = {}
    for change in changes:
        rows = tuple((item.path, _value(item.before), _value(item.after)) for item in change.properties)
        same.setdefault((change.type.split(":")[-1], rows), []).append(change.name)
    return same


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 160 else text[:159] + "…"
