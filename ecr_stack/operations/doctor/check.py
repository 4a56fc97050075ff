"""One check of `doctor`: a function whose docstring is its summary, with its source and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ecr_stack.operations.doctor.facts import RegistryFacts, Unknown

__all__ = ["CHECKS", "Check", "CheckResult", "Evidence", "Status", "check", "examine"]

Status = Literal["pass", "fail", "unknown"]


@dataclass(frozen=True)
class Evidence:
    """A check's observation: a failure, or something that could not be determined."""

    status: Literal["fail", "unknown"]
    text: str


@dataclass(frozen=True)
class CheckResult:
    """One line of the result."""

    name: str
    sentence: str
    status: Status
    evidence: str
    source: str
    remedy: str
    lines: tuple[str, ...] = ()
    """The evidence, one for each observation."""

    def as_json(self) -> dict[str, str]:
        """By the contract."""
        return {
            "name": self.name, "sentence": self.sentence, "status": self.status, "evidence": self.evidence,
            "source": self.source, "remedy": self.remedy,
        }  # fmt: skip


Examine = Callable[[RegistryFacts], Iterator[str | Unknown | Evidence]]


@dataclass(frozen=True)
class Check:
    """A check."""

    name: str
    sentence: str
    source: str
    remedy: str
    passes: str
    run: Examine

    def result(self, facts: RegistryFacts) -> CheckResult:
        """Run it: a failure outweighs an unknown, which outweighs a pass."""
        found = [
            each if isinstance(each, Evidence)
            else Evidence("unknown", each.reason) if isinstance(each, Unknown)
            else Evidence("fail", each)
            for each in self.run(facts)
        ]  # fmt: skip
        status: Status = "fail" if any(each.status == "fail" for each in found) else "unknown" if found else "pass"
        shown = [each.text for each in found if each.status == status]
        more = f"; and {len(shown) - 10:,} more" if len(shown) > 10 else ""
        evidence = "; ".join(shown[:10]) + more if shown else self.passes
        return CheckResult(self.name, self.sentence, status, evidence, self.source, self.remedy, tuple(shown))


CHECKS: list[Check] = []


def check(*, source: str, remedy: str, passes: str) -> Callable[[Examine], Examine]:
    """Register a check, named after the function, with the docstring's first line as its summary. The function yields a
    text for each failure, and an `Unknown` for everything that it cannot determine.

    Args:
        source: the page that it is based on.
        remedy: the fix.
        passes: the evidence if nothing was found.
    """

    def register(run: Examine) -> Examine:
        sentence = (run.__doc__ or "").strip().splitlines()[0]
        name = run.__name__.replace("_", "-")
        CHECKS.append(Check(name, sentence, source, remedy, passes, run))
        return run

    return register


def examine(facts: RegistryFacts) -> list[CheckResult]:
    """Run every check."""
    from ecr_stack.operations.doctor import checks  # noqa: F401 - registers them

    return [each.result(facts) for each in CHECKS]
