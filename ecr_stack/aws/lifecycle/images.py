"""Parses the images of a repository, as `aws ecr describe-images --output json` prints them.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ecr_stack.errors import InvalidInput, Problem

__all__ = ["Image", "ImageStatus", "parse_images", "parse_time"]

ImageStatus = Literal["ACTIVE", "ARCHIVED", "ACTIVATING"]

_REMEDY = "write what `aws ecr describe-images --output json` prints"
# `ImageSizeInBytes` is a long in the API model.
_LARGEST_SIZE = 2**63 - 1
_MANIFEST_LISTS = frozenset(
    {
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    }
)


@dataclass(frozen=True, slots=True)
class Image:
    """One image. Times are in UTC, sizes in bytes."""

    digest: str
    pushed_at: datetime
    tags: tuple[str, ...] = ()
    pulled_at: datetime | None = None
    """The last pull that ECR recorded (it updates this at least once in 24 hours); `None` if it was never pulled."""
    status: ImageStatus = "ACTIVE"
    """`ARCHIVED`: in the archive storage class. `ACTIVATING`: being restored from it."""
    archived_at: datetime | None = None
    """When it was last archived."""
    activated_at: datetime | None = None
    """When it was last restored from the archive."""
    size: int = 0
    media_type: str = ""
    """The media type of the manifest."""
    subject: str | None = None
    """For a signature or an attestation: the digest of the image that it refers to."""
    references: tuple[str, ...] | None = ()
    """The digests of the manifests that it lists; `None` if it is a manifest list and they are not known."""


def parse_images(data: str | Mapping[str, Any] | Sequence[Any], source: str = "the images") -> list[Image]:
    """Parse images.

    Args:
        data: the output of `describe-images`, as text or parsed; a plain list of image details is also accepted.
            Times are ISO 8601 (in UTC if they have no zone), epoch seconds, or `datetime`. `describe-images` does not
            return what a manifest list refers to: an entry may have it in `imageManifest`, as `batch-get-image` prints it.
        source: where the data comes from, for the error, e.g. a file name.

    Raises:
        InvalidInput: with a problem for everything that cannot be read.
    """
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(source, [Problem("(the document)", None, f"it is not JSON: {error}", _REMEDY)]) from None
    entries = data.get("imageDetails") if isinstance(data, Mapping) else data
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InvalidInput(source, [Problem("imageDetails", entries, "must be a list of images", _REMEDY)])
    problems: list[Problem] = list(_part_of_the_images(data))
    images = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        reader = _Reader(entry, f"imageDetails[{index}]", problems)
        image = reader.image()
        if image is None:
            continue
        if seen.setdefault(image.digest, index) != index:
            reader.refuse("imageDigest", image.digest, f"imageDetails[{seen[image.digest]}] has the same digest")
        images.append(image)
    if problems:
        raise InvalidInput(source, problems)
    return images


def _part_of_the_images(data: Mapping[str, Any] | Sequence[Any]) -> Iterator[Problem]:
    """Refuse one page of several: rules count all images, so fewer would go than in truth."""
    token = next((key for key in ("nextToken", "NextToken") if isinstance(data, Mapping) and data.get(key)), None)
    if token is not None:
        remedy = "leave out `--max-items`, `--max-results` and `--no-paginate`"
        yield Problem(token, "…", "these are not all images: a token says that there are more", remedy)


def parse_time(value: object) -> datetime | None:
    """Parse a time: ISO 8601 text (in UTC if it has no zone), epoch seconds or a `datetime`; `None` if it is not a time."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        moment = (
            value if isinstance(value, datetime) else datetime.fromisoformat(value) if isinstance(value, str) else None
        )
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


class _Reader:
    """Reads one entry and records its problems."""

    def __init__(self, entry: object, place: str, problems: list[Problem]) -> None:
        self._entry: Mapping[str, Any] = entry if isinstance(entry, Mapping) else {}
        self._place = place
        self._problems = problems
        self._readable = isinstance(entry, Mapping)
        if not self._readable:
            problems.append(Problem(place, entry, "must be a map of keys to values", _REMEDY))

    def refuse(self, key: str, value: object, rule: str) -> None:
        self._problems.append(Problem(f"{self._place}.{key}", value, rule, _REMEDY))

    def image(self) -> Image | None:
        if not self._readable:
            return None
        digest = self._text("imageDigest")
        pushed = self._time("imagePushedAt")
        if self._entry.get("imageDigest") is None:
            self.refuse("imageDigest", None, "an image must have a digest")
        if pushed is None and self._entry.get("imagePushedAt") is None:
            self.refuse("imagePushedAt", None, "an image must have a push time")
        image = Image(
            digest=digest or "",
            pushed_at=pushed or datetime.fromtimestamp(0, UTC),
            tags=self._tags(),
            pulled_at=self._time("lastRecordedPullTime"),
            status=self._status(),
            archived_at=self._time("lastArchivedAt"),
            activated_at=self._time("lastActivatedAt"),
            size=self._size(),
            media_type=self._text("imageManifestMediaType") or "",
            subject=self._text("subjectManifestDigest"),
            references=self._references(),
        )
        return image if digest is not None and pushed is not None else None

    def _text(self, key: str) -> str | None:
        value = self._entry.get(key)
        if value is None or isinstance(value, str):
            return value
        self.refuse(key, value, "must be a string")
        return None

    def _time(self, key: str) -> datetime | None:
        value = self._entry.get(key)
        if value is None:
            return None
        moment = parse_time(value)
        if moment is None:
            self.refuse(key, value, "a time must be ISO 8601 or epoch seconds")
        return moment

    def _tags(self) -> tuple[str, ...]:
        value = self._entry.get("imageTags")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
            self.refuse("imageTags", value, "must be a list of strings")
            return ()
        if any(not tag or "\n" in tag for tag in value):
            self.refuse("imageTags", value, "a tag must be one non-empty line")
            return ()
        return tuple(value)

    def _status(self) -> ImageStatus:
        value = self._entry.get("imageStatus")
        if value not in (None, "ACTIVE", "ARCHIVED", "ACTIVATING"):
            self.refuse("imageStatus", value, "must be ACTIVE, ARCHIVED or ACTIVATING")
        return value if value in ("ARCHIVED", "ACTIVATING") else "ACTIVE"

    def _size(self) -> int:
        value = self._entry.get("imageSizeInBytes")
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_SIZE:
            self.refuse("imageSizeInBytes", value, "must be a whole number of bytes")
            return 0
        return value

    def _references(self) -> tuple[str, ...] | None:
        text = self._entry.get("imageManifest")
        if text is None:
            media_type = self._entry.get("imageManifestMediaType")
            return None if isinstance(media_type, str) and media_type in _MANIFEST_LISTS else ()
        try:
            manifest = json.loads(text) if isinstance(text, str) else text
            return tuple(str(entry["digest"]) for entry in manifest.get("manifests", ()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.refuse("imageManifest", text, "must be JSON; a manifest list must have the digests of its manifests")
            return ()
