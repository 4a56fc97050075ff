"""The registry of a stack as it stands: read from ECR, with progress on standard error, or from files."""

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
    """The lifecycle document that a stack file gives each repository, by its name in ECR; `None` if it gives none."""
    documents: dict[str, Document | None] = {}
    for name, key in zip(settings.physical_names(), settings.repositories, strict=True):
        text = settings.lifecycle_text(key)
        source = f"stack {stack}, repository {name}"
        documents[name] = parse_document(text, source=source) if text else None
    return documents


def replica_lifecycles_of(
    settings: RegistrySettings, documents: Mapping[str, Document | None], account: str | None
) -> dict[str, dict[str, Document | None]]:
    """The lifecycle documents of the replicas that the stack manages, by Region and by name in ECR.

    Args:
        settings: what the stack file says.
        documents: those of the home Region, of which replicas have the same.
        account: the registry's account, `None` if it is not known.
    """
    replicas = managed_replicas(settings, account)
    return {region: {name: documents[name] for name in names} for region, names in replicas.items()}


def folder_of(folder: Path, region: str) -> Path:
    """Where the files of a replica's Region are; `@` cannot be in a repository's name."""
    return folder / f"@{region}"


def holdings_of(
    stack: str,
    repositories: Sequence[str],
    folder: Path | None,
    region: str | None = None,
    elsewhere: Mapping[str, Sequence[str]] | None = None,
) -> list[Holding]:
    """Read what repositories of a stack hold: from files where a folder is given, else from ECR.

    Args:
        stack: the stack's name.
        repositories: their names in ECR.
        folder: where the files are.
        region: a replica's Region. Default: the stack's own.
        elsewhere: the repositories that are read in other Regions, by Region: their files are no strangers.

    Raises:
        NotFound: where there is no such folder.
        InvalidInput: where a file cannot be read.
        Unavailable: where ECR does not answer.
    """
    if folder is not None:
        holdings = read_folder(folder if region is None else folder_of(folder, region), repositories)
        others = [f"@{other}/{name}" for other, names in (elsewhere or {}).items() for name in names]
        strangers = unclaimed(folder, [*repositories, *others]) if region is None else []
        if strangers:
            shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
            Console(stderr=True).print(
                f"[yellow]note:[/] no repository that is looked at has this name: {escape(shown)}",
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
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(repositories))

        def tick(repository: str, images: int) -> None:
            if images < 0:
                progress.advance(task)
            progress.update(task, description=repository if images < 0 else f"{repository}: {counted(images, 'image')}")

        return read_live(ecr, repositories, tick)


def region_of(stack: str) -> str | None:
    """The Region of a stack, where its file says one."""
    region: str | None = read_stack(read_project(Path.cwd()), stack).config.get("aws:region")
    return region
