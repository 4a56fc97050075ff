"""The whole program against an AWS embedded in the process: no account, no credentials, no network, no Pulumi CLI."""

from ecr_stack.rehearsal.program import ACCOUNT, rehearse
from ecr_stack.rehearsal.report import Report, ResourceRecord, Violation

__all__ = ["ACCOUNT", "Report", "ResourceRecord", "Violation", "rehearse"]
