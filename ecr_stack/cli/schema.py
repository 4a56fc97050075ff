"""`ecr-stack schema`: what a stack file may say."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["command"]


class SchemaFormat(StrEnum):
    """How the description of a stack file is written."""

    JSON = "json"
    """JSON Schema, for editors."""
    MARKDOWN = "markdown"
    """Tables, for people."""


def command(
    format_: Annotated[
        SchemaFormat, typer.Option("--format", help="JSON Schema for editors, or Markdown for people.")
    ] = SchemaFormat.JSON,
) -> None:
    """Print what a stack file may say."""
    if format_ is SchemaFormat.MARKDOWN:
        from ecr_stack.schema.reference import reference

        typer.echo(reference(), nl=False)
    else:
        from ecr_stack.schema.stack import schema

        typer.echo(json.dumps(schema(), indent=2))
