"""The record of a removal: written before anything goes, and enough to put tags back.

JSON, one object a line: a header; `image` for each manifest that is about to go; `outcome` once ECR has answered. A
record without outcomes is that of a removal that was interrupted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ecr_stack.errors import InvalidInput, NotFound, Problem, Unavailable

__all__ = ["RecordWriter", "RemovalRecord", "RemovedImage", "read_record"]

_FORMAT = "ecr-stack removal record"
_VERSION = 1


@dataclass(frozen=True)
class RemovedImage:
    """One manifest as it was before."""

    repository: str
    digest: str
    tags: tuple[str, ...]
    """The tags that were to go."""
    media_type: str
    manifest: str | None
    """Its text; `None` if it could not be read."""
    part_of: str | None = None
    """The digest of the image that it belonged to."""


@dataclass(frozen=True)
class RemovalRecord:
    """What a removal was about."""

    account: str
    region: str
    action: str
    """`delete`, `untag` or `archive`."""
    images: tuple[RemovedImage, ...] = ()
    failed: frozenset[tuple[str, str]] = field(default=frozenset())
    """Repository and digest of what ECR rejected to remove."""


class RecordWriter:
    """Writes a record to a new file that only its owner may read; what is written is on the disk when a call returns.

    Raises:
        Unavailable: the file exists, or cannot be written. Nothing may be removed then.
    """

    def __init__(self, path: Path, *, account: str, region: str, action: str) -> None:
        self.path = path
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Unavailable(
                f"{path} already exists, and records are never overwritten: use another --record"
            ) from None
        except OSError as error:
            raise Unavailable(f"{path} cannot be written, so nothing was removed: {error.strerror}") from None
        self._file = os.fdopen(handle, "w", encoding="utf-8")
        header = {"format": _FORMAT, "version": _VERSION, "account": account, "region": region, "action": action}
        self._write([{**header, "at": datetime.now(UTC).isoformat(timespec="seconds")}])

    def images(self, images: list[RemovedImage]) -> None:
        """Write what is about to go."""
        self._write(
            [
                {
                    "kind": "image", "repository": each.repository, "imageDigest": each.digest,
                    "imageTags": list(each.tags), "imageManifestMediaType": each.media_type,
                    "imageManifest": each.manifest, "partOf": each.part_of,
                }
                for each in images
            ]
        )  # fmt: skip

    def outcomes(self, repository: str, outcomes: Mapping[str, str | None]) -> None:
        """Write what became of them: by digest, why it failed or `None`."""
        self._write(
            [
                {"kind": "outcome", "repository": repository, "imageDigest": digest, "failure": failure}
                for digest, failure in outcomes.items()
            ]
        )

    def _write(self, lines: list[dict[str, Any]]) -> None:
        try:
            self._file.writelines(json.dumps(line) + "\n" for line in lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise Unavailable(
                f"{self.path} cannot be written, so no more images were removed: {error.strerror}"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_record(path: Path) -> RemovalRecord:
    """Read a record, also one that ends in the middle of a line.

    Raises:
        NotFound: it cannot be read.
        InvalidInput: it is not a record.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"{path} cannot be read: {error}") from None
    remedy = "use the file written by `ecr-stack images delete` or `prune`"
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            # The last line of a removal that was killed while writing: ECR was not asked about it yet.
            if number == len(lines) and number > 1:
                break
            raise InvalidInput(str(path), [Problem("(line)", line[:80], "must be JSON", remedy, number)]) from None
        entries.append(entry if isinstance(entry, dict) else {})
    header = entries[0] if entries else {}
    if header.get("format") != _FORMAT or header.get("version") != _VERSION:
        raise InvalidInput(str(path), [Problem("(the file)", None, "is not a removal record of this version", remedy)])
    try:
        return RemovalRecord(
            header["account"], header["region"], header["action"],
            tuple(
                RemovedImage(
                    each["repository"], each["imageDigest"], tuple(each["imageTags"]), each["imageManifestMediaType"],
                    each["imageManifest"], each["partOf"],
                )
                for each in entries
                if each.get("kind") == "image"
            ),
            frozenset(
                (each["repository"], each["imageDigest"])
                for each in entries
                if each.get("kind") == "outcome" and each["failure"]
            ),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise InvalidInput(str(path), [Problem("(the file)", None, f"a field is missing: {error}", remedy)]) from None
