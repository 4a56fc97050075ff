"""AWS's documented sample events about images, one of each kind."""

from __future__ import annotations

from typing import Any

__all__ = ["SAMPLES"]


def event(
    detail_type: str, detail: dict[str, Any], source: str = "aws.ecr", resources: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "version": "0", "id": "13cde686-328b-6117-af20-0e5566167482", "detail-type": detail_type, "source": source,
        "account": "123456789012", "time": "2019-11-16T01:54:34Z", "region": "us-west-2", "resources": list(resources),
        "detail": detail,
    }  # fmt: skip


DIGEST = "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd1234"
ACTION = {"result": "SUCCESS", "repository-name": "my-repository-name", "image-digest": DIGEST, "image-tag": "latest"}
STORAGE = {
    "action-type": "UPDATE_STORAGE_CLASS", "image-digest": DIGEST, "repository-name": "ubuntu", "result": "SUCCESS",
    "manifest-media-type": "application/vnd.oci.image.manifest.v1+json",
    "artifact-media-type": "application/vnd.oci.image.config.v1+json",
}  # fmt: skip
REPLICATION = {
    "result": "SUCCESS", "repository-name": "docker-hub/alpine", "image-digest": DIGEST, "source-account": "123456789012",
    "action-type": "REPLICATE", "source-region": "us-west-2", "image-tag": "3.17.2",
}  # fmt: skip
FINDING = {
    "awsAccountId": "123456789012", "severity": "MEDIUM", "status": "ACTIVE", "title": "CVE-2019-17498 - libssh2",
    "type": "PACKAGE_VULNERABILITY", "inspectorScore": 6.5,
    "resources": [
        {
            "id": "arn:aws:ecr:us-east-2:123456789012:repository/amazon/amazon-ecs-sample/sha256:36c7",
            "type": "AWS_ECR_CONTAINER_IMAGE",
            "details": {"awsEcrContainerImage": {"repositoryName": "amazon/amazon-ecs-sample", "imageTags": ["latest"]}},
        }
    ],
}  # fmt: skip

# From the two pages of the ECR user guide that `ecr_stack.aws.events` names.
SAMPLES = {
    "push": event("ECR Image Action", ACTION | {"action-type": "PUSH"}),
    "delete": event("ECR Image Action", ACTION | {"action-type": "DELETE"}),
    "archive": event("ECR Image Action", STORAGE | {"target-storage-class": "ARCHIVE"}),
    "restore": event(
        "ECR Image Action", STORAGE | {"target-storage-class": "STANDARD", "last-activated-at": "2025-10-10T19:13:02.74Z"}
    ),
    "referrer restore": event("ECR Referrer Action", STORAGE | {"target-storage-class": "STANDARD"}),
    "replication": event("ECR Replication Action", REPLICATION),
    "failed replication": event("ECR Replication Action", REPLICATION | {"result": "FAILED"}),
    "pull through": event(
        "ECR Pull Through Cache Action",
        {
            "rule-version": "1", "sync-status": "SUCCESS", "ecr-repository-prefix": "docker-hub",
            "repository-name": "docker-hub/alpine", "upstream-registry-url": "public.ecr.aws", "image-tag": "3.17.2",
        },
    ),
    "basic scan": event(
        "ECR Image Scan",
        {
            "scan-status": "COMPLETE", "repository-name": "my-repository-name", "image-digest": DIGEST, "image-tags": [],
            "finding-severity-counts": {"CRITICAL": 10, "MEDIUM": 9},
        },
    ),
    "frequency change": event(
        "ECR Scan Resource Change",
        {
            "action-type": "SCAN_FREQUENCY_CHANGE", "resource-type": "REPOSITORY", "scan-type": "ENHANCED",
            "repositories": [{"repository-name": "repository-1", "scan-frequency": "SCAN_ON_PUSH"}],
        },
    ),
    "inspector scan": event(
        "Inspector2 Scan",
        {
            "scan-status": "INITIAL_SCAN_COMPLETE", "finding-severity-counts": {"CRITICAL": 7, "TOTAL": 158},
            "repository-name": "arn:aws:ecr:us-east-2:123456789012:repository/amazon/amazon-ecs-sample",
        },
        "aws.inspector2",
        ("arn:aws:ecr:us-east-2:123456789012:repository/amazon/amazon-ecs-sample",),
    ),
    "inspector finding": event("Inspector2 Finding", FINDING, "aws.inspector2"),
}  # fmt: skip
