"""The `ecr-stack` command: `app.py` lists the commands, each of which has a file of its own."""

from ecr_stack.cli.app import app, main
from ecr_stack.cli.formats import Format, ReportFormat

__all__ = ["Format", "ReportFormat", "app", "main"]
