"""Basic scans of what was pulled lately, and the credentials that `ecr-stack scan` works with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.operations.scanning.findings import read_result
from tests.scanning.conftest import ACCOUNT, HOST, Clock, enhanced, run


def pulled(aws: EmbeddedAws, repository: str, digest: str) -> None:
    aws.call("ecr", "BatchGetImage", {"repositoryName": repository, "imageIds": [{"imageDigest": digest}]})


def scans(*arguments: str) -> tuple[int, dict[tuple[str, str], str]]:
    result = run("start", "--region", "us-east-1", "--format", "json", *arguments)
    entries = json.loads(result.stdout)["scans"]
    return result.exit_code, {(each["repository"], each["imageDigest"]): each["outcome"] for each in entries}


def test_only_what_was_pulled_lately_is_scanned_and_once_in_24_hours(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "web"})
    stale, fresh = aws.push_image("team/api", "v1"), aws.push_image("web", "v2")
    aws.push_image("web", "never-pulled")
    long_ago = "2026-01-01T00:00:00+00:00"
    old = {"imageDigest": f"sha256:{'a' * 64}", "imageTags": ["old"], "imagePushedAt": long_ago}
    aws.seed_images("team/api", [{**old, "lastRecordedPullTime": long_ago}])
    pulled(aws, "web", fresh)
    assert scans("--pulled-within", "14d") == (0, {("web", fresh): "started"})
    assert scans("--pulled-within", "14d") == (0, {("web", fresh): "not due"})
    pulled(aws, "team/api", stale)
    aws.advance(timedelta(hours=25))
    assert scans("--pulled-within", "36h")[1].keys() == {("web", fresh), ("team/api", stale)}


def test_the_images_of_an_index_are_scanned_and_the_index_is_not_read(aws: EmbeddedAws) -> None:
    index = aws.push_image("team/api", "v1", platforms=["linux/amd64", "linux/arm64"])
    answer = aws.call("ecr", "BatchGetImage", {"repositoryName": "team/api", "imageIds": [{"imageDigest": index}]})
    child = json.loads(answer["images"][0]["imageManifest"])["manifests"][1]["digest"]
    pulled(aws, "team/api", child)
    before = aws.calls["ecr:BatchGetImage"]
    assert scans("--pulled-within", "1d") == (0, {("team/api", child): "started"})
    assert aws.calls["ecr:BatchGetImage"] == before


def test_artifacts_and_archived_images_are_left_alone(aws: EmbeddedAws) -> None:
    image = aws.push_image("team/api", "v1")
    signature = aws.push_image("team/api", f"sha256-{image.partition(':')[2]}.sig", content="signature")
    pulled(aws, "team/api", signature)
    pulled(aws, "team/api", image)
    aws.call(
        "ecr",
        "UpdateImageStorageClass",
        {"repositoryName": "team/api", "imageId": {"imageDigest": image}, "targetStorageClass": "ARCHIVE"},
    )
    assert scans("--pulled-within", "1d") == (0, {})


def test_under_enhanced_scanning_nothing_is_started_and_what_to_do_is_said(aws: EmbeddedAws) -> None:
    enhanced(aws)
    result = run("start", "--region", "us-east-1", "--pulled-within", "1d")
    assert result.exit_code != 0
    assert "CONTINUOUS_SCAN" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either an image or a time"),
        ((f"{HOST}/team/api:v1", "--pulled-within", "1d"), "either an image or a time"),
        (("--pulled-within", "14"), "14d or 36h"),
        (("--pulled-within", "0d"), "14d or 36h"),
        (("--pulled-within", "two weeks"), "14d or 36h"),
    ],
)
def test_a_bad_request_is_refused_with_its_remedy(aws: EmbeddedAws, arguments: tuple[str, ...], words: str) -> None:
    result = run("start", *arguments)
    assert result.exit_code != 0
    assert words in str(result.exception)


@pytest.fixture
def stack(
    aws: EmbeddedAws, project: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], None]:
    """Makes a stack `test` with `aws:` settings; the environment alone reaches nobody."""
    url = aws.serve()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def make(settings: dict[str, Any]) -> None:
        endpoints = [{"ecr": url, "sts": url}]
        config = {
            "aws:region": "us-east-1",
            "aws:endpoints": endpoints,
            "ecr-stack:environment": "test",
            "ecr-stack:namePrefix": "team/",
            "ecr-stack:repositories": {"api": {}},
            **settings,
        }
        monkeypatch.chdir(project(config))

    return make


@pytest.mark.parametrize(
    "command",
    [
        ("gate", "team/api:v1"),
        ("findings", "team/api:v1"),
        ("start", "team/api:v1"),
        ("start", "--pulled-within", "1d"),
        ("report",),
    ],
)
def test_each_command_uses_the_endpoints_and_roles_of_the_stack_file(
    aws: EmbeddedAws, clock: Clock, stack: Callable[[dict[str, Any]], None], command: tuple[str, ...]
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/scanner"
    aws.suppose(role)
    aws.push_image("team/api", "v1")
    aws.script_scan("team/api", "v1", [{"status": "COMPLETE", "findings": []}])
    stack({"aws:assumeRoles": [{"roleArn": role}]})
    result = run(*command, "--stack", "test")
    assert result.exit_code == 0, (result.output, result.exception)
    assert aws.calls["sts:AssumeRole"] >= 1


def test_credentials_of_an_account_that_the_stack_file_does_not_allow_are_refused(
    aws: EmbeddedAws, clock: Clock, stack: Callable[[dict[str, Any]], None]
) -> None:
    aws.push_image("team/api", "v1")
    stack({"aws:allowedAccountIds": ["444455556666"]})
    result = run("gate", "team/api:v1", "--stack", "test")
    assert result.exit_code != 0
    assert "444455556666" in str(result.exception)


def test_a_report_reads_the_repositories_by_their_names_in_ecr(
    aws: EmbeddedAws, stack: Callable[[dict[str, Any]], None]
) -> None:
    aws.push_image("team/api", "v1")
    stack({})
    result = run("report", "--stack", "test", "--format", "json")
    assert [each["repository"] for each in json.loads(result.stdout)["repositories"]] == ["team/api"]


@pytest.mark.parametrize("key", ["fixed_in_version", "fixed_in_versions"])
def test_a_basic_finding_that_names_a_fixed_version_is_fixable(key: str) -> None:
    attributes = [{"key": "package_name", "value": "openssl"}, {"key": key, "value": "3.0.2"}]
    found = {"name": "CVE-2026-0001", "severity": "HIGH", "attributes": attributes}
    (finding,) = read_result(
        [{"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findings": [found]}}]
    ).findings
    assert (finding.fixable, finding.packages[0].fixed_in) == (True, "3.0.2")
