"""The registry of a stack as it stands: read from ECR, with progress on standard error, or from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ecr_stack.aws.lifecycle import Document, parse_document
from ecr_stack.cli.targets import registry_of
from ecr_stack.operations.holdings import Holding, read_folder, read_live, unclaimed
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.registry import RegistrySettings

__all__ = ["holdings_of", "lifecycles_of", "region_of"]


def lifecycles_of(settings: RegistrySettings, stack: str) -> dict[str, Document | None]:
    """The lifecycle document that a stack file gives each repository, by its name in ECR; `None` if it gives none."""
    documents: dict[str, Document | None] = {}
    for name, key in zip(settings.physical_names(), settings.repositories, strict=True):
        text = settings.lifecycle_text(key)
        source = f"stack {stack}, repository {name}"
        documents[name] = parse_document(text, source=source) if text else None
    return documents


def holdings_of(stack: str, repositories: Sequence[str], folder: Path | None) -> list[Holding]:
    """Read what repositories of a stack hold: from files where a folder is given, else from ECR.

    Raises:
        NotFound: where there is no such folder.
        InvalidInput: where a file cannot be read.
        Unavailable: where ECR does not answer.
    """
    if folder is not None:
        holdings = read_folder(folder, repositories)
        strangers = unclaimed(folder, repositories)
        if strangers:
            shown = ", ".join(strangers[:5]) + (f" and {len(strangers) - 5} more" if len(strangers) > 5 else "")
            Console(stderr=True).print(
                f"[yellow]note:[/] no repository that is looked at has this name: {escape(shown)}",
                highlight=False,
                soft_wrap=True,
            )
        return holdings
    ecr = registry_of(stack).ecr
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TextColumn("[dim]{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(repositories))

        def tick(repository: str, images: int) -> None:
            if images < 0:
                progress.advance(task)
            progress.update(task, description=repository if images < 0 else f"{repository}: {images:,} images")

        return read_live(ecr, repositories, tick)


def region_of(stack: str) -> str | None:
    """The Region of a stack, where its file says one."""
    region: str | None = read_stack(read_project(Path.cwd()), stack).config.get("aws:region")
    return region
