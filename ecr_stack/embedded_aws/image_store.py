"""The images of a registry and the layers that they are made of: manifests in memory, layers on disk.

One `ImageStore` holds the images of one account and Region; one `LayerFiles` holds the bytes of the layers of an
account, each once. Nothing here checks what AWS checks: that is `image_operations`, which answers the API from this
store, and `registry.Registry`, which is what an OCI registry is built on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from ecr_stack.aws.lifecycle import Image

__all__ = ["ImageStore", "LayerFiles", "Replication", "RepositoryContents", "StoredImage", "Upload"]

INDEX_MEDIA_TYPES = frozenset(
    {
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    }
)


@dataclass
class Replication:
    """What became of one image on its way to one destination."""

    status: Literal["COMPLETE", "FAILED"]
    failure_code: str | None = None


@dataclass
class StoredImage:
    """One image of one repository. Times are in UTC, sizes in bytes."""

    digest: str
    manifest: str
    """The text of the manifest, byte for byte as it was pushed."""
    media_type: str
    pushed_at: datetime
    size: int
    tags: list[str] = field(default_factory=list)
    pulled_at: datetime | None = None
    status: Literal["ACTIVE", "ARCHIVED", "ACTIVATING"] = "ACTIVE"
    archived_at: datetime | None = None
    activated_at: datetime | None = None
    """When it was, or if `ACTIVATING` will be, back from the archive."""
    subject: str | None = None
    """The digest of the image that this one, a signature or an attestation, is about."""
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    """The digests of its layers, its configuration among them."""
    references: tuple[str, ...] | None = ()
    """The digests of the manifests that it lists; None if it is an index and they are not known."""
    replications: dict[tuple[str, str], Replication] = field(default_factory=dict)
    """(Region, registry) → outcome, of each destination that it was to be copied to."""
    is_replica: bool = False
    """Whether it came by replication: such images are not replicated onward."""

    @property
    def is_index(self) -> bool:
        """Whether it is a manifest list (image index)."""
        return self.media_type in INDEX_MEDIA_TYPES

    def for_lifecycle(self) -> Image:
        """Return it in the form that lifecycle policies are evaluated on."""
        return Image(
            digest=self.digest,
            pushed_at=self.pushed_at,
            tags=tuple(self.tags),
            pulled_at=self.pulled_at,
            status=self.status,
            archived_at=self.archived_at,
            activated_at=self.activated_at,
            size=self.size,
            media_type=self.media_type,
            subject=self.subject,
            references=self.references,
        )


def read_manifest(text: str) -> dict[str, Any]:
    """Read what a manifest says of itself: the members of `StoredImage` that come from it.

    Raises:
        ValueError: it is not a JSON object, or not one of a manifest's shape.
    """
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the text is wrong, not the caller's type
    try:
        config = document.get("config") or {}
        layers = document.get("layers") or []
        blobs = [*([config] if config else []), *layers]
        # layers that lie elsewhere are not pushed
        stored = [blob["digest"] for blob in blobs if not blob.get("urls")]
        entries = document.get("manifests")
        return {
            "media_type": document.get("mediaType"),
            "size": sum(blob.get("size", 0) for blob in blobs) or len(text.encode()),
            "layers": tuple(dict.fromkeys(stored)),
            "references": tuple(entry["digest"] for entry in entries) if entries else (),
            "subject": (document.get("subject") or {}).get("digest"),
            "artifact_type": document.get("artifactType") or config.get("mediaType"),
            "annotations": document.get("annotations") or {},
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not the shape of a manifest: {error}") from None


def platforms(image: StoredImage) -> dict[str, str]:
    """Return the platforms that an index names, e.g. `linux/arm64` or `linux/arm/v7`: platform → digest."""
    try:
        entries = json.loads(image.manifest).get("manifests") or []
    except (ValueError, AttributeError):
        return {}
    named = {}
    for entry in entries:
        platform = entry.get("platform") or {}
        parts = [platform.get("os"), platform.get("architecture"), platform.get("variant")]
        named["/".join(part for part in parts if part)] = entry["digest"]
    return named


class RepositoryContents:
    """The images, tags and layers of one repository."""

    def __init__(self) -> None:
        self.images: dict[str, StoredImage] = {}
        """Digest → image, in the order in which they were pushed."""
        self.tags: dict[str, str] = {}
        """Tag → digest."""
        self.layers: dict[str, int] = {}
        """Digest → size of the layers that were uploaded to, or mounted into, the repository."""
        self._notes: dict[str, dict[str, Any]] = {}

    def notes(self, kind: str) -> dict[str, Any]:
        """Return what else is known of the repository's images, e.g. their scans: digest → note. It goes with them."""
        return self._notes.setdefault(kind, {})

    def add(self, image: StoredImage) -> None:
        """Put an image in, with its tags; a tag that another image has moves."""
        self.images[image.digest] = image
        tags, image.tags = image.tags, []
        for tag in tags:
            self.tag(image, tag)

    def tag(self, image: StoredImage, tag: str) -> None:
        """Put a tag on an image; it leaves the image that had it."""
        self.untag(tag)
        image.tags.append(tag)
        self.tags[tag] = image.digest

    def untag(self, tag: str) -> StoredImage | None:
        """Take a tag off, and give the image that had it."""
        digest = self.tags.pop(tag, None)
        if digest is None:
            return None
        holder = self.images[digest]
        holder.tags.remove(tag)
        return holder

    def remove(self, digest: str) -> StoredImage:
        """Take an image out, with its tags."""
        image = self.images.pop(digest)
        for tag in image.tags:
            del self.tags[tag]
        return image

    def find(self, *, digest: str | None = None, tag: str | None = None) -> StoredImage | None:
        """Find an image by digest, by tag, or by both if they are one image's."""
        if tag is not None:
            held = self.tags.get(tag)
            if held is None or digest not in (None, held):
                return None
            digest = held
        return self.images.get(digest) if digest is not None else None

    def indexes_of(self, digest: str) -> list[str]:
        """Return the digests of the manifest lists that refer to an image."""
        return [image.digest for image in self.images.values() if digest in (image.references or ())]

    def referrers(self, digest: str) -> Iterator[StoredImage]:
        """Return the images that name an image as their subject."""
        return (image for image in self.images.values() if image.subject == digest)


class ImageStore:
    """The images of the registry of one account and Region, by repository."""

    def __init__(self) -> None:
        self._repositories: dict[str, RepositoryContents] = {}

    def repository(self, name: str) -> RepositoryContents:
        """Return the contents of a repository; those of a new one are empty."""
        return self._repositories.setdefault(name, RepositoryContents())

    def forget_unused_layers(self) -> set[str]:
        """Forget layers that no image is made of, and give the digests of the others."""
        kept: set[str] = set()
        for contents in self._repositories.values():
            used = {layer for image in contents.images.values() for layer in image.layers}
            contents.layers = {layer: size for layer, size in contents.layers.items() if layer in used}
            kept |= used
        return kept

    def drop(self, name: str) -> None:
        """Forget a repository that was deleted."""
        self._repositories.pop(name, None)


@dataclass
class Upload:
    """A layer on its way into a repository."""

    id: str
    repository: str
    path: Path
    size: int = 0
    parts: list[int] = field(default_factory=list)
    _sha256: Any = field(default_factory=hashlib.sha256)

    def append(self, chunks: Iterable[bytes]) -> int:
        """Write bytes behind those that came before, and give the size now."""
        written = 0
        with self.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                self._sha256.update(chunk)
                written += len(chunk)
        self.size += written
        self.parts.append(written)
        return self.size

    @property
    def digest(self) -> str:
        """The digest of what has come, e.g. `sha256:…`."""
        return f"sha256:{self._sha256.hexdigest()}"


class LayerFiles:
    """The bytes of layers, each in a file named for its digest, and the uploads that are under way.

    Without a directory of its own it makes a temporary one at the first upload, and removes it on `close`.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._temporary: str | None = None
        self.uploads: dict[str, Upload] = {}

    def _folder(self, name: str) -> Path:
        if self._directory is None:
            self._temporary = tempfile.mkdtemp(prefix="ecr-stack-layers-")
            self._directory = Path(self._temporary)
        folder = self._directory / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, repository: str) -> Upload:
        """Begin an upload."""
        id_ = str(uuid4())
        path = self._folder("uploads") / id_
        path.touch()
        upload = Upload(id_, repository, path)
        self.uploads[id_] = upload
        return upload

    def finish(self, upload: Upload) -> None:
        """Keep what an upload brought under its digest."""
        self.uploads.pop(upload.id, None)
        upload.path.replace(self.path(upload.digest))

    def cancel(self, upload: Upload) -> None:
        """Drop an upload."""
        self.uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def keep_only(self, digests: Iterable[str]) -> None:
        """Delete every other layer, and what is left of uploads that are no longer under way."""
        kept = {self.path(digest) for digest in digests} | {upload.path for upload in self.uploads.values()}
        for folder in ("layers", "uploads"):
            for file in set(self._folder(folder).iterdir()) - kept:
                file.unlink()

    def path(self, digest: str) -> Path:
        """Where the bytes of a layer are, if they are here."""
        return self._folder("layers") / digest.replace(":", "-")

    def copy_from(self, other: LayerFiles, digest: str) -> None:
        """Take over the bytes of a layer from the files of another account."""
        target = self.path(digest)
        source = other.path(digest)
        if target.exists() or not source.exists():
            return
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)

    def close(self) -> None:
        """Remove the temporary directory, if there is one."""
        self.uploads.clear()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._directory = self._temporary = None
