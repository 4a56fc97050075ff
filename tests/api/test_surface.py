"""The public surface changes on purpose, or not at all."""

from __future__ import annotations

import difflib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import ecr_stack
from ecr_stack.schema.typed_dicts import source as args_source
from tests.api.surface import surface
from tests.conftest import PROJECT

LISTING = PROJECT / "docs" / "api.json"


def test_the_surface_is_the_listed_one() -> None:
    now = json.dumps(surface(), indent=2, ensure_ascii=False).splitlines()
    listed = LISTING.read_text().splitlines()
    difference = "\n".join(difflib.unified_diff(listed, now, "docs/api.json", "now", lineterm="", n=2))
    assert not difference, (
        f"The public surface changed:\n{difference}\n"
        "Where that is meant: run `make api`, and say in CHANGELOG.md what changed. "
        "What is taken away or renamed needs a new major version (a minor one before 1.0)."
    )


def test_every_type_that_a_public_argument_mentions_is_public() -> None:
    text = json.dumps(surface()["python"])
    assert set(re.findall(r"\b[A-Z]\w+Args\b", text)) <= set(ecr_stack.__all__)


def test_the_same_types_serve_python_and_other_languages() -> None:
    listed = surface()
    for token, described in listed["componentPackage"]["types"].items():
        if isinstance(described, dict):  # Python has no enums: it takes the texts
            assert f"{token.removeprefix('ecr-stack:index:')}Args" in listed["python"]


def test_the_typed_dicts_are_those_of_the_models() -> None:
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", "args.py", "-"],
        input=args_source(), cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    written = (PROJECT / "ecr_stack" / "components" / "args.py").read_text()
    assert written == formatted.stdout, "ecr_stack/components/args.py is stale: run `make docs`"


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    releases = re.findall(r"(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", (PROJECT / "CHANGELOG.md").read_text())
    assert releases[0] == version
    assert importlib.metadata.version("ecr-stack") == version


def test_nothing_below_the_command_imports_it() -> None:
    package = Path(ecr_stack.__file__).parent
    below = [file for file in package.rglob("*.py") if file.relative_to(package).parts[0] != "cli"]
    importing = [
        str(file.relative_to(package))
        for file in below
        if re.search(r"^\s*(?:from|import) ecr_stack\.cli\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert importing == []
