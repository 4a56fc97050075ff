"""The whole program against an AWS embedded in the process: no account, no credentials, no network, no Pulumi CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecr_stack.rehearsal.report import Report, ResourceRecord, Violation

if TYPE_CHECKING:
    from ecr_stack.rehearsal.program import ACCOUNT, rehearse

__all__ = ["ACCOUNT", "Report", "ResourceRecord", "Violation", "rehearse"]


def __getattr__(name: str) -> Any:
    # moto and the Pulumi SDK take a second to load: commands that rehearse nothing do without.
    if name in ("ACCOUNT", "rehearse"):
        from ecr_stack.rehearsal import program

        return getattr(program, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
