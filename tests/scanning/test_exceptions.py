"""Exceptions: what they accept, until when, and what is said of a file that is written badly."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecr_stack.errors import InvalidInput, NotFound
from ecr_stack.operations.scanning.exceptions import Exceptions, JudgedImage, read_exceptions
from ecr_stack.operations.scanning.findings import Finding, Package, ScanResult
from ecr_stack.operations.scanning.gate import Gate, Limits, PlatformScan, judge

TODAY = date(2026, 11, 25)
DIGEST = f"sha256:{'a' * 64}"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = JudgedImage("team/api", frozenset({DIGEST}), "v1", HOST, "amd64")
OPENSSL = Finding("CVE-2026-1000", "CRITICAL", (Package("openssl", "1.1.1-1", "OS"),))
ENTRY = {"vulnerability": "CVE-2026-1000", "reason": "Not reachable.", "who": "security", "expires": "2026-12-31"}


def written(path: Path, data: Any) -> Exceptions:
    file = path / "exceptions.yaml"
    file.write_text(data if isinstance(data, str) else yaml.safe_dump(data))
    return read_exceptions([file])


def gate(exceptions: Exceptions, *findings: Finding, image: JudgedImage = IMAGE, **limits: Any) -> Gate:
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    result = ScanResult("COMPLETE", counts=counts, findings=findings)
    scan = PlatformScan("team/api:v1", "team/api", DIGEST, "linux/amd64", "COMPLETE", image, result)
    return judge([scan], exceptions, Limits(**limits), TODAY)


def test_an_exception_opens_the_gate_and_is_told_as_used(tmp_path: Path) -> None:
    assert gate(Exceptions(), OPENSSL).verdict == "closed"
    decision = gate(written(tmp_path, {"exceptions": [ENTRY]}), OPENSSL)
    assert (decision.verdict, len(decision.used), len(decision.unused)) == ("open", 1, 0)
    (told,) = decision.as_json()["findings"]
    assert (told["name"], told["excepted"], told["package"]) == ("CVE-2026-1000", True, "openssl")


@pytest.mark.parametrize(
    ("more", "accepted"),
    [
        ({"packages": ["openssl"]}, True),
        ({"packages": ["open*"]}, True),
        ({"packages": ["libssl*"]}, False),
        ({"repositories": ["team/*"]}, True),
        ({"repositories": ["team/api"]}, True),
        ({"repositories": ["team"]}, False),
        ({"repositories": ["web/*"]}, False),
        ({"vulnerability": "CVE-2026-1001"}, False),
        ({"expires": "2026-11-25"}, True),
    ],
)
def test_an_exception_accepts_what_it_names_and_nothing_else(
    tmp_path: Path, more: dict[str, Any], accepted: bool
) -> None:
    decision = gate(written(tmp_path, {"exceptions": [ENTRY | more]}), OPENSSL)
    assert (decision.verdict == "open") is accepted
    assert len(decision.unused) == (not accepted)


@pytest.mark.parametrize(
    ("reason", "words"),
    [("…", "says nothing"), (".", "says nothing"), ("todo", "is a placeholder"), ("Reason", "is a placeholder"),
     ("decided by NAME in TICKET", "is a placeholder"), ("xxx", "is a placeholder"), ("<why>", "is a placeholder")],
)  # fmt: skip
def test_what_stands_in_for_a_reason_accepts_nothing(tmp_path: Path, reason: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        written(tmp_path, {"exceptions": [ENTRY | {"reason": reason}]})
    (problem,) = refused.value.problems
    assert problem.place == "exceptions[0].reason"
    assert problem.rule == f"an exception needs a reason, and `{reason}` {words}" + (
        ", to be replaced by your own words" if words == "is a placeholder" else ""
    )


def test_a_finding_in_two_packages_needs_both_to_be_accepted(tmp_path: Path) -> None:
    both = Finding("CVE-2026-1000", "HIGH", (Package("openssl"), Package("libcrypto")))
    one = written(tmp_path, {"exceptions": [ENTRY | {"packages": ["openssl"]}]})
    assert gate(one, both).verdict == "closed"
    assert gate(written(tmp_path, {"exceptions": [ENTRY | {"packages": ["openssl", "libc*"]}]}), both).verdict == "open"


def test_an_exception_that_has_expired_closes_the_gate_even_without_findings(tmp_path: Path) -> None:
    decision = gate(written(tmp_path, {"exceptions": [ENTRY | {"expires": "2026-11-24"}]}))
    assert (decision.verdict, decision.reason) == ("closed", "1 exception has expired")
    assert [each.as_json()["vulnerability"] for each in decision.expired] == ["CVE-2026-1000"]


def test_an_unused_exception_is_told_and_does_not_close_the_gate(tmp_path: Path) -> None:
    decision = gate(written(tmp_path, {"exceptions": [ENTRY]}))
    assert (decision.verdict, len(decision.unused)) == ("open", 1)


def test_findings_that_ecr_counts_and_does_not_list_cannot_be_excepted(tmp_path: Path) -> None:
    accepted = written(tmp_path, {"exceptions": [ENTRY]})
    result = ScanResult("COMPLETE", counts={"CRITICAL": 2}, findings=(OPENSSL,))
    scan = PlatformScan("team/api:v1", "team/api", DIGEST, None, "COMPLETE", IMAGE, result)
    decision = judge([scan], accepted, Limits(), TODAY)
    assert decision.reason == "team/api:v1 has 1 CRITICAL (at most 0)"


def test_only_findings_without_a_fix_are_left_out_by_fixable_only() -> None:
    known = {
        fixable: Finding("CVE-2026-1", "HIGH", (Package("a"),), fixable=fixable) for fixable in (True, False, None)
    }
    verdicts = {fixable: gate(Exceptions(), found, fixable_only=True).verdict for fixable, found in known.items()}
    assert verdicts == {True: "closed", False: "open", None: "closed"}


def test_limits_count_by_severity_and_others_have_none() -> None:
    found = [Finding(f"CVE-2026-{number}", "HIGH", (Package("a"),)) for number in range(3)]
    assert gate(Exceptions(), *found, most={"CRITICAL": 0, "HIGH": 3}).verdict == "open"
    assert gate(Exceptions(), *found, most={"CRITICAL": 0, "HIGH": 2}).verdict == "closed"
    assert gate(Exceptions(), *found, most={"CRITICAL": 0, "HIGH": None}).verdict == "open"


def test_no_image_at_all_closes_the_gate() -> None:
    assert judge([], Exceptions(), Limits(), TODAY).verdict == "closed"


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in ENTRY.items() if name != key}


BAD_ENTRIES: dict[str, tuple[Any, str, str]] = {
    "no vulnerability": (without("vulnerability"), "exceptions[0].vulnerability", "required"),
    "no reason": (without("reason"), "exceptions[0].reason", "required"),
    "nobody": (without("who"), "exceptions[0].who", "required"),
    "no end": (without("expires"), "exceptions[0].expires", "required"),
    "an empty reason": (ENTRY | {"reason": "  "}, "exceptions[0].reason", "1 character"),
    "a reason that is a number": (ENTRY | {"reason": 7}, "exceptions[0].reason", ""),
    "an unknown key": (ENTRY | {"expiry": "2026-12-31"}, "exceptions[0].expiry", "`expiry` is not a known key"),
    "a wildcard for the vulnerability": (
        ENTRY | {"vulnerability": "CVE-*"},
        "exceptions[0].vulnerability",
        "without wildcards",
    ),
    "a CVE with a short number": (
        ENTRY | {"vulnerability": "CVE-2026-12"},
        "exceptions[0].vulnerability",
        "four digits",
    ),
    "a CVE in lower case": (ENTRY | {"vulnerability": "cve-2026-1000"}, "exceptions[0].vulnerability", "CVE-"),
    "two vulnerabilities in one": (
        ENTRY | {"vulnerability": "CVE-2026-1000 CVE-2026-1001"},
        "exceptions[0].vulnerability",
        "one vulnerability",
    ),
    "a list of vulnerabilities": (ENTRY | {"vulnerability": ["CVE-2026-1000"]}, "exceptions[0].vulnerability", ""),
    "a day that does not exist": (ENTRY | {"expires": "2026-02-30"}, "exceptions[0].expires", "does not exist"),
    "a day the other way round": (ENTRY | {"expires": "31.12.2026"}, "exceptions[0].expires", "YYYY-MM-DD"),
    "an instant for a day": (ENTRY | {"expires": "2026-12-31T00:00:00Z"}, "exceptions[0].expires", "YYYY-MM-DD"),
    "never": (ENTRY | {"expires": "never"}, "exceptions[0].expires", "YYYY-MM-DD"),
    "a year": (ENTRY | {"expires": 2027}, "exceptions[0].expires", "YYYY-MM-DD"),
    "null for a day": (ENTRY | {"expires": None}, "exceptions[0].expires", "YYYY-MM-DD"),
    "packages as one string": (ENTRY | {"packages": "openssl"}, "exceptions[0].packages", "list"),
    "no packages": (ENTRY | {"packages": []}, "exceptions[0].packages", "at least 1"),
    "an empty package": (ENTRY | {"packages": [""]}, "exceptions[0].packages[0]", "empty"),
    "spaces around a package": (ENTRY | {"packages": [" openssl"]}, "exceptions[0].packages[0]", "spaces"),
    "a repository with its host": (
        ENTRY | {"repositories": [f"{HOST}/team/api:v1"]},
        "exceptions[0].repositories[0]",
        "repository pattern",
    ),
    "a repository in capitals": (ENTRY | {"repositories": ["Team/api"]}, "exceptions[0].repositories[0]", "lowercase"),
    "an entry that is a string": ("CVE-2026-1000", "exceptions[0]", "map"),
}
BAD_FILES: dict[str, tuple[str, str, str]] = {
    "an empty file": ("", "(the document):", "map"),
    "a bare list": ("- vulnerability: CVE-2026-1000\n", "(the document):", "map"),
    "a string": ("CVE-2026-1000", "(the document):", "map"),
    "another key": ("exceptions: []\nignore: []\n", "ignore:2", "not a known key"),
    "no list": ("exceptions: {}\n", "exceptions:1", "list"),
    "a key twice": ("exceptions: []\nexceptions: []\n", "(the file):2", "twice"),
    "a tab": ("exceptions:\n\t- a\n", "(the file):2", ""),
    "an open bracket": ("exceptions: [\n", "(the file):", ""),
    "an alias": ("exceptions: &a [*a]\n", "(the file):1", "aliases"),
    "two documents": ("exceptions: []\n---\nexceptions: []\n", "(the file):", ""),
    "a tag of Python": ("exceptions: !!python/object/apply:os.system [ls]\n", "(the file):1", ""),
    "a map as a key": ("? {a: b}\n: c\n", "(the file):1", "string"),
    "without end": ("exceptions: " + "[" * 5000 + "\n", "", ""),
    "another context": ('"@context": https://example.com\nstatements: []\n', "@context:1", "OpenVEX"),
}


@pytest.mark.parametrize("name", BAD_ENTRIES)
def test_a_bad_entry_is_told_by_place_and_line(tmp_path: Path, name: str) -> None:
    entry, place, rule = BAD_ENTRIES[name]
    with pytest.raises(InvalidInput) as refused:
        written(tmp_path, {"exceptions": [entry]})
    problem = refused.value.problems[0]
    assert (problem.place, problem.line is None) == (place, False)
    assert rule in problem.rule
    assert problem.remedy


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_told_by_line(tmp_path: Path, name: str) -> None:
    text, place, rule = BAD_FILES[name]
    with pytest.raises(InvalidInput) as refused:
        written(tmp_path, text)
    problem = refused.value.problems[0]
    assert f"{problem.place}:{problem.line or ''}".startswith(place)
    assert rule in problem.rule
    assert problem.remedy


def test_a_mistake_in_the_second_entry_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        "exceptions:\n"
        "  - {vulnerability: CVE-2026-1, reason: a, who: b, expires: 2026-12-31}\n"
        "  - vulnerability: CVE-2026-1000\n"
        "    reason: a\n    who: b\n    expires: soon\n"
    )
    with pytest.raises(InvalidInput) as refused:
        written(tmp_path, text.replace("CVE-2026-1,", "CVE-2026-1001,"))
    assert [(problem.place, problem.line) for problem in refused.value.problems] == [("exceptions[1].expires", 6)]


def test_the_same_exception_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"same exception as exceptions\[0\]"):
        written(tmp_path, {"exceptions": [ENTRY, ENTRY | {"reason": "Another."}]})


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"missing\.yaml"):
        read_exceptions([tmp_path / "missing.yaml"])
    with pytest.raises(NotFound):
        read_exceptions([tmp_path])
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("exceptions: [] # é".encode("latin-1"))
    with pytest.raises(InvalidInput, match="UTF-8"):
        read_exceptions([latin])


def test_json_with_a_key_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "exceptions.json"
    file.write_text('{"exceptions": [], "exceptions": []}')
    with pytest.raises(InvalidInput, match="twice"):
        read_exceptions([file])


def test_a_day_may_be_written_with_and_without_quotes_and_in_json(tmp_path: Path) -> None:
    quoted = written(tmp_path, f"exceptions: [{json.dumps(ENTRY)}]")
    plain = written(tmp_path, "exceptions: [{vulnerability: CVE-2026-1000, reason: a, who: b, expires: 2026-12-31}]")
    file = tmp_path / "exceptions.json"
    file.write_text(json.dumps({"exceptions": [ENTRY]}))
    days = [each.entries[0].expires for each in (quoted, plain, read_exceptions([file]))]
    assert days == [date(2026, 12, 31)] * 3
