"""`ecr-stack rehearse --engine pulumi`: a stack's whole life under the real engine, and the summary of it."""

from __future__ import annotations

import json

import typer
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from ecr_stack.rehearsal.engine.run import EngineRun, rehearse_with_engine

__all__ = ["command"]

_EXPECTED = {
    "preview": "shows what would be made",
    "up": "makes it",
    "up again": "changes nothing",
    "destroy": "leaves nothing",
}
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}


def command(stack: str, *, account: str, endpoint: str | None, as_json: bool) -> None:
    """Run, report, and exit with 1 where the answer is no."""
    console = Console(stderr=as_json, soft_wrap=True)

    def announce(step: str) -> None:
        console.print()
        console.print(Rule(f"[bold]{step}[/]: {_EXPECTED[step]}", align="left", style="dim"))

    run = rehearse_with_engine(stack, account=account, endpoint=endpoint, announce=announce, to_stderr=as_json)
    if as_json:
        typer.echo(json.dumps(run.as_json(), indent=2))
    else:
        show(run, console, endpoint)
    if not run.passes:
        raise typer.Exit(1)


def show(run: EngineRun, console: Console, endpoint: str | None) -> None:
    """Write the summary for people: step by step, and a verdict."""
    console.print()
    console.print(
        f"[bold]{escape(run.project)}[/] stack [bold cyan]{escape(run.stack)}[/]"
        f"  [dim]account {run.account}, {run.region}, {escape(endpoint or 'embedded AWS')}, Pulumi {run.engine}[/]",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", "step", "resources", "seconds"):
        table.add_column(title, justify="right" if title == "seconds" else "left")
    for step in run.steps:
        mark = "[green]✓[/]" if step.ok else "[red]✗[/]"
        changes = ", ".join(f"{count} {_DONE.get(operation, operation)}" for operation, count in step.changes.items())
        table.add_row(mark, f"{step.name} [dim]{_EXPECTED[step.name]}[/]", changes, f"{step.seconds:.1f}")
    console.print(table)
    mandatory = [violation for violation in run.report.violations if violation.level == "mandatory"]
    for violation in run.report.violations:
        colour = "red" if violation.level == "mandatory" else "yellow"
        where = violation.urn.rpartition("::")[2]
        console.print(f"[{colour}]{violation.level}[/] {escape(violation.policy)} {escape(where)}")
        console.print(f"  {escape(violation.message)}", highlight=False)
    counted = f"{sum(run.calls.values())} API calls, " if run.calls else ""
    facts = f"{counted}{run.seconds:.1f} s"
    if run.passes:
        console.print(f"[bold green]✓ This stack goes up, stays as it is, and comes down[/]  [dim]{facts}[/]")
        return
    failed = [f"`{step.name}` should have: {_EXPECTED[step.name]}" for step in run.steps if not step.ok]
    if mandatory:
        failed.append(f"{len(mandatory)} mandatory violation{'' if len(mandatory) == 1 else 's'}")
    console.print(f"[bold red]✗ {'; '.join(failed)}[/]  [dim]{facts}[/]", highlight=False)
