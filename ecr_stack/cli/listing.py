"""Lists as tables, JSON or CSV, written row by row, and progress on standard error."""

from __future__ import annotations

import csv
import heapq
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from ecr_stack.cli.formats import ListFormat

__all__ = ["Column", "console", "lay_out", "note", "ordered", "print_table", "reading", "write_list"]

_ROWS = 500
"""The number of table rows that are laid out at a time."""


@dataclass(frozen=True)
class Column:
    """A table column: its title, and a row's cell, with rich markup."""

    title: str
    cell: Callable[[Any], str]
    right: bool = False


def console() -> Console:
    """Standard output; nothing is wrapped or truncated in a pipe."""
    found = Console(emoji=False)
    return found if found.is_terminal else Console(emoji=False, width=400)


def note(text: str, style: str = "yellow", word: str = "note") -> None:
    """Print a note on standard error."""
    Console(emoji=False, stderr=True).print(f"[{style}]{word}:[/] {escape(text)}", highlight=False, soft_wrap=True)


def ordered(rows: Iterable[Any], key: Callable[[Any], Any] | None, reverse: bool, limit: int | None) -> Iterator[Any]:
    """Sort rows, keeping only those that are shown in memory; without a key, keep their order."""
    if key is None:
        for count, row in enumerate(rows, start=1):
            yield row
            if limit is not None and count >= limit:
                return
    elif limit is not None:
        yield from (heapq.nlargest if reverse else heapq.nsmallest)(limit, rows, key=key)
    else:
        yield from sorted(rows, key=key, reverse=reverse)


def write_list(
    rows: Iterable[Any],
    format_: ListFormat,
    columns: Sequence[Column],
    as_json: Callable[[Any], dict[str, Any]],
    fields: Sequence[str],
) -> int:
    """Write rows as they arrive.

    Args:
        rows: the rows.
        format_: the output format.
        columns: of the table.
        as_json: a row as JSON.
        fields: which keys of the JSON are the columns of the CSV; lists are joined by spaces.

    Returns:
        How many there were.
    """
    match format_:
        case ListFormat.JSON:
            return _json(rows, as_json)
        case ListFormat.CSV:
            return _csv(rows, as_json, fields)
        case _:
            return _table(rows, columns)


def _json(rows: Iterable[Any], as_json: Callable[[Any], dict[str, Any]]) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):
        typer.echo(("[\n  " if count == 1 else ",\n  ") + json.dumps(as_json(row)), nl=False)
    typer.echo("\n]" if count else "[]")
    return count


def _csv(rows: Iterable[Any], as_json: Callable[[Any], dict[str, Any]], fields: Sequence[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(fields)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - it is returned
        told = as_json(row)
        writer.writerow([_cell(told.get(name)) for name in fields])
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else value


def _table(rows: Iterable[Any], columns: Sequence[Column]) -> int:
    out, count = console(), 0
    waiting: list[Any] = []

    for row in rows:
        waiting.append(row)
        count += 1
        if len(waiting) == _ROWS:
            lay_out(out, columns, waiting)
            waiting.clear()
    if waiting:
        lay_out(out, columns, waiting)
    return count


def lay_out(to: Console, columns: Sequence[Column], rows: Sequence[Any]) -> None:
    """Print rows as a table; where it does not fit, without the columns that say nothing."""
    cells = [[column.cell(each) for each in rows] for column in columns]
    print_table(to, _laid_out(columns, cells), narrow=lambda: _laid_out(*_telling(columns, cells)))


def _laid_out(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for row in zip(*cells, strict=True):
        table.add_row(*row)
    return table


def _telling(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> tuple[list[Column], list[Sequence[str]]]:
    """The columns in which at least one cell says something."""
    kept = [
        index
        for index, column in enumerate(cells)
        if any(Text.from_markup(cell).plain not in ("", "–") for cell in column)
    ]
    return [columns[index] for index in kept], [cells[index] for index in kept]


def print_table(to: Console, table: Table, *, narrow: Callable[[], Table] | None = None) -> None:
    """Print a table without breaking words or hiding columns: one that is too wide is left to the terminal to wrap.

    Args:
        to: where to print.
        table: the table.
        narrow: gives a narrower one, for a terminal in which the table does not fit.
    """
    anything = to.options.update(width=10_000)
    if narrow is not None and to.measure(table, options=anything).maximum > to.width:
        table = narrow()
    wanted = to.measure(table, options=anything).maximum
    out = to if wanted <= to.width else Console(emoji=False, file=to.file, force_terminal=to.is_terminal, width=wanted)
    out.print(table)


@contextmanager
def reading(total: int | None = None) -> Iterator[Callable[[str, int], None]]:
    """Show progress over repositories on standard error, if that is a terminal.

    Gives a function that takes a repository's name and how many images of it were read, -1 at its end.
    """
    err = Console(emoji=False, stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.description}"),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total)

        def tick(repository: str, images: int) -> None:
            if images < 0:
                progress.advance(task)
            name = escape(repository)
            progress.update(task, description=name if images < 0 else f"{name}: {images:,} manifests")

        yield tick
