"""The images of one repository as people count them. Pure.

ECR lists manifests: a multi-architecture image is an index and one manifest for each platform, and signatures,
attestations and SBOMs are manifests too. Here each is part of the image that it belongs to:

- the manifests that an index lists, BuildKit's attestations among them
  (https://docs.docker.com/build/metadata/attestations/attestation-storage/);
- manifests with a `subject` (https://github.com/opencontainers/image-spec/blob/main/manifest.md), which ECR gives as
  `subjectManifestDigest`;
- cosign's tags `sha256-….sig`, `.att`, `.sbom`, and `sha256-…`, the referrers tag schema of the distribution spec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "INDEX_MEDIA_TYPES",
    "CataloguedImage",
    "IndexEntry",
    "Manifest",
    "catalogue",
    "platform_name",
    "read_index",
    "read_manifest",
]

INDEX_MEDIA_TYPES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_ATTACHED_TAG = re.compile(r"sha256-([0-9a-f]{64})(\.[a-z]+)?")
_KINDS = {".sig": "signature", ".att": "attestation", ".sbom": "sbom"}
# The artifact types of notation, cosign, in-toto, SPDX and CycloneDX hold these words.
_WORDS = (
    ("sbom", ("spdx", "cyclonedx", "sbom")),
    ("attestation", ("in-toto", "attestation", "provenance", "dsse")),
    ("signature", ("signature", "cosign", "sigstore", "notary")),
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest as `DescribeImages` gives it. Times are in UTC, sizes in bytes."""

    digest: str
    tags: tuple[str, ...]
    pushed_at: datetime
    size: int
    """Of an index, the largest of what it lists."""
    status: str
    """`ACTIVE`, `ARCHIVED` or `ACTIVATING`."""
    media_type: str
    artifact_type: str
    subject: str | None
    pulled_at: datetime | None
    """The last pull that ECR recorded, at most 24 hours too early."""
    archived_at: datetime | None
    scan_status: str | None
    """The status of its scan; `None` if ECR names none."""
    severities: tuple[tuple[str, int], ...]

    @property
    def is_index(self) -> bool:
        """Whether it lists other manifests."""
        return self.media_type in INDEX_MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One manifest that an index lists."""

    digest: str
    platform: str | None
    """E.g. `linux/arm64/v8`; `None` if it is for none."""
    attestation: bool = False


@dataclass(frozen=True, slots=True)
class CataloguedImage:
    """One image with all that belongs to it."""

    repository: str
    top: Manifest
    platforms: tuple[str, ...] = ()
    """The platforms of an index; empty if it is none, or if its manifest was not fetched."""
    parts: tuple[Manifest, ...] = ()
    """What the index lists, and what those list."""
    attached: tuple[tuple[str, Manifest], ...] = ()
    """Signatures, attestations, SBOMs and other artifacts about the image, each with its kind."""
    listed_by: tuple[str, ...] = ()
    """Digests of indexes that list this image, which has tags of its own."""
    complete: bool = True
    """Whether it is known what it lists."""

    @property
    def members(self) -> Iterator[Manifest]:
        """Every manifest of the image, the image's own first."""
        yield self.top
        yield from self.parts
        yield from (manifest for _, manifest in self.attached)

    @property
    def pulled_at(self) -> datetime | None:
        """The last pull of the image or of a platform of it."""
        return max((each.pulled_at for each in (self.top, *self.parts) if each.pulled_at), default=None)

    @property
    def stored_bytes(self) -> int:
        """What its manifests hold together; less is stored where they share layers."""
        own = sum(each.size for each in self.parts) if self.top.is_index and self.parts else self.top.size
        return own + sum(each.size for _, each in self.attached)

    @property
    def scan_status(self) -> str | None:
        """The scan's status; of an index, the platforms' if they agree, else all of them."""
        statuses = sorted({each.scan_status for each in (self.top, *self.parts) if each.scan_status})
        return ", ".join(statuses) or None

    def as_json(self) -> dict[str, Any]:
        """In the words of ECR's API, times as ISO 8601."""
        counts: dict[str, int] = {}
        for each in (self.top, *self.parts):
            for severity, count in each.severities:
                counts[severity] = max(counts.get(severity, 0), count)
        return {
            "repository": self.repository,
            "imageDigest": self.top.digest,
            "imageTags": list(self.top.tags),
            "imagePushedAt": self.top.pushed_at.isoformat(),
            "imageSizeInBytes": self.top.size,
            "storedBytes": self.stored_bytes,
            "imageStatus": self.top.status,
            "platforms": list(self.platforms),
            "lastRecordedPullTime": self.pulled_at and self.pulled_at.isoformat(),
            "imageManifestMediaType": self.top.media_type,
            "imageScanStatus": self.scan_status,
            "findingSeverityCounts": counts,
            "parts": [each.digest for each in self.parts],
            "attached": [{"imageDigest": each.digest, "kind": kind} for kind, each in self.attached],
            "listedBy": list(self.listed_by),
        }


def read_manifest(details: Mapping[str, Any]) -> Manifest:
    """Read one entry of `imageDetails`, as boto3 gives it."""
    summary = details.get("imageScanFindingsSummary") or {}
    return Manifest(
        digest=details["imageDigest"],
        tags=tuple(sorted(details.get("imageTags") or ())),
        pushed_at=details["imagePushedAt"].astimezone(UTC),
        size=details.get("imageSizeInBytes") or 0,
        status=details.get("imageStatus") or "ACTIVE",
        media_type=details.get("imageManifestMediaType") or "",
        artifact_type=details.get("artifactMediaType") or "",
        subject=details.get("subjectManifestDigest"),
        pulled_at=_utc(details.get("lastRecordedPullTime")),
        archived_at=_utc(details.get("lastArchivedAt")),
        scan_status=(details.get("imageScanStatus") or {}).get("status"),
        severities=tuple(sorted((summary.get("findingSeverityCounts") or {}).items())),
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None


def platform_name(platform: Mapping[str, Any]) -> str | None:
    """`os/architecture[/variant]` of an index's entry or of an image's configuration; `None` for BuildKit's `unknown`."""
    parts = [platform.get(key) for key in ("os", "architecture", "variant")]
    if parts[0] in (None, "unknown") or parts[1] in (None, "unknown"):
        return None
    return "/".join(str(part) for part in parts if part)


def read_index(text: str) -> tuple[IndexEntry, ...] | None:
    """What an index lists; `None` if it cannot be read."""
    try:
        entries = json.loads(text).get("manifests")
        return tuple(
            IndexEntry(
                str(entry["digest"]),
                platform_name(entry.get("platform") or {}),
                (entry.get("annotations") or {}).get("vnd.docker.reference.type") == "attestation-manifest",
            )
            for entry in entries or ()
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def catalogue(
    repository: str,
    manifests: Iterable[Manifest],
    indexes: Mapping[str, Sequence[IndexEntry] | None],
) -> list[CataloguedImage]:
    """Put the manifests of a repository together to images.

    Args:
        repository: its name.
        manifests: all of them.
        indexes: what the indexes list, by digest, as far as it is known.

    Returns:
        The images, those pushed last first. A manifest that belongs to several images is in each of them. One that an
        index lists and that has tags is an image of its own too, as is what belongs to an image that is gone.
    """
    known = {each.digest: each for each in manifests}
    parents: dict[str, list[str]] = {}
    for index, entries in indexes.items():
        for entry in entries or ():
            if entry.digest in known and entry.digest != index:
                parents.setdefault(entry.digest, []).append(index)
    about: dict[str, list[tuple[str, Manifest]]] = {}
    for each in known.values():
        subject = _subject(each)
        if subject in known and subject != each.digest:
            about.setdefault(subject, []).append((_kind(each), each))
    attached = {each.digest for entries in about.values() for _, each in entries}
    tops = [
        each for each in known.values() if each.digest not in attached and (each.digest not in parents or each.tags)
    ]
    # Manifests that refer to each other in a ring would otherwise be in no image at all.
    images = [_image(repository, top, known, indexes, about, parents) for top in tops]
    seen = {member.digest for image in images for member in image.members}
    images += [CataloguedImage(repository, each) for each in known.values() if each.digest not in seen]
    images.sort(key=lambda image: (image.top.pushed_at, image.top.digest), reverse=True)
    return images


def _image(
    repository: str,
    top: Manifest,
    known: Mapping[str, Manifest],
    indexes: Mapping[str, Sequence[IndexEntry] | None],
    about: Mapping[str, Sequence[tuple[str, Manifest]]],
    parents: Mapping[str, Sequence[str]],
) -> CataloguedImage:
    seen = {top.digest}
    parts: list[Manifest] = []
    attached: list[tuple[str, Manifest]] = []
    platforms: list[str] = []
    complete = True
    waiting: list[tuple[Manifest, bool]] = [(top, False)]
    while waiting:
        each, is_attached = waiting.pop(0)
        if each.is_index and indexes.get(each.digest) is None:
            complete = False
        for entry in indexes.get(each.digest) or ():
            if entry.platform and not is_attached:
                platforms.append(entry.platform)
            child = known.get(entry.digest)
            if child is None or child.digest in seen:
                continue
            seen.add(child.digest)
            if entry.attestation or is_attached:
                attached.append(("attestation" if entry.attestation else _kind(child), child))
            else:
                parts.append(child)
            waiting.append((child, is_attached or entry.attestation))
        for kind, artifact in about.get(each.digest, ()):
            if artifact.digest not in seen:
                seen.add(artifact.digest)
                attached.append((kind, artifact))
                waiting.append((artifact, True))
    return CataloguedImage(
        repository, top, tuple(dict.fromkeys(platforms)), tuple(parts), tuple(attached),
        tuple(parents.get(top.digest, ())), complete,
    )  # fmt: skip


def _subject(manifest: Manifest) -> str | None:
    if manifest.subject:
        return manifest.subject
    matches = [_ATTACHED_TAG.fullmatch(tag) for tag in manifest.tags]
    # With any other tag it is an image that someone named.
    subjects = {f"sha256:{match[1]}" if match else None for match in matches}
    return subjects.pop() if len(subjects) == 1 else None


def _kind(manifest: Manifest) -> str:
    for tag in manifest.tags:
        match = _ATTACHED_TAG.fullmatch(tag)
        if match and match[2] in _KINDS:
            return _KINDS[match[2]]
    told = manifest.artifact_type.lower()
    return next((kind for kind, words in _WORDS if any(word in told for word in words)), "artifact")
