"""The `ecr-stack` command.

Exit codes: 0 all is well; 1 the answer is no (a violation, a gate that closes, a lint error); 2 the request cannot
be carried out (a bad stack file, an unknown stack, no such repository). A person never sees a traceback.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import sys
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from ecr_stack.errors import EcrStackError

__all__ = ["Format", "ReportFormat", "app", "main"]


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""


class SchemaFormat(StrEnum):
    """How the description of a stack file is written."""

    JSON = "json"
    """JSON Schema, for editors."""
    MARKDOWN = "markdown"
    """Tables, for people."""


class ReportFormat(StrEnum):
    """How the report of a rehearsal is written."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""
    MARKDOWN = "markdown"
    """For the comment of a pull request."""


app = typer.Typer(
    name="ecr-stack",
    help="A private container registry on Amazon ECR, from typed stack files.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecr-stack {importlib.metadata.version('ecr-stack')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A private container registry on Amazon ECR, from typed stack files."""


@app.command()
def schema(
    format_: Annotated[
        SchemaFormat, typer.Option("--format", help="JSON Schema, for editors, or Markdown, for people.")
    ] = SchemaFormat.JSON,
) -> None:
    """Print what a stack file may say."""
    if format_ is SchemaFormat.MARKDOWN:
        from ecr_stack.schema.reference import reference

        typer.echo(reference(), nl=False)
    else:
        from ecr_stack.schema.stack import schema as stack_schema

        typer.echo(json.dumps(stack_schema(), indent=2))


def _register() -> None:
    """Add the other commands. They are imported here so that they may import `app` and `Format` from this package."""
    from ecr_stack.cli import access, forecast, guard, lifecycle, local, plan, rehearse, review, scan

    app.command("rehearse")(rehearse.command)
    app.command("review")(review.command)
    app.command("access")(access.command)
    lifecycle.app.command("guard")(guard.command)
    lifecycle.app.command("plan")(plan.command)
    lifecycle.app.command("forecast")(forecast.command)
    app.add_typer(lifecycle.app, name="lifecycle")
    app.add_typer(local.app, name="local")
    app.add_typer(scan.app, name="scan")


_register()


def main() -> NoReturn:
    """Run the command line: every refusal becomes a message and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        # A tag may hold what the terminal cannot show; it is shown as its code point.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except EcrStackError as error:
        _say(str(error))
    except Exception as error:
        if os.environ.get("ECR_STACK_TRACEBACK"):
            raise
        _say(
            f"this is a mistake in ecr-stack itself, not in your files: {type(error).__name__}: {error}\n"
            "Please report it, with what ECR_STACK_TRACEBACK=1 prints."
        )
    sys.exit(2)


def _say(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    head, _, rest = message.partition("\n")
    console.print(Text("error: ", style="bold red") + Text(head, style="bold"))
    if rest:
        console.print(Text(rest))
