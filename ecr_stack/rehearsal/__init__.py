"""Runs the whole program against an AWS embedded in the process: no account, credentials, network or Pulumi CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecr_stack.errors import needing_extra
from ecr_stack.rehearsal.report import UNKNOWN_VALUE, Report, ResourceRecord, Unchecked, Violation

if TYPE_CHECKING:
    from ecr_stack.rehearsal.program import ACCOUNT, rehearse, rehearse_program

__all__ = [
    "ACCOUNT", "UNKNOWN_VALUE", "Report", "ResourceRecord", "Unchecked", "Violation", "rehearse", "rehearse_program",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # moto and the Pulumi SDK take a second to load, so commands without a rehearsal do not load them.
    if name in ("ACCOUNT", "rehearse", "rehearse_program"):
        with needing_extra():
            from ecr_stack.rehearsal import program
        return getattr(program, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
