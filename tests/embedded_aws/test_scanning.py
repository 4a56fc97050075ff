"""What is scanned, when, and what a scan says.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, NotFound

CVE = {"name": "CVE-2026-0001", "severity": "HIGH", "package": "openssl", "version": "3.0.1", "fixedInVersion": "3.0.2"}


def _configure(aws: EmbeddedAws, kind: str, **frequencies: str) -> None:
    rules = [
        {"scanFrequency": name, "repositoryFilters": [{"filter": value, "filterType": "WILDCARD"}]}
        for name, value in frequencies.items()
    ]
    aws.call("ecr", "PutRegistryScanningConfiguration", {"scanType": kind, "rules": rules})


def _status(aws: EmbeddedAws, image: str, repository: str = "api-gateway") -> str:
    key = "imageDigest" if image.startswith("sha256:") else "imageTag"
    try:
        answer = aws.call("ecr", "DescribeImageScanFindings", {"repositoryName": repository, "imageId": {key: image}})
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return str(answer["imageScanStatus"]["status"])


def _findings(aws: EmbeddedAws, image: str = "v1", **more: Any) -> dict[str, Any]:
    asked = {"repositoryName": "api-gateway", "imageId": {"imageTag": image}, **more}
    return aws.call("ecr", "DescribeImageScanFindings", asked)


@pytest.mark.parametrize(
    ("kind", "frequencies", "status"),
    [
        ("BASIC", {}, "ScanNotFoundException"),
        ("BASIC", {"MANUAL": "*"}, "ScanNotFoundException"),
        ("BASIC", {"SCAN_ON_PUSH": "*"}, "COMPLETE"),
        ("BASIC", {"SCAN_ON_PUSH": "gate"}, "COMPLETE"),  # without a wildcard: contains
        ("BASIC", {"SCAN_ON_PUSH": "gate*"}, "ScanNotFoundException"),
        ("ENHANCED", {"SCAN_ON_PUSH": "api-*"}, "COMPLETE"),
        ("ENHANCED", {"SCAN_ON_PUSH": "*", "CONTINUOUS_SCAN": "*way"}, "ACTIVE"),
        ("ENHANCED", {"CONTINUOUS_SCAN": "prod-*"}, "ScanNotFoundException"),
    ],
)
def test_the_configuration_decides_what_is_scanned_on_push(
    aws: EmbeddedAws, repository: str, kind: str, frequencies: dict[str, str], status: str
) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-filters.html
    _configure(aws, kind, **frequencies)
    aws.push_image(repository, "v1")
    assert _status(aws, "v1") == status


def test_a_repositorys_own_setting_counts_under_basic_scanning_only(aws: EmbeddedAws) -> None:
    created = {"repositoryName": "api-gateway", "imageScanningConfiguration": {"scanOnPush": True}}
    aws.call("ecr", "CreateRepository", created)
    aws.push_image("api-gateway", "v1")
    assert _status(aws, "v1") == "COMPLETE"
    asked = {"repositoryNames": ["api-gateway", "nothing"]}
    found = aws.call("ecr", "BatchGetRepositoryScanningConfiguration", asked)
    assert found["scanningConfigurations"][0]["scanFrequency"] == "SCAN_ON_PUSH"
    assert found["failures"][0]["failureCode"] == "REPOSITORY_NOT_FOUND"
    _configure(aws, "ENHANCED", SCAN_ON_PUSH="other")
    aws.push_image("api-gateway", "v2")
    assert _status(aws, "v2") == "ScanNotFoundException"


def test_findings_come_in_the_shape_of_the_scan_type(aws: EmbeddedAws, repository: str) -> None:
    _configure(aws, "BASIC", SCAN_ON_PUSH="*")
    aws.push_image(repository, "v1")
    aws.seed_findings(repository, "v1", [CVE, {"name": "CVE-2", "severity": "LOW", "attributes": []}])
    basic = _findings(aws)["imageScanFindings"]
    assert basic["findingSeverityCounts"] == {"LOW": 1, "HIGH": 1}
    # as scanners' own fixtures have it; the API reference does not list the attributes
    assert basic["findings"][0]["attributes"] == [
        {"key": "package_name", "value": "openssl"},
        {"key": "package_version", "value": "3.0.1"},
        {"key": "fixed_in_versions", "value": "3.0.2"},
    ]
    assert "enhancedFindings" not in basic
    _configure(aws, "ENHANCED", CONTINUOUS_SCAN="*")
    aws.push_image(repository, "v2")
    aws.seed_findings(repository, "v2", [CVE])
    enhanced = _findings(aws, "v2")["imageScanFindings"]
    assert enhanced["findingSeverityCounts"] == {"HIGH": 1}
    finding = enhanced["enhancedFindings"][0]
    assert finding["packageVulnerabilityDetails"]["vulnerabilityId"] == "CVE-2026-0001"
    assert finding["packageVulnerabilityDetails"]["vulnerablePackages"][0]["fixedInVersion"] == "3.0.2"
    assert (finding["fixAvailable"], finding["severity"]) == ("YES", "HIGH")


def test_findings_come_in_pages(aws: EmbeddedAws, repository: str) -> None:
    _configure(aws, "BASIC", SCAN_ON_PUSH="*")
    aws.push_image(repository, "v1")
    aws.seed_findings(repository, "v1", [{"name": f"CVE-{number}", "severity": "LOW"} for number in range(250)])
    first = _findings(aws)
    assert (len(first["imageScanFindings"]["findings"]), first["imageScanFindings"]["findingSeverityCounts"]) == (
        100,
        {"LOW": 250},
    )
    rest = _findings(aws, nextToken=first["nextToken"], maxResults=1000)
    assert len(rest["imageScanFindings"]["findings"]) == 150
    assert "nextToken" not in rest


def test_a_scan_goes_through_its_script(aws: EmbeddedAws, repository: str) -> None:
    aws.push_image(repository, "v1")
    aws.script_scan(
        repository,
        "v1",
        [
            {"status": "ScanNotFoundException"},
            {"status": "PENDING", "reads": 2},
            {"status": "IN_PROGRESS", "seconds": 0.2},
            {"status": "COMPLETE", "findings": []},
            {"status": "COMPLETE", "findings": [CVE]},
        ],
    )
    assert [_status(aws, "v1") for _ in range(4)] == ["ScanNotFoundException", "PENDING", "PENDING", "IN_PROGRESS"]
    assert _status(aws, "v1") == "IN_PROGRESS"
    time.sleep(0.25)
    assert _findings(aws)["imageScanFindings"]["findings"] == []
    assert [len(_findings(aws)["imageScanFindings"]["findings"]) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE", "IMAGE_SIZE_EXCEEDED", "SCAN_ELIGIBILITY_EXPIRED"])
def test_a_scan_without_a_result_has_no_findings(aws: EmbeddedAws, repository: str, status: str) -> None:
    aws.push_image(repository, "v1")
    aws.script_scan(repository, "v1", [{"status": status, "description": "why"}])
    answer = _findings(aws)
    assert answer["imageScanStatus"] == {"status": status, "description": "why"}
    assert "imageScanFindings" not in answer


def test_the_images_of_an_index_are_scanned_each_by_itself(aws: EmbeddedAws, repository: str, refused: Any) -> None:
    _configure(aws, "BASIC", SCAN_ON_PUSH="*")
    index = aws.push_image(repository, "v1", platforms=["linux/amd64", "linux/arm64"])
    aws.seed_findings(repository, "v1", [CVE], platform="linux/arm64")
    asked = {"repositoryName": repository, "imageIds": [{"imageDigest": index}]}
    manifest = json.loads(aws.call("ecr", "BatchGetImage", asked)["images"][0]["imageManifest"])
    found = {}
    for entry in manifest["manifests"]:
        image = {"repositoryName": repository, "imageId": {"imageDigest": entry["digest"]}}
        answer = aws.call("ecr", "DescribeImageScanFindings", image)
        found[entry["platform"]["architecture"]] = len(answer["imageScanFindings"]["findings"])
    assert found == {"amd64": 0, "arm64": 1}
    assert _status(aws, index) == "ScanNotFoundException"
    start = {"repositoryName": repository, "imageId": {"imageDigest": index}}
    assert refused("ecr", "StartImageScan", start)[0] == "UnsupportedImageTypeException"


def test_an_image_is_scanned_once_in_24_hours(aws: EmbeddedAws, repository: str, refused: Any) -> None:
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-basic.html
    aws.push_image(repository, "v1")
    start = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    assert aws.call("ecr", "StartImageScan", start)["imageScanStatus"]["status"] == "IN_PROGRESS"
    assert _status(aws, "v1") == "COMPLETE"
    code, message = refused("ecr", "StartImageScan", start)
    assert (code, "quota per image" in message) == ("LimitExceededException", True)
    aws.advance(timedelta(hours=24))
    aws.call("ecr", "StartImageScan", start)
    _configure(aws, "BASIC", SCAN_ON_PUSH="*")
    aws.push_image(repository, "v2")
    on_push = {"repositoryName": repository, "imageId": {"imageTag": "v2"}}
    assert refused("ecr", "StartImageScan", on_push)[0] == "LimitExceededException"


def test_enhanced_scanning_has_no_manual_scans_and_the_archive_no_scans(
    aws: EmbeddedAws, repository: str, refused: Any
) -> None:
    aws.push_image(repository, "v1")
    start = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    aws.call("ecr", "UpdateImageStorageClass", {**start, "targetStorageClass": "ARCHIVE"})
    assert refused("ecr", "StartImageScan", start)[0] == "ImageArchivedException"
    assert _status(aws, "v1") == "IMAGE_ARCHIVED"
    _configure(aws, "ENHANCED", CONTINUOUS_SCAN="*")
    assert refused("ecr", "StartImageScan", start) == ("ValidationException", "This feature is disabled")


def test_findings_and_scripts_are_read_from_a_file(aws: EmbeddedAws, repository: str, tmp_path: Path) -> None:
    aws.push_image(repository, "v1")
    file = tmp_path / "scans.json"
    common = {"repository": repository, "image": "v1"}
    file.write_text(json.dumps([{**common, "findings": [CVE]}, {**common, "states": [{"status": "ACTIVE"}]}]))
    aws.seed_scans(file)
    answer = _findings(aws)
    assert answer["imageScanStatus"]["status"] == "ACTIVE"
    assert answer["imageScanFindings"]["findings"][0]["name"] == "CVE-2026-0001"
    file.write_text('[{"repository": "api-gateway", "image": "v1", "finding": []}]')
    with pytest.raises(InvalidInput, match="finding"):
        aws.seed_scans(file)


def test_what_cannot_be_seeded_is_named(aws: EmbeddedAws, repository: str) -> None:
    aws.push_image(repository, "v1", platforms=["linux/amd64", "linux/arm64"])
    with pytest.raises(NotFound, match="v9"):
        aws.seed_findings(repository, "v9", [CVE])
    with pytest.raises(NotFound, match=r"linux/s390x.*linux/amd64, linux/arm64"):
        aws.seed_findings(repository, "v1", [CVE], platform="linux/s390x")
    with pytest.raises(InvalidInput, match=r"findings\[0\].severity"):
        aws.seed_findings(repository, "v1", [{"name": "CVE-1", "severity": "SEVERE"}])
    with pytest.raises(InvalidInput, match=r"states\[0\].status"):
        aws.script_scan(repository, "v1", [{"status": "DONE"}])
    with pytest.raises(InvalidInput, match="at least one"):
        aws.script_scan(repository, "v1", [])
