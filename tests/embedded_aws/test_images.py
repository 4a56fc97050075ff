from __future__ import annotations

import hashlib
import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, NotFound
from tests.embedded_aws.conftest import UNTAGGED

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
    first = aws.push_image("api", tag, content="one")
    if moves:
        second = aws.push_image("api", tag, content="two")
    else:
        with pytest.raises(ClientError, match="ImageTagAlreadyExistsException"):
            aws.push_image("api", tag, content="two")
        second = first
    asked = {"repositoryName": "api", "imageIds": [{"imageTag": tag}]}
    assert aws.call("ecr", "DescribeImages", asked)["imageDetails"][0]["imageDigest"] == second
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


def _put(aws: EmbeddedAws, repository: str, digest: str) -> dict[str, Any]:
    """What `PutImage` is asked to push the image with this digest again."""
    asked = {"repositoryName": repository, "imageIds": [{"imageDigest": digest}]}
    image = aws.call("ecr", "BatchGetImage", asked)["images"][0]
    return {"repositoryName": repository, **{name: image[name] for name in ("imageManifest", "imageManifestMediaType")}}


@pytest.mark.parametrize("mode", ["MUTABLE", "IMMUTABLE"])
def test_the_same_image_with_the_same_tag_has_been_pushed_already(aws: EmbeddedAws, refused: Any, mode: str) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html: ImageAlreadyExistsException is for an
    # image that "has already been pushed, and there were no changes to the manifest or image tag after the last push"
    aws.call("ecr", "CreateRepository", {"repositoryName": "api", "imageTagMutability": mode})
    again = _put(aws, "api", aws.push_image("api", "v1"))
    assert refused("ecr", "PutImage", {**again, "imageTag": "v1"})[0] == "ImageAlreadyExistsException"
    assert refused("ecr", "PutImage", again)[0] == "ImageAlreadyExistsException"
    aws.call("ecr", "PutImage", {**again, "imageTag": "v2"})


def test_an_image_is_named_by_the_digest_of_its_manifest(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    digest = aws.push_image(repository, "v1")
    again = _put(aws, repository, digest)
    assert digest == "sha256:" + hashlib.sha256(again["imageManifest"].encode()).hexdigest()
    other = {**again, "imageDigest": f"sha256:{0:064x}", "imageTag": "v2"}
    assert refused("ecr", "PutImage", other)[0] == "ImageDigestDoesNotMatchException"
    aws.call("ecr", "PutImage", {**other, "imageDigest": digest})


@pytest.mark.parametrize("tag", ["-v1", ".v1", "v 1", "v1:latest", "ü", "v/1"])
def test_tags_that_no_registry_takes_are_refused(aws: EmbeddedAws, refused: Any, repository: str, tag: str) -> None:
    # https://github.com/opencontainers/distribution-spec/blob/main/spec.md: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
    again = _put(aws, repository, aws.push_image(repository))
    code, message = refused("ecr", "PutImage", {**again, "imageTag": tag})
    assert (code, "imageTag" in message) == ("InvalidParameterException", True)


def test_an_image_needs_its_layers_and_an_index_its_images(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    image = _put(aws, repository, aws.push_image(repository, "v1"))
    index = _put(aws, repository, aws.push_image(repository, "v2", platforms=["linux/amd64", "linux/arm64"]))
    aws.call("ecr", "CreateRepository", {"repositoryName": "other"})
    assert refused("ecr", "PutImage", {**image, "repositoryName": "other"})[0] == "LayersNotFoundException"
    assert refused("ecr", "PutImage", {**index, "repositoryName": "other"})[0] == "ReferencedImagesNotFoundException"


def test_layers_are_uploaded_in_parts_and_downloaded_whole(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    named = {"repositoryName": repository}
    parts = [b"a" * (5 << 20), b"the end"]
    digest = "sha256:" + hashlib.sha256(b"".join(parts)).hexdigest()
    upload = {**named, "uploadId": aws.call("ecr", "InitiateLayerUpload", named)["uploadId"]}
    assert refused("ecr", "CompleteLayerUpload", {**upload, "layerDigests": [digest]})[0] == "EmptyUploadException"
    first = {**upload, "partFirstByte": 0, "partLastByte": len(parts[0]) - 1, "layerPartBlob": parts[0]}
    assert aws.call("ecr", "UploadLayerPart", first)["lastByteReceived"] == len(parts[0]) - 1
    assert refused("ecr", "UploadLayerPart", first)[0] == "InvalidLayerPartException"
    last = {**upload, "partFirstByte": len(parts[0]), "partLastByte": len(parts[0]) + 6, "layerPartBlob": parts[1]}
    aws.call("ecr", "UploadLayerPart", last)
    wrong = {**upload, "layerDigests": [f"sha256:{0:064x}"]}
    assert refused("ecr", "CompleteLayerUpload", wrong)[0] == "InvalidLayerException"
    assert aws.call("ecr", "CompleteLayerUpload", {**upload, "layerDigests": [digest]})["layerDigest"] == digest
    available = aws.call("ecr", "BatchCheckLayerAvailability", {**named, "layerDigests": [digest, "sha256:0"]})
    assert [(layer["layerAvailability"], layer["layerSize"]) for layer in available["layers"]] == [
        ("AVAILABLE", len(parts[0]) + 7)
    ]
    assert available["failures"][0]["failureCode"] == "InvalidLayerDigest"
    # "You can only get URLs for image layers that are referenced in an image."
    wanted = {**named, "layerDigest": digest}
    assert refused("ecr", "GetDownloadUrlForLayer", wanted)[0] == "LayerInaccessibleException"
    blob = {"digest": digest, "size": len(parts[0]) + 7}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [blob]}
    aws.call("ecr", "PutImage", {**named, "imageManifest": json.dumps(manifest)})
    url = aws.call("ecr", "GetDownloadUrlForLayer", wanted)["downloadUrl"]
    assert urllib.request.urlopen(url).read() == b"".join(parts)


def test_an_image_that_an_index_needs_stays_until_the_index_goes(aws: EmbeddedAws, repository: str) -> None:
    index = aws.push_image(repository, "v1", platforms=["linux/amd64", "linux/arm64"])
    details = aws.call("ecr", "DescribeImages", {"repositoryName": repository})["imageDetails"]
    children = [{"imageDigest": image["imageDigest"]} for image in details if image["imageDigest"] != index]
    asked = {"repositoryName": repository, "imageIds": children}
    failures = aws.call("ecr", "BatchDeleteImage", asked)["failures"]
    assert [failure["failureCode"] for failure in failures] == ["ImageReferencedByManifestList"] * 2
    aws.call("ecr", "BatchDeleteImage", {**asked, "imageIds": [*children, {"imageDigest": index}]})
    assert aws.call("ecr", "DescribeImages", {"repositoryName": repository})["imageDetails"] == []


def test_the_image_goes_with_its_last_tag(aws: EmbeddedAws, repository: str) -> None:
    aws.push_image(repository, "v1", "latest")
    for tag, left in (("latest", 1), ("v1", 0)):
        aws.call("ecr", "BatchDeleteImage", {"repositoryName": repository, "imageIds": [{"imageTag": tag}]})
        assert len(aws.call("ecr", "DescribeImages", {"repositoryName": repository})["imageDetails"]) == left


def test_a_repository_with_images_is_deleted_by_force(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    aws.push_image(repository, "v1")
    assert refused("ecr", "DeleteRepository", {"repositoryName": repository})[0] == "RepositoryNotEmptyException"
    aws.call("ecr", "DeleteRepository", {"repositoryName": repository, "force": True})
    aws.call("ecr", "CreateRepository", {"repositoryName": repository})
    assert aws.call("ecr", "ListImages", {"repositoryName": repository})["imageIds"] == []


def test_artifacts_are_listed_by_their_subject(aws: EmbeddedAws, repository: str) -> None:
    image = aws.push_image(repository, "v1")
    signature = aws.push_image(repository, content="signature", subject=image)
    asked = {"repositoryName": repository, "subjectId": {"imageDigest": image}}
    listed = aws.call("ecr", "ListImageReferrers", asked)["referrers"]
    assert [(entry["digest"], entry["artifactStatus"]) for entry in listed] == [(signature, "ACTIVE")]
    nothing = {**asked, "filter": {"artifactTypes": ["application/spdx+json"]}}
    assert aws.call("ecr", "ListImageReferrers", nothing)["referrers"] == []


def test_an_archived_image_cannot_be_pulled_until_it_is_back(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive_restore_image.html
    image = {"imageDigest": aws.push_image(repository, "v1")}
    moved = {"repositoryName": repository, "imageId": image, "targetStorageClass": "ARCHIVE"}
    pull = {"repositoryName": repository, "imageIds": [image]}
    assert aws.call("ecr", "UpdateImageStorageClass", moved)["imageStatus"] == "ARCHIVED"
    assert aws.call("ecr", "BatchGetImage", pull)["failures"][0]["failureCode"] == "ImageNotFound"
    assert refused("ecr", "UpdateImageStorageClass", moved)[0] == "ImageStorageClassUpdateNotSupportedException"
    back = {**moved, "targetStorageClass": "STANDARD"}
    assert aws.call("ecr", "UpdateImageStorageClass", back)["imageStatus"] == "ACTIVATING"
    assert aws.call("ecr", "BatchGetImage", pull)["images"] == []
    aws.advance(timedelta(minutes=20))
    assert len(aws.call("ecr", "BatchGetImage", pull)["images"]) == 1
    assert "lastActivatedAt" in aws.call("ecr", "DescribeImages", {"repositoryName": repository})["imageDetails"][0]


def test_pulls_are_recorded_except_those_of_excluded_callers(aws: EmbeddedAws, refused: Any, repository: str) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_RegisterPullTimeUpdateExclusion.html
    pull = {"repositoryName": repository, "imageIds": [{"imageDigest": aws.push_image(repository, "v1")}]}
    exclusion = {"principalArn": aws.caller_arn()}
    aws.call("ecr", "RegisterPullTimeUpdateExclusion", exclusion)
    assert refused("ecr", "RegisterPullTimeUpdateExclusion", exclusion)[0] == "ExclusionAlreadyExistsException"
    aws.call("ecr", "BatchGetImage", pull)
    described = {"repositoryName": repository}
    assert "lastRecordedPullTime" not in aws.call("ecr", "DescribeImages", described)["imageDetails"][0]
    assert aws.call("ecr", "ListPullTimeUpdateExclusions")["pullTimeUpdateExclusions"] == [aws.caller_arn()]
    aws.call("ecr", "DeregisterPullTimeUpdateExclusion", exclusion)
    assert refused("ecr", "DeregisterPullTimeUpdateExclusion", exclusion)[0] == "ExclusionNotFoundException"
    aws.call("ecr", "BatchGetImage", pull)
    assert "lastRecordedPullTime" in aws.call("ecr", "DescribeImages", described)["imageDetails"][0]


def test_a_lifecycle_policy_runs_at_an_instant(aws: EmbeddedAws, repository: str) -> None:
    policy = {"repositoryName": repository, "lifecyclePolicyText": UNTAGGED}
    aws.call("ecr", "PutLifecyclePolicy", policy)
    untagged, tagged = aws.push_image(repository, content="a"), aws.push_image(repository, "v1")
    assert aws.run_lifecycle() == []
    done = aws.run_lifecycle(datetime.now(UTC) + timedelta(days=2))
    assert [(action.repository, action.digest, action.outcome) for action in done] == [(repository, untagged, "expire")]
    left = aws.call("ecr", "ListImages", {"repositoryName": repository})["imageIds"]
    assert left == [{"imageDigest": tagged, "imageTag": "v1"}]


def test_a_repository_whose_key_is_disabled_takes_and_gives_no_images(
    aws: EmbeddedAws, refused: Any, key: dict[str, Any]
) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    encryption = {"encryptionType": "KMS", "kmsKey": key["Arn"]}
    aws.call("ecr", "CreateRepository", {"repositoryName": "api", "encryptionConfiguration": encryption})
    again = _put(aws, "api", aws.push_image("api", "v1"))
    aws.call("kms", "DisableKey", {"KeyId": key["Arn"]})
    assert refused("ecr", "PutImage", {**again, "imageTag": "v2"})[0] == "KmsException"
    pull = {"repositoryName": "api", "imageIds": [{"imageTag": "v1"}]}
    assert aws.call("ecr", "BatchGetImage", pull)["failures"][0]["failureCode"] == "KmsError"
    aws.call("kms", "EnableKey", {"KeyId": key["Arn"]})
    aws.call("ecr", "PutImage", {**again, "imageTag": "v2"})
