"""`ecr-stack cost`: the charges for a registry, and the size of its images."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ecr_stack.cli.formats import Format
from ecr_stack.cli.listing import console, note, reading
from ecr_stack.cli.measures import size
from ecr_stack.cli.stacks import StackName
from ecr_stack.cli.targets import Region, target_of
from ecr_stack.errors import EcrStackError, NotFound

if TYPE_CHECKING:
    from ecr_stack.operations.costs import Charge, Storage
    from ecr_stack.operations.prices import Prices

__all__ = ["command"]


def command(
    stack: StackName,
    region: Region = None,
    months: Annotated[
        int, typer.Option("--months", metavar="N", min=1, max=12, help="How many months, including this one.")
    ] = 3,
    tag: Annotated[
        str, typer.Option("--tag-key", metavar="KEY", help="The cost allocation tag that identifies repositories.")
    ] = "Name",
    format_: Annotated[Format, typer.Option("--format", help="For people, or for scripts.")] = Format.TEXT,
) -> None:
    """Show ECR's charges by usage type and repository, the size of the images, and what the lifecycle saves.

    Queries Cost Explorer twice, for $0.01 each. Exit code 1 if it does not respond, or a repository cannot be read.
    """
    from ecr_stack.cli.registries import lifecycles_of
    from ecr_stack.operations.costs import charges, months_before, storage
    from ecr_stack.operations.prices import prices_of

    target = target_of(stack, None, region)
    assert target.settings is not None
    now = datetime.now(UTC)
    start, end = months_before(now.date(), months)
    usage: list[Charge] | None = None
    repositories: list[Charge] = []
    problem: str | None = None
    try:
        usage = charges(target.registry, start, end)
        repositories = charges(target.registry, start, end, tag)
    except EcrStackError as error:
        problem = str(error)
    with reading(len(target.named)) as progress:
        stored = list(storage(target.registry, lifecycles_of(target.settings, stack), now, progress))
    try:
        prices: Prices | None = prices_of(target.registry.region)
    except NotFound as error:
        prices = None
        note(str(error))
    if format_ is Format.JSON:
        typer.echo(json.dumps(_as_json(stack, start, end, usage, repositories, stored, prices, problem), indent=2))
    else:
        _show(target.label, usage, repositories, stored, prices, tag)
    if problem:
        note(problem, style="red", word="error")
    for each in stored:
        if each.problem:
            note(f"{each.repository}: {each.problem}", style="red", word="error")
    if problem or any(each.problem for each in stored):
        raise typer.Exit(1)


def _monthly(prices: Prices | None, standard: float, archived: float) -> float | None:
    return None if prices is None else round(prices.monthly(standard, archived), 4)


def _saved(prices: Prices | None, each: Storage) -> float | None:
    if prices is None:
        return None
    after = prices.monthly(max(0, each.standard - each.freed - each.moved), each.archived + each.moved)
    return round(max(0.0, prices.monthly(each.standard, each.archived) - after), 4)


def _as_json(
    stack: str,
    start: str,
    end: str,
    usage: Sequence[Charge] | None,
    repositories: Sequence[Charge],
    stored: Sequence[Storage],
    prices: Prices | None,
    problem: str | None,
) -> dict[str, Any]:
    def entries(charges: Sequence[Charge], name: str) -> list[dict[str, Any]]:
        return [
            {
                "month": each.month,
                name: each.name,
                "amount": each.amount,
                "unit": each.unit,
                "estimated": each.estimated,
            }
            for each in charges
        ]

    return {
        "stack": stack,
        "start": start,
        "end": end,
        "byUsageType": None if usage is None else entries(usage, "usageType"),
        "byRepository": entries(repositories, "repository"),
        "storage": [
            {
                "repository": each.repository, "bytes": each.standard, "archivedBytes": each.archived,
                "monthlyCost": _monthly(prices, each.standard, each.archived),
                "lifecycleFreesBytes": each.freed, "lifecycleArchivesBytes": each.moved,
                "lifecycleSavesMonthly": _saved(prices, each), "problem": each.problem,
            }
            for each in stored
        ],
        "prices": prices.summary if prices else None,
        "problem": problem,
    }  # fmt: skip


def _show(
    label: str,
    usage: Sequence[Charge] | None,
    repositories: Sequence[Charge],
    stored: Sequence[Storage],
    prices: Prices | None,
    tag: str,
) -> None:
    out = console()
    out.print(f"\n[bold]{escape(label)}[/]\n", highlight=False, soft_wrap=True)
    if usage is not None:
        _charged(out, "charged by usage type", usage)
        if repositories:
            _charged(out, f"charged by the tag {tag}", repositories)
        else:
            out.print(
                f"[dim]No cost by repository: activate {escape(tag)} as a cost allocation tag in the billing console. "
                "Earlier costs will not be broken down.[/]\n",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("repository", overflow="fold")
    for title in ("standard", "archive", "a month", "lifecycle frees", "saves a month"):
        table.add_column(title, justify="right")
    for each in sorted(stored, key=lambda row: -row.standard):
        monthly, saved = _monthly(prices, each.standard, each.archived), _saved(prices, each)
        table.add_row(
            escape(each.repository),
            *(["[red]?[/]"] * 5 if each.problem else [
                size(each.standard), size(each.archived), "?" if monthly is None else f"${monthly:,.2f}",
                size(each.freed), "?" if saved is None else f"${saved:,.2f}",
            ]),
        )  # fmt: skip
    out.print(table)
    source = f", at {prices.summary}" if prices else ""
    out.print(
        f"[dim]Upper limits: a layer shared by images in a repository is stored once{escape(source)}[/]",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _charged(out: Any, title: str, charges: Sequence[Charge]) -> None:
    months = sorted({each.month for each in charges})
    amounts: dict[str, dict[str, float]] = defaultdict(dict)
    for each in charges:
        amounts[each.name][each.month] = amounts[each.name].get(each.month, 0.0) + each.amount
    unit = charges[0].unit if charges else "USD"
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(f"{title}, {unit}", overflow="fold")
    estimated = {each.month for each in charges if each.estimated}
    for month in months:
        table.add_column(month[:7] + (" so far" if month in estimated else ""), justify="right")
    for name, row in sorted(amounts.items(), key=lambda item: -sum(item[1].values())):
        table.add_row(escape(name), *(f"{row.get(month, 0.0):,.2f}" for month in months))
    table.add_row(
        "[bold]total[/]", *(f"[bold]{sum(row.get(month, 0.0) for row in amounts.values()):,.2f}[/]" for month in months)
    )
    out.print(table)
    out.print()
