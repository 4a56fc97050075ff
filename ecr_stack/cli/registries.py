"""Reads a stack's live registry from ECR, with progress on standard error, or from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ecr_stack.aws.lifecycle import Document, parse_document
from ecr_stack.cli.targets import registry_of
from ecr_stack.errors import counted
from ecr_stack.operations.holdings import Holding, read_folder, read_live, unclaimed
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.checks import managed_replicas
from ecr_stack.schema.registry import RegistrySettings

__all__ = ["folder_of", "holdings_of", "lifecycles_of", "region_of", "replica_lifecycles_of"]


def lifecycles_of(settings: RegistrySettings, stack: str) -> dict[str, Document | None]:
    """Each repository's lifecycle document in the stack file, by its name in ECR; `None` if it has none."""
    documents: dict[str, Document | None] = {}
    for name, key in zip(settings.physical_names(), settings.repositories, strict=True):
        text = settings.lifecycle_text(key)
        source = f"stack {stack}, repository {name}"
        documents[name] = parse_document(text, source=source) if text else None
    return documents


def replica_lifecycles_of(
    settings: RegistrySettings, documents: Mapping[str, Document | None], account: str | None
) -> dict[str, dict[str, Document | None]]:
    """The lifecycle documents of the managed replicas, by Region and name in ECR.

    Args:
        settings: the stack file's settings.
        documents: those of the home Region, which also apply to replicas.
        account: the registry's account, `None` if it is not known.
    """
    replicas = managed_replicas(settings, account)
    return {region: {name: documents[name] for name in names} for region, names in replicas.items()}


def folder_of(folder: Path, region: str) -> Path:
    """The folder of a replica's Region; a repository's name cannot contain `@`."""
    return folder / f"@{region}"


def holdings_of(
    stack: str,
    repositories: Sequence[str],
    folder: Path | None,
    region: str | None = None,
    elsewhere: Mapping[str, Sequence[str]] | None = None,
) -> list[Holding]:
    """Read the contents of a stack's repositories: from files if a folder is given, otherwise from ECR.

    Args:
        stack: the stack's name.
        repositories: their names in ECR.
        folder: where the files are.
        region: a replica's Region. Default: the stack's own.
        elsewhere: the repositories that are read in other Regions, by Region; their files are expected.

    Raises:
        NotFound: the folder does not exist. InvalidInput: a file cannot be read. Unavailable: ECR does not respond.
    """
    if folder is not None:
        holdings = read_folder(folder if region is None else folder_of(folder, region), repositories)
        others = [f"@{other}/{name}" for other, names in (elsewhere or {}).items() for name in names]
        strangers = unclaimed(folder, [*repositories, *others]) if region is None else []
        if strangers:
            shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
            Console(emoji=False, stderr=True).print(
                f"[yellow]note:[/] files for unknown repositories: {escape(shown)}",
                highlight=False,
                soft_wrap=True,
            )
        return holdings
    ecr = registry_of(stack, region).ecr
    columns = (
        TextColumn(f"reading {region}" if region else "reading"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.description}"),
    )
    console = Console(emoji=False, stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(repositories))

        def tick(repository: str, images: int) -> None:
            if images < 0:
                progress.advance(task)
            progress.update(task, description=repository if images < 0 else f"{repository}: {counted(images, 'image')}")

        return read_live(ecr, repositories, tick)


def region_of(stack: str) -> str | None:
    """The Region of a stack, if its file sets one."""
    region: str | None = read_stack(read_project(Path.cwd()), stack).config.get("aws:region")
    return region
