"""A rehearsal under the engine that is interrupted: it ends at once and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pulumi_engine import HOST

PROGRAM = """
import pathlib, time
from pulumi.runtime.settings import get_monitor
if type(get_monitor()).__name__ != "Recorder":  # under the engine
    pathlib.Path("running").touch()
    time.sleep(300)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_command_alone_ends_everything_that_it_started(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    folder, temporary = tmp_path / "project", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    (folder / "Pulumi.yaml").write_text("name: slow\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    path = os.environ["PATH"]
    path = path if shutil.which("pulumi-language-python") else f"{HOST}{os.pathsep}{path}"
    with subprocess.Popen(
        [Path(sys.executable).parent / "ecr-stack", "rehearse", "--engine", "pulumi", "--stack", "dev"],
        cwd=folder,
        # the marker tells which processes are descendants
        env={**os.environ, "PATH": path, "TMPDIR": str(temporary), "REHEARSAL_MARK": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not (folder / "running").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (folder / "running").exists(), process.communicate(timeout=5)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert _marked(str(tmp_path)) == []
    assert [each.name for each in temporary.iterdir() if each.name.startswith("ecr-stack-")] == []


def _marked(mark: str) -> list[str]:
    """The processes that still run with the marker in their environment."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"REHEARSAL_MARK={mark}".encode() in file.read_bytes():
                found.append((file.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
