"""`ecr-stack doctor`: checks a live registry against its stack and best practices."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ecr_stack.cli.listing import console, reading
from ecr_stack.cli.stacks import StackName
from ecr_stack.cli.targets import Region, target_of

if TYPE_CHECKING:
    from ecr_stack.operations.doctor import CheckResult

__all__ = ["command"]


class DoctorFormat(StrEnum):
    """The output formats."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""
    MARKDOWN = "markdown"
    """For a summary or a comment."""
    SARIF = "sarif"
    """For code scanning."""


def command(
    stack: StackName,
    region: Region = None,
    format_: Annotated[DoctorFormat, typer.Option("--format", help="The output format.")] = DoctorFormat.TEXT,
) -> None:
    """Check a live registry against its stack and best practices. Exit code 1 if a check fails.

    Changes and pulls nothing. A check that cannot be decided is `unknown`, with the reason.
    """
    from ecr_stack.operations.doctor import examine, read_facts

    target = target_of(stack, None, region)
    assert target.settings is not None
    with reading() as progress:
        facts = read_facts(target.registry, target.settings, datetime.now(UTC), progress)
    results = examine(facts)
    match format_:
        case DoctorFormat.JSON:
            told = {
                "stack": stack, "account": facts.account, "region": facts.region, "at": facts.at.isoformat(),
                "checks": [each.as_json() for each in results],
            }  # fmt: skip
            typer.echo(json.dumps(told, indent=2))
        case DoctorFormat.MARKDOWN:
            typer.echo(_markdown(target.label, results), nl=False)
        case DoctorFormat.SARIF:
            typer.echo(json.dumps(_sarif(stack, results), indent=2))
        case _:
            _show(target.label, results)
    if any(each.status == "fail" for each in results):
        raise typer.Exit(1)


_MARKS = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "unknown": ("?", "yellow")}


def _counts(results: Sequence[CheckResult]) -> str:
    statuses = [each.status for each in results]
    words = {"pass": "pass", "fail": "fail", "unknown": "unknown"}
    return ", ".join(f"{statuses.count(status)} {word}" for status, word in words.items() if status in statuses)


def _show(label: str, results: Sequence[CheckResult]) -> None:
    out = console()
    out.print(f"\n[bold]{escape(label)}[/]\n", highlight=False, soft_wrap=True)
    for alike in _grouped(results):
        for each in alike:
            mark, style = _MARKS[each.status]
            out.print(f"[{style}]{mark}[/] {escape(each.sentence)}", highlight=False, soft_wrap=True)
        each = alike[0]
        if each.status != "pass":
            for evidence in each.lines[:10]:
                out.print(f"    {escape(evidence)}", highlight=False, soft_wrap=True)
            if len(each.lines) > 10:
                out.print(f"    [dim]and {len(each.lines) - 10:,} more[/]", highlight=False)
        if each.status == "fail":
            out.print(f"    [dim]remedy: {escape(each.remedy)}[/]", highlight=False, soft_wrap=True)
            out.print(f"    [dim]source: {escape(each.source)}[/]", highlight=False, soft_wrap=True)
    out.print(f"\n[bold]{_counts(results)}[/]", highlight=False)


def _grouped(results: Sequence[CheckResult]) -> list[list[CheckResult]]:
    """Results in their order; those that are not known for the same reasons together, for one call that AWS rejects leaves
    several checks without an answer."""
    groups: dict[object, list[CheckResult]] = {}
    for each in results:
        key = tuple(each.lines) if each.status == "unknown" else each.name
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _cell(text: str) -> str:
    """Escape Markdown and HTML: names and reasons come from a registry."""
    for character in "\\`*_{}[]()#+-!|<>&@~":
        text = text.replace(character, f"&#{ord(character)};")
    return " ".join(text.replace("://", ":&#8203;//").split())


def _markdown(label: str, results: Sequence[CheckResult]) -> str:
    lines = [
        f"## Registry of {_cell(label)}",
        "",
        f"**{_counts(results)}**",
        "",
        "| | check | evidence | remedy |",
        "|---|---|---|---|",
    ]
    order = {"fail": 0, "unknown": 1, "pass": 2}
    for each in sorted(results, key=lambda result: order[result.status]):
        mark = _MARKS[each.status][0]
        remedy = _cell(each.remedy) if each.status == "fail" else ""
        lines.append(f"| {mark} | [{_cell(each.sentence)}]({each.source}) | {_cell(each.evidence)} | {remedy} |")
    return "\n".join(lines) + "\n"


def _sarif(stack: str, results: Sequence[CheckResult]) -> dict[str, Any]:
    """SARIF 2.1.0: one rule per check, one result for each that fails or is unknown.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    rules = [
        {
            "id": each.name, "shortDescription": {"text": each.sentence}, "helpUri": each.source,
            "help": {"text": each.remedy},
        }
        for each in results
    ]  # fmt: skip
    found = [
        {
            "ruleId": each.name, "ruleIndex": index,
            "kind": "fail" if each.status == "fail" else "review",
            "level": "error" if each.status == "fail" else "none",
            "message": {"text": f"{each.evidence}. Remedy: {each.remedy}."},
            "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": f"Pulumi.{stack}.yaml"}, "region": {"startLine": 1}}}
            ],
        }
        for index, each in enumerate(results)
        if each.status != "pass"
    ]  # fmt: skip
    driver = {"name": "ecr-stack doctor", "version": importlib.metadata.version("ecr-stack"), "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": found}],
    }
