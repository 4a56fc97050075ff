"""Reads scans from ECR within a deadline: the platforms of an image, and their results as they become available.

Needs `ecr:DescribeImages`, `ecr:DescribeImageScanFindings`, `ecr:BatchGetImage` for multi-architecture images (ECR records
it as a pull), `ecr:GetRegistryScanningConfiguration`, and, to start basic scans, `ecr:StartImageScan`. Enhanced results
also need `inspector2:ListFindings` and `inspector2:ListCoverage`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ecr_stack.aws.scanning import RegistryScanning, effective_frequencies
from ecr_stack.errors import EcrStackError, NotFound, Unavailable
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.scanning.exceptions import JudgedImage
from ecr_stack.operations.scanning.findings import ScanResult, read_result
from ecr_stack.operations.scanning.gate import PlatformScan
from ecr_stack.operations.scanning.references import ImageReference

__all__ = ["Deadline", "Platform", "ScanReader", "TimedOut", "clause", "start_scan"]

INDEX_MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_THROTTLED = frozenset(
    {
        "ThrottlingException", "Throttling", "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "PriorRequestNotComplete",
    }
)  # fmt: skip
_TRANSIENT = frozenset(
    {"ServerException", "InternalFailure", "InternalServerError", "ServiceUnavailable", "RequestTimeout"}
)

_CONCLUSIVE = frozenset({"COMPLETE", "ACTIVE"})
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-troubleshooting.html
_FINAL = {
    "FAILED": "the scan failed; push the image again, or start a new scan after 24 hours",
    "UNSUPPORTED_IMAGE": "this scan type does not support the image's operating system or media type; use enhanced "
    "scanning, a supported base image, or a scanner in the build",
    "IMAGE_SIZE_EXCEEDED": "the image is too large to be scanned; make it smaller",
    "SCAN_ELIGIBILITY_EXPIRED": "Inspector no longer scans the image, so its findings are out of date; push it again, or "
    "lengthen Inspector's re-scan duration",
    "LIMIT_EXCEEDED": "the account's scan quota is exhausted; wait 24 hours",
    "IMAGE_ARCHIVED": "the image is archived, and archived images are not scanned; restore it first",
}
# AWS does not document whether this is temporary, so it is read again for a while.
_PERHAPS = {"FINDINGS_UNAVAILABLE": "ECR has no findings to show for this scan"}
_PATIENCE = 60.0
_SETTLED_AFTER = timedelta(minutes=10)
_RESCAN_AFTER = timedelta(hours=24)
_DEEPEST_INDEX = 3


class TimedOut(Unavailable):
    """ECR did not respond before the deadline."""


@dataclass
class Deadline:
    """The time that is left, by a clock that tests can replace."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    """From 0 to 1."""
    _start: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._start = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self._start

    @property
    def left(self) -> float:
        """Seconds until the end; never negative."""
        return max(0.0, self.seconds - self.elapsed)

    def pause(self, step: int, first: float = 1.0, most: float = 15.0) -> None:
        """Sleep longer at each step, with jitter, for at most a twentieth of the total time, and never past the deadline."""
        delay = min(most, self.seconds / 20, first * 1.5 ** min(step, 20)) * (0.5 + self.jitter() / 2)
        self.sleep(min(delay, self.left))


@dataclass(frozen=True)
class Platform:
    """One image to scan."""

    reference: ImageReference
    digest: str | None
    name: str | None
    index_digest: str | None = None
    problem: tuple[str, str] | None = None
    """The status and the reason if it is known in advance that it cannot be scanned."""

    @property
    def architecture(self) -> str | None:
        """In the notation of package URLs."""
        return self.name.split("/")[1] if self.name and "/" in self.name else None


@dataclass
class _Watched:
    platform: Platform
    status: str = "SCAN_NOT_FOUND"
    since: float = 0.0
    """When the status began, in terms of the deadline's `elapsed`."""
    result: ScanResult | None = None
    same: int = 0
    """How many times in a row the same conclusive answer was read."""
    started: bool = False
    replaced: ScanResult | None = None
    """The result that a new scan will replace."""
    problem: str | None = None
    done: bool = False
    told: bool = False
    notes: list[str] = field(default_factory=list)


class ScanReader:
    """Reads scans of images in one Region with one client.

    Args:
        ecr: a client of ECR.
        deadline: when to stop waiting.
        progress: called with a message for every change.
        start: whether to start basic scans that are due.
        retry: whether to retry within the deadline if ECR is busy; `False` for a client that retries by itself.
        now: returns the current time in UTC.
    """

    def __init__(
        self,
        ecr: Any,
        deadline: Deadline,
        progress: Callable[[str], None] = lambda _line: None,
        *,
        start: bool = True,
        retry: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ecr = ecr
        self._deadline = deadline
        self._progress = progress
        self._start = start
        self._retry = retry
        self._now = now
        self._configurations: dict[str | None, RegistryScanning | None] = {}

    def scans(self, references: Sequence[ImageReference]) -> list[PlatformScan]:
        """Wait for the scans of every platform of images.

        Returns:
            One for each platform, with a `problem` if it could not be read or evaluated before the deadline.

        Raises:
            NotFound: there is no such repository.
        """
        watched: list[_Watched] = []
        for reference in references:
            try:
                platforms = self.platforms(reference)
            except NotFound:
                raise
            except EcrStackError as error:
                platforms = [Platform(reference, reference.digest, None, problem=("NOT_READ", str(error)))]
            for platform in platforms:
                each = _Watched(platform, since=self._deadline.elapsed)
                if platform.problem:
                    each.status, each.problem, each.done = *platform.problem, True
                watched.append(each)
        self._watch(watched)
        return [self._outcome(each) for each in watched]

    def read_once(self, reference: ImageReference) -> list[PlatformScan]:
        """Read the current scans of an image, without waiting for or starting scans."""
        watched = []
        for platform in self.platforms(reference, wait=False):
            each = _Watched(platform)
            if platform.problem:
                each.status, each.problem = platform.problem
            else:
                each.status, each.result = self._read(platform)
                if each.status not in _CONCLUSIVE:
                    each.problem = _FINAL.get(each.status) or _PERHAPS.get(each.status) or _unfinished(each.status)
            watched.append(each)
        return [self._outcome(each) for each in watched]

    def platforms(self, reference: ImageReference, *, wait: bool = True) -> list[Platform]:
        """Return the parts of an image: itself, or the platforms of an index without attestations.

        Args:
            reference: the image.
            wait: whether a missing image may still arrive, e.g. by replication.

        Raises:
            NotFound: there is no such repository.
            Unavailable: ECR rejects the request, or does not respond in time.
        """
        details = self._image(reference, wait)
        if details is None:
            problem = ("IMAGE_NOT_FOUND", "there is no such image in the repository; check the tag or the digest")
            return [Platform(reference, reference.digest, None, problem=problem)]
        digest = str(details["imageDigest"])
        if details.get("imageStatus") == "ARCHIVED":
            return [Platform(reference, digest, None, problem=("IMAGE_ARCHIVED", _FINAL["IMAGE_ARCHIVED"]))]
        if details.get("imageManifestMediaType") not in INDEX_MEDIA_TYPES:
            return [Platform(reference, digest, None)]
        found = list(self._index(reference, digest, digest, 1))
        if not found:
            problem = ("UNSUPPORTED_IMAGE", "the index lists no images for any platform")
            return [Platform(reference, digest, None, problem=problem)]
        return list({each.digest: each for each in found}.values())

    def _image(self, reference: ImageReference, wait: bool) -> Mapping[str, Any] | None:
        step = 0
        while True:
            try:
                answer = self._ask(
                    "describe_images",
                    repositoryName=reference.repository,
                    imageIds=[reference.image_id],
                    **reference.registry,
                )
                details: Mapping[str, Any] = answer["imageDetails"][0]
            except (_ImageNotFound, IndexError):
                if not wait or self._deadline.elapsed >= _PATIENCE or self._deadline.left <= 0:
                    return None
                if step == 0:
                    self._progress(f"{reference.text}: no such image yet")
                self._deadline.pause(step)
                step += 1
            else:
                return details

    def _index(self, reference: ImageReference, top: str, digest: str, depth: int) -> Iterator[Platform]:
        answer = self._ask(
            "batch_get_image",
            repositoryName=reference.repository,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=list(INDEX_MEDIA_TYPES),
            **reference.registry,
        )
        try:
            index = json.loads(answer["images"][0]["imageManifest"])
            entries = [dict(entry) for entry in index["manifests"]]
        except (LookupError, TypeError, ValueError, RecursionError):
            yield Platform(reference, digest, None, top, ("NOT_READ", "the index cannot be read"))
            return
        for entry in entries:
            told = entry.get("platform")
            platform = told if isinstance(told, Mapping) else {}
            parts = [platform.get(key) for key in ("os", "architecture", "variant")]
            # attestations: https://docs.docker.com/build/metadata/attestations/attestation-storage/
            if parts[:2] == ["unknown", "unknown"]:
                continue
            name = "/".join(str(part) for part in parts if part) or None
            child = entry.get("digest")
            if not isinstance(child, str):
                yield Platform(reference, None, name, top, ("NOT_READ", "the index lists an image without a digest"))
            elif entry.get("mediaType") in INDEX_MEDIA_TYPES and depth < _DEEPEST_INDEX:
                yield from self._index(reference, top, child, depth + 1)
            else:
                yield Platform(reference, child, name, top)

    def _watch(self, watched: Sequence[_Watched]) -> None:
        step = 0
        while pending := [each for each in watched if not each.done]:
            for each in pending:
                self._look(each)
            if all(each.done for each in pending):
                return
            if self._deadline.left <= 0:
                for each in pending:
                    if not each.done:
                        self._give_up(each)
                return
            self._deadline.pause(step)
            step += 1

    def _look(self, each: _Watched) -> None:
        try:
            status, result = self._read(each.platform)
        except TimedOut:
            self._give_up(each)
            return
        except EcrStackError as error:
            each.status, each.problem, each.done = "NOT_READ", str(error), True
            return
        self._tell(each, status)
        if status in _FINAL:
            each.problem, each.done = _FINAL[status], True
        elif status in _PERHAPS:
            if self._deadline.elapsed - each.since >= _PATIENCE:
                each.problem, each.done = _PERHAPS[status], True
        elif status in _CONCLUSIVE and result is not None:
            self._settle(each, result)
        elif status == "SCAN_NOT_FOUND":
            self._missing(each)

    def _settle(self, each: _Watched, result: ScanResult) -> None:
        """Accept a result when it is current and no longer changes.

        Findings may arrive after COMPLETE (https://github.com/aws/aws-sdk/issues/289).
        """
        if each.replaced is None and self._due(each, result):
            self._begin(each, result)
        if each.replaced is not None and result.completed_at == each.replaced.completed_at:
            return
        each.same = each.same + 1 if each.result and each.result.signature == result.signature else 1
        each.result = result
        old = result.completed_at is not None and self._now() - result.completed_at >= _SETTLED_AFTER
        empty = not result.counts
        needed = (2 if empty else 1) if old else (4 if empty else 2)
        each.done = each.same >= needed

    def _due(self, each: _Watched, result: ScanResult) -> bool:
        """Whether a basic scan is old enough that ECR allows a new one, which current findings require."""
        return (
            self._start
            and not each.started
            and result.status == "COMPLETE"
            and result.completed_at is not None
            and self._now() - result.completed_at > _RESCAN_AFTER
            and self._scan_type(each.platform.reference) == "BASIC"
        )

    def _missing(self, each: _Watched) -> None:
        repository = each.platform.reference.repository
        frequency = self._frequency(each.platform.reference)
        if frequency == "OFF":
            each.problem = (
                f"enhanced scanning is on and no filter matches {repository}, so its images are not scanned; add a filter to "
                "the registry's scanning configuration"
            )
            each.done = True
        elif self._start and not each.started and self._scan_type(each.platform.reference) == "BASIC":
            # a scan on push starts automatically after a moment
            if frequency == "SCAN_ON_PUSH" and self._deadline.elapsed - each.since < 30:
                return
            self._begin(each, None)
        elif not self._start and frequency == "MANUAL":
            each.problem, each.done = (
                "it was never scanned, and is scanned only on request; run `ecr-stack scan start`",
                True,
            )

    def start(self, platform: Platform) -> None:
        """Start a basic scan of one platform.

        Raises:
            NotFound: there is no such repository.
            Unavailable: ECR rejects the request, or does not respond in time.
        """
        self._ask(
            "start_image_scan",
            repositoryName=platform.reference.repository,
            imageId={"imageDigest": platform.digest},
            **platform.reference.registry,
        )

    def _begin(self, each: _Watched, previous: ScanResult | None) -> None:
        each.started = True
        platform = each.platform
        try:
            self.start(platform)
        except _Refused as error:
            if error.code == "LimitExceededException":
                each.notes.append("no new scan was started: ECR allows one scan of an image in 24 hours")
            elif error.code == "UnsupportedImageTypeException":
                each.status, each.problem, each.done = "UNSUPPORTED_IMAGE", _FINAL["UNSUPPORTED_IMAGE"], True
            elif previous is not None:
                each.notes.append(
                    f"no new scan was started ({error}); its result is from {previous.completed_at:%Y-%m-%d}"
                )
            else:
                each.problem, each.done = f"it was never scanned, and a scan cannot be started: {error}", True
        except TimedOut:
            return
        else:
            each.replaced = previous
            each.same, each.result = 0, None
            self._progress(f"{_label(platform)}: scan started")

    def _give_up(self, each: _Watched) -> None:
        each.done = True
        limit = f"within {self._deadline.seconds:.0f} seconds"
        if each.status in _CONCLUSIVE and each.result is not None:
            each.problem = f"its result did not settle {limit}: findings may still be missing"
        elif each.replaced is not None:
            # as before the attempt: without permission to start scans, the gate would use this result too
            each.result = each.replaced
            each.status = each.replaced.status
            each.notes.append(
                f"a new scan did not end {limit}; its result is from {each.replaced.completed_at:%Y-%m-%d %H:%M} UTC"
            )
        elif each.status == "SCAN_NOT_FOUND":
            each.problem = f"it was not scanned {limit}; check the registry's scanning configuration"
        else:
            each.problem = _PERHAPS.get(each.status) or f"its scan did not end {limit}: the status is {each.status}"

    def _tell(self, each: _Watched, status: str) -> None:
        if status != each.status or not each.told:
            each.since, each.told = self._deadline.elapsed, True
            self._progress(f"{_label(each.platform)}: {status} after {self._deadline.elapsed:.0f} s")
        each.status = status

    def _read(self, platform: Platform) -> tuple[str, ScanResult | None]:
        pages: list[Mapping[str, Any]] = []
        token: dict[str, Any] = {}
        while True:
            try:
                page = self._ask(
                    "describe_image_scan_findings",
                    repositoryName=platform.reference.repository,
                    imageId={"imageDigest": platform.digest},
                    maxResults=1000,
                    **token,
                    **platform.reference.registry,
                )
            except _ScanNotFound:
                return "SCAN_NOT_FOUND", None
            except _ImageNotFound:
                return "IMAGE_NOT_FOUND", None
            pages.append(page)
            if not page.get("nextToken"):
                result = read_result(pages)
                return result.status, result
            token = {"nextToken": page["nextToken"]}

    def _frequency(self, reference: ImageReference) -> str | None:
        configuration = self._configuration(reference)
        if configuration is None:
            return None
        return effective_frequencies(configuration, [reference.repository]).get(reference.repository)

    def _scan_type(self, reference: ImageReference) -> str | None:
        configuration = self._configuration(reference)
        return configuration.type if configuration else None

    def _configuration(self, reference: ImageReference) -> RegistryScanning | None:
        """The registry's configuration, if it may be read and is the caller's own: ECR does not return that of others."""
        if reference.account not in self._configurations:
            try:
                answer = self._ask("get_registry_scanning_configuration")
            except EcrStackError:
                configuration = None
            else:
                foreign = reference.account and answer.get("registryId") not in (None, reference.account)
                told = answer.get("scanningConfiguration")
                configuration = None if foreign or told is None else RegistryScanning.from_api(told)
            self._configurations[reference.account] = configuration
        return self._configurations[reference.account]

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """Call an operation; retry until the deadline if ECR is busy or cannot be reached.

        Raises:
            NotFound: there is no such repository.
            TimedOut: the deadline has passed.
            Unavailable: ECR rejects the request.
        """
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        step, since = 0, self._deadline.elapsed
        while True:
            try:
                answer: Mapping[str, Any] = getattr(self._ecr, operation)(**parameters)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if code not in _THROTTLED | _TRANSIENT and status < 500:
                    raise _refusal(error) from None
                trouble, unreachable = f"ECR returned {code}", False
            except (ConnectionError, HTTPClientError) as error:
                trouble, unreachable = f"ECR cannot be reached: {error}", True
            except BotoCoreError as error:
                # e.g. no credentials or no Region: retrying does not help
                raise _refusal(error) from None
            else:
                return answer
            if not self._retry:
                raise TimedOut(trouble)
            if self._deadline.left <= 0:
                raise TimedOut(f"{trouble}, and the deadline has passed")
            if unreachable and self._deadline.elapsed - since >= _PATIENCE:
                raise TimedOut(trouble)
            if step == 0:
                self._progress(f"{trouble}; retrying")
            self._deadline.pause(step, first=0.5)
            step += 1

    def _outcome(self, each: _Watched) -> PlatformScan:
        platform, reference = each.platform, each.platform.reference
        result = each.result if each.problem is None else None
        architecture = platform.architecture or (result.architecture if result else None)
        name = platform.name or architecture
        digests = frozenset(filter(None, (platform.digest, platform.index_digest)))
        image = JudgedImage(reference.repository, digests, reference.tag, reference.host, architecture)
        problem = each.problem
        if problem is None and result is None:
            problem = _unfinished(each.status)
        if problem is not None:
            problem = clause(problem)
        return PlatformScan(
            reference.text,
            reference.repository,
            platform.digest,
            name,
            each.status,
            image,
            result,
            problem,
            tuple(each.notes),
        )


class _Refused(Unavailable):
    code = ""


class _ScanNotFound(_Refused):
    pass


class _ImageNotFound(_Refused):
    pass


def _refusal(error: Any) -> EcrStackError:
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    try:
        with answered():
            raise error
    except NotFound as found:
        return found
    except EcrStackError as told:
        kind = {"ScanNotFoundException": _ScanNotFound, "ImageNotFoundException": _ImageNotFound}.get(code, _Refused)
        refused = kind(str(told))
        refused.code = code
        return refused


def clause(message: str) -> str:
    """Join the lines of a message, without full stops."""
    return "; ".join(line.strip().rstrip(".") for line in message.splitlines() if line.strip())


def _unfinished(status: str) -> str:
    if status == "SCAN_NOT_FOUND":
        return "it was not scanned"
    return "there is no such image" if status == "IMAGE_NOT_FOUND" else f"its scan has the status {status}"


def _label(platform: Platform) -> str:
    return f"{platform.reference.text} ({platform.name})" if platform.name else platform.reference.text


def start_scan(reader: ScanReader, reference: ImageReference) -> list[tuple[Platform, str, str]]:
    """Start a basic scan of every platform of an image.

    Returns:
        For each platform: the outcome (`started`, `not due` or `refused`), and an explanation.

    Raises:
        NotFound: there is no such repository.
        Unavailable: ECR does not respond.
    """
    outcomes = []
    for platform in reader.platforms(reference, wait=False):
        if platform.problem:
            outcomes.append((platform, "refused", platform.problem[1]))
            continue
        try:
            reader.start(platform)
        except _Refused as error:
            if error.code == "LimitExceededException":
                outcomes.append((platform, "not due", "ECR allows one basic scan of an image in 24 hours"))
            else:
                outcomes.append((platform, "refused", str(error)))
        else:
            outcomes.append((platform, "started", "findings will be available within minutes"))
    return outcomes
