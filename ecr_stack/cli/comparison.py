"""A comparison of two rehearsals, written for a terminal and for the comment of a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.markup import escape

from ecr_stack.rehearsal.mermaid import mermaid
from ecr_stack.rehearsal.report import Report
from ecr_stack.review.comparison import Caution, Change, Comparison
from ecr_stack.review.effects import Effect

__all__ = ["details", "headline", "markdown", "show", "sign", "summary"]

_NAMED = 3
"""So many resources of a group are named; the rest is counted."""

_PARTS = (
    ("replaced", "deleted and made anew", "red", "±"),
    ("removed", "removed", "red", "-"),
    ("changed", "changed", "yellow", "~"),
    ("renamed", "renamed, nothing happens to it", "dim", "="),
    ("added", "added", "green", "+"),
)


def show(comparison: Comparison, console: Console) -> None:
    """Write a comparison for a terminal."""
    console.print(f"\n[bold]{escape(comparison.stack)}[/]: {headline(comparison)}\n")
    for level, colour in (("danger", "bold red"), ("attention", "yellow")):
        for names, message in _grouped(comparison.cautions, level):
            console.print(f"[{colour}]{level}[/] {escape(names)}: {escape(message)}", highlight=False)
    if comparison.cautions:
        console.print()
    for part, words, colour, mark in _PARTS:
        for change in getattr(comparison, part):
            console.print(f"[{colour}]{mark} {_kind(change)} {escape(change.name)}[/] [dim]{words}[/]", highlight=False)
            for path, before, after in _properties(change):
                console.print(f"    {escape(path)}: {escape(before)} → {escape(after)}", highlight=False)
    for title, key, colour in (("new", "new", "red"), ("resolved", "resolved", "green")):
        for violation in comparison.violations[key]:
            console.print(
                f"[{colour}]{title} violation[/] {violation['policy']}: {escape(violation['message'])}", highlight=False
            )


def markdown(comparison: Comparison, report: Report, effects: Sequence[Effect] = ()) -> str:
    """Write a comparison as the comment of a pull request, in GitHub's Markdown.

    Args:
        comparison: what differs.
        report: how it would be.
        effects: what the changed lifecycle policies come to.
    """
    calls = sum(report.calls.values())
    foot = f"<sub>Rehearsed in an embedded AWS: {calls} API calls, {report.seconds:.1f} s. Nothing was deployed.</sub>"
    return "\n".join([*summary(comparison, effects), *details(comparison, report), foot]) + "\n"


def sign(comparison: Comparison) -> str:
    """Stop, look, or go on."""
    stops = any(item["level"] == "mandatory" for item in comparison.violations["new"])
    dangers = any(caution.level == "danger" for caution in comparison.cautions)
    return "🛑" if dangers or stops else "⚠️" if comparison.cautions else "✅"


def summary(comparison: Comparison, effects: Sequence[Effect] = ()) -> list[str]:
    """What a reviewer must not miss: the lines above the details."""
    lines = [f"### {sign(comparison)} Stack `{comparison.stack}`: {headline(comparison)}", ""]
    for level, alert in (("danger", "CAUTION"), ("attention", "WARNING")):
        grouped = list(_grouped(comparison.cautions, level))
        if grouped:
            lines += [f"> [!{alert}]", *(f"> - **{_md(names)}**: {_md(message)}" for names, message in grouped), ""]
    return [*lines, *_violations(comparison), *_effects(effects)]


def details(comparison: Comparison, report: Report) -> list[str]:
    """Every property that differs, and the registry as a graph: lines to unfold."""
    lines: list[str] = []
    changes = [(words, change) for part, words, _, _ in _PARTS for change in getattr(comparison, part)]
    if changes:
        lines += [
            f"<details><summary>Stack <code>{comparison.stack}</code>: {len(changes)} resources, property by property</summary>",
            "",
            "| resource | | property | before | after |",
            "| --- | --- | --- | --- | --- |",
        ]
        same: dict[tuple[str, str, tuple[tuple[str, str, str], ...]], list[str]] = {}
        for words, change in changes:
            rows = tuple(_properties(change)) or (("", "", ""),)
            same.setdefault((_kind(change), words, rows), []).append(change.name)
        for (kind, words, rows), names in same.items():
            for path, before, after in rows:
                cells = (f"{kind} {_names(names, '`')}", words, _code(path), _code(before), _code(after))
                lines.append("| " + " | ".join(cells) + " |")
        lines += ["", "</details>", ""]
    lines += [f"<details><summary>Stack <code>{comparison.stack}</code>: the registry</summary>", ""]
    return [*lines, "```mermaid", mermaid(report, comparison), "```", "", "</details>", ""]


def headline(comparison: Comparison) -> str:
    """Count what differs, in words."""
    counts = [f"{len(getattr(comparison, part))} {part}" for part, *_ in _PARTS if getattr(comparison, part)]
    return ", ".join(counts) or "nothing changes"


def _violations(comparison: Comparison) -> list[str]:
    lines: list[str] = []
    for key, title in (("new", "New guardrail violations"), ("resolved", "Resolved guardrail violations")):
        found = sorted(comparison.violations[key], key=lambda item: (item["level"] != "mandatory", item["policy"]))
        if found:
            lines += [f"**{title}**", ""]
            for (level, policy), items in groupby(found, lambda item: (item["level"], item["policy"])):
                messages = [_md(item["message"]) for item in items]
                lines += [f"- {level} `{policy}`: {message}" for message in messages[:_NAMED]]
                if len(messages) > _NAMED:
                    lines.append(f"- {level} `{policy}`: {len(messages) - _NAMED} more of the same")
            lines.append("")
    remaining = len(comparison.violations["remaining"])
    if remaining:
        lines += [f"Guardrail violations that were there before: {remaining}.", ""]
    elif not comparison.violations["new"]:
        lines += ["Guardrails: nothing is violated.", ""]
    return lines


def _effects(effects: Sequence[Effect]) -> list[str]:
    lines: list[str] = []
    for effect in effects:
        lines += [
            f"**Lifecycle of {_names(effect.repositories, '`')}**, if one such image is pushed every day:",
            "",
            "| | before | after |",
            "| --- | --- | --- |",
            *(
                f"| {'🛑 ' if kind.loses else ''}{_md(kind.images)} | {kind.before} | {kind.after} |"
                for kind in effect.kinds
            ),
            "",
        ]
    return lines


def _names(names: Sequence[str], quote: str = "") -> str:
    shown = ", ".join(f"{quote}{name}{quote}" for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown


def _grouped(cautions: Iterable[Caution], level: str) -> Iterator[tuple[str, str]]:
    """Say the same thing about several resources once."""
    own = sorted((caution for caution in cautions if caution.level == level), key=lambda caution: caution.message)
    order = {caution.message: position for position, caution in reversed(list(enumerate(cautions)))} if own else {}
    groups = [(message, [item.name for item in items]) for message, items in groupby(own, lambda item: item.message)]
    for message, names in sorted(groups, key=lambda group: order.get(group[0], 0)):
        yield _names(names), message


def _properties(change: Change) -> Iterator[tuple[str, str, str]]:
    for item in change.properties:
        yield item.path, _value(item.before), _value(item.after)


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 160 else text[:159] + "…"


def _kind(change: Change) -> str:
    return change.type.split(":")[-1]


def _code(text: str) -> str:
    # a backtick inside would end the code, a bar the cell
    inside = text.replace("`", "'").replace("|", "\\|").replace("\n", " ")
    return f"`{inside}`" if text else ""


def _md(text: str) -> str:
    return text.replace("\n", " ").replace("<", "&lt;").replace("|", "\\|")
