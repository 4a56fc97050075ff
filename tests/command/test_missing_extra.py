"""The command where the extra `rehearsal` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

REMEDY = "pip install 'ecr-stack[rehearsal]'"


def without(package: str, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that cannot import a package."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.modules[{package!r}] = None\n{code}"],
        cwd=PROJECT,
        env={**os.environ, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("moto", ["rehearse", "--stack", "dev"]),
        ("moto", ["rehearse", "--stack", "dev", "--engine", "pulumi"]),
        ("pulumi_policy", ["rehearse", "--stack", "dev"]),
    ],
)
def test_a_rehearsal_names_the_extra_that_it_needs(package: str, arguments: list[str]) -> None:
    done = without(package, f"sys.argv = ['ecr-stack', *{arguments!r}]\nfrom ecr_stack.cli import main\nmain()")
    assert done.returncode == 2, done.stdout
    assert REMEDY in done.stderr
    assert "mistake in ecr-stack itself" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_module_for_tests_names_the_extra_that_it_needs() -> None:
    done = without(
        "moto",
        "try:\n    import ecr_stack.testing\nexcept ImportError as error:\n    print(type(error).__name__, error)",
    )
    assert done.stdout.startswith("MissingExtra")
    assert REMEDY in done.stdout


def test_components_need_no_extra() -> None:
    done = without("moto", "import ecr_stack\nprint(ecr_stack.Registry.__name__)")
    assert done.stdout == "Registry\n", done.stderr
