"""Output formats."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Format", "ListFormat", "ReportFormat"]


class Format(StrEnum):
    """For commands with text and JSON output."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""


class ReportFormat(StrEnum):
    """For a rehearsal's report."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""
    MARKDOWN = "markdown"
    """For a pull request comment."""


class ListFormat(StrEnum):
    """For lists."""

    TEXT = "text"
    """A table."""
    JSON = "json"
    """For scripts."""
    CSV = "csv"
    """For spreadsheets."""
