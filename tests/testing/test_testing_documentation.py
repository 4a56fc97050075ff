"""docs/how-to/testing.md: its examples are run as tests of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT


def test_the_examples_pass_as_they_are_written(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "how-to" / "testing.md").read_text()
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def test_" in block]
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        (tmp_path / f"test_example_{number}.py").write_text(block)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["ecr_stack.testing"]\n')
    (tmp_path / "test_fixture.py").write_text(
        "def test_the_fixture_is_an_empty_account(embedded_aws):\n"
        "    assert embedded_aws.call('ecr', 'DescribeRepositories')['repositories'] == []\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 passed" in done.stdout
