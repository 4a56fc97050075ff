"""The notes of a release come from the changelog, for the tag that is the version; otherwise there is no release."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from typing import Any

import pytest

from tests.conftest import PROJECT

SCRIPT = PROJECT / ".github" / "release_notes.py"
_spec = importlib.util.spec_from_file_location("release_notes", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
script: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)

CHANGELOG = """# Changelog

## [Unreleased]

- later

## [1.2.0] - 2026-01-02

### Added

- a thing

## [1.1.0] - 2026-01-01

- an older thing
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    assert script.notes("v1.2.0", CHANGELOG, "1.2.0") == "### Added\n\n- a thing\n"
    assert script.notes("v1.1.0", CHANGELOG, "1.1.0") == "- an older thing\n"


@pytest.mark.parametrize(
    ("tag", "version", "message"),
    [
        ("v1.2.1", "1.2.0", "expected v1.2.0"),
        ("v1.3.0", "1.3.0", "no section"),
        ("v1x2.0", "1x2.0", "no section"),
    ],
)
def test_without_its_section_there_is_no_release(tag: str, version: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        script.notes(tag, CHANGELOG, version)


def test_an_empty_or_undated_section_is_none() -> None:
    for text in ("## [1.0.0] - 2026-01-01\n\n## [0.9.0] - 2025-01-01\n\n- x\n", "## [1.0.0]\n\n- x\n"):
        with pytest.raises(SystemExit):
            script.notes("v1.0.0", text, "1.0.0")


def test_the_newest_version_in_the_changelog_can_be_released() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    done = subprocess.run([sys.executable, SCRIPT, f"v{version}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "###" in done.stdout
