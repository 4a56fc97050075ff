"""examples/fleet on the real engine: two accounts and two Regions, one of the stacks failing, one report."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_engine import PROJECT, Engine

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.rehearsal.engine.server import serving

ACCOUNTS = {"build": "111111111111", "prod-us": "222222222222", "prod-eu": "222222222222"}


class Fleet:
    """The example in a folder of its own, each of its stacks attached to the embedded AWS of its account."""

    def __init__(self, folder: Path, held: ExitStack) -> None:
        self.clouds: dict[str, EmbeddedAws] = {}
        attached = {}
        for account in sorted(set(ACCOUNTS.values())):
            aws = self.clouds[account] = held.enter_context(EmbeddedAws(account=account))
            attached[account] = {**held.enter_context(serving(aws)), "AWS_ENDPOINT_URL": aws.serve()}
        engine = Engine(folder / "engine", self.clouds[ACCOUNTS["build"]], {})
        self.environment = {name: value for name, value in engine.environment.items() if name != "AWS_ENDPOINT_URL"}
        self.folder = shutil.copytree(PROJECT / "examples" / "fleet", folder / "fleet")
        (self.folder / ".venv").symlink_to(PROJECT / ".venv")
        file = self.folder / "fleet.yaml"
        said = yaml.safe_load(file.read_text())
        assert list(said["stacks"]) == list(ACCOUNTS)
        said["stacks"] = {stack: attached[account] for stack, account in ACCOUNTS.items()}
        file.write_text(yaml.safe_dump(said, sort_keys=False))

    def __call__(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, self.folder / "fleet.py", *arguments],
            env={**self.environment, "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + (done.stderr if done.returncode == 2 else "")

    def repositories(self, stack: str, region: str) -> dict[str, Any]:
        found = self.clouds[ACCOUNTS[stack]].call("ecr", "DescribeRepositories", {}, region)["repositories"]
        return {each["repositoryName"]: each for each in found}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as held:
        yield Fleet(tmp_path, held)


def row(told: str, stack: str) -> str:
    (line,) = [line for line in told.splitlines() if line.split()[1:2] == [stack] and len(line.split()) > 2]
    return line


def test_a_stack_that_fails_leaves_the_others_whole_and_the_next_run_mends_it(fleet: Fleet) -> None:
    code, told = fleet("--preview")
    assert (code, "3 of 3 stacks can be deployed" in told) == (0, True), told
    assert "would change" in row(told, "build")
    for stack, region in (("build", "us-east-1"), ("prod-us", "us-east-1"), ("prod-eu", "eu-west-1")):
        assert fleet.repositories(stack, region) == {}
    production = fleet.clouds[ACCOUNTS["prod-eu"]]
    production.call("ecr", "CreateRepository", {"repositoryName": "base/python"}, "eu-west-1")
    code, told = fleet()
    assert code == 1, told
    assert "failed" in row(told, "prod-eu")
    assert "created" in row(told, "build")
    assert "2 of 3 stacks are up" in told
    reasons = told.split("✗ prod-eu\n")[1]
    assert ("RepositoryAlreadyExists" in reasons, "update failed" in reasons) == (True, False)
    assert set(fleet.repositories("build", "us-east-1")) == {"base/python", "base/node", "scratch"}
    assert set(fleet.repositories("prod-us", "us-east-1")) == {"base/python", "base/node"}
    production.call("ecr", "DeleteRepository", {"repositoryName": "base/python"}, "eu-west-1")
    code, told = fleet()
    assert code == 0, told
    assert ("unchanged" in row(told, "build"), "created" in row(told, "prod-eu")) == (True, True)
    assert set(fleet.repositories("prod-eu", "eu-west-1")) == {"base/python", "base/node"}


def test_a_fleet_file_that_is_wrong_starts_nothing(fleet: Fleet) -> None:
    assert fleet("tools") == (2, "fleet.yaml: no stack tools; there are build, prod-us, prod-eu\n")
    (fleet.folder / "Pulumi.prod-eu.yaml").unlink()
    code, told = fleet()
    assert (code, told) == (2, "fleet.yaml: no stack file for prod-eu; write e.g. Pulumi.prod-eu.yaml\n")
    (fleet.folder / "fleet.yaml").write_text("{atOnce: 0, stacks: {}}")
    code, told = fleet()
    assert (code, "atOnce" in told, "stacks" in told) == (2, True, True)
