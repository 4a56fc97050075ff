"""`ecr-stack schema`: prints the format of stack files."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["command"]


class SchemaFormat(StrEnum):
    """The output formats."""

    JSON = "json"
    """JSON Schema, for editors."""
    MARKDOWN = "markdown"
    """Tables."""


def command(
    format_: Annotated[
        SchemaFormat, typer.Option("--format", help="The output format: JSON Schema for editors, or Markdown.")
    ] = SchemaFormat.JSON,
) -> None:
    """Print the format of stack files."""
    if format_ is SchemaFormat.MARKDOWN:
        from ecr_stack.schema.reference import reference

        typer.echo(reference(), nl=False)
    else:
        from ecr_stack.schema.stack import schema

        typer.echo(json.dumps(schema(), indent=2))
