"""Tests of your own programs against the embedded AWS: no account, no credentials, no network, no Pulumi CLI.

Needs the extra `rehearsal`: `pip install 'ecr-stack[rehearsal]'`. See docs/testing.md for examples.
"""

from __future__ import annotations

from ecr_stack.errors import MissingExtra

try:
    from ecr_stack.embedded_aws import EmbeddedAws
    from ecr_stack.rehearsal.monitor import AwsRefused, HookFailed
    from ecr_stack.rehearsal.program import ProgramFailed, rehearse_program
    from ecr_stack.rehearsal.report import UNKNOWN_VALUE, Report, ResourceRecord, Unchecked, Violation
except ModuleNotFoundError as error:
    if (error.name or "").split(".")[0] not in ("moto", "responses"):
        raise
    raise MissingExtra("moto, which the embedded AWS is built on,") from None

__all__ = [
    "UNKNOWN_VALUE",
    "AwsRefused",
    "EmbeddedAws",
    "HookFailed",
    "ProgramFailed",
    "Report",
    "ResourceRecord",
    "Unchecked",
    "Violation",
    "rehearse_program",
]
