"""`ecr-stack images list` and `repositories list`: one row for each image, filters, formats, and failures."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from tests.conftest import PROJECT
from tests.images.conftest import ACCOUNT, NOW, REGION, answer, here, old, refusal, run


def listed(*arguments: str) -> list[dict[str, Any]]:
    code, images = answer("images", "list", *here("--repository", "api", *arguments))
    assert code == 0
    return list(images)


def test_a_multi_architecture_image_is_one_row_with_its_platforms(aws: EmbeddedAws) -> None:
    digest = aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64/v8"])
    (image,) = listed()
    assert (image["repository"], image["imageDigest"], image["imageTags"]) == ("api", digest, ["v1"])
    assert image["platforms"] == ["linux/amd64", "linux/arm64/v8"]
    assert image["imageStatus"] == "ACTIVE"
    assert image["imageSizeInBytes"] > 0
    assert image["imagePushedAt"].endswith("+00:00")
    assert len(image["parts"]) == 2


def test_what_is_about_an_image_belongs_to_it(aws: EmbeddedAws) -> None:
    digest = aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    arm = listed()[0]["parts"][1]
    referrer = aws.push_image("api", content="sbom", subject=digest)
    cosign = aws.push_image("api", f"sha256-{arm.removeprefix('sha256:')}.sig", content="signature")
    orphan = aws.push_image("api", f"sha256-{'0' * 64}.sig", content="orphan")
    images = {image["imageDigest"]: image for image in listed()}
    assert set(images) == {digest, orphan}
    attached = {each["imageDigest"]: each["kind"] for each in images[digest]["attached"]}
    assert set(attached) == {referrer, cosign}
    assert attached[cosign] == "signature"


def test_buildkits_attestations_are_no_platforms(aws: EmbeddedAws) -> None:
    child = aws.push_image("api", platforms=["linux/amd64"])
    attestation = aws.push_image("api", content="provenance")
    entries = [
        {"digest": child, "size": 1, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": attestation, "size": 1, "mediaType": "application/vnd.oci.image.manifest.v1+json",
         "platform": {"os": "unknown", "architecture": "unknown"},
         "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": child}},
    ]  # fmt: skip
    media_type = "application/vnd.oci.image.index.v1+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries})
    aws.call("ecr", "PutImage", {"repositoryName": "api", "imageManifest": index, "imageTag": "v1"})
    (image,) = listed()
    assert image["platforms"] == ["linux/amd64"]
    assert image["attached"] == [{"imageDigest": attestation, "kind": "attestation"}]


def test_filters_select_by_tag_age_size_class_scan_and_pull(aws: EmbeddedAws) -> None:
    aws.seed_images(
        "api",
        [
            old(1, "v1", days=100, lastRecordedPullTime=NOW - timedelta(days=1)),
            old(2, "dev-2", days=50, imageSizeInBytes=5_000_000),
            old(3, days=5),
            old(4, "v4", days=200, imageStatus="ARCHIVED", lastArchivedAt=NOW - timedelta(days=9)),
        ],
    )

    def numbers(*arguments: str) -> set[int]:
        return {int(image["imageDigest"][-2:], 16) for image in listed(*arguments)}

    assert numbers() == {1, 2, 3, 4}
    assert numbers("--tag", "v*") == {1, 4}
    assert numbers("--tag", "dev-*", "--untagged") == {2, 3}
    assert numbers("--older-than", "60d") == {1, 4}
    assert numbers("--newer-than", "1w") == {3}
    assert numbers("--larger-than", "4MB") == {2}
    assert numbers("--smaller-than", "4MB", "--storage-class", "standard") == {1, 3}
    assert numbers("--storage-class", "archive") == {4}
    assert numbers("--pulled-within", "48h") == {1}
    assert numbers("--not-pulled-for", "40d") == {2, 4}
    assert numbers("--scan", "none") == {1, 2, 3, 4}
    assert numbers("--scan", "complete") == set()


@pytest.mark.parametrize(("option", "value"), [("--older-than", "30"), ("--larger-than", "big")])
def test_a_filter_that_cannot_be_read_says_how_to_write_it(aws: EmbeddedAws, option: str, value: str) -> None:
    result = run("images", "list", *here("--repository", "api", option, value))
    assert option in str(result.exception)
    assert "remedy: write e.g." in str(result.exception)


def test_lists_are_sorted_and_limited_over_all_repositories(aws: EmbeddedAws) -> None:
    aws.call("ecr", "CreateRepository", {"repositoryName": "web"})
    aws.seed_images("api", [old(number, f"a{number}", days=number) for number in range(1, 6)])
    aws.seed_images("web", [old(number, f"w{number}", days=number) for number in range(6, 9)])
    code, images = answer("images", "list", *here("--sort", "size", "--limit", "2"))
    assert (code, [image["imageTags"] for image in images]) == (0, [["w8"], ["w7"]])
    _, images = answer("images", "list", *here("--sort", "pushed", "--limit", "1"))
    assert images[0]["imageTags"] == ["a1"]
    _, images = answer("images", "list", *here())
    assert [image["repository"] for image in images] == ["api"] * 5 + ["web"] * 3


def test_csv_has_a_header_and_one_line_for_each_image(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1", "latest", platforms=["linux/amd64", "linux/arm64"])
    result = run("images", "list", *here("--repository", "api", "--format", "csv"))
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (row["imageTags"], row["platforms"]) == ("latest v1", "linux/amd64 linux/arm64")


def test_the_table_names_what_people_look_for(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    result = run("images", "list", *here("--repository", "api"))
    assert "linux/amd64, linux/arm64" in result.stdout
    assert "ECR records as a pull" in " ".join(result.stderr.split())


def test_without_manifests_nothing_is_pulled(aws: EmbeddedAws) -> None:
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    images = listed("--no-manifests")
    assert aws.calls["ecr:BatchGetImage"] == 0
    assert len(images) == 3
    assert all(image["lastRecordedPullTime"] is None for image in images)


def test_a_repository_that_does_not_exist_is_a_bad_request(aws: EmbeddedAws) -> None:
    result = run("images", "list", *here("--repository", "nothing"))
    assert "nothing" in str(result.exception)
    code, images = answer("images", "list", *here("--repository", "nothing", "--repository", "api"))
    assert (code, images) == (1, [])


def test_throttling_is_waited_out(aws: EmbeddedAws, fail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    aws.push_image("api", "v1", platforms=["linux/amd64", "linux/arm64"])
    fail("DescribeImages", [refusal("ThrottlingException")] * 3)
    fail("BatchGetImage", [refusal("ServerException", 500)] * 2)
    assert len(listed()) == 1


def test_a_stack_names_region_and_repositories(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    for name in ("api-gateway", "auth-service", "order-service", "user-service"):
        aws.call("ecr", "CreateRepository", {"repositoryName": name})
    aws.push_image("api-gateway", "v1")
    code, images = answer("images", "list", "--stack", "prod", "--repository", "api-gateway")
    assert (code, [image["imageTags"] for image in images]) == (0, [["v1"]])
    code, repositories = answer("repositories", "list", "--stack", "prod")
    assert {each["repository"]: each["managed"] for each in repositories} == {
        "api": False, "api-gateway": True, "auth-service": True, "order-service": True, "user-service": True,
    }  # fmt: skip
    assert code == 1  # notification-service is missing
    result = run("images", "list", "--stack", "prod", "--repository", "api-gatewai")
    assert "did you mean api-gateway?" in str(result.exception)


def test_an_account_that_the_stack_file_does_not_allow_is_refused(
    aws: EmbeddedAws, project: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(
        project(
            {
                "aws:region": REGION,
                "aws:allowedAccountIds": ["999999999999"],
                "ecr-stack:environment": "test",
                "ecr-stack:repositories": {"api": {}},
            }
        )
    )
    result = run("images", "prune", "--stack", "test", "--untagged", "--yes")
    assert ACCOUNT in str(result.exception)
    assert "does not allow this account" in str(result.exception)
    assert aws.calls["ecr:DescribeImages"] == 0


def test_thousands_of_images_in_hundreds_of_repositories_are_read_once(aws: EmbeddedAws, tmp_path: Path) -> None:
    for number in range(200):
        aws.call("ecr", "CreateRepository", {"repositoryName": f"many/{number:03}"})
        aws.seed_images(f"many/{number:03}", [old(each, f"v{each}") for each in range(10)])
    code, images = answer("images", "list", *here("--tag", "v3"))
    assert (code, len(images)) == (0, 200)
    assert aws.calls["ecr:DescribeImages"] == 201
