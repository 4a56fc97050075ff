"""The effective scan frequency of each repository, and the severities of findings.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = [
    "SEVERITIES",
    "EffectiveFrequency",
    "RegistryScanning",
    "ScanningConfiguration",
    "ScanningRule",
    "effective_frequencies",
    "filter_matches",
    "severity_of",
]

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED")
"""ECR's severities, highest first (`FindingSeverity` in the API model)."""

EffectiveFrequency = Literal["CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL", "OFF"]
"""When the images of a repository are scanned. `OFF`: never; scans cannot be started manually either."""

# The precedence of overlapping rules.
_STRONGEST_FIRST: tuple[EffectiveFrequency, ...] = ("CONTINUOUS_SCAN", "SCAN_ON_PUSH", "MANUAL")


class ScanningRule(Protocol):
    """One rule of a scanning configuration, from a stack file or ECR."""

    @property
    def frequency(self) -> str:
        """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` or `MANUAL`."""

    @property
    def filters(self) -> Sequence[str]:
        """Repository names, with or without `*`."""


class ScanningConfiguration(Protocol):
    """A registry's scanning configuration."""

    @property
    def type(self) -> str | None:
        """`BASIC` or `ENHANCED`; `None` if it is not known."""

    @property
    def rules(self) -> Sequence[ScanningRule] | None:
        """`None` if the request omitted them, which differs from an empty list."""


@dataclass(frozen=True)
class _Rule:
    frequency: str
    filters: tuple[str, ...]


@dataclass(frozen=True)
class RegistryScanning:
    """The configuration in the response of `GetRegistryScanningConfiguration`."""

    type: str | None
    rules: tuple[_Rule, ...] | None = ()

    @classmethod
    def from_api(cls, configuration: Mapping[str, Any]) -> RegistryScanning:
        """Parse the `scanningConfiguration` of a response."""
        rules = tuple(
            _Rule(rule["scanFrequency"], tuple(entry["filter"] for entry in rule.get("repositoryFilters", ())))
            for rule in configuration.get("rules") or ()
        )
        # An unconfigured registry returns BASIC without rules.
        return cls(configuration.get("scanType", "BASIC"), rules)

    def matched(self, repository_names: Iterable[str]) -> list[str]:
        """The names that any rule matches, regardless of its frequency."""
        filters = [entry for rule in self.rules or () for entry in rule.filters]
        return [name for name in repository_names if any(filter_matches(entry, name) for entry in filters)]


def filter_matches(scan_filter: str, repository: str) -> bool:
    """Whether a scanning filter matches a repository name.

    A filter without `*` matches every name that contains it; `*` stands for any number of characters, `/` included.
    """
    pattern = scan_filter if "*" in scan_filter else f"*{scan_filter}*"
    return re.fullmatch(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), repository) is not None


def effective_frequencies(
    scanning: ScanningConfiguration, repository_names: Iterable[str]
) -> dict[str, EffectiveFrequency]:
    """Return when the images of each repository are scanned.

    - If several rules match a repository, continuous scanning wins over scanning on push, which wins over manual.
    - A repository that no rule matches is `OFF` under ENHANCED (it cannot even be scanned manually) and `MANUAL` under BASIC.
    - ENHANCED without rules in the request (None, not an empty list) scans every repository continuously
      (https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced-enabling.html).

    Args:
        scanning: a section of a stack file, or `RegistryScanning.from_api(...)`.
        repository_names: the names of the repositories in ECR.

    Returns:
        A frequency for each name, in their order. Empty if the scan type is not known.
    """
    if scanning.type is None:
        return {}
    enhanced = str(scanning.type) == "ENHANCED"
    if scanning.rules is None:
        return dict.fromkeys(repository_names, "CONTINUOUS_SCAN" if enhanced else "MANUAL")
    unmatched: EffectiveFrequency = "OFF" if enhanced else "MANUAL"
    frequencies: dict[str, EffectiveFrequency] = {}
    for name in repository_names:
        matched = {
            str(rule.frequency)
            for rule in scanning.rules
            if any(filter_matches(scan_filter, name) for scan_filter in rule.filters)
        }
        frequencies[name] = next((each for each in _STRONGEST_FIRST if each in matched), unmatched)
    return frequencies


def severity_of(word: str | None) -> str:
    """ECR's name for a severity. Inspector's `UNTRIAGED` and unknown severities become `UNDEFINED`."""
    upper = (word or "").upper()
    return upper if upper in SEVERITIES else "UNDEFINED"
