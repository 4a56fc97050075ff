"""How the registry scans images: `ecr-stack:scanning`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from ecr_stack.aws.names import ScanFilter
from ecr_stack.errors import Problem
from ecr_stack.model import Model
from ecr_stack.schema.section import Section

__all__ = ["ScanFrequency", "ScanRule", "ScanType", "Scanning"]


class ScanType(StrEnum):
    """Who scans."""

    BASIC = "BASIC"
    """ECR itself: operating system packages, at push or on request, without charge."""
    ENHANCED = "ENHANCED"
    """Amazon Inspector: language packages too, again and again, charged by image."""


class ScanFrequency(StrEnum):
    """When images are scanned."""

    SCAN_ON_PUSH = "SCAN_ON_PUSH"
    """Once, when pushed."""
    CONTINUOUS_SCAN = "CONTINUOUS_SCAN"
    """When pushed, and again when new vulnerabilities become known; with ENHANCED only."""
    MANUAL = "MANUAL"
    """On request only; with BASIC only."""


FREQUENCIES = {
    ScanType.BASIC: (ScanFrequency.SCAN_ON_PUSH, ScanFrequency.MANUAL),
    ScanType.ENHANCED: (ScanFrequency.SCAN_ON_PUSH, ScanFrequency.CONTINUOUS_SCAN),
}


class ScanRule(Model):
    """Which repositories are scanned when."""

    frequency: Annotated[ScanFrequency, Field(strict=False)]
    """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` (ENHANCED only) or `MANUAL` (BASIC only)."""
    filters: Annotated[list[ScanFilter], Field(min_length=1, max_length=100)]
    """Repository names with `*` wildcards; one without a wildcard matches every name that contains it."""

    def covers(self, repository: str) -> bool:
        """Whether a filter of this rule matches a repository's name."""
        return any(
            fnmatch.fnmatchcase(repository, scan_filter if "*" in scan_filter else f"*{scan_filter}*")
            for scan_filter in self.filters
        )


class Scanning(Section):
    """The registry's scanning: one configuration for an account and Region, stronger than the repositories' own flag."""

    type: Annotated[ScanType, Field(strict=False)] | None = None
    """`BASIC` or `ENHANCED`. Left out, the stack leaves the registry's configuration alone."""
    rules: Annotated[list[ScanRule], Field(max_length=2)] = []
    """At most two rules, each with a frequency of its own."""

    @classmethod
    def contradictions(cls, values: Mapping[str, Any], place: str) -> Iterator[Problem]:
        """The type decides which frequencies there are; each at most once."""
        kind = values.get("type")
        rules: list[ScanRule] = values.get("rules", [])
        if rules and kind is None:
            yield Problem(
                f"{place}.type",
                None,
                "scanning rules need the type of scanning",
                "add `type: BASIC` or `type: ENHANCED`",
            )
        for number, rule in enumerate(rules):
            here = f"{place}.rules[{number}].frequency"
            if kind is not None and rule.frequency not in FREQUENCIES[kind]:
                yield Problem(
                    here, rule.frequency, f"{kind} scanning knows {' and '.join(FREQUENCIES[kind])}",
                    f"write {FREQUENCIES[kind][0]}, or another type",
                )  # fmt: skip
            if rule.frequency in [other.frequency for other in rules[:number]]:
                yield Problem(
                    here,
                    rule.frequency,
                    "each frequency has one rule",
                    "put the filters of both rules into one list",
                )


def inconsistent(scanning: Scanning, repositories: Mapping[str, bool], place: str) -> Iterator[Problem]:
    """Yield the repositories whose own flag says something else than the registry's configuration, which wins.

    Args:
        scanning: the valid section.
        repositories: for each repository's name, whether it says `scanOnPush: true`.
        place: the key path of the section.
    """
    if scanning.type is None:
        return
    automatic = [rule for rule in scanning.rules if rule.frequency is not ScanFrequency.MANUAL]
    for name, flag in repositories.items():
        covered = any(rule.covers(name) for rule in automatic)
        if flag and not covered:
            yield Problem(
                f"{place}.rules", [rule.filters for rule in automatic],
                f"the registry's configuration is stronger than a repository's flag: `{name}` says scanOnPush, and no rule covers it",
                f"add a filter that matches `{name}`, e.g. `*`, or write `scanOnPush: false` for it",
            )  # fmt: skip
        elif covered and not flag:
            yield Problem(
                f"{place}.rules", [rule.filters for rule in automatic],
                f"the registry's configuration is stronger than a repository's flag: `{name}` says `scanOnPush: false`, and is scanned all the same",
                f"narrow the filters so that `{name}` is not matched, or write `scanOnPush: true` for it",
            )  # fmt: skip
