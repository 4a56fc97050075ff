"""The wheel in somebody else's program, far from this folder: what is in it, and each example run with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT

RUNNER = Path(__file__).parent / "under_mocks.py"
ACCOUNT = "123456789012"


@dataclass
class Distributions:
    wheel: Path
    source: Path
    unpacked: Path
    """Where the wheel's files are, as an installer puts them."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        # offline: with what is installed
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PROJECT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    zipfile.ZipFile(wheel).extractall(folder / "unpacked")
    return Distributions(wheel, source, folder / "unpacked")


def python(built: Distributions, cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(built.unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )


Example = Callable[[str], dict[str, Any]]


@pytest.fixture
def example(built: Distributions, tmp_path: Path) -> Example:
    def run(name: str) -> dict[str, Any]:
        folder = shutil.copytree(PROJECT / "examples" / name, tmp_path / name)
        project = yaml.safe_load((folder / "Pulumi.yaml").read_text())["name"]
        config = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())["config"]
        done = python(built, folder, RUNNER, folder / "__main__.py", project, json.dumps(config))
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        assert Path(result["from"]).is_relative_to(built.unpacked)
        return result

    return run


def of(result: dict[str, Any], type_: str) -> list[dict[str, Any]]:
    return [one["inputs"] for one in result["made"] if one["type"] == type_]


def test_the_wheel_holds_the_package_whole_and_nothing_else(built: Distributions) -> None:
    names = set(zipfile.ZipFile(built.wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "ecr_stack"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert set(tracked.stdout.split()) <= names
    assert {"ecr_stack/py.typed", "ecr_stack/operations/prices.json", "ecr_stack/cli/__init__.py"} <= names
    assert {name.partition("/")[0] for name in names} == {"ecr_stack", "ecr_stack-0.1.0.dist-info"}
    strange = {name for name in names if "test" in name or "__pycache__" in name}
    assert strange == {"ecr_stack/testing.py"}
    (scripts,) = [name for name in names if name.endswith("entry_points.txt")]
    assert "ecr-stack = ecr_stack.cli:main" in zipfile.ZipFile(built.wheel).read(scripts).decode()


def test_a_project_begun_with_the_wheel_has_guardrails_and_rehearses(built: Distributions, tmp_path: Path) -> None:
    program = "from ecr_stack.cli import main; main()"
    begun = python(built, tmp_path, "-c", program, "init")
    assert begun.returncode == 0, begun.stderr
    done = python(built, tmp_path, "-c", program, "rehearse", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["guardrails"] == {}
    assert {each["level"] for each in report["violations"]} <= {"advisory"}


def test_the_wheel_asks_for_no_more_than_a_stack_needs(built: Distributions) -> None:
    (name,) = [name for name in zipfile.ZipFile(built.wheel).namelist() if name.endswith("METADATA")]
    lines = zipfile.ZipFile(built.wheel).read(name).decode().splitlines()
    needed = {
        match[1] for line in lines if "extra ==" not in line and (match := re.match(r"Requires-Dist: ([\w-]+)", line))
    }
    assert needed == {
        "boto3",
        "packageurl-python",
        "pulumi",
        "pulumi-aws",
        "pulumi-command",
        "pydantic",
        "pyyaml",
        "rich",
        "typer",
    }
    assert any(line.startswith("Requires-Dist: moto") and "extra == 'rehearsal'" in line for line in lines)


def test_the_source_distribution_can_be_worked_with(built: Distributions) -> None:
    with tarfile.open(built.source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "pyproject.toml", "requirements.txt", "Makefile", "README.md", "CHANGELOG.md", "__main__.py", "Pulumi.yaml",
        "Pulumi.prod.yaml", "ecr_stack/py.typed", "policies/__main__.py", "package/PulumiPlugin.yaml",
        "examples/registry/__main__.py", "schema/stack.schema.json", "tests/conftest.py", "docs/api.json",
    ):  # fmt: skip
        assert name in names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name or name.startswith(".git/")]


def test_one_repository_with_grants_to_a_role_of_the_same_program(example: Example) -> None:
    result = example("repository")
    (repository,) = of(result, "aws:ecr/repository:Repository")
    assert (repository["name"], repository["imageTagMutability"]) == ("team/jobs", "IMMUTABLE")
    (role,) = [one["name"] for one in result["made"] if one["type"] == "aws:iam/role:Role"]
    (policy,) = of(result, "aws:ecr/repositoryPolicy:RepositoryPolicy")
    assert f"arn:aws:iam::{ACCOUNT}:role/{role}" in policy["policy"]
    (own,) = of(result, "aws:iam/rolePolicy:RolePolicy")
    assert own["role"].startswith(role)
    actions = {
        text for one in json.loads(own["policy"])["Statement"] for text in [one["Action"]] if isinstance(text, str)
    }
    assert "ecr:GetAuthorizationToken" in actions
    assert f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/team/jobs" in own["policy"]
    assert result["exports"] == {"image": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/jobs:v1.0.0"}


def test_a_whole_registry_in_somebody_elses_program(example: Example) -> None:
    result = example("registry")
    names = {one["name"] for one in of(result, "aws:ecr/repository:Repository")}
    assert names == {"base/python", "base/node", "tools"}
    assert set(result["exports"]["urls"]) == names
    assert result["exports"]["key"].startswith(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/")
    (replication,) = of(result, "aws:ecr/replicationConfiguration:ReplicationConfiguration")
    (rule,) = replication["replicationConfiguration"]["rules"]
    assert rule["repositoryFilters"] == [{"filter": "base/", "filterType": "PREFIX_MATCH"}]


def test_a_consumer_reads_the_registrys_outputs_typed(example: Example) -> None:
    result = example("consumer")
    image = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/api-gateway:v1.2.3"
    assert result["exports"] == {"image": image}
    (task,) = of(result, "aws:ecs/taskDefinition:TaskDefinition")
    assert json.loads(task["containerDefinitions"])[0]["image"] == image


@pytest.mark.parametrize("name", ["repository", "registry"])
def test_an_example_is_rehearsed_with_the_wheel(built: Distributions, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(PROJECT / "examples" / name, tmp_path / name)
    command = "from ecr_stack.cli import main; main()"
    done = python(built, folder, "-c", command, "rehearse", "--stack", "dev", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["calls"]["ecr:CreateRepository"] == {"repository": 1, "registry": 5}[name]
