"""Text on a terminal or in a pipe: nothing is truncated, and nothing that users copy is broken across lines.

The terminal itself wraps long lines, so that selected or grepped text is complete.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["aligned", "console", "print_json"]


def console(*, stderr: bool = False) -> Console:
    """Return a console that neither wraps nor truncates lines."""
    return Console(emoji=False, stderr=stderr, soft_wrap=True, highlight=False)


def aligned(
    to: Console, rows: Sequence[Sequence[str]], *, header: Sequence[str] = (), right: Collection[int] = (), gap: int = 2
) -> None:
    """Print rows in columns as wide as their widest cell.

    Args:
        to: where to print.
        rows: cells with rich markup.
        header: the columns' titles, plain text.
        right: the indices of columns that are aligned to the right.
        gap: spaces between columns.
    """
    lines = [[Text.from_markup(cell, emoji=False) for cell in row] for row in rows]
    if header:
        lines.insert(0, [Text(title, style="dim") for title in header])
    count = max((len(line) for line in lines), default=0)
    widths = [max((line[index].cell_len for line in lines if index < len(line)), default=0) for index in range(count)]
    for line in lines:
        written = Text()
        for index, cell in enumerate(line):
            space = " " * (widths[index] - cell.cell_len)
            written.append_text(Text(space) + cell if index in right else cell + Text(space))
            written.append(" " * gap)
        written.rstrip()
        to.print(written)


def print_json(data: Any) -> None:
    """Print one JSON document on standard output, and redirect all later output to standard error.

    Threads and exit handlers of a rehearsed program may print until the process ends.
    """
    print(json.dumps(data, indent=2), flush=True)
    if sys.stdout is sys.__stdout__:
        os.dup2(2, 1)
