"""Lint: what ECR would refuse in a lifecycle document, and what it would take and do something else with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecr_stack.aws.lifecycle.document import native_rule, read
from ecr_stack.aws.lifecycle.doubts import doubts_about, doubts_about_the_whole
from ecr_stack.aws.lifecycle.findings import Finding
from ecr_stack.aws.lifecycle.requirements import rules_without_errors

__all__ = ["lint"]


def lint(document: str | Mapping[str, Any]) -> list[Finding]:
    """Find what is wrong or doubtful in a native lifecycle document.

    Args:
        document: JSON text as it would be sent, or the data that is in it, which is measured as the compact text
            that `policy_text` makes of it.

    Returns:
        Errors (ECR refuses the document) before warnings; nothing where all is well. Warnings are about the rules
        that are right by themselves, so that a mistake in one rule does not hide the others.
    """
    data, findings = read(document)
    rules = sorted(map(native_rule, rules_without_errors(data)), key=lambda rule: rule.priority)
    everything = [*findings, *doubts_about(rules)]
    if data is not None and not any(finding.severity == "error" for finding in findings):
        everything += doubts_about_the_whole(rules)
    return sorted(everything, key=lambda finding: finding.severity == "warning")
