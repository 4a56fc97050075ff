"""The report on a registry: newest images, what is in use, the trend, two thousand repositories, and the page."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import Result

from ecr_stack.cli.scan_page import page
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, Unavailable
from ecr_stack.operations.scanning.reading import Deadline, ScanReader
from ecr_stack.operations.scanning.report import Report, RepositoryRow, read_earlier, read_rows, trend
from tests.scanning.conftest import enhanced, finding, run

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def inspected(severity: str, days: int, fix: str = "YES", **use: Any) -> dict[str, Any]:
    return {
        "severity": severity, "status": "ACTIVE", "fixAvailable": fix, "title": "x", "description": "",
        "firstObservedAt": datetime.now(UTC) - timedelta(days=days, hours=1),
        "packageVulnerabilityDetails": {
            "vulnerabilityId": f"CVE-2026-{1000 + days}", "vulnerablePackages": [{"name": "openssl", "version": "1"}],
        },
        "resources": [{"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": use}}],
    }  # fmt: skip


@pytest.fixture
def stack(aws: EmbeddedAws, project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """A stack `test` of two repositories, of which the registry has one."""
    config: dict[str, Any] = {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:repositories": {"team/api": {}, "team/later": {}},
    }
    monkeypatch.chdir(project(config))
    return aws


def report(*arguments: str) -> tuple[Result, Any]:
    result = run("report", "--stack", "test", "--format", "json", *arguments)
    return result, json.loads(result.stdout) if result.stdout else None


def test_the_newest_image_is_reported_with_its_platforms_age_of_fixes_and_use(stack: EmbeddedAws) -> None:
    enhanced(stack)
    stack.push_image("team/api", "v1")
    stack.seed_findings("team/api", "v1", [finding()] * 9)
    stack.advance(timedelta(hours=1))
    stack.push_image("team/api", "v2", platforms=["linux/amd64", "linux/arm64"])
    stack.seed_findings(
        "team/api",
        "v2",
        [
            inspected("CRITICAL", 50, "NO"), inspected("CRITICAL", 40, inUseCount=3), inspected("CRITICAL", 20),
            inspected("HIGH", 90),
        ],
        platform="linux/arm64",
    )  # fmt: skip
    result, answer = report()
    assert result.exit_code == 0
    api, later = answer["repositories"]
    assert api["imageTags"] == ["v2"]
    assert [(each["platform"], each["status"]) for each in api["platforms"]] == [
        ("linux/amd64", "ACTIVE"), ("linux/arm64", "ACTIVE"),
    ]  # fmt: skip
    assert api["counts"] == {"CRITICAL": 3, "HIGH": 1}
    assert api["fixable"] == {"CRITICAL": 2, "HIGH": 1}
    assert api["oldestFixableCritical"]["name"] == "CVE-2026-1040"
    assert (api["inUseCount"], api["fixabilityKnown"]) == (3, True)
    assert later["problem"] == "the repository does not exist yet"
    assert answer["totals"]["CRITICAL"] == 3


def test_repositories_are_read_by_their_names_in_ecr(
    aws: EmbeddedAws, project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config: dict[str, Any] = {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:namePrefix": "team/",
        "ecr-stack:repositories": {"api": {}},
    }
    monkeypatch.chdir(project(config))
    aws.push_image("team/api", "v1")
    _, told = report()
    (row,) = told["repositories"]
    assert (row["repository"], row["imageTags"]) == ("team/api", ["v1"])


def test_a_report_pulls_no_image_but_an_index_and_scans_nothing(stack: EmbeddedAws) -> None:
    stack.push_image("team/api", "v1")
    _, answer = report()
    assert answer["repositories"][0]["platforms"][0]["status"] == "SCAN_NOT_FOUND"
    assert (stack.calls["ecr:BatchGetImage"], stack.calls["ecr:StartImageScan"]) == (0, 0)


def test_signatures_are_not_taken_for_the_newest_image(stack: EmbeddedAws) -> None:
    digest = stack.push_image("team/api", "v1")
    stack.advance(timedelta(hours=1))
    stack.push_image("team/api", digest.replace(":", "-") + ".sig", content="signature")
    _, answer = report()
    assert answer["repositories"][0]["imageTags"] == ["v1"]


def test_a_basic_scan_leaves_open_whether_there_is_a_fix_and_what_runs(stack: EmbeddedAws) -> None:
    stack.push_image("team/api", "v1")
    stack.seed_findings("team/api", "v1", [{"name": "CVE-2026-1000", "severity": "CRITICAL", "attributes": []}])
    run("start", "team/api:v1", "--stack", "test")
    row = report()[1]["repositories"][0]
    assert (row["counts"], row["fixable"], row["fixabilityKnown"]) == ({"CRITICAL": 1}, {}, False)
    assert (row["oldestFixableCritical"], row["inUseCount"]) == (None, None)


def test_the_trend_is_told_against_an_earlier_report(stack: EmbeddedAws, tmp_path: Path) -> None:
    enhanced(stack)
    stack.push_image("team/api", "v1")
    stack.seed_findings("team/api", "v1", [finding(), finding("CVE-2026-2", "HIGH")])
    earlier = tmp_path / "earlier.json"
    earlier.write_text(report()[0].stdout)
    stack.seed_findings("team/api", "v1", [finding("CVE-2026-2", "HIGH"), finding("CVE-2026-3", "HIGH")])
    change = report("--compare", str(earlier))[1]["trend"]
    assert change["totals"]["CRITICAL"] == -1
    assert change["repositories"]["team/api"]["HIGH"] == 1
    text = run("report", "--stack", "test", "--compare", str(earlier)).stdout
    assert "-1 critical, +1 high" in text
    again = tmp_path / "again.json"
    again.write_text(report("--compare", str(earlier))[0].stdout)
    assert report("--compare", str(again))[1]["trend"]["totals"]["HIGH"] == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"repositories": 7}', '{"repositories": [], "stack": "a", "at": "x"}']
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "earlier.json"
    file.write_text(text)
    with pytest.raises(InvalidInput):
        read_earlier(file)


def test_a_registry_that_refuses_every_read_is_an_error(stack: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    error = run("report", "--stack", "test").exception
    assert isinstance(error, Unavailable)
    assert "aws sso login" in str(error)


class Registry:
    """A client of ECR with any number of repositories, which notes how it is used."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.refused = refused
        self.at_once = self.most_at_once = self.calls = 0
        self.lock = threading.Lock()

    def get_paginator(self, _name: str) -> Registry:
        return self

    def _enter(self, change: int) -> None:
        with self.lock:
            self.at_once += change
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.calls += change > 0

    def paginate(self, repositoryName: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803 - as boto3
        self._enter(1)
        try:
            time.sleep(0.0005)
            if repositoryName in self.refused:
                error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
                raise ClientError(error, "DescribeImages")  # type: ignore[arg-type]
            yield {"imageDetails": [{"imageDigest": "sha256:1", "imageTags": ["v1"], "imagePushedAt": NOW}]}
        finally:
            self._enter(-1)

    def describe_images(self, **_: Any) -> dict[str, Any]:
        return {"imageDetails": [{"imageDigest": "sha256:1", "imageManifestMediaType": "x"}]}

    def describe_image_scan_findings(self, **_: Any) -> dict[str, Any]:
        return {
            "imageScanStatus": {"status": "COMPLETE"},
            "imageScanFindings": {
                "findings": [{"name": "CVE-1", "severity": "HIGH"}],
                "findingSeverityCounts": {"HIGH": 1},
            },
        }


def test_two_thousand_repositories_are_read_a_few_at_a_time_and_in_order() -> None:
    registry = Registry(refused=frozenset({"repository-7"}))
    names = [f"repository-{number}" for number in range(2000)]
    read: list[str] = []
    rows: list[RepositoryRow] = []
    reader = ScanReader(registry, Deadline(0), start=False, retry=False)
    for row in read_rows(registry, reader, names, read.append):
        rows.append(row)
        # no more is read ahead than fits into the window
        assert registry.calls <= len(rows) + 33
    assert [row.repository for row in rows] == names == read
    assert 1 < registry.most_at_once <= 8
    assert [row.repository for row in rows if row.unreadable] == ["repository-7"]
    assert "AccessDeniedException" in (rows[7].problem or "")
    assert Report(stack="x", at=NOW, repositories=rows).totals["HIGH"] == 1999


HOSTILE = '"><script>alert(1)</script><img src=https://evil.example/x>'


def row(name: str, counts: dict[str, int] | None, **more: Any) -> RepositoryRow:
    known: dict[str, Any] = {"repository": name, "counts": counts, "imageDigest": "sha256:1", "imagePushedAt": NOW}
    return RepositoryRow.model_validate(known | more)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "th" and data.strip():
            self.rows.append(data)


def test_the_page_needs_nothing_else_and_shows_texts_as_they_are() -> None:
    told = Report(
        stack=HOSTILE,
        at=NOW,
        repositories=[
            row("calm", {"LOW": 1}),
            row("worst", {"CRITICAL": 2}, imageTags=[HOSTILE], problem=HOSTILE,
                oldestFixableCritical={"name": HOSTILE, "package": HOSTILE, "firstObservedAt": NOW - timedelta(days=9)}),
            row("unknown", None),
        ],
    )  # fmt: skip
    html = page(told)
    parsed = _Page()
    parsed.feed(html)
    assert parsed.links == []
    assert not {"script", "img", "link", "iframe", "object"} & set(parsed.tags)
    assert not re.search(r"url\(|@import", html)
    assert "default-src 'none'" in html
    assert "9 days" in html
    assert [name for name in parsed.rows if name in ("worst", "calm", "unknown")] == ["worst", "calm", "unknown"]
    assert html.count("<html lang=") == 1


def test_the_page_tells_the_trend_in_words() -> None:
    before = Report(stack="prod", at=NOW - timedelta(days=7), repositories=[row("api", {"HIGH": 3}), row("old", {})])
    after = Report(stack="prod", at=NOW, repositories=[row("api", {"HIGH": 1}), row("new", {})])
    html = page(after, trend(after, before))
    assert "2 fewer" in html
    assert "New since then: new." in html
    assert "Resolved since then: old." in html


def test_a_repository_without_a_result_counts_as_unknown_and_not_as_clean() -> None:
    told = Report(stack="prod", at=NOW, repositories=[row("api", None), row("web", {})])
    assert told.unknown == 1
    assert trend(told, told).incomparable == ("api",)
