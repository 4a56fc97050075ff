"""What `ecr-stack rehearse --engine pulumi` says where it cannot be done; `tests/engine` has the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ecr_stack.rehearsal import rehearse

PROJECT = Path(__file__).parent.parent.parent


def rehearsed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "ecr-stack"), "rehearse", "--engine", "pulumi", *arguments],
        cwd=PROJECT,
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_pulumi_on_path_the_message_says_so_and_what_does_without() -> None:
    done = rehearsed("--stack", "dev")
    assert done.returncode == 2
    assert "there is no `pulumi` on PATH" in done.stderr
    assert "leave out `--engine pulumi`" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_the_engine_compares_with_nothing() -> None:
    done = rehearsed("--stack", "dev", "--format", "markdown")
    assert done.returncode == 2
    assert "--engine pulumi only supports text and json" in done.stderr.replace("\n", " ")


def test_the_stack_for_an_aws_on_this_machine_would_go_up_by_itself() -> None:
    report = rehearse("local", PROJECT)
    assert report.passes
    assert sorted(report.outputs["repositoryUrls"]) == ["api-gateway", "order-service"]
