"""The `ecr-stack` command: `app.py` lists the commands, each in its own file."""

from ecr_stack.cli.app import app, main
from ecr_stack.cli.formats import Format, ReportFormat

__all__ = ["Format", "ReportFormat", "app", "main"]
