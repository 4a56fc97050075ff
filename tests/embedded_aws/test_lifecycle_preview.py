from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws

NOW = datetime.now(UTC)
POLICY = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "tagged",
                    "tagPrefixList": ["v"],
                    "countType": "imageCountMoreThan",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            },
            {
                "rulePriority": 2,
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePulled",
                    "countUnit": "days",
                    "countNumber": 30,
                },
                "action": {"type": "transition", "targetStorageClass": "archive"},
            },
        ]
    }
)


def _image(letter: str, days: int, *tags: str) -> dict[str, Any]:
    pushed = NOW - timedelta(days=days)
    return {"imageDigest": f"sha256:{letter * 64}", "imageTags": list(tags), "imagePushedAt": pushed}


@pytest.fixture
def images(aws: EmbeddedAws, repository: str) -> str:
    aws.seed_images(repository, [_image("a", 1, "v2"), _image("b", 2, "v1"), _image("c", 60), _image("d", 3)])
    return repository


def test_a_preview_says_what_would_expire_and_what_would_be_archived(aws: EmbeddedAws, images: str) -> None:
    started = aws.call("ecr", "StartLifecyclePolicyPreview", {"repositoryName": images, "lifecyclePolicyText": POLICY})
    assert (started["status"], started["lifecyclePolicyText"]) == ("IN_PROGRESS", POLICY)
    found = aws.call("ecr", "GetLifecyclePolicyPreview", {"repositoryName": images})
    assert found["status"] == "COMPLETE"
    assert found["summary"] == {
        "expiringImageTotalCount": 1,
        "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 1}],
    }
    assert found["previewResults"] == [
        {
            "imageTags": ["v1"],
            "imageDigest": "sha256:" + "b" * 64,
            "imagePushedAt": NOW - timedelta(days=2),
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": 1,
            "storageClass": "STANDARD",
        },
        {
            "imageTags": [],
            "imageDigest": "sha256:" + "c" * 64,
            "imagePushedAt": NOW - timedelta(days=60),
            "action": {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"},
            "appliedRulePriority": 2,
            "storageClass": "STANDARD",
        },
    ]


def test_a_preview_touches_neither_images_nor_policy(aws: EmbeddedAws, refused: Any, images: str) -> None:
    aws.call("ecr", "StartLifecyclePolicyPreview", {"repositoryName": images, "lifecyclePolicyText": POLICY})
    assert len(aws.call("ecr", "DescribeImages", {"repositoryName": images})["imageDetails"]) == 4
    assert refused("ecr", "GetLifecyclePolicy", {"repositoryName": images})[0] == "LifecyclePolicyNotFoundException"


def test_without_a_text_the_policy_in_force_is_previewed(aws: EmbeddedAws, refused: Any, images: str) -> None:
    asked = {"repositoryName": images}
    assert refused("ecr", "StartLifecyclePolicyPreview", asked)[0] == "LifecyclePolicyNotFoundException"
    aws.call("ecr", "PutLifecyclePolicy", {**asked, "lifecyclePolicyText": POLICY})
    assert aws.call("ecr", "StartLifecyclePolicyPreview", asked)["lifecyclePolicyText"] == POLICY


def test_a_preview_that_was_never_started_is_not_found(refused: Any, images: str) -> None:
    code, _ = refused("ecr", "GetLifecyclePolicyPreview", {"repositoryName": images})
    assert code == "LifecyclePolicyPreviewNotFoundException"


def test_a_preview_goes_with_its_repository(aws: EmbeddedAws, refused: Any, images: str) -> None:
    aws.call("ecr", "StartLifecyclePolicyPreview", {"repositoryName": images, "lifecyclePolicyText": POLICY})
    aws.call("ecr", "DeleteRepository", {"repositoryName": images, "force": True})
    aws.call("ecr", "CreateRepository", {"repositoryName": images})
    code, _ = refused("ecr", "GetLifecyclePolicyPreview", {"repositoryName": images})
    assert code == "LifecyclePolicyPreviewNotFoundException"


@pytest.mark.parametrize(
    ("asked", "letters"),
    [
        ({"filter": {"tagStatus": "TAGGED"}}, "b"),
        ({"filter": {"tagStatus": "UNTAGGED"}}, "c"),
        ({"imageIds": [{"imageTag": "v1"}]}, "b"),
        ({"imageIds": [{"imageDigest": "sha256:" + "c" * 64}, {"imageTag": "v2"}]}, "c"),
        ({"maxResults": 1}, "b"),
    ],
)
def test_results_are_filtered_and_paged(aws: EmbeddedAws, images: str, asked: dict[str, Any], letters: str) -> None:
    aws.call("ecr", "StartLifecyclePolicyPreview", {"repositoryName": images, "lifecyclePolicyText": POLICY})
    found = aws.call("ecr", "GetLifecyclePolicyPreview", {"repositoryName": images, **asked})
    assert [result["imageDigest"][7] for result in found["previewResults"]] == list(letters)
    assert ("nextToken" in found) == ("maxResults" in asked)
