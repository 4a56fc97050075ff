"""Ends a process with all its descendants.

`pulumi` starts a language host, which starts the program, which may start commands. None of them ends when its parent
is killed, and they cannot have their own process group, because `pulumi` writes to the terminal and may read from it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["end_with_descendants"]

_GRACE = 1.0
"""Seconds to terminate before being killed."""


def end_with_descendants(process: subprocess.Popen[str]) -> None:
    """Terminate a process, its children and theirs; kill what is still there after a second."""
    # find the descendants first: orphans no longer have their parent
    family = [process.pid, *_descendants(process.pid)]
    _signal(family, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline and (process.poll() is None or any(map(_exists, family[1:]))):
        time.sleep(0.02)
    _signal(family, signal.SIGKILL)
    process.wait()


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(OSError):
            os.kill(process, number)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def _descendants(process: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, waiting = [], [process]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Each process with its parent: from /proc, or from `ps` if there is none."""
    if Path("/proc/self/stat").is_file():
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                # the name, in brackets, may contain anything
                fields = file.read_text(errors="replace").rpartition(")")[2].split()
                yield int(file.parent.name), int(fields[1])
        return
    listed = subprocess.run(["ps", "-Ao", "pid=,ppid="], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        with contextlib.suppress(ValueError):
            child, parent = line.split()
            yield int(child), int(parent)
