"""How the registry scans images: `ecr-stack:scanning`.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from ecr_stack.aws.names import ScanFilter
from ecr_stack.aws.scanning import filter_matches
from ecr_stack.errors import Problem
from ecr_stack.forms import Described
from ecr_stack.model import Model, Structural, is_unknown
from ecr_stack.schema.json_schema import at_least_one, given, is_one_of, never, not_empty, when

__all__ = ["FREQUENCIES", "ScanFrequency", "ScanRule", "ScanType", "Scanning", "inconsistent"]

ScanType = Literal["BASIC", "ENHANCED"]
"""`BASIC`: ECR itself scans operating system packages, at push or on request, without charge; `ENHANCED`: Amazon Inspector
scans language packages too, again and again, and charges for each image."""

ScanFrequency = Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]
"""`SCAN_ON_PUSH`: once, when pushed; `CONTINUOUS_SCAN`: again when new vulnerabilities become known; `MANUAL`: on request."""

InspectorResource = Literal["ECR", "EC2", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"]
"""What Amazon Inspector scans in an account and Region (`ResourceScanType` in the API model)."""

FREQUENCIES: Mapping[str, tuple[ScanFrequency, ...]] = {
    "BASIC": ("SCAN_ON_PUSH", "MANUAL"),
    "ENHANCED": ("SCAN_ON_PUSH", "CONTINUOUS_SCAN"),
}


class ScanRule(Model):
    """Which repositories are scanned when."""

    EXAMPLES = {"frequency": "SCAN_ON_PUSH", "filters": '["*"]'}

    frequency: ScanFrequency
    """`SCAN_ON_PUSH`, `CONTINUOUS_SCAN` (ENHANCED only) or `MANUAL` (BASIC only)."""
    filters: Annotated[list[ScanFilter], Field(min_length=1, max_length=100)]
    """Repository names with `*` wildcards; one without a wildcard matches every name that contains it."""

    def covers(self, repository: str) -> bool:
        """Whether a filter of this rule matches a repository's name; an unknown filter is assumed to."""
        filters = self.known("filters")
        return filters is None or any(is_unknown(entry) or filter_matches(entry, repository) for entry in filters)


class Scanning(Model):
    """The registry's scanning: one configuration for an account and Region, which outranks the repositories' own flag."""

    type: Annotated[ScanType | None, Structural] = None
    """`BASIC` or `ENHANCED`. Default: the stack leaves the registry's configuration alone."""
    rules: Annotated[list[ScanRule], Field(max_length=2)] = []
    """At most two rules, each with a frequency of its own."""
    inspector: (
        Annotated[
            list[InspectorResource],
            Field(min_length=1, max_length=5),
            Described(uniqueItems=True, contains={"const": "ECR"}),
            Structural,
        ]
        | None
    ) = None
    """Everything that Amazon Inspector is to scan in this account, `ECR` among it, e.g. `[ECR, EC2]`. What is not in the list
    is switched off in every Region of the stack. Default: Inspector is not managed here. ECR enables it for images with
    `type: ENHANCED`; in an organization its delegated administrator does."""

    def cross_field_errors(self) -> Iterator[Problem]:
        """The type decides which frequencies there are; each has at most one rule."""
        rules = self.known("rules") or []
        if rules and self.type is None:
            yield Problem(
                "type", None, "scanning rules need the type of scanning", "add `type: BASIC` or `type: ENHANCED`"
            )
        resources = self.known("inspector")
        if resources is not None:
            if self.type is not None and self.type != "ENHANCED":
                rule = "Inspector scans images under ENHANCED scanning"
                yield Problem("inspector", resources, rule, "write `type: ENHANCED`, or remove `inspector`")
            if "ECR" not in resources:
                rule = "without ECR in the list, Inspector would stop scanning images"
                yield Problem("inspector", resources, rule, f"write [{', '.join(['ECR', *resources])}]")
            if len(set(resources)) < len(resources):
                unique = ", ".join(dict.fromkeys(resources))
                yield Problem("inspector", resources, "each is written once", f"write [{unique}]")
            if self.type is None:
                yield Problem("type", None, "Inspector needs the type of scanning", "add `type: ENHANCED`")
        known = [None if is_unknown(rule) else rule.known("frequency") for rule in rules]
        for number, frequency in enumerate(known):
            if frequency is None:
                continue
            here = f"rules[{number}].frequency"
            allowed = FREQUENCIES.get(str(self.known("type")))
            if allowed and frequency not in allowed:
                yield Problem(
                    here,
                    frequency,
                    f"{self.type} scanning has the frequencies {' and '.join(allowed)}",
                    f"write {allowed[0]}, or another `type`",
                )
            if frequency in known[:number]:
                yield Problem(
                    here, frequency, "each frequency has one rule", "put the filters of both rules into one list"
                )

    @classmethod
    def json_rules(cls) -> Iterator[dict[str, Any]]:
        """Rules and Inspector need a type, and each type has its frequencies."""
        yield when(at_least_one(not_empty("rules"), given("inspector")), given("type"))
        yield when(given("inspector"), never(is_one_of("type", "BASIC")))
        for kind, allowed in FREQUENCIES.items():
            frequency = {"properties": {"frequency": {"enum": list(allowed)}}}
            yield when(is_one_of("type", kind), {"properties": {"rules": {"items": frequency}}})


def inconsistent(scanning: Scanning, repositories: Mapping[str, bool]) -> Iterator[Problem]:
    """Yield the repositories whose own flag says something else than the registry's configuration, which wins.

    Args:
        scanning: the section; places are relative to it.
        repositories: for each repository's name in ECR, whether it says `scanOnPush: true`.
    """
    rules = scanning.known("rules")
    if scanning.type is None or rules is None or any(is_unknown(rule) for rule in rules):
        return
    automatic = [rule for rule in rules if rule.known("frequency") != "MANUAL"]
    filters = [entry for rule in automatic for entry in rule.known("filters") or []]
    covered = {name for name in repositories if any(rule.covers(name) for rule in automatic)}
    rank = "the registry's configuration outranks a repository's flag"
    missed = [name for name, flag in repositories.items() if flag and name not in covered]
    if missed:
        has, them = ("has", "it") if len(missed) == 1 else ("have", "them")
        added = f"add a rule such as `{{frequency: SCAN_ON_PUSH, filters: [{_filter(missed)}]}}`"
        yield Problem(
            "rules",
            filters or None,
            f"{rank}: {_named(missed)} {has} `scanOnPush: true`, which is the default, and no rule covers {them}",
            f"{f'add a filter such as `{_filter(missed)}`' if filters else added}, or write `scanOnPush: false` for {them}",
        )
    scanned = [name for name, flag in repositories.items() if not flag and name in covered]
    if scanned:
        has, them = ("has", "it") if len(scanned) == 1 else ("have", "them")
        yield Problem(
            "rules",
            filters,
            f"{rank}: {_named(scanned)} {has} `scanOnPush: false`, and the rules have {them} scanned all the same",
            f"narrow the filters so that they do not match {them}, or write `scanOnPush: true` for {them}",
        )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(f"`{name}`" for name in names[:3]) + more


def _filter(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else '"*"'
