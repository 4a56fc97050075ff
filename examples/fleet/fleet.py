"""Deploys the stacks of fleet.yaml concurrently, with one report: `python fleet.py [--preview] [STACK …]`.

Each stack is a separate `pulumi` process, started by Pulumi's Automation API
(https://www.pulumi.com/docs/iac/automation-api/), so a failed stack does not affect others. Exit code 0: every stack
matches its file (or, with --preview, can); 1: a stack failed or was not started; 2: the fleet could not be started.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import yaml
from pulumi import automation
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

HERE = Path(__file__).parent
DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "import": "adopted"}


class Fleet(BaseModel):
    """The content of fleet.yaml."""

    model_config = ConfigDict(extra="forbid")

    at_once: int = Field(4, ge=1, alias="atOnce")
    parallel: int = Field(16, ge=1)
    stacks: dict[str, dict[str, str] | None] = Field(min_length=1)
    """By stack, additional environment variables for its Pulumi process."""


@dataclass
class Outcome:
    """The outcome of one stack."""

    stack: str
    changes: Mapping[str, int] = field(default_factory=dict)
    """The number of resources that were (or would be) created, updated, and so on; unchanged resources are not counted."""
    reasons: Sequence[str] = ()
    """Why it failed."""
    seconds: float = 0
    reached: bool = True

    @property
    def good(self) -> bool:
        return self.reached and not self.reasons


class Deployment:
    """One run of the fleet."""

    def __init__(self, fleet: Fleet, *, preview: bool, console: Console) -> None:
        self._fleet = fleet
        self._preview = preview
        self._console = console
        # Pulumi stores the selected stack of a folder in one file, and the Automation API opens a stack by selecting it.
        self._selecting = Lock()

    def run(self, stacks: Sequence[str]) -> list[Outcome]:
        """Deploy stacks, at most `atOnce` at a time, regardless of whether others fail."""
        with ThreadPoolExecutor(self._fleet.at_once) as pool:
            running = {stack: pool.submit(self._deploy, stack) for stack in stacks}
            try:
                return [future.result() for future in running.values()]
            except KeyboardInterrupt:
                # The running commands also got the signal and will end; the others are not started.
                pool.shutdown(cancel_futures=True)
                return [
                    Outcome(stack, reached=False) if future.cancelled() else future.result()
                    for stack, future in running.items()
                ]

    def _deploy(self, name: str) -> Outcome:
        began = time.monotonic()
        counts: dict[str, int] = {}
        errors: list[str] = []

        def watch(event: automation.EngineEvent) -> None:
            told = event.diagnostic_event
            if told is not None and told.severity == "error" and told.message.strip():
                about = told.urn.rpartition("::")[2] if told.urn else ""
                errors.append(f"{about}: {told.message.strip()}" if about else told.message.strip())
            if event.summary_event is not None:
                counts.update({str(each): count for each, count in event.summary_event.resource_changes.items()})

        self._console.print(f"[dim]{'previewing' if self._preview else 'deploying'}[/] {escape(name)}")
        try:
            with self._selecting:
                options = automation.LocalWorkspaceOptions(env_vars=self._fleet.stacks[name] or {})
                stack = automation.create_or_select_stack(name, work_dir=str(HERE), opts=options)
            if self._preview:
                stack.preview(parallel=self._fleet.parallel, on_event=watch)
            else:
                stack.up(parallel=self._fleet.parallel, on_event=watch)
        # any exception affects only this stack
        except Exception as error:
            # "update failed" contains no details
            errors = (
                [each for each in errors if each not in ("update failed", "preview failed")]
                or errors
                or [str(error).strip()]
            )
        else:
            errors = []
        changes = {DONE[operation]: counts[operation] for operation in DONE if counts.get(operation)}
        outcome = Outcome(name, changes, errors, time.monotonic() - began)
        self._console.print(f"{'[green]✓[/]' if outcome.good else '[red]✗[/]'} {escape(name)}")
        return outcome


def report(outcomes: Sequence[Outcome], console: Console, *, preview: bool) -> None:
    """Print the outcome of every stack, and the reasons of failures."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", "stack", "outcome", "resources"):
        table.add_column(title, overflow="fold")
    table.add_column("seconds", justify="right")
    for outcome in outcomes:
        changes = ", ".join(f"{count} {operation}" for operation, count in outcome.changes.items())
        if not outcome.reached:
            word = "not started"
        elif outcome.reasons:
            word = "failed"
        else:
            word = ("would change" if preview else "up") if changes else "unchanged"
        mark = "[green]✓[/]" if outcome.good else "[red]✗[/]"
        table.add_row(mark, escape(outcome.stack), word, changes or "–", f"{outcome.seconds:.1f}")
    console.print()
    console.print(table)
    for outcome in outcomes:
        if outcome.reasons:
            console.print(f"\n[bold red]✗ {escape(outcome.stack)}[/]", highlight=False)
        for reason in outcome.reasons:
            console.print(reason, markup=False, highlight=False, soft_wrap=True)
    good = sum(outcome.good for outcome in outcomes)
    console.print(f"\n[bold]{good} of {len(outcomes)} stacks {'can be deployed' if preview else 'are up'}[/]")


def read(file: Path, chosen: Sequence[str] = ()) -> Fleet:
    """Read fleet.yaml.

    Raises:
        ValueError: it cannot be read, does not have a requested stack, or has a stack without a stack file.
    """
    try:
        fleet = Fleet.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = (f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors())
        raise ValueError(f"{file.name}: " + "; ".join(lines)) from None
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{file.name}: {error}") from None
    unknown = [stack for stack in chosen if stack not in fleet.stacks]
    if unknown:
        raise ValueError(f"{file.name}: no stack {', '.join(unknown)}; there are {', '.join(fleet.stacks)}")
    absent = [stack for stack in fleet.stacks if not (file.parent / f"Pulumi.{stack}.yaml").is_file()]
    if absent:
        raise ValueError(f"{file.name}: no stack file for {', '.join(absent)}; write e.g. Pulumi.{absent[0]}.yaml")
    return fleet


def main() -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Deploy the stacks of fleet.yaml, with one report.")
    parser.add_argument("stacks", nargs="*", metavar="STACK", help="deploy only these stacks")
    parser.add_argument("--preview", action="store_true", help="show what would change without changing anything")
    arguments = parser.parse_args()
    try:
        fleet = read(HERE / "fleet.yaml", arguments.stacks)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    stacks = list(dict.fromkeys(arguments.stacks)) or list(fleet.stacks)
    outcomes = Deployment(fleet, preview=arguments.preview, console=Console(stderr=True)).run(stacks)
    report(outcomes, Console(), preview=arguments.preview)
    return 0 if all(outcome.good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
