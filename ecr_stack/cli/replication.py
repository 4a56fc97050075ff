"""`ecr-stack replication`: shows the replication of a registry, and copies earlier images."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ecr_stack.cli.formats import Format
from ecr_stack.cli.listing import print_table
from ecr_stack.cli.measures import short
from ecr_stack.cli.stacks import settings_of, stack_option
from ecr_stack.errors import NotFound, counted
from ecr_stack.operations import sessions
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.replication import (
    Backfill,
    ReplicaStatus,
    configured_destinations,
    follow,
    replica_statuses,
    repository_names,
    start_backfill,
)
from ecr_stack.project.stack_file import read_project, read_stack

__all__ = ["app"]

app = typer.Typer(help="Show and complete replication to other registries.", no_args_is_help=True)

Stack = Annotated[str | None, stack_option("The registry's stack.")]
Region = Annotated[
    str | None, typer.Option("--region", metavar="REGION", help="The registry's home Region. Default: the stack's.")
]
OutputFormat = Annotated[Format, typer.Option("--format", help="For people, or for scripts.")]


class _Clients:
    """ECR clients in several Regions, with the credentials from the stack file or the environment."""

    def __init__(self, stack: str | None, region: str | None) -> None:
        config = read_stack(read_project(Path.cwd()), stack).config if stack else {}
        aws = {key: value for key, value in config.items() if key.startswith("aws:")}
        self._settings = sessions.ProviderSettings.of_config(aws)
        self.region = region or aws.get("aws:region")
        self._account: str | None = None

    def ecr(self, region: str | None) -> Any:
        with answered():
            here = sessions.session(self._settings, region)
            if here.region_name is None:
                raise NotFound("no Region: add `--stack NAME` or `--region REGION`, or set AWS_REGION")
            return sessions.client(here, "ecr", self._settings)

    def there(self, destination: tuple[str, str]) -> Any | None:
        """A client in a destination in the same account; other accounts cannot be queried."""
        if self._account is None:
            with answered():
                self._account = str(self.ecr(self.region).describe_registry()["registryId"])
        return self.ecr(destination[0]) if destination[1] == self._account else None


@app.command()
def status(
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="REPOSITORY[:TAG]",
            help="A repository, or one of its images. Default: every replicated repository of the stack or registry.",
        ),
    ] = None,
    stack: Stack = None,
    region: Region = None,
    output: OutputFormat = Format.TEXT,
) -> None:
    """Show whether every image is in every destination, and if not, why. Exit code 1 if one is missing or has failed."""
    clients = _Clients(stack, region)
    ecr = clients.ecr(clients.region)
    if image is None:
        names = settings_of(stack).physical_names() if stack else repository_names(ecr)
        replicated = [name for name in names if configured_destinations(ecr, name)]
        if not replicated:
            raise NotFound("no replication rule selects a repository")
        found = [each for name in replicated for each in replica_statuses(ecr, name, there=clients.there)]
    else:
        found = list(replica_statuses(ecr, *_parted(image), clients.there))
    if output is Format.JSON:
        typer.echo(json.dumps([_written(each) for each in found]))
    else:
        _show(found, with_repository=image is None)
    if any(each.status in ("MISSING", "FAILED") for each in found):
        raise typer.Exit(1)


def _parted(image: str) -> tuple[str, str | None]:
    if "@" in image:
        repository, _, digest = image.partition("@")
        return repository, digest
    repository, _, tag = image.partition(":")
    return repository, tag or None


def _written(status: ReplicaStatus) -> dict[str, Any]:
    return {
        "repository": status.repository,
        "imageDigest": status.image_digest,
        "imageTags": list(status.image_tags),
        "region": status.region,
        "registryId": status.registry_id,
        "status": status.status,
        "reason": status.reason or None,
    }


_COLOURS = {"COMPLETE": "green", "IN_PROGRESS": "yellow", "MISSING": "red", "FAILED": "red"}


def _show(found: list[ReplicaStatus], *, with_repository: bool) -> None:
    console = Console(emoji=False)
    table = Table(box=None, padding=(0, 2, 0, 0), title_justify="left")
    for name in ("image", "destination", "status", "reason"):
        table.add_column(name, overflow="fold")
    for each in found:
        image = ", ".join(each.image_tags) or short(each.image_digest)
        if with_repository:
            image = f"{each.repository}: {image}"
        colour = _COLOURS.get(each.status, "yellow")
        table.add_row(
            escape(image), f"{each.region} {each.registry_id}", f"[{colour}]{each.status}[/]", escape(each.reason)
        )
    print_table(console, table)
    missing = sum(each.status in ("MISSING", "FAILED") for each in found)
    images = len({(each.repository, each.image_digest) for each in found})
    console.print(
        f"[red]✗[/] {missing} of {counted(len(found), 'copy')} {'is' if missing == 1 else 'are'} not there"
        if missing
        else f"[green]✓[/] {counted(images, 'image')}, complete",
        highlight=False,
    )


@app.command()
def backfill(
    stack: Stack = None,
    region: Region = None,
    to: Annotated[list[str] | None, typer.Option("--to", metavar="REGION", help="A destination. Default: all.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it finishes, and list failures.")] = True,
    output: OutputFormat = Format.TEXT,
) -> None:
    """Copy the images that were pushed before a destination was added. It is safe to repeat: ECR skips existing images,
    and the command follows a running backfill. Exit code 1 if an image was not copied.
    """
    clients = _Clients(stack, region)
    ecr = clients.ecr(clients.region)
    destinations = [each for each in configured_destinations(ecr) if not to or each[0] in to]
    unknown = set(to or []) - {each[0] for each in destinations}
    if unknown or not destinations:
        named = f" to {', '.join(sorted(unknown))}" if unknown else ""
        raise NotFound(f"the registry does not replicate{named}; a backfill needs a replication destination")
    console = Console(stderr=True, emoji=False)
    started = [start_backfill(ecr, destination) for destination in destinations]
    for each in started:
        verb = "started" if each.started_here else "already running"
        console.print(f"{each.region} {each.registry_id}: {verb}, {each.backfill_id}", highlight=False)
        if wait:
            follow(ecr, each, lambda now: _tick(console, now))
    if output is Format.JSON:
        typer.echo(json.dumps([_camel(asdict(each)) for each in started], default=str))
    elif wait:
        _show_backfills(started)
    if wait and any(each.failures or each.status != "COMPLETE" for each in started):
        raise typer.Exit(1)


def _tick(console: Console, now: Backfill) -> None:
    if console.is_terminal:
        console.print(f"  {now.status.lower()}: {now.completed} of {now.total}, {now.failed} failed", highlight=False)


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    from pydantic.alias_generators import to_camel

    return {to_camel(name): value for name, value in values.items()}


def _show_backfills(started: list[Backfill]) -> None:
    console = Console(emoji=False)
    for each in started:
        mark = "[green]✓[/]" if each.status == "COMPLETE" and not each.failures else "[red]✗[/]"
        console.print(
            f"{mark} {each.region} {each.registry_id}: {each.status.lower()}, {each.completed} copied, {each.failed} failed",
            highlight=False,
        )
        for failure in each.failures:
            image = failure["imageId"].get("imageTag") or short(failure["imageId"]["imageDigest"])
            code = failure.get("failureCode") or "no reason given"
            console.print(
                f"  {escape(failure['repositoryName'])}:{escape(image)}  {escape(str(code))}", highlight=False
            )
