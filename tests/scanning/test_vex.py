"""OpenVEX documents as exceptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.errors import InvalidInput
from ecr_stack.operations.scanning.exceptions import Exceptions, JudgedImage, read_exceptions
from ecr_stack.operations.scanning.findings import Finding, Package
from tests.scanning.test_exceptions import DIGEST, HOST, OPENSSL, gate

OTHER = f"sha256:{'b' * 64}"
PRODUCT = f"pkg:oci/api@{DIGEST}?repository_url={HOST}/team/api"


def document(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Security <security@example.com>",
        "timestamp": "2026-11-01T10:00:00.123456789Z",
        "version": 1,
        "statements": list(statements),
    } | more


def statement(status: str = "not_affected", product: Any = PRODUCT, **more: Any) -> dict[str, Any]:
    reasons: dict[str, dict[str, str]] = {
        "not_affected": {"justification": "vulnerable_code_not_in_execute_path"},
        "affected": {"action_statement": "Update."},
    }
    return (
        {
            "vulnerability": {"name": "CVE-2026-1000"},
            "products": [{"@id": product} if isinstance(product, str) else product],
            "status": status,
        }
        | reasons.get(status, {})
        | more
    )


def read(path: Path, *documents: dict[str, Any]) -> Exceptions:
    files = []
    for number, data in enumerate(documents):
        files.append(path / f"{number}.vex.json")
        files[-1].write_text(json.dumps(data))
    return read_exceptions(files)


def test_an_impact_statement_that_says_nothing_accepts_nothing(tmp_path: Path) -> None:
    entry = {**statement(), "impact_statement": "TODO"}
    decision = gate(read(tmp_path, document(entry)), OPENSSL)
    assert decision.verdict == "open"
    assert decision.used[0].as_json()["reason"] == "vulnerable_code_not_in_execute_path"
    del entry["justification"]
    with pytest.raises(InvalidInput, match="the impact statement is the reason, and it is a placeholder"):
        read(tmp_path, document(entry))
    assert gate(read(tmp_path, document(entry | {"impact_statement": "No TLS here."})), OPENSSL).verdict == "open"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("not_affected", "open"), ("fixed", "open"), ("affected", "closed"), ("under_investigation", "closed")],
)
def test_the_status_decides(tmp_path: Path, status: str, verdict: str) -> None:
    assert gate(read(tmp_path, document(statement(status))), OPENSSL).verdict == verdict


@pytest.mark.parametrize(
    ("product", "matches"),
    [
        (PRODUCT, True),
        (f"pkg:oci/api@{DIGEST.replace(':', '%3A')}", True),
        (f"pkg:oci/api@{OTHER}", False),
        ("pkg:oci/api", True),
        ("pkg:oci/API", True),
        ("pkg:oci/web", False),
        (f"pkg:oci/api?repository_url={HOST}/team", True),
        (f"pkg:oci/api?repository_url=https://{HOST}/team/api", True),
        (f"pkg:oci/api?repository_url={HOST}/other/api", False),
        ("pkg:oci/api?repository_url=docker.io/team/api", False),
        ("pkg:oci/api?tag=v1", True),
        ("pkg:oci/api?tag=v2", False),
        ("pkg:oci/api?arch=amd64", True),
        ("pkg:oci/api?arch=arm64", False),
        ("pkg:docker/team/api@v1", False),
        ("https://example.com/api", False),
        ({"identifiers": {"purl": PRODUCT}}, True),
        ({"@id": "https://example.com/api", "identifiers": {"purl": f"pkg:oci/api@{OTHER}"}}, False),
        ({"@id": "urn:api", "hashes": {"sha-256": "a" * 64}}, True),
        ({"@id": "pkg:oci/api", "hashes": {"sha-256": "b" * 64}}, False),
    ],
)
def test_products_are_matched_by_package_url_and_digest(tmp_path: Path, product: Any, matches: bool) -> None:
    accepted = read(tmp_path, document(statement(product=product)))
    decision = gate(accepted, OPENSSL)
    assert (decision.verdict == "open") is matches
    assert len(decision.unused) == (not matches)


def test_an_architecture_that_is_not_known_matches_none_that_is_named(tmp_path: Path) -> None:
    unknown = JudgedImage("team/api", frozenset({DIGEST}), "v1", HOST)
    assert (
        gate(read(tmp_path, document(statement(product="pkg:oci/api?arch=amd64"))), OPENSSL, image=unknown).verdict
        == "closed"
    )


@pytest.mark.parametrize(
    ("component", "matches"),
    [
        ("pkg:deb/debian/openssl@1.1.1-1?arch=amd64", True),
        ("pkg:rpm/amzn/openssl", True),
        ("pkg:deb/debian/openssl@1.1.1-2", False),
        ("pkg:deb/debian/curl", False),
        ("pkg:npm/openssl@1.1.1-1", False),
    ],
)
def test_subcomponents_name_the_package(tmp_path: Path, component: str, matches: bool) -> None:
    product = {"@id": PRODUCT, "subcomponents": [{"@id": component}]}
    assert (gate(read(tmp_path, document(statement(product=product))), OPENSSL).verdict == "open") is matches


def test_a_package_of_a_language_is_matched_with_its_namespace(tmp_path: Path) -> None:
    finding = Finding("CVE-2026-1000", "HIGH", (Package("org.apache:log4j", "2.0", "JAR"),))
    for component, verdict in (
        ("pkg:maven/org.apache/log4j@2.0", "open"),
        ("pkg:maven/com.apache/log4j@2.0", "closed"),
    ):
        product = {"@id": PRODUCT, "subcomponents": [{"@id": component}]}
        assert gate(read(tmp_path, document(statement(product=product))), finding).verdict == verdict


def test_aliases_and_ids_name_the_vulnerability_too(tmp_path: Path) -> None:
    for vulnerability in (
        {"name": "GHSA-1", "aliases": ["CVE-2026-1000"]},
        {"name": "x", "@id": "https://nvd.nist.gov/vuln/detail/CVE-2026-1000"},
    ):
        assert gate(read(tmp_path, document(statement(vulnerability=vulnerability))), OPENSSL).verdict == "open"


def test_the_latest_statement_overrides_the_earlier_ones_whatever_their_order(tmp_path: Path) -> None:
    early = statement("not_affected", timestamp="2026-01-01T00:00:00Z")
    late = statement("affected", timestamp="2026-02-01T00:00:00Z")
    for order in ([early, late], [late, early]):
        assert gate(read(tmp_path, document(*order)), OPENSSL).verdict == "closed"
    renewed = document(statement("fixed"), timestamp="2026-03-01T00:00:00Z")
    assert gate(read(tmp_path, renewed, document(late, early)), OPENSSL).verdict == "open"


def test_the_first_version_of_the_format_is_read_too(tmp_path: Path) -> None:
    old = statement() | {"vulnerability": "CVE-2026-1000", "products": [PRODUCT]}
    assert gate(read(tmp_path, document(old, **{"@context": "https://openvex.dev/ns"})), OPENSSL).verdict == "open"


def test_a_statement_without_products_applies_to_nothing(tmp_path: Path) -> None:
    decision = gate(read(tmp_path, document(statement() | {"products": []})), OPENSSL)
    assert (decision.verdict, len(decision.unused)) == ("closed", 1)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (document(), "statements"),
        (document(statement(justification=None)), "statements[0].status"),
        (document(statement("affected", action_statement=None)), "statements[0].status"),
        (document(statement("wont_fix")), "statements[0].status"),
        (document(statement(justification="we_think_so")), "statements[0].justification"),
        (document(statement(product="pkg:oci")), "statements[0].products[0]"),
        (document(statement(product={})), "statements[0].products[0]"),
        (document(statement(), timestamp="yesterday"), "timestamp"),
        (document(statement(), timestamp="2026-01-01T00:00:00"), "timestamp"),
        (document(statement(), author=None), "author"),
        (document(statement(), statments=[]), "statments"),
        (document(statement(), **{"@context": "https://openvex.dev/ns/v1.0.0"}), "@context"),
        (document(statement(), **{"@context": ["https://openvex.dev/ns"]}), "@context"),
    ],
)
def test_a_document_that_breaks_the_specification_is_refused(tmp_path: Path, data: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, data)
    assert place in [problem.place for problem in refused.value.problems]
