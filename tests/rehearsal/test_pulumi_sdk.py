"""The Pulumi SDK's internals that are used: all in one module, and as they were when they were last checked."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from pathlib import Path

from ecr_stack import pulumi_sdk
from tests.conftest import PROJECT

INTERNAL = re.compile(r"pulumi\.(runtime\.(?!proto|settings|config)|_types|_)")


def test_no_other_module_of_the_rehearsal_or_the_provider_uses_the_sdks_internals() -> None:
    using = set()
    for folder in ("rehearsal", "embedded_provider", "cli"):
        for file in (PROJECT / "ecr_stack" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if any(INTERNAL.match(name) for name in named):
                    using.add(file.relative_to(PROJECT).as_posix())
    assert using == set()


def test_the_installed_sdk_is_the_one_that_the_internals_were_checked_with_or_still_has_them() -> None:
    installed = importlib.metadata.version("pulumi")
    missing = pulumi_sdk.missing_internals()
    assert missing == [], (
        f"Pulumi {installed} no longer has {', '.join(missing)}; ecr_stack/pulumi_sdk.py was last checked with "
        f"{pulumi_sdk.CHECKED_WITH}"
    )


def test_the_project_takes_no_sdk_beyond_the_major_version_that_was_checked() -> None:
    major = int(pulumi_sdk.CHECKED_WITH.split(".")[0])
    text = Path(PROJECT / "pyproject.toml").read_text()
    assert re.search(rf'"pulumi>=[0-9.]+,<{major + 1}"', text)
