from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, NotFound

RELEASE = {
    "imageDigest": "sha256:" + "a" * 64,
    "imageTags": ["v1.2.3", "latest"],
    "imagePushedAt": "2026-01-02T03:04:05+00:00",
    "lastRecordedPullTime": 1_767_500_000,
    "imageSizeInBytes": 123_456_789,
    "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
}
ARCHIVED = {
    "imageDigest": "sha256:" + "b" * 64,
    "imagePushedAt": datetime(2025, 1, 1, tzinfo=UTC),
    "imageStatus": "ARCHIVED",
    "lastArchivedAt": "2025-06-01T00:00:00Z",
}


@pytest.fixture
def images(aws: EmbeddedAws, repository: str) -> str:
    aws.seed_images(repository, [RELEASE, ARCHIVED])
    return repository


def _digests(answer: dict[str, Any]) -> list[str]:
    return [image["imageDigest"][7] for image in answer["imageDetails"]]


def test_seeded_images_are_described_as_they_were_given(aws: EmbeddedAws, images: str) -> None:
    asked = {"repositoryName": images, "imageIds": [{"imageTag": "latest"}]}
    assert aws.call("ecr", "DescribeImages", asked)["imageDetails"] == [
        {
            "registryId": "111122223333",
            "repositoryName": images,
            "imageDigest": RELEASE["imageDigest"],
            "imageTags": ["v1.2.3", "latest"],
            "imageSizeInBytes": 123_456_789,
            "imagePushedAt": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "lastRecordedPullTime": datetime.fromtimestamp(1_767_500_000, UTC),
            "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
            "imageStatus": "ACTIVE",
        }
    ]


def test_archived_images_are_described_when_asked_for(aws: EmbeddedAws, images: str) -> None:
    asked: dict[str, Any] = {"repositoryName": images}
    assert _digests(aws.call("ecr", "DescribeImages", asked)) == ["a"]
    everything = aws.call("ecr", "DescribeImages", {**asked, "filter": {"imageStatus": "ANY"}})
    assert _digests(everything) == ["a", "b"]
    assert everything["imageDetails"][1]["lastArchivedAt"] == datetime(2025, 6, 1, tzinfo=UTC)
    untagged = {"imageStatus": "ANY", "tagStatus": "UNTAGGED"}
    assert _digests(aws.call("ecr", "DescribeImages", {**asked, "filter": untagged})) == ["b"]


def test_images_come_in_pages(aws: EmbeddedAws, repository: str) -> None:
    aws.seed_images(repository, [{"imageDigest": f"sha256:{number:064x}"} for number in range(250)])
    found, token = [], None
    while True:
        asked: dict[str, Any] = {"repositoryName": repository, **({"nextToken": token} if token else {})}
        page = aws.call("ecr", "DescribeImages", asked)
        found.append(len(page["imageDetails"]))
        token = page.get("nextToken")
        if token is None:
            break
    assert found == [100, 100, 50]


def test_an_image_is_deleted_by_its_digest(aws: EmbeddedAws, images: str) -> None:
    ids = [{"imageDigest": RELEASE["imageDigest"]}]
    aws.call("ecr", "BatchDeleteImage", {"repositoryName": images, "imageIds": ids})
    left = aws.call("ecr", "DescribeImages", {"repositoryName": images, "filter": {"imageStatus": "ANY"}})
    assert _digests(left) == ["b"]


@pytest.mark.parametrize(
    ("mode", "tag", "moves"),
    [
        ("MUTABLE", "v1", True),
        ("IMMUTABLE", "v1", False),
        ("IMMUTABLE_WITH_EXCLUSION", "v1", False),
        ("IMMUTABLE_WITH_EXCLUSION", "latest", True),
        ("IMMUTABLE_WITH_EXCLUSION", "latest-2", False),
        ("IMMUTABLE_WITH_EXCLUSION", "a-dev", True),
        ("MUTABLE_WITH_EXCLUSION", "v1", True),
        ("MUTABLE_WITH_EXCLUSION", "a-dev", False),
    ],
)
def test_a_tag_moves_where_the_repository_lets_it(
    aws: EmbeddedAws, refused: Any, mode: str, tag: str, moves: bool
) -> None:
    created: dict[str, Any] = {"repositoryName": "api", "imageTagMutability": mode}
    if mode.endswith("EXCLUSION"):
        filters = [{"filterType": "WILDCARD", "filter": value} for value in ("latest", "*-dev")]
        created["imageTagMutabilityExclusionFilters"] = filters
    aws.call("ecr", "CreateRepository", created)
    first, second = (
        {"repositoryName": "api", "imageTag": tag, "imageManifest": manifest}
        for manifest in ('{"mediaType": "m", "layers": [{"digest": "1"}]}', '{"mediaType": "m", "layers": []}')
    )
    aws.call("ecr", "PutImage", first)
    if moves:
        aws.call("ecr", "PutImage", second)
    else:
        assert refused("ecr", "PutImage", second)[0] == "ImageTagAlreadyExistsException"
    assert aws.call("ecr", "DescribeRepositories")["repositories"][0]["imageTagMutability"] == mode


def test_a_missing_image_is_not_found(refused: Any, images: str) -> None:
    asked = {"repositoryName": images, "imageIds": [{"imageTag": "v9"}]}
    assert refused("ecr", "DescribeImages", asked)[0] == "ImageNotFoundException"


def test_a_page_that_nobody_handed_out_is_refused(refused: Any, images: str) -> None:
    asked = {"repositoryName": images, "nextToken": "what?"}
    assert refused("ecr", "DescribeImages", asked)[0] == "InvalidParameterException"


def test_images_without_a_digest_or_with_other_times_are_refused(aws: EmbeddedAws, repository: str) -> None:
    with pytest.raises(InvalidInput, match=r"imageDetails\[0\].imageDigest"):
        aws.seed_images(repository, [{"imageTags": ["v1"]}])
    with pytest.raises(InvalidInput, match=r"imageDetails\[0\].imagePushedAt"):
        aws.seed_images(repository, [{"imageDigest": "sha256:0", "imagePushedAt": "yesterday"}])
    with pytest.raises(NotFound, match="nothing"):
        aws.seed_images("nothing", [])
