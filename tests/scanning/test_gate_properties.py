"""What holds for the gate whatever was found."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.aws.scanning import SEVERITIES
from ecr_stack.operations.scanning.exceptions import Exceptions, FindingException, JudgedImage
from ecr_stack.operations.scanning.findings import Finding, Package, ScanResult
from ecr_stack.operations.scanning.gate import Limits, PlatformScan, judge

TODAY = date(2026, 11, 25)
NAMES = st.sampled_from(["CVE-2026-1000", "CVE-2026-1001", "CVE-2026-1002"])

findings = st.lists(
    st.builds(
        Finding,
        NAMES,
        st.sampled_from(SEVERITIES),
        st.tuples(st.builds(Package, st.sampled_from(["openssl", "zlib"]))),
        st.sampled_from([True, False, None]),
    ),
    max_size=6,
)
entries = st.lists(
    st.builds(
        lambda name, days: FindingException.model_validate(
            {"vulnerability": name, "reason": "a", "who": "b", "expires": TODAY + timedelta(days)}
        ),
        NAMES,
        st.integers(-2, 2),
    ),
    max_size=3,
)
limits = st.builds(Limits, st.dictionaries(st.sampled_from(SEVERITIES), st.none() | st.integers(0, 3)), st.booleans())


def scan(found: list[Finding], problem: str | None = None) -> PlatformScan:
    counts = {name: sum(each.severity == name for each in found) for name in SEVERITIES}
    result = None if problem else ScanResult("COMPLETE", counts=counts, findings=tuple(found))
    return PlatformScan("api:v1", "api", "sha256:1", None, "COMPLETE", JudgedImage("api", frozenset()), result, problem)


@given(findings, entries, limits)
def test_an_open_gate_has_nothing_over_a_limit_and_nothing_expired(
    found: list[Finding], accepted: list[FindingException], limit: Limits
) -> None:
    gate = judge([scan(found)], Exceptions(tuple(accepted)), limit, TODAY)
    valid = {each.vulnerability for each in accepted if each.expires >= TODAY}
    over = [
        name
        for name, most in limit.most.items()
        if most is not None
        and sum(
            each.severity == name and each.name not in valid and not (limit.fixable_only and each.fixable is False)
            for each in found
        )
        > most
    ]
    expired = any(each.expires < TODAY for each in accepted)
    assert (gate.verdict == "closed") is bool(over or expired)


@given(findings, entries, limits)
def test_every_exception_is_used_unused_or_expired(
    found: list[Finding], accepted: list[FindingException], limit: Limits
) -> None:
    gate = judge([scan(found)], Exceptions(tuple(accepted)), limit, TODAY)
    assert len(gate.used) + len(gate.unused) + len(gate.expired) == len(accepted)
    assert {each.vulnerability for each in gate.used} <= {each.name for each in found}  # type: ignore[attr-defined]


@given(findings, limits)
def test_an_image_that_cannot_be_judged_closes_the_gate_whatever_the_others_are(
    found: list[Finding], limit: Limits
) -> None:
    gate = judge([scan(found), scan([], "it failed")], Exceptions(), limit, TODAY)
    assert gate.verdict == "closed"
    assert "api:v1 cannot be evaluated: it failed" in gate.reason
