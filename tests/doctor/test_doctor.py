"""`ecr-stack doctor`: a freshly deployed stack passes, each fault is found by its own check, doubt is never a pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from ecr_stack.cli.app import app
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.operations.doctor import check as doctor_check
from ecr_stack.operations.doctor import checks as _registers  # noqa: F401
from ecr_stack.rehearsal import rehearse
from tests.conftest import PROJECT
from tests.images.conftest import ACCOUNT, REGION, fail, refusal  # noqa: F401
from tests.scanning.test_gate_command import sarif_schema

PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "ecr:*"}],
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """The stack `prod`, deployed."""
    with EmbeddedAws(account=ACCOUNT, region=REGION) as aws:
        rehearse("prod", PROJECT, account=ACCOUNT, aws=aws)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.serve())
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(PROJECT)
        yield aws


def diagnose() -> tuple[int, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(app, ["doctor", "--stack", "prod", "--format", "json"])
    assert result.stdout, repr(result.exception)
    checks = json.loads(result.stdout)["checks"]
    assert all({"name", "status", "evidence", "source", "remedy"} <= set(each) for each in checks)
    return result.exit_code, {each["name"]: each for each in checks}


def failing(checks: dict[str, dict[str, str]]) -> set[str]:
    return {name for name, each in checks.items() if each["status"] == "fail"}


def test_a_stack_as_it_was_deployed_fails_nothing(aws: EmbeddedAws) -> None:
    code, checks = diagnose()
    assert (code, failing(checks)) == (0, set()), {name: checks[name]["evidence"] for name in failing(checks)}
    assert checks["replication-is-the-stacks"]["status"] == "pass"
    assert checks["lifecycle-policies-are-the-stacks"]["status"] == "pass"
    assert checks["encryption-is-the-stacks"]["status"] == "pass"
    assert checks["keys-are-enabled-and-rotate"]["status"] == "pass"


def test_nothing_is_pulled_and_nothing_is_changed(aws: EmbeddedAws) -> None:
    aws.push_image("api-gateway", "v1", platforms=["linux/amd64", "linux/arm64"])
    before = dict(aws.calls)
    diagnose()
    made = {name for name, count in aws.calls.items() if count != before.get(name, 0)}
    assert made
    assert all(name.partition(":")[2].startswith(("Describe", "Get", "List")) for name in made), made


def drift_mutability(aws: EmbeddedAws) -> None:
    aws.call("ecr", "PutImageTagMutability", {"repositoryName": "api-gateway", "imageTagMutability": "MUTABLE"})


def drift_lifecycle(aws: EmbeddedAws) -> None:
    aws.call("ecr", "DeleteLifecyclePolicy", {"repositoryName": "api-gateway"})
    aws.push_image("api-gateway", "v1")


def open_policy(aws: EmbeddedAws) -> None:
    aws.call("ecr", "SetRepositoryPolicy", {"repositoryName": "api-gateway", "policyText": json.dumps(PUBLIC)})


def drift_replication(aws: EmbeddedAws) -> None:
    aws.call("ecr", "PutReplicationConfiguration", {"replicationConfiguration": {"rules": []}})


def drift_scanning(aws: EmbeddedAws) -> None:
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": "ENHANCED", "rules": []})


def stranger(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "by-hand"})


def missing(aws: EmbeddedAws) -> None:
    aws.call("ecr", "DeleteRepository", {"repositoryName": "user-service", "force": True})


def strange_tag(aws: EmbeddedAws) -> None:
    aws.push_image("api-gateway", "my-test")


def moving_tag(aws: EmbeddedAws) -> None:
    aws.push_image("api-gateway", "latest")
    aws.call("ecr", "BatchGetImage", {"repositoryName": "api-gateway", "imageIds": [{"imageTag": "latest"}]})


def critical(aws: EmbeddedAws) -> None:
    aws.push_image("api-gateway", "v1")
    aws.seed_findings("api-gateway", "v1", [{"name": "CVE-2026-1", "severity": "CRITICAL", "package": "openssl"}])


def no_scan(aws: EmbeddedAws) -> None:
    aws.push_image("api-gateway", "v1")
    aws.script_scan("api-gateway", "v1", [{"status": "FAILED"}])


def key_going(aws: EmbeddedAws) -> None:
    described = aws.call("ecr", "DescribeRepositories", {"repositoryNames": ["api-gateway"]})["repositories"][0]
    key = described["encryptionConfiguration"]["kmsKey"].rpartition("/")[2]
    aws.call("kms", "ScheduleKeyDeletion", {"KeyId": key})


def other_replica(aws: EmbeddedAws) -> None:
    pushed = datetime.now(UTC) - timedelta(days=2)
    one, two = f"sha256:{1:064x}", f"sha256:{2:064x}"
    aws.seed_images("api-gateway", [{"imageDigest": one, "imageTags": ["v1"], "imagePushedAt": pushed}])
    seeded = [{"imageDigest": two, "imageTags": ["v1"], "imagePushedAt": pushed}]
    aws.seed_images("api-gateway", seeded, region="us-west-2")


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (drift_mutability, {"tag-mutability-is-the-stacks", "releases-cannot-be-overwritten"}),
        (
            drift_lifecycle,
            {"lifecycle-policies-are-the-stacks", "untagged-images-expire", "lifecycle-rules-cover-every-image"},
        ),
        (open_policy, {"repository-policies-are-narrow"}),
        (drift_replication, {"replication-is-the-stacks"}),
        (drift_scanning, {"images-are-scanned-on-push"}),
        (stranger, {"repositories-are-managed"}),
        (missing, {"repositories-exist"}),
        (strange_tag, {"tags-follow-the-declared-schemes", "lifecycle-rules-cover-every-image"}),
        (moving_tag, {"moving-tags-are-not-deployed"}),
        (critical, {"newest-images-have-no-critical-findings"}),
        (no_scan, {"newest-images-have-a-scan"}),
        (key_going, {"keys-are-enabled-and-rotate"}),
        (other_replica, {"replicas-agree"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_fault_is_found_by_its_check(aws: EmbeddedAws, fault: Any, names: set[str]) -> None:
    fault(aws)
    code, checks = diagnose()
    assert code == 1
    assert failing(checks) == names
    assert all(checks[name]["evidence"] for name in names)


PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/containers"


@pytest.fixture
def signed(aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """The stack `prod`, which has what is pushed to `api-gateway` signed."""
    for name in ("Pulumi.yaml", "__main__.py", "Pulumi.prod.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    rule = {"signingProfileArn": PROFILE, "repositoryFilters": ["api-*"]}
    with (tmp_path / "Pulumi.prod.yaml").open("a") as file:
        file.write(f"  ecr-stack:signing: {json.dumps({'rules': [rule]})}\n")
    monkeypatch.chdir(tmp_path)
    filters = [{"filter": "api-*", "filterType": "WILDCARD_MATCH"}]
    configuration = {"rules": [{"signingProfileArn": PROFILE, "repositoryFilters": filters}]}
    aws.call("ecr", "PutSigningConfiguration", {"signingConfiguration": configuration})
    return aws


def test_what_is_signed_passes(signed: EmbeddedAws) -> None:
    signed.push_image("api-gateway", "v1")
    signed.push_image("user-service", "v1")
    _, checks = diagnose()
    assert checks["signing-is-the-stacks"]["status"] == checks["images-are-signed"]["status"] == "pass"


def test_a_signing_rule_that_is_gone_fails_and_an_image_without_a_signature_is_no_pass(signed: EmbeddedAws) -> None:
    signed.call("ecr", "DeleteSigningConfiguration", {})
    signed.push_image("api-gateway", "v1")
    _, checks = diagnose()
    assert checks["signing-is-the-stacks"]["status"] == "fail"
    assert f"api-* with {PROFILE} is missing" in checks["signing-is-the-stacks"]["evidence"]
    assert checks["images-are-signed"]["status"] == "unknown"


def test_an_image_that_could_not_be_signed_fails_with_the_reason(signed: EmbeddedAws) -> None:
    profile = {"profileName": "containers", "platformId": "Notation-OCI-SHA384-ECDSA"}
    signed.call("signer", "PutSigningProfile", profile)
    signed.call("signer", "CancelSigningProfile", {"profileName": "containers"})
    signed.push_image("api-gateway", "v1")
    code, checks = diagnose()
    assert (code, checks["images-are-signed"]["status"]) == (1, "fail")
    assert "v1: ValidationException: The signing profile is canceled. (" in checks["images-are-signed"]["evidence"]


def test_a_repository_that_is_deleted_meanwhile_does_not_exist_and_fails_nothing_else(
    aws: EmbeddedAws,
    fail: Any,  # noqa: F811
) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "by-hand"})

    def vanish(name: str) -> Any:
        def delete(request: Any) -> None:
            if name in str(request.body):
                aws.call("ecr", "DeleteRepository", {"repositoryName": name, "force": True})

        return delete

    fail("GetLifecyclePolicy", [vanish("user-service")] * 30)
    fail("ListTagsForResource", [vanish("by-hand")] * 30)
    code, checks = diagnose()
    assert (code, failing(checks)) == (1, {"repositories-exist"})
    assert checks["repositories-exist"]["evidence"] == "user-service does not exist"
    assert checks["repositories-are-managed"]["status"] == "pass"
    assert checks["lifecycle-policies-are-the-stacks"]["status"] == "pass"


def test_throttling_is_waited_out(aws: EmbeddedAws, fail: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    for operation in ("DescribeRepositories", "DescribeImages", "GetLifecyclePolicy"):
        fail(operation, [refusal("ServerException", 500)] * 2)
    # the client slows down after this one
    fail("GetRepositoryPolicy", [refusal("ThrottlingException")])
    aws.push_image("api-gateway", "v1")
    code, checks = diagnose()
    assert (code, failing(checks)) == (0, set())
    assert checks["lifecycle-policies-are-the-stacks"]["status"] == "pass"


def test_what_may_not_be_read_is_unknown(aws: EmbeddedAws, fail: Any) -> None:  # noqa: F811
    denied = [refusal("AccessDeniedException")] * 50
    fail("GetLifecyclePolicy", list(denied))
    fail("GetRepositoryPolicy", list(denied))
    fail("DescribeRegistry", list(denied))
    fail("GetRegistryScanningConfiguration", list(denied))
    fail("DescribeKey", list(denied))
    code, checks = diagnose()
    assert code == 0
    unknown = {name for name, each in checks.items() if each["status"] == "unknown"}
    assert {
        "lifecycle-policies-are-the-stacks", "untagged-images-expire", "repository-policies-are-narrow",
        "replication-is-the-stacks", "images-are-scanned-on-push", "keys-are-enabled-and-rotate",
    } <= unknown  # fmt: skip
    assert "AccessDeniedException" in checks["images-are-scanned-on-push"]["evidence"]


def test_sarif_is_valid_and_names_what_fails(aws: EmbeddedAws) -> None:
    stranger(aws)
    result = CliRunner().invoke(app, ["doctor", "--stack", "prod", "--format", "sarif"])
    written = json.loads(result.stdout)
    jsonschema.Draft7Validator(sarif_schema()).validate(written)
    assert "repositories-are-managed" in [each["ruleId"] for each in written["runs"][0]["results"]]


def test_markdown_and_text_name_remedies(aws: EmbeddedAws) -> None:
    stranger(aws)
    for format_ in ("markdown", "text"):
        result = CliRunner().invoke(app, ["doctor", "--stack", "prod", "--format", format_])
        assert result.exit_code == 1
        assert "Every repository in the registry is managed" in result.stdout
        assert "delete it when it is no longer needed" in result.stdout.replace("&#45;", "-")


def test_every_check_has_a_sentence_a_source_and_a_remedy() -> None:
    assert len(doctor_check.CHECKS) >= 15
    for each in doctor_check.CHECKS:
        assert each.sentence.endswith(".")
        assert each.source.startswith("https://docs.aws.amazon.com/")
        assert each.remedy
    assert len({each.name for each in doctor_check.CHECKS}) == len(doctor_check.CHECKS)


def test_what_leaves_several_checks_open_is_told_once(aws: EmbeddedAws, fail: Any) -> None:  # noqa: F811
    fail("GetLifecyclePolicy", [refusal("AccessDeniedException")] * 50)
    text = CliRunner().invoke(app, ["doctor", "--stack", "prod"]).stdout
    open_ = [line for line in text.splitlines() if line.startswith("? ")]
    assert len(open_) >= 3
    reasons = [line for line in text.splitlines() if "AccessDeniedException" in line]
    assert reasons
    assert len(reasons) == len(set(reasons))
