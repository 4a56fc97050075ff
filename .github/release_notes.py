"""The notes of a release: its section of CHANGELOG.md, for a tag that fits the version in pyproject.toml.

python3 .github/release_notes.py v0.2.0 > notes.md
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def notes(tag: str, changelog: str, version: str) -> str:
    """Find the section.

    Raises:
        SystemExit: the tag is not the version, or the changelog has no dated section for it, or an empty one.
    """
    if tag != f"v{version}":
        sys.exit(f"the tag {tag} is not the version in pyproject.toml: expected v{version}")
    pattern = rf"(?ms)^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## \[|\Z)"
    section = re.search(pattern, changelog)
    if section is None or not section[1].strip():
        sys.exit(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD` with something in it")
    return section[1].strip() + "\n"


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sys.stdout.write(notes(sys.argv[1], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), project["version"]))
