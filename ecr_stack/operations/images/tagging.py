"""Giving images tags: copying one, and putting back what a removal took.

Needs `ecr:DescribeImages`, `ecr:BatchGetImage` and `ecr:PutImage`; `ecr:UpdateImageStorageClass` for archived images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ecr_stack.errors import EcrStackError, NotFound, Unavailable
from ecr_stack.operations.images.catalogue import read_manifest
from ecr_stack.operations.images.record import RemovalRecord, RemovedImage
from ecr_stack.operations.live_registry import LiveRegistry

__all__ = ["Restored", "copy_tag", "restore"]


@dataclass(frozen=True)
class Restored:
    """What became of one image of a record."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    """The tags that were put back, or would be."""
    outcome: Literal["restored", "kept", "failed"]
    reason: str

    def as_json(self) -> dict[str, Any]:
        """In the words of ECR's API."""
        return {
            "repository": self.repository,
            "imageDigest": self.digest,
            "imageTags": list(self.tags),
            "reason": self.reason,
        }


def copy_tag(
    registry: LiveRegistry,
    repository: str,
    image_id: dict[str, str],
    tag: str,
    *,
    move: bool = False,
    dry_run: bool = False,
) -> str:
    """Return an image one more tag.

    Args:
        registry: whose repository it is.
        repository: its name.
        image_id: the image, as `imageId` of the API.
        tag: the new tag.
        move: whether the tag may be taken from another image.
        dry_run: whether to change nothing.

    Returns:
        What was done, in words.

    Raises:
        NotFound: no such repository or image.
        Unavailable: the tag is another image's, or ECR rejects.
    """
    details = registry.image(repository, image_id)
    if details is None:
        raise NotFound(f"{repository} has no image {image_id.get('imageTag') or image_id.get('imageDigest')}")
    manifest = read_manifest(details)
    if tag in manifest.tags:
        return f"{manifest.digest} is already tagged {tag}"
    holder = registry.image(repository, {"imageTag": tag})
    if holder is not None and not move:
        raise Unavailable(
            f"{tag} is the tag of another image, {holder['imageDigest']}; nothing was changed. To move it, add --move"
        )
    moved = f", moved from {holder['imageDigest']}" if holder else ""
    if dry_run:
        return f"{manifest.digest} would be tagged {tag}{moved}"
    fetched = registry.manifests(repository, [manifest.digest]).get(manifest.digest)
    if fetched is None:
        why = "it is archived" if manifest.status != "ACTIVE" else "ECR does not return its manifest"
        raise Unavailable(f"{manifest.digest} cannot be tagged: {why}")
    _put(registry, repository, manifest.digest, fetched["imageManifest"], fetched.get("imageManifestMediaType"), tag)
    return f"{manifest.digest} is now tagged {tag}{moved}"


def _put(
    registry: LiveRegistry, repository: str, digest: str, text: str, media_type: str | None, tag: str | None
) -> None:
    parameters: dict[str, str] = {"imageTag": tag} if tag else {}
    if media_type:
        parameters["imageManifestMediaType"] = media_type
    # With the digest ECR rejects a manifest that is not this image's.
    registry.ask("put_image", repositoryName=repository, imageManifest=text, imageDigest=digest, **parameters)


def restore(
    registry: LiveRegistry, record: RemovalRecord, *, move: bool = False, dry_run: bool = False
) -> Iterator[Restored]:
    """Put back what a record says was removed, as far as its images still exist.

    An image that is gone is pushed again from its manifest, which ECR accepts only as long as it still has the layers.
    What an index lists comes before it. An archived image is restored, which takes ECR up to 20 minutes.

    Args:
        registry: the registry of the record.
        record: the record.
        move: whether a tag may be taken from an image that got it since.
        dry_run: whether to change nothing.
    """
    parts = [each for each in record.images if each.part_of is not None]
    tops = [each for each in record.images if each.part_of is None]
    # What a part refers to comes before the part: indexes after manifests, artifacts after their subject.
    first = [each for each in parts if not _names_subject(each)]
    last = [each for each in parts if _names_subject(each)]
    nested = sorted(first, key=lambda each: "index" in each.media_type or "manifest.list" in each.media_type)
    for each in (
        *nested,
        *sorted(tops, key=lambda top: "index" in top.media_type or "manifest.list" in top.media_type),
        *last,
    ):
        try:
            yield _restore(registry, each, move, dry_run)
        except EcrStackError as error:
            yield Restored(each.repository, each.digest, each.tags, "failed", str(error))


def _names_subject(image: RemovedImage) -> bool:
    return '"subject"' in (image.manifest or "")


def _restore(registry: LiveRegistry, removed: RemovedImage, move: bool, dry_run: bool) -> Restored:
    repository, digest = removed.repository, removed.digest

    def answer(outcome: Literal["restored", "kept", "failed"], reason: str, tags: tuple[str, ...] = ()) -> Restored:
        return Restored(
            repository,
            digest,
            tags,
            outcome,
            f"would be done: {reason}" if dry_run and outcome == "restored" else reason,
        )

    details = registry.image(repository, {"imageDigest": digest})
    if details is not None and details.get("imageStatus") == "ARCHIVED":
        if not dry_run:
            registry.ask(
                "update_image_storage_class", repositoryName=repository, imageId={"imageDigest": digest},
                targetStorageClass="STANDARD",
            )  # fmt: skip
        return answer("restored", "being restored from the archive, which takes up to 20 minutes", removed.tags)
    present = set(read_manifest(details).tags) if details else set()
    missing = [tag for tag in removed.tags if tag not in present]
    if details is not None and not missing:
        return answer("kept", "it exists, with its tags")
    taken = {
        tag: holder["imageDigest"]
        for tag in missing
        if (holder := registry.image(repository, {"imageTag": tag})) is not None and holder["imageDigest"] != digest
    }
    free = tuple(tag for tag in missing if move or tag not in taken)
    if taken and not free:
        told = ", ".join(f"{tag} is now a tag of {holder}" for tag, holder in taken.items())
        return answer("failed", f"{told}; to move it back, add --move", tuple(missing))
    text: str | None = removed.manifest
    media_type: str | None = removed.media_type or None
    if details is not None:
        fetched = registry.manifests(repository, [digest]).get(digest)
        text = fetched["imageManifest"] if fetched else text
    if text is None:
        return answer("failed", "the image no longer exists, and its manifest is not in the record", removed.tags)
    if not dry_run:
        for tag in free or (None,):
            try:
                _put(registry, repository, digest, text, media_type, tag)
            except Unavailable as error:
                if details is None and "LayersNotFound" in str(error):
                    reason = (
                        "the image no longer exists, and ECR no longer has its layers: copy it from a replica or "
                        "rebuild it"
                    )
                    return answer("failed", reason, removed.tags)
                raise
    left = f"; unchanged: {', '.join(tag for tag in taken if not move)}" if taken and not move else ""
    return answer("restored", ("pushed again from its manifest" if details is None else "tagged again") + left, free)
