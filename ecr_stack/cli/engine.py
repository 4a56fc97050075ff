"""`ecr-stack rehearse --engine pulumi`: a stack's whole life under the real engine, and the summary of it."""

from __future__ import annotations

from collections.abc import Mapping

import typer
from rich.console import Console
from rich.markup import escape

from ecr_stack.cli.signals import ended_by_signals
from ecr_stack.cli.terminal import aligned, console, print_json
from ecr_stack.errors import counted
from ecr_stack.rehearsal.engine.run import EngineRun, rehearse_with_engine
from ecr_stack.review.violations import told_in

__all__ = ["command"]

_EXPECTED = {
    "preview": "shows what would be made",
    "up": "makes it",
    "up again": "changes nothing",
    "destroy": "leaves nothing",
}
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}


def command(
    stack: str, *, account: str, endpoint: str | None, as_json: bool, secrets: Mapping[str, str] | None = None
) -> None:
    """Run, report, and exit with 1 if the answer is no."""
    to = console(stderr=as_json)

    def announce(step: str) -> None:
        to.print()
        to.print(f"[dim]──[/] [bold]{step}[/]: {_EXPECTED[step]}")

    with ended_by_signals():
        run = rehearse_with_engine(
            stack, account=account, endpoint=endpoint, announce=announce, to_stderr=as_json, secrets=secrets
        )
    if as_json:
        print_json(run.as_json())
    else:
        show(run, to, endpoint)
    if not run.passes:
        raise typer.Exit(1)


def show(run: EngineRun, to: Console, endpoint: str | None) -> None:
    """Write the summary for people: step by step, and a verdict."""
    to.print()
    to.print(
        f"[bold]{escape(run.project)}[/] stack [bold cyan]{escape(run.stack)}[/]"
        f"  [dim]account {run.account}, {run.region}, {escape(endpoint or 'embedded AWS')}, Pulumi {run.engine}[/]",
    )
    rows = []
    for step in run.steps:
        mark = "[green]✓[/]" if step.ok else "[red]✗[/]"
        changes = ", ".join(f"{count} {_DONE.get(operation, operation)}" for operation, count in step.changes.items())
        rows.append([mark, f"{step.name} [dim]{_EXPECTED[step.name]}[/]", changes, f"{step.seconds:.1f}"])
    aligned(to, rows, header=("", "step", "resources", "seconds"), right={3})
    violations = told_in(run.report)
    mandatory = [violation for violation in violations if violation.level == "mandatory"]
    for violation in violations:
        colour = "red" if violation.level == "mandatory" else "yellow"
        to.print(f"[{colour}]{violation.level}[/] [bold]{escape(violation.policy)}[/] on {escape(violation.where)}")
        to.print(f"  {escape(violation.message)}")
    calls = f"{counted(sum(run.calls.values()), 'API call')}, " if run.calls else ""
    facts = f"{calls}{run.seconds:.1f} s"
    if run.passes:
        to.print(f"[bold green]✓ This stack goes up, stays as it is, and comes down[/]  [dim]{facts}[/]")
        return
    failed = [f"`{step.name}` should have: {_EXPECTED[step.name]}" for step in run.steps if not step.ok]
    if mandatory:
        failed.append(counted(len(mandatory), "mandatory violation"))
    to.print(f"[bold red]✗ {'; '.join(failed)}[/]  [dim]{facts}[/]")
