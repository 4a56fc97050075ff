"""Removing images from a live registry: a plan that can be shown, then batches, each on record before it goes.

Needs `ecr:BatchDeleteImage` or `ecr:UpdateImageStorageClass`, and `ecr:DescribeImages`, `ecr:BatchGetImage`. What is in
use is known under enhanced scanning only, and needs `ecr:DescribeImageScanFindings` and `inspector2:ListCoverage`.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from ecr_stack.errors import EcrStackError, Unavailable
from ecr_stack.operations.ecr import answered
from ecr_stack.operations.images.catalogue import CataloguedImage, read_manifest
from ecr_stack.operations.images.record import RecordWriter, RemovedImage
from ecr_stack.operations.images.selection import Protection, RunningImage, Selection, obstacle
from ecr_stack.operations.live_registry import BATCH, LiveRegistry, batches, in_order
from ecr_stack.operations.scanning.findings import read_result

__all__ = ["Outcome", "Plan", "plan", "remove", "remove_tags", "running_images"]


@dataclass(frozen=True)
class Outcome:
    """What becomes, or became, of one image."""

    image: CataloguedImage
    reason: str
    tags: tuple[str, ...] | None = None
    """The tags that are removed from an image that stays; `None` if the image goes."""

    def as_json(self) -> dict[str, Any]:
        """The image's names and the reason."""
        return {
            "repository": self.image.repository,
            "imageDigest": self.image.top.digest,
            "imageTags": list(self.image.top.tags if self.tags is None else self.tags),
            "imageSizeInBytes": self.image.top.size,
            "reason": self.reason,
        }


@dataclass
class Plan:
    """What would go from one repository, and what stays though it was selected."""

    repository: str
    remove: list[Outcome] = field(default_factory=list)
    kept: list[Outcome] = field(default_factory=list)
    survivors: frozenset[str] = frozenset()
    """Digests that images which are not selected, or are kept, consist of."""
    unknown_use: str | None = None
    """Why it is not known what is in use."""


def plan(
    repository: str,
    images: Sequence[CataloguedImage],
    selection: Selection,
    protection: Protection,
    at: datetime,
    use: Callable[[Sequence[CataloguedImage]], tuple[Mapping[str, RunningImage], str | None]],
) -> Plan:
    """Decide what may go.

    Args:
        repository: its name.
        images: all its images.
        selection: which of them are to go.
        protection: what keeps images.
        at: the instant.
        use: finds out which of some images are in use, or why that is not known.
    """
    selected = [image for image in images if selection.selects(image, at)]
    result = Plan(repository)
    newest, rest = selected[: protection.keep_last], selected[protection.keep_last :]
    result.kept += [Outcome(image, f"it is among the last {protection.keep_last}") for image in newest]
    running: Mapping[str, RunningImage] = {}
    if protection.in_use and rest:
        running, result.unknown_use = use(rest)
    going = {image.top.digest for image in rest}
    # What is kept may need others in turn, until nothing changes any more.
    reasons: dict[str, str] = {}
    while True:
        found = {
            image.top.digest: reason
            for image in rest
            if image.top.digest in going
            and (reason := obstacle(image, selection, protection, running, going, at)) is not None
        }
        if not found:
            break
        reasons |= found
        going -= found.keys()
    result.kept += [Outcome(image, reasons[image.top.digest]) for image in rest if image.top.digest in reasons]
    result.remove = [Outcome(image, "it is selected") for image in rest if image.top.digest in going]
    result.survivors = frozenset(
        member.digest for image in images if image.top.digest not in going for member in image.members
    )
    return result


def running_images(
    registry: LiveRegistry, images: Sequence[CataloguedImage]
) -> tuple[dict[str, RunningImage], str | None]:
    """Find out which images run somewhere, as far as Amazon Inspector knows, or why that is not known.

    https://docs.aws.amazon.com/inspector/latest/user/ecr-in-use.html
    """
    try:
        scanning = registry.ask_registry("get_registry_scanning_configuration")["scanningConfiguration"]
    except EcrStackError as error:
        return {}, f"the scanning configuration cannot be read: {error}"
    if scanning.get("scanType") != "ENHANCED":
        return {}, "AWS only reports images in use under enhanced scanning"
    repository = images[0].repository
    running: dict[str, RunningImage] = {}
    problem: str | None = None
    try:
        running = _covered(registry, repository)
    except EcrStackError as error:
        problem = str(error)
    unseen = [
        member.digest
        for image in images
        for member in (image.top, *image.parts)
        if member.digest not in running and not member.is_index and member.status == "ACTIVE"
    ]

    def look(digest: str) -> tuple[str, RunningImage | None, str | None]:
        try:
            answer = registry.ask(
                "describe_image_scan_findings", repositoryName=repository, imageId={"imageDigest": digest}, maxResults=1
            )
        except EcrStackError as error:
            return digest, None, None if "ScanNotFoundException" in str(error) else str(error)
        result = read_result([answer])
        known = result.in_use_count is not None or result.last_in_use_at is not None
        return digest, RunningImage(result.in_use_count or 0, result.last_in_use_at) if known else None, None

    for digest, use, refusal in in_order(look, unseen):
        if use is not None:
            running[digest] = use
        problem = problem or refusal
    return running, problem


def _covered(registry: LiveRegistry, repository: str) -> dict[str, RunningImage]:
    running = {}
    with answered("Amazon Inspector"):
        pages = registry.client("inspector2").get_paginator("list_coverage").paginate(
            filterCriteria={
                "resourceType": [{"comparison": "EQUALS", "value": "AWS_ECR_CONTAINER_IMAGE"}],
                "ecrRepositoryName": [{"comparison": "EQUALS", "value": repository}],
            }
        )  # fmt: skip
        for page in pages:
            for resource in page.get("coveredResources", ()):
                image = (resource.get("resourceMetadata") or {}).get("ecrImage") or {}
                name, _, digest = str(resource.get("resourceId", "")).rpartition("/")
                if name.endswith(f":repository/{repository}") and "inUseCount" in image:
                    running[digest] = RunningImage(int(image["inUseCount"]), image.get("lastInUseAt"))
    return running


@dataclass
class Result:
    """What became of the images of one repository."""

    removed: list[Outcome] = field(default_factory=list)
    kept: list[Outcome] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)


def remove(
    registry: LiveRegistry,
    planned: Plan,
    record: RecordWriter,
    *,
    archive: bool = False,
    progress: Callable[[int], None] = lambda _images: None,
) -> Result:
    """Remove what a plan says, as far as nothing has changed since.

    Images go first and what belongs to them afterwards, so that an interruption leaves no image without its parts. After
    a request that ECR rejects as a whole, the repository's other images are not tried.

    Args:
        registry: whose repository it is.
        planned: the plan.
        record: where it is written before.
        archive: whether to archive instead of deleting.
        progress: called with how many images are done.

    Raises:
        Unavailable: the record cannot be written; nothing is removed that is not in it.
    """
    result = Result()
    stopped: str | None = None
    # An image that an index lists can only go after the index.
    order = sorted(planned.remove, key=lambda outcome: bool(outcome.image.listed_by))
    for chunk in batches(order):
        if stopped is None:
            try:
                unchanged = _unchanged(registry, chunk, result)
                manifests = _manifests(registry, planned.repository, [each.image.top.digest for each in unchanged])
            except EcrStackError as error:
                stopped = str(error)
        if stopped is not None:
            result.failed += [Outcome(each.image, f"skipped after an error from ECR: {stopped}") for each in chunk]
            continue
        digests = [each.image.top.digest for each in unchanged]
        tags = {each.image.top.digest: each.image.top.tags for each in unchanged}
        types = {each.image.top.digest: each.image.top.media_type for each in unchanged}
        _put_on_record(planned.repository, digests, tags, types, {}, manifests, record)
        failures, stopped = _take(registry, planned.repository, digests, archive)
        record.outcomes(planned.repository, failures)
        for each in unchanged:
            failure = failures[each.image.top.digest]
            if failure is None:
                result.removed.append(Outcome(each.image, "archived" if archive else "deleted"))
            else:
                result.failed.append(Outcome(each.image, failure))
        progress(len(chunk))
    if not archive:
        _remove_parts(registry, planned, result, record)
    return result


def _unchanged(registry: LiveRegistry, chunk: Sequence[Outcome], result: Result) -> list[Outcome]:
    """Look again: a tag may have been moved to an image since it was shown, and a pull may have come."""
    repository = chunk[0].image.repository
    details = registry.some_images(repository, [{"imageDigest": each.image.top.digest} for each in chunk])
    now = {manifest.digest: manifest for manifest in map(read_manifest, details)}
    unchanged = []
    for each in chunk:
        before, after = each.image.top, now.get(each.image.top.digest)
        if after is None:
            result.kept.append(Outcome(each.image, "it no longer exists"))
        elif (after.tags, after.status) != (before.tags, before.status):
            told = ", ".join(after.tags) or "no tags"
            result.kept.append(Outcome(each.image, f"it changed after it was listed: {after.status}, {told}"))
        # Fetching what an index lists was a pull of it, which says nothing about others.
        elif after.pulled_at != before.pulled_at and not before.is_index:
            result.kept.append(Outcome(each.image, "it was pulled after it was listed"))
        else:
            unchanged.append(each)
    return unchanged


def _manifests(registry: LiveRegistry, repository: str, digests: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Fetch what goes on record.

    Raises:
        Unavailable: ECR does not answer.
    """
    try:
        return registry.manifests(repository, digests)
    except Unavailable as error:
        # A role that may delete but not pull: the tags are on record, which will do if the image is still there.
        if "AccessDenied" in str(error):
            return {}
        raise


def _put_on_record(
    repository: str,
    digests: Sequence[str],
    tags: Mapping[str, tuple[str, ...]],
    types: Mapping[str, str],
    part_of: Mapping[str, str],
    manifests: Mapping[str, Mapping[str, Any]],
    record: RecordWriter,
) -> None:
    record.images(
        [
            RemovedImage(
                repository, digest, tags.get(digest, ()), types[digest],
                _genuine(digest, manifests.get(digest)), part_of.get(digest),
            )
            for digest in digests
        ]
    )  # fmt: skip


def _genuine(digest: str, fetched: Mapping[str, Any] | None) -> str | None:
    text = fetched["imageManifest"] if fetched else None
    return text if text is not None and f"sha256:{sha256(text.encode()).hexdigest()}" == digest else None


def _take(
    registry: LiveRegistry, repository: str, digests: Sequence[str], archive: bool
) -> tuple[dict[str, str | None], str | None]:
    """Delete or archive up to `BATCH` images: by digest, why it failed or `None`; and why ECR rejected the whole."""
    if not digests:
        return {}, None
    if archive:
        return _archive(registry, repository, digests)
    try:
        answer = registry.ask(
            "batch_delete_image", repositoryName=repository, imageIds=[{"imageDigest": digest} for digest in digests]
        )
    except EcrStackError as error:
        # It may have been carried out all the same: the record says which images it was about.
        return dict.fromkeys(digests, str(error)), str(error)
    failures: dict[str, str | None] = dict.fromkeys(digests)
    gone = {each.get("imageDigest") for each in answer.get("imageIds", ())}
    for each in answer.get("failures", ()):
        digest = each["imageId"].get("imageDigest")
        if each.get("failureCode") != "ImageNotFound":
            failures[digest] = f"{each.get('failureReason', '')} ({each.get('failureCode')})"
        gone.add(digest)
    for digest in digests:
        if digest not in gone:
            failures[digest] = "ECR did not report the result"
    return failures, None


def _archive(
    registry: LiveRegistry, repository: str, digests: Sequence[str]
) -> tuple[dict[str, str | None], str | None]:
    def archived(digest: str) -> str | None:
        try:
            registry.ask(
                "update_image_storage_class", repositoryName=repository, imageId={"imageDigest": digest},
                targetStorageClass="ARCHIVE",
            )  # fmt: skip
        except EcrStackError as error:
            return str(error)
        return None

    failures = dict(zip(digests, in_order(archived, digests), strict=True))
    refused = [failure for failure in failures.values() if failure]
    return failures, refused[0] if len(refused) == len(digests) else None


def _remove_parts(registry: LiveRegistry, planned: Plan, result: Result, record: RecordWriter) -> None:
    """Delete what belonged to the images that are gone, and belongs to no other."""
    stayed = {
        member.digest for outcome in (*result.failed, *result.kept) for member in outcome.image.members
    } | planned.survivors
    gone = {outcome.image.top.digest for outcome in result.removed}
    parts = {
        member.digest: (member, outcome.image.top.digest)
        for outcome in result.removed
        for member in outcome.image.members
        if member.digest not in stayed and member.digest not in gone
    }
    for batch in batches(parts):
        tags = {digest: parts[digest][0].tags for digest in batch}
        types = {digest: parts[digest][0].media_type for digest in batch}
        owners = {digest: parts[digest][1] for digest in batch}
        try:
            manifests = _manifests(registry, planned.repository, batch)
        except EcrStackError:
            # They have no tag, and `prune --untagged` finds them later.
            return
        _put_on_record(planned.repository, batch, tags, types, owners, manifests, record)
        failures, stopped = _take(registry, planned.repository, batch, archive=False)
        record.outcomes(planned.repository, failures)
        by_digest = {outcome.image.top.digest: outcome.image for outcome in result.removed}
        result.failed += [
            Outcome(by_digest[owners[digest]], f"deleted, but its part {digest} was not: {failure}")
            for digest, failure in failures.items()
            if failure
        ]
        if stopped:
            return


def remove_tags(registry: LiveRegistry, planned: Iterable[Outcome], record: RecordWriter) -> Result:
    """Remove tags from images that have others, so that the images stay."""
    result = Result()
    for outcome in planned:
        image, tags = outcome.image, outcome.tags or ()
        repository, digest = image.repository, image.top.digest
        try:
            now = registry.image(repository, {"imageDigest": digest})
            left = set(read_manifest(now).tags) if now else set()
            if not left - set(tags) or not set(tags) <= left:
                # With the last tag, ECR would delete the image.
                result.kept.append(Outcome(image, "it changed after it was listed", tags))
                continue
            types = {digest: image.top.media_type}
            manifests = _manifests(registry, repository, [digest])
            _put_on_record(repository, [digest], {digest: tags}, types, {}, manifests, record)
            answer = registry.ask(
                "batch_delete_image", repositoryName=repository, imageIds=[{"imageTag": tag} for tag in tags[:BATCH]]
            )
            refused = [
                f"{each.get('failureReason')} ({each.get('failureCode')})" for each in answer.get("failures", ())
            ]
            failure = "; ".join(refused) or None
        except EcrStackError as error:
            failure = str(error)
        record.outcomes(repository, {digest: failure})
        if failure:
            result.failed.append(Outcome(image, failure, tags))
        else:
            result.removed.append(Outcome(image, f"the tag {', '.join(tags)} was removed, the image is kept", tags))
    return result
