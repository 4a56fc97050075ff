"""Images as `aws ecr describe-images` prints them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ecr_stack.aws.lifecycle import parse_images
from ecr_stack.errors import InvalidInput

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST = "application/vnd.oci.image.index.v1+json"


def entry(**more: Any) -> dict[str, Any]:
    return {"imageDigest": "sha256:a", "imagePushedAt": "2026-03-01T12:00:00Z"} | more


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00+00:00",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T07:00:00.000000-05:00",
        "2026-03-01T12:00:00",
        NOON.timestamp(),
        int(NOON.timestamp()),
        NOON,
    ],
)
def test_a_time_is_iso_8601_or_epoch_seconds(written: object) -> None:
    (image,) = parse_images({"imageDetails": [entry(imagePushedAt=written)]})
    assert image.pushed_at == NOON
    assert image.pushed_at.tzinfo is UTC


def test_everything_that_the_evaluator_needs_is_read() -> None:
    text = json.dumps(
        {
            "imageDetails": [
                entry(
                    imageTags=["v1", "latest"],
                    lastRecordedPullTime="2026-03-01T12:00:00Z",
                    imageStatus="ARCHIVED",
                    lastArchivedAt=NOON.timestamp(),
                    lastActivatedAt=NOON.timestamp(),
                    imageSizeInBytes=12,
                    imageManifestMediaType=LIST,
                    subjectManifestDigest="sha256:b",
                    imageScanStatus={"status": "COMPLETE"},
                )
            ],
            "nextToken": None,
        }
    )
    (image,) = parse_images(text)
    assert image.tags == ("v1", "latest")
    assert image.pulled_at == image.archived_at == image.activated_at == NOON
    assert (image.status, image.size, image.subject) == ("ARCHIVED", 12, "sha256:b")


def test_what_a_manifest_list_refers_to_is_known_from_its_manifest_only() -> None:
    manifest = json.dumps({"manifests": [{"digest": "sha256:x"}, {"digest": "sha256:y"}]})
    known = entry(imageManifestMediaType=LIST, imageManifest=manifest)
    (image,) = parse_images([known])
    assert image.references == ("sha256:x", "sha256:y")
    assert parse_images([entry(imageManifestMediaType=LIST)])[0].references is None
    assert parse_images([entry()])[0].references == ()


@pytest.mark.parametrize(
    ("written", "read"), [(None, "ACTIVE"), *[(s, s) for s in ("ACTIVE", "ARCHIVED", "ACTIVATING")]]
)
def test_an_image_is_active_unless_it_says_otherwise(written: str | None, read: str) -> None:
    assert parse_images([entry(imageStatus=written)])[0].status == read


@pytest.mark.parametrize(("written", "read"), [(None, 0), (0, 0), (2**63 - 1, 2**63 - 1)])
def test_a_size_is_a_number_of_bytes_and_zero_where_there_is_none(written: int | None, read: int) -> None:
    assert parse_images([entry(imageSizeInBytes=written)])[0].size == read


def test_a_manifest_may_be_given_as_data_and_list_nothing() -> None:
    assert parse_images([entry(imageManifest={"manifests": [{"digest": "sha256:x"}]})])[0].references == ("sha256:x",)
    assert parse_images([entry(imageManifest={"config": {}})])[0].references == ()


def test_a_time_without_a_zone_is_utc_whatever_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_images([entry(imagePushedAt="2026-03-01T12:00:00")])[0].pushed_at == NOON
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imageDigest", None),
        ("imageDigest", 3),
        ("imagePushedAt", None),
        ("imagePushedAt", "yesterday"),
        ("imagePushedAt", True),
        ("imagePushedAt", 1e99),
        ("imageTags", "v1"),
        ("imageTags", [1]),
        ("imageStatus", "GONE"),
        ("imageSizeInBytes", -1),
        ("imageSizeInBytes", "12"),
        ("imageSizeInBytes", 2**63),
        ("lastArchivedAt", []),
        ("imageManifest", "{"),
        ("imageManifest", {"manifests": [{}]}),
        ("imageManifest", []),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(key: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_images({"imageDetails": [entry(), entry(imageDigest="sha256:b") | {key: value}]}, source="images.json")
    (problem,) = refused.value.problems
    assert problem.place == f"imageDetails[1].{key}"
    assert problem.value == value


def test_a_digest_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_images([entry(), entry()])
    assert "imageDetails[0] has the same digest" in str(refused.value)


@pytest.mark.parametrize(
    "data", ["{", "3", "{}", '{"imageDetails": {}}', '{"imageDetails": "x"}', "[3]", "[" * 100_000]
)
def test_what_is_no_list_of_images_is_refused(data: str) -> None:
    with pytest.raises(InvalidInput):
        parse_images(data)


@pytest.mark.parametrize("key", ["nextToken", "NextToken"])
def test_one_page_of_several_is_refused(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_images({"imageDetails": [entry()], key: "eyJ0"})
    (problem,) = caught.value.problems
    assert (problem.place, "eyJ0" in str(caught.value)) == (key, False)
    assert "--max-items" in problem.remedy
    assert len(parse_images({"imageDetails": [entry()], key: None})) == 1
