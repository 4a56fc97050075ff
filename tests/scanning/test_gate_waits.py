"""The gate waits for scans over HTTP while their states change, and always ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import NotFound
from ecr_stack.operations.ecr import client
from ecr_stack.operations.scanning.reading import ScanReader
from tests.scanning.conftest import REGION, Clock, enhanced, finding, image

Reader = Callable[..., ScanReader]


def scripted(aws: EmbeddedAws, *states: Any) -> None:
    aws.script_scan("team/api", "v1", [{"status": state} if isinstance(state, str) else state for state in states])


def test_a_scan_that_is_not_there_at_first_is_waited_for(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    scripted(aws, "ScanNotFoundException", "PENDING", "IN_PROGRESS", {"status": "COMPLETE", "findings": [finding()]})
    lines: list[str] = []
    (scan,) = reader(progress=lines.append).scans([image()])
    assert (scan.status, scan.problem) == ("COMPLETE", None)
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1}
    told = [line.split(": ", 1)[1].split()[0] for line in lines if " after " in line]
    assert told == ["SCAN_NOT_FOUND", "PENDING", "IN_PROGRESS", "COMPLETE"]


def test_enhanced_scanning_is_conclusive_when_active(aws: EmbeddedAws, reader: Reader) -> None:
    enhanced(aws)
    aws.push_image("team/api", "v1")
    scripted(aws, "PENDING", {"status": "ACTIVE", "findings": [finding(fixedInVersion="1.1.2")]})
    (scan,) = reader().scans([image()])
    assert (scan.status, scan.problem) == ("ACTIVE", None)
    assert scan.result is not None
    assert [(each.name, each.package, each.fixable) for each in scan.result.findings] == [
        ("CVE-2026-1000", "openssl", True)
    ]


def test_findings_that_arrive_after_complete_are_seen(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    scripted(
        aws,
        {"status": "COMPLETE", "findings": [], "reads": 3},
        {"status": "COMPLETE", "findings": [finding()]},
    )
    (scan,) = reader().scans([image()])
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1}


def test_a_list_of_findings_that_still_grows_is_read_again(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    low = finding("CVE-2026-1", "LOW")
    scripted(
        aws,
        {"status": "ACTIVE", "findings": [low]},
        {"status": "ACTIVE", "findings": [low, finding()]},
    )
    (scan,) = reader().scans([image()])
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1, "LOW": 1}


def test_more_findings_than_one_page_are_all_read(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    many = [finding(f"CVE-2026-{number}", "LOW") for number in range(1000, 1250)]
    scripted(aws, {"status": "COMPLETE", "findings": many})
    (scan,) = reader().scans([image()])
    assert scan.result is not None
    assert len(scan.result.findings) == 250


@pytest.mark.parametrize(
    "status",
    [
        "FAILED",
        "UNSUPPORTED_IMAGE",
        "IMAGE_SIZE_EXCEEDED",
        "SCAN_ELIGIBILITY_EXPIRED",
        "LIMIT_EXCEEDED",
        "IMAGE_ARCHIVED",
    ],
)
def test_a_scan_that_ends_without_a_result_cannot_be_judged(
    aws: EmbeddedAws, reader: Reader, clock: Clock, status: str
) -> None:
    aws.push_image("team/api", "v1")
    scripted(aws, "IN_PROGRESS", status)
    (scan,) = reader().scans([image()])
    assert (scan.status, scan.result) == (status, None)
    assert scan.problem
    assert clock.time < 10


def test_unavailable_findings_are_asked_for_again_for_a_minute(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    aws.push_image("team/api", "v1")
    scripted(aws, {"status": "FINDINGS_UNAVAILABLE", "reads": 3}, {"status": "COMPLETE", "findings": [finding()]})
    assert reader().scans([image()])[0].problem is None
    scripted(aws, "FINDINGS_UNAVAILABLE")
    begun = clock.time
    (scan,) = reader().scans([image()])
    assert "no findings to show" in (scan.problem or "")
    assert 60 <= clock.time - begun < 90


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS", "FINDINGS_UNAVAILABLE"])
@pytest.mark.parametrize("seconds", [1, 30])
def test_a_scan_that_never_ends_is_given_up_at_the_deadline(
    aws: EmbeddedAws, reader: Reader, clock: Clock, status: str, seconds: int
) -> None:
    aws.push_image("team/api", "v1")
    scripted(aws, status)
    (scan,) = reader(seconds).scans([image()])
    assert scan.result is None
    assert scan.problem
    assert clock.time == seconds


def test_a_result_that_changes_until_the_end_is_not_trusted(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    low = [finding(f"CVE-2026-{number}", "LOW") for number in range(1000, 1100)]
    scripted(aws, *({"status": "ACTIVE", "findings": low[:number]} for number in range(100)))
    (scan,) = reader(10).scans([image()])
    assert scan.result is None
    assert "did not settle" in (scan.problem or "")


def test_a_clean_image_is_judged_within_a_short_timeout(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    aws.push_image("team/api", "v1")
    (scan,) = reader(5).scans([image()])
    assert (scan.status, scan.problem) == ("COMPLETE", None)
    assert clock.time < 2


def test_every_platform_of_an_index_is_scanned_and_named(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1", platforms=["linux/amd64", "linux/arm64/v8"])
    aws.seed_findings("team/api", "v1", [finding()], platform="linux/arm64/v8")
    scans = reader().scans([image()])
    assert [(scan.platform, dict(scan.result.counts) if scan.result else None) for scan in scans] == [
        ("linux/amd64", {}),
        ("linux/arm64/v8", {"CRITICAL": 1}),
    ]
    assert aws.calls["ecr:StartImageScan"] == 2


def test_attestations_are_no_platforms(aws: EmbeddedAws, reader: Reader) -> None:
    import json

    child = aws.push_image("team/api")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {"digest": child, "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
             "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": child, "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2,
             "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
        ],
    }  # fmt: skip
    aws.call(
        "ecr", "PutImage",
        {"repositoryName": "team/api", "imageManifest": json.dumps(manifest), "imageTag": "v1",
         "imageManifestMediaType": manifest["mediaType"]},
    )  # fmt: skip
    assert [scan.platform for scan in reader().scans([image()])] == ["linux/amd64"]


def test_an_image_that_is_replicated_while_the_gate_waits_is_found(
    aws: EmbeddedAws, reader: Reader, clock: Clock
) -> None:
    asleep = clock.sleep

    def push_while_asleep(seconds: float) -> None:
        asleep(seconds)
        if len(clock.sleeps) == 2:
            aws.push_image("team/api", "v1")

    clock.sleep = push_while_asleep  # type: ignore[method-assign]
    (scan,) = reader().scans([image()])
    assert scan.problem is None


def test_an_image_that_does_not_exist_cannot_be_judged(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    (scan,) = reader().scans([image("team/api:missing")])
    assert (scan.status, scan.result) == ("IMAGE_NOT_FOUND", None)
    assert clock.time < 90


def test_a_repository_that_does_not_exist_is_an_error(aws: EmbeddedAws, reader: Reader) -> None:
    with pytest.raises(NotFound, match="team/web"):
        reader().scans([image("team/web:v1")])


def test_an_archived_image_is_not_waited_for(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    digest = aws.push_image("team/api", "v1")
    aws.call(
        "ecr", "UpdateImageStorageClass",
        {"repositoryName": "team/api", "imageId": {"imageDigest": digest}, "targetStorageClass": "ARCHIVE"},
    )  # fmt: skip
    (scan,) = reader().scans([image(f"team/api@{digest}")])
    assert (scan.status, clock.time) == ("IMAGE_ARCHIVED", 0)


def test_a_basic_scan_is_started_where_nothing_starts_one(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    aws.seed_findings("team/api", "v1", [finding()])
    (scan,) = reader().scans([image()])
    assert scan.result is not None
    assert (scan.result.counts, aws.calls["ecr:StartImageScan"]) == ({"CRITICAL": 1}, 1)


def test_no_scan_is_started_if_the_image_has_one_of_today(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    reader().scans([image()])
    reader().scans([image()])
    assert aws.calls["ecr:StartImageScan"] == 1


def test_a_basic_scan_older_than_a_day_is_repeated_and_the_old_result_is_not_taken_for_the_new(
    aws: EmbeddedAws, reader: Reader
) -> None:
    aws.push_image("team/api", "v1")
    reader().scans([image()])
    aws.advance(timedelta(hours=25))
    aws.seed_findings("team/api", "v1", [finding()])
    later = datetime.now(UTC) + timedelta(hours=25)
    (scan,) = reader(now=lambda: later).scans([image()])
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1}
    assert aws.calls["ecr:StartImageScan"] == 2


def test_an_old_result_is_judged_with_a_note_if_its_replacement_does_not_end(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    later = datetime.now(UTC) + timedelta(hours=25)
    scripted(aws, {"status": "COMPLETE", "findings": [finding()]})
    ecr = faulty("StartImageScan", [refusal(200, "")])  # accepted, and nothing comes of it
    (scan,) = reader(ecr=ecr, now=lambda: later).scans([image()])
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1}
    assert "a new scan did not end" in scan.notes[0]


def test_nothing_is_started_under_enhanced_scanning(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    enhanced(aws)
    (scan,) = reader(30).scans([image()])
    assert "not scanned within 30 seconds" in (scan.problem or "")
    assert aws.calls["ecr:StartImageScan"] == 0


def test_a_repository_that_enhanced_scanning_leaves_out_is_not_waited_for(
    aws: EmbeddedAws, reader: Reader, clock: Clock
) -> None:
    enhanced(aws, "web")
    aws.push_image("team/api", "v1")
    (scan,) = reader().scans([image()])
    assert "no filter matches team/api" in (scan.problem or "")
    assert clock.time == 0


def test_a_role_without_the_right_to_start_scans_is_told_so(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    aws.push_image("team/api", "v1")
    ecr = faulty("StartImageScan", [refusal(400, "AccessDeniedException")])
    (scan,) = reader(ecr=ecr).scans([image()])
    assert "a scan cannot be started" in (scan.problem or "")
    assert "AccessDeniedException" in (scan.problem or "")
    assert clock.time == 0


def test_no_start_says_that_nothing_scans_the_image(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    (scan,) = reader(start=False).scans([image()])
    assert "ecr-stack scan start" in (scan.problem or "")
    assert aws.calls["ecr:StartImageScan"] == 0


def refusal(status: int, code: str) -> Callable[[Any], AWSResponse]:
    class Raw:
        def __init__(self) -> None:
            self.body = f'{{"__type":"{code}","message":"injected"}}'.encode()

        def stream(self, **_: Any) -> Any:
            yield self.body

    def answer(request: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {"x-amzn-RequestId": "1"}, Raw())

    return answer


def raising(error: Exception) -> Callable[[Any], AWSResponse]:
    def answer(request: Any) -> AWSResponse:
        raise error

    return answer


def faulty(operation: str, faults: list[Callable[[Any], AWSResponse]], always: bool = False) -> Any:
    """A client whose first answers to an operation are faults, below everything that boto3 does."""
    ecr = client(REGION, patient=False, timeout=5)

    def send(request: Any, **_: Any) -> AWSResponse | None:
        if not faults:
            return None
        return (faults[0] if always else faults.pop(0))(request)

    ecr.meta.events.register(f"before-send.ecr.{operation}", send)
    return ecr


THROTTLED = refusal(400, "ThrottlingException")
TIMED_OUT = raising(ReadTimeoutError(endpoint_url="https://ecr"))
UNREACHABLE = raising(EndpointConnectionError(endpoint_url="https://ecr"))


@pytest.mark.parametrize(
    "operation", ["DescribeImages", "DescribeImageScanFindings", "GetRegistryScanningConfiguration"]
)
def test_throttling_timeouts_and_lost_connections_are_survived(
    aws: EmbeddedAws, reader: Reader, clock: Clock, operation: str
) -> None:
    aws.push_image("team/api", "v1")
    aws.seed_findings("team/api", "v1", [finding()])
    faults = [
        THROTTLED,
        refusal(500, "ServerException"),
        TIMED_OUT,
        UNREACHABLE,
        refusal(429, "TooManyRequestsException"),
    ]
    (scan,) = reader(ecr=faulty(operation, faults)).scans([image()])
    assert scan.result is not None
    assert scan.result.counts == {"CRITICAL": 1}
    assert clock.sleeps[:3] == sorted(clock.sleeps[:3])


@pytest.mark.parametrize("operation", ["DescribeImages", "DescribeImageScanFindings"])
@pytest.mark.parametrize("fault", [THROTTLED, TIMED_OUT, UNREACHABLE], ids=["throttled", "timed out", "unreachable"])
def test_ecr_that_never_answers_is_given_up_at_the_deadline(
    aws: EmbeddedAws, reader: Reader, clock: Clock, operation: str, fault: Any
) -> None:
    aws.push_image("team/api", "v1")
    (scan,) = reader(100, ecr=faulty(operation, [fault], always=True)).scans([image()])
    assert scan.result is None
    assert scan.problem
    assert clock.time <= 100


def test_a_scan_whose_start_timed_out_is_not_started_twice_in_vain(aws: EmbeddedAws, reader: Reader) -> None:
    aws.push_image("team/api", "v1")
    aws.seed_findings("team/api", "v1", [finding()])
    (scan,) = reader(ecr=faulty("StartImageScan", [refusal(400, "LimitExceededException")])).scans([image()])
    assert scan.problem is not None
    assert "one scan of an image in 24 hours" in scan.notes[0]


def test_access_denied_cannot_be_judged_and_is_named(aws: EmbeddedAws, reader: Reader, clock: Clock) -> None:
    aws.push_image("team/api", "v1")
    ecr = faulty("DescribeImageScanFindings", [refusal(400, "AccessDeniedException")])
    (scan,) = reader(ecr=ecr).scans([image()])
    assert scan.status == "NOT_READ"
    assert "AccessDeniedException" in (scan.problem or "")
    assert clock.time == 0
