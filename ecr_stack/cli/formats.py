"""How an answer is written."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Format", "ReportFormat"]


class Format(StrEnum):
    """For a command that answers people and scripts."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""


class ReportFormat(StrEnum):
    """For the report of a rehearsal."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """For scripts."""
    MARKDOWN = "markdown"
    """For the comment of a pull request."""
