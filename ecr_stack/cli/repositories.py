"""`ecr-stack repositories list`: the repositories of a live registry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from ecr_stack.cli.formats import ListFormat
from ecr_stack.cli.listing import Column, note, ordered, reading, write_list
from ecr_stack.cli.measures import size
from ecr_stack.cli.stacks import OptionalStack
from ecr_stack.cli.targets import Region, Target, target_of
from ecr_stack.operations.live_registry import BATCH, batches

__all__ = ["app"]

app = typer.Typer(help="The repositories of a live registry.", no_args_is_help=True)


class _Order(StrEnum):
    NAME = "name"
    MANIFESTS = "manifests"
    SIZE = "size"
    CREATED = "created"


@app.callback()
def _group() -> None:
    """The repositories of a live registry."""


@app.command("list")
def list_(
    stack: OptionalStack = None,
    region: Region = None,
    count: Annotated[
        bool,
        typer.Option("--count/--no-count", help="Whether to count all manifests and their size."),
    ] = True,
    sort: Annotated[
        _Order, typer.Option("--sort", help="By name, or the most manifests, the largest or the newest first.")
    ] = _Order.NAME,
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="The maximum number to show.")
    ] = None,
    format_: Annotated[ListFormat, typer.Option("--format", help="The output format.")] = ListFormat.TEXT,
) -> None:
    """List the repositories in a registry; with --stack, show which ones the stack manages, and which are missing.

    Exit code 1 if one of the stack's repositories does not exist.
    """
    target = target_of(stack, None, region)
    missing: list[str] = []
    with reading() as progress:
        rows = _rows(target, count or sort in (_Order.MANIFESTS, _Order.SIZE), progress, missing)
        key = None if sort is _Order.NAME and not reverse else _KEYS[sort]
        # the largest and the newest first, names from a to z
        rows = ordered(rows, key, reverse == (sort is _Order.NAME), limit)
        columns = [
            Column("repository", lambda row: escape(row["repository"])),
            Column("manifests", lambda row: _number(row["manifests"]), right=True),
            Column("size", lambda row: "[dim]?[/]" if row["bytes"] is None else size(row["bytes"]), right=True),
            Column("tags", lambda row: row["imageTagMutability"].lower()),
            Column("encryption", lambda row: row["encryptionType"]),
            Column("created", lambda row: row["createdAt"][:10]),
            *([Column("stack", lambda row: "yes" if row["managed"] else "[yellow]no[/]")] if stack else []),
        ]
        write_list(rows, format_, columns, dict, _FIELDS)
    for name in missing:
        note(f"{name} is in the stack, but not in the registry", word="missing", style="red")
    if missing:
        raise typer.Exit(1)


_KEYS: dict[_Order, Any] = {
    _Order.NAME: lambda row: row["repository"],
    _Order.MANIFESTS: lambda row: (row["manifests"] or 0, row["repository"]),
    _Order.SIZE: lambda row: (row["bytes"] or 0, row["repository"]),
    _Order.CREATED: lambda row: (row["createdAt"], row["repository"]),
}
_FIELDS = (
    "repository", "manifests", "bytes", "imageTagMutability", "encryptionType", "createdAt", "managed", "repositoryUri",
    "problem",
)  # fmt: skip


def _number(count: int | None) -> str:
    return "[dim]?[/]" if count is None else f"{count:,}"


def _rows(target: Target, count: bool, progress: Any, missing: list[str]) -> Iterator[dict[str, Any]]:
    from ecr_stack.operations.images.reading import read_repositories

    described = {each["repositoryName"]: each for each in target.registry.repositories()}
    names = sorted(described)
    missing += [name for name in target.named if name not in described]
    for batch in batches(names, BATCH):
        found = (
            # The contents of indexes are not fetched, so that listing repositories does not count as a pull.
            {
                each.repository: each
                for each in read_repositories(target.registry, batch, manifests=False, progress=progress)
            }
            if count
            else {}
        )
        for name in batch:
            each, images = described[name], found.get(name)
            known = images is not None and images.problem is None
            yield {
                "repository": name,
                "manifests": sum(1 for image in images.images for _ in image.members)
                if images is not None and known
                else None,
                "bytes": sum(member.size for image in images.images for member in image.members if not member.is_index)
                if images is not None and known
                else None,
                "imageTagMutability": each.get("imageTagMutability", "MUTABLE"),
                "encryptionType": (each.get("encryptionConfiguration") or {}).get("encryptionType", "AES256"),
                "createdAt": each["createdAt"].astimezone(UTC).isoformat(),
                "managed": name in target.named,
                "repositoryUri": each["repositoryUri"],
                "problem": images.problem if images is not None else None,
            }
