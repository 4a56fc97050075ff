"""`ecr_stack.testing`: what users rehearse and hold against expectations in tests of their own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest

import ecr_stack
from ecr_stack import testing
from ecr_stack.errors import NotFound
from tests.conftest import PROJECT

embedded_aws = testing.embedded_aws

RULE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7},
    "action": {"type": "expire"},
}


def service() -> None:
    key = aws.kms.Key("images")
    repository = aws.ecr.Repository(
        "api",
        name="api",
        encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
        opts=pulumi.ResourceOptions(protect=True),
    )
    aws.ecr.LifecyclePolicy("api", repository=repository.name, policy=json.dumps({"rules": [RULE]}))
    statement = {
        "Sid": "Pull",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/runner"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
    }
    aws.ecr.RepositoryPolicy(
        "api", repository=repository.name, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    pulumi.export("url", repository.repository_url)


ASSUMED = ["arn:aws:iam::123456789012:role/runner"]


def test_the_embedded_account_answers_calls_an_endpoint_and_seeded_images(embedded_aws: testing.EmbeddedAws) -> None:
    embedded_aws.call("ecr", "CreateRepository", {"repositoryName": "api"})
    digest = "sha256:" + "a" * 64
    embedded_aws.seed_images("api", [{"imageDigest": digest, "imageTags": ["v1"], "imagePushedAt": 1700000000}])
    assert embedded_aws.suppose("arn:aws:iam::123456789012:role/runner") is True
    client = boto3.client(
        "ecr",
        endpoint_url=embedded_aws.serve(),
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    (image,) = client.describe_images(repositoryName="api")["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])


def test_a_function_is_rehearsed_and_its_graph_is_told() -> None:
    report = testing.rehearse_program(service, assume=ASSUMED)
    assert report.outputs == {"url": "123456789012.dkr.ecr.us-east-1.amazonaws.com/api"}
    assert testing.dependencies(report) == {
        "Key images": [],
        "LifecyclePolicy api": ["Repository api"],
        "Repository api": ["Key images"],
        "RepositoryPolicy api": ["Repository api"],
    }
    assert report.named("Repository", "api").options["protect"] is True
    assert report.named("aws:kms/key:Key", "images").options["protect"] is False


def test_a_preview_knows_what_is_given_and_nothing_that_only_aws_can_tell() -> None:
    report = testing.rehearse_program(service, preview=True)
    repository = report.named("Repository", "api")
    assert repository.inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": testing.UNKNOWN_VALUE}]
    assert repository.outputs["name"] == "api"
    assert report.outputs == {"url": testing.UNKNOWN_VALUE}
    assert report.calls == {}
    assert report.named("LifecyclePolicy", "api").dependencies == [repository.urn]


def test_what_aws_would_refuse_fails_the_rehearsal() -> None:
    with pytest.raises(testing.AwsRefused, match="runner"):
        testing.rehearse_program(service)


def test_an_assertion_in_a_function_stays_an_assertion() -> None:
    def program() -> None:
        assert pulumi.Config().require("size") == "large", "wrong size"

    with pytest.raises(AssertionError, match="wrong size"):
        testing.rehearse_program(program, config={"size": "small"})
    testing.rehearse_program(program, config={"size": "large"})


def test_access_is_held_against_expectations() -> None:
    report = testing.rehearse_program(service, assume=ASSUMED)
    assert testing.access(report, "role/runner", "pull", "api") == "ALLOWED"
    assert testing.access(report, "role/runner", "push", "api") != "ALLOWED"
    with pytest.raises(NotFound, match="apj"):
        testing.access(report, "role/runner", "pull", "apj")


def test_lifecycle_is_held_against_expectations() -> None:
    report = testing.rehearse_program(service, assume=ASSUMED)
    images: list[dict[str, Any]] = [
        {"imageDigest": "sha256:" + "1" * 64, "imagePushedAt": "2026-01-01T00:00:00Z"},
        {"imageDigest": "sha256:" + "2" * 64, "imagePushedAt": "2026-01-09T00:00:00Z"},
    ]
    result = testing.simulate_lifecycle(report, "api", images, datetime(2026, 1, 10, tzinfo=UTC))
    assert [decision.image.digest[-1] for decision in result.expire] == ["1"]
    assert [decision.image.digest[-1] for decision in result.keep] == ["2"]
    with pytest.raises(NotFound, match="web"):
        testing.simulate_lifecycle(report, "web", images)


def test_a_snapshot_is_written_once_matches_another_run_and_shows_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "snapshots" / "service.json"
    testing.assert_matches_snapshot(testing.rehearse_program(service, assume=ASSUMED), file)
    written = file.read_text()
    testing.assert_matches_snapshot(testing.rehearse_program(service, assume=ASSUMED), file)
    assert file.read_text() == written

    def other() -> None:
        service()
        pulumi.export("owner", "us")

    with pytest.raises(AssertionError, match=r'\+    "owner": "us"'):
        testing.assert_matches_snapshot(testing.rehearse_program(other, assume=ASSUMED), file)


def test_a_preview_shows_policies_that_are_objects_as_text() -> None:
    def program() -> None:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
        role = aws.iam.Role("ci", assume_role_policy={"Version": "2012-10-17", "Statement": [statement]})
        may: Any = {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": role.arn}
        aws.iam.RolePolicy("ci", role=role.name, policy={"Version": "2012-10-17", "Statement": [may]})
        pulumi.export("trust", role.assume_role_policy)

    report = testing.rehearse_program(program, preview=True)
    assert json.loads(report.outputs["trust"])["Statement"][0]["Action"] == "sts:AssumeRole"
    assert report.named("RolePolicy", "ci").outputs["policy"] == testing.UNKNOWN_VALUE


def test_a_snapshot_has_no_random_parts_of_secrets_and_multi_region_keys(tmp_path: Path) -> None:
    def program() -> None:
        aws.kms.Key("images", multi_region=True)
        secret = aws.secretsmanager.Secret("login", name="ecr-pullthroughcache/dev/docker-hub")
        pulumi.export("login", secret.arn)

    for _ in range(2):
        testing.assert_matches_snapshot(testing.rehearse_program(program), tmp_path / "program.json")
    assert ":secret:ecr-pullthroughcache/dev/docker-hub-(id " in (tmp_path / "program.json").read_text()


def _repository() -> None:
    ecr_stack.Repository("api", {})


def test_a_component_and_its_resource_of_one_name_are_told_apart_by_their_tokens() -> None:
    report = testing.rehearse_program(_repository)
    with pytest.raises(KeyError, match="write one of aws:ecr/repository:Repository, ecr-stack:index:Repository"):
        report.named("Repository", "api")
    assert report.named("aws:ecr/repository:Repository", "api").outputs["name"] == "api"


def test_a_snapshot_is_updated_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "service.json"
    file.write_text("{}")
    monkeypatch.setenv("ECR_STACK_UPDATE_SNAPSHOTS", "1")
    testing.assert_matches_snapshot(testing.rehearse_program(service, assume=ASSUMED), file)
    assert "repositoryUrl" in file.read_text()


def test_a_folder_is_rehearsed_with_other_configuration() -> None:
    report = testing.rehearse_program(PROJECT, stack="dev", config={"ecr-stack:environment": "staging"})
    assert report.outputs["keyAlias"] == "alias/staging-ecr"
