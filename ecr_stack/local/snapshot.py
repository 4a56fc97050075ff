"""Saves an account in a folder: AWS's state in one file, layers in separate files.

The file is a pickle: whoever can write to the folder can run code as its owner. So a folder that belongs to someone
else, or that others can write to, is rejected.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.errors import InvalidInput, Problem, Unavailable

__all__ = ["Snapshot"]

_PACKAGES = ("ecr-stack", "moto")


class Snapshot:
    """What is kept of an account in a folder; made by `opened`."""

    def __init__(self, folder: Path) -> None:
        self._about, self._state = folder / "account.json", folder / "state.pickle"
        self.about: dict[str, Any] = json.loads(self._about.read_text()) if self._about.exists() else {}
        """What was saved beside the state: `account`, `ports`, `key`, `versions`. Nothing if the folder is new."""
        self._saved, self._pause, self._calls = time.monotonic(), 0.0, 0

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, account: str) -> Iterator[Snapshot]:
        """Use a folder, made if there is none, and keep other processes from it.

        Raises:
            InvalidInput: the folder is not its user's own, holds another account, or was written by other versions.
            Unavailable: the folder cannot be used, or another process uses it.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = folder.stat()
            lock = (folder / "lock").open("w")
        except OSError as error:
            raise Unavailable(f"cannot use the folder {folder}: {error.strerror}") from None
        with lock:
            if owner.st_uid != os.getuid() or owner.st_mode & 0o022:
                raise _refused(
                    folder, "must be writable only by you", f"run `chmod go-w {folder}`, or use another folder"
                )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Unavailable(f"another process uses the folder {folder}") from None
            snapshot = cls(folder)
            if snapshot.about:
                snapshot._check(folder, account)
            yield snapshot

    def _check(self, folder: Path, account: str) -> None:
        if self.about["account"] != account:
            remedy = f"use `--account {self.about['account']}`, or another folder"
            raise _refused(folder, f"holds the account {self.about['account']}, not {account}", remedy)
        if self.about["versions"] != _versions():
            written = " and ".join(f"{name} {version}" for name, version in self.about["versions"].items())
            raise _refused(folder, f"was written by {written}", "install these versions, or use another folder")

    def restore(self, aws: EmbeddedAws) -> None:
        """Restore a saved account; one in a new folder stays empty."""
        if self.about:
            aws.access.signer = type(aws.access.signer)(bytes.fromhex(self.about["key"]))
            aws.load(self._state.read_bytes())

    def save(self, aws: EmbeddedAws, ports: dict[str, int]) -> None:
        """Write the state atomically."""
        began = time.monotonic()
        self._calls = aws.calls.total()
        _replace(self._state, aws.dump())
        key = aws.access.signer.key.hex()
        self.about = {"account": aws.account, "ports": ports, "key": key, "versions": _versions()}
        _replace(self._about, json.dumps(self.about).encode())
        self._saved = time.monotonic()
        # a large account is saved less often, so that saving takes a tenth of the time at most
        self._pause = 10 * (self._saved - began)

    def is_due(self, aws: EmbeddedAws) -> bool:
        """Whether there were calls since the account was last saved, and that was not just now."""
        return aws.calls.total() != self._calls and time.monotonic() - self._saved >= self._pause


def _refused(folder: Path, rule: str, remedy: str) -> InvalidInput:
    return InvalidInput("the command line", [Problem("--data", str(folder), rule, remedy)])


def _replace(file: Path, content: bytes) -> None:
    written = file.with_name(f"{file.name}.new")
    written.touch(mode=0o600)
    written.write_bytes(content)
    written.replace(file)


def _versions() -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in _PACKAGES}
