"""The fixture of somebody else's program."""

from foreign_program import run

__all__ = ["run"]
