"""A rehearsal that is interrupted while a command of the program runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import pulumi_command as command
command.local.Command("slow", create="touch running; sleep 300", environment={"AWS_PROFILE": "company"})
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_rehearsal_its_commands_and_its_temporary_folders(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    folder, temporary = tmp_path / "project", tmp_path / "tmp"
    folder.mkdir()
    temporary.mkdir()
    (folder / "Pulumi.yaml").write_text("name: slow\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    with subprocess.Popen(
        [Path(sys.executable).parent / "ecr-stack", "rehearse", "--stack", "dev", "--format", "json"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary), "REHEARSAL_MARK": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (folder / "running").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (folder / "running").exists()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (code, "")
    assert "Traceback" not in stderr
    assert list(temporary.iterdir()) == []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            assert f"REHEARSAL_MARK={tmp_path}".encode() not in file.read_bytes()
        except OSError:
            continue
