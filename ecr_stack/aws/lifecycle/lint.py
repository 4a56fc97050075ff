"""Lints a lifecycle document: what ECR would reject, and what it would accept but is probably not what was meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_stack.aws.lifecycle.document import native_rule, read
from ecr_stack.aws.lifecycle.doubts import doubts_about, doubts_about_the_whole
from ecr_stack.aws.lifecycle.findings import Finding
from ecr_stack.aws.lifecycle.requirements import rules_without_errors

__all__ = ["lint"]


def lint(document: str | Mapping[str, Any]) -> list[Finding]:
    """Return the errors and warnings about a native lifecycle document.

    Args:
        document: JSON text as it would be sent, or plain data, whose length is that of the compact text that
            `policy_text` returns.

    Returns:
        Errors (ECR rejects the document) before warnings; empty if there are none. Warnings cover the rules that are
        valid on their own, so an error in one rule does not hide warnings about the others.
    """
    data, findings = read(document)
    rules = sorted(map(native_rule, rules_without_errors(data)), key=lambda rule: rule.priority)
    everything = [*findings, *doubts_about(rules)]
    if data is not None and not any(finding.severity == "error" for finding in findings):
        everything += doubts_about_the_whole(rules)
    return sorted(everything, key=lambda finding: finding.severity == "warning")
