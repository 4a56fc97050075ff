"""`ecr-stack rehearse --engine pulumi`: the whole life of a stack, by one command, with nothing left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_engine import HOST, LIFECYCLE, PROJECT, Engine, plain

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.rehearsal.engine.run import rehearse_with_engine
from ecr_stack.rehearsal.engine.server import _Servicer, serving

COMMAND = str(PROJECT / ".venv" / "bin" / "ecr-stack")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py", "Pulumi.dev.yaml"):
        shutil.copy(PROJECT / name, folder)
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    return folder


def written(project: Path, config: dict[str, Any], **beside: Any) -> None:
    (project / "Pulumi.test.yaml").write_text(yaml.safe_dump({**beside, "config": config}))


def rehearsed(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.environ["PATH"]
    environment = {
        **os.environ,
        "HOME": str(project.parent / "home"),
        "PATH": path if shutil.which("pulumi-language-python") else f"{HOST}{os.pathsep}{path}",
        # what would lead to somebody's own state and account
        "PULUMI_BACKEND_URL": "file:///nowhere",
        "PULUMI_ACCESS_TOKEN": "pul-none",
        "AWS_PROFILE": "none",
    }
    return subprocess.run(
        [COMMAND, "rehearse", "--engine", "pulumi", *arguments],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_shipped_stack_goes_up_stays_and_comes_down_before_everybodys_eyes(project: Path) -> None:
    before = {file.name: file.read_bytes() for file in project.iterdir() if file.is_file()}
    done = rehearsed(project, "--stack", "dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Previewing update (dev)" in done.stdout
    assert "Updating (dev)" in done.stdout
    assert "Destroying (dev)" in done.stdout
    created, deleted = (re.search(rf"(\d+) {what}  ", done.stdout) for what in ("created", "deleted"))
    assert created and deleted and created[1] == deleted[1]
    assert "This stack can be created, converges, and can be destroyed" in done.stdout
    assert {file.name: file.read_bytes() for file in project.iterdir() if file.is_file()} == before
    assert not (project.parent / "home" / ".pulumi").exists()


def test_scripts_get_json_alone_on_standard_output(project: Path) -> None:
    written(project, plain(repositoryDefaults={"protect": True, "lifecycle": LIFECYCLE}))
    done = rehearsed(project, "--stack", "test", "--format", "json", "--account", "210987654321")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [(step["name"], step["ok"]) for step in answer["steps"]] == [
        ("preview", True),
        ("up", True),
        ("up again", True),
        ("destroy", True),
    ]
    made = answer["steps"][1]["changes"]
    assert answer["steps"][3]["changes"] == {"delete": made["create"]}
    assert answer["steps"][2]["changes"] == {"same": made["create"]}
    assert answer["outputs"]["registryId"] == answer["account"] == "210987654321"
    assert answer["calls"]["ecr:CreateRepository"] == answer["calls"]["ecr:DeleteRepository"] == 1
    assert "Updating (test)" in done.stderr


def test_a_stack_file_with_the_salt_of_the_users_own_state_is_rehearsed_as_well(project: Path) -> None:
    written(project, plain(), encryptionsalt="v1:AAAA:v1:BBBB:CCCC", secretsprovider="awskms://alias/none")
    done = rehearsed(project, "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr


def test_what_is_adopted_is_supposed_to_exist(project: Path) -> None:
    written(project, plain(repositories={"api": {"import": True}}))
    done = rehearsed(project, "--stack", "test", "--format", "json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["steps"][1]["changes"]["import"] == 1
    assert "ecr:CreateRepository" not in answer["calls"]


def test_a_stack_that_never_comes_to_rest_is_an_answer_of_no(project: Path) -> None:
    written(project, plain())
    with (project / "__main__.py").open("a") as program:
        program.write(
            "\nimport time, pulumi_aws as aws\n"
            "aws.ecr.Repository('restless', name='restless', tags={'At': str(time.time_ns())})\n"
        )
    done = rehearsed(project, "--stack", "test")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "`up again` should have: changes nothing" in done.stdout


def test_a_step_that_the_engine_refuses_cannot_be_carried_out(project: Path) -> None:
    written(project, plain())
    with (project / "__main__.py").open("a") as program:
        program.write("\nif pulumi.runtime.is_dry_run():\n    raise pulumi.RunError('this program has no previews')\n")
    done = rehearsed(project, "--stack", "test")
    assert done.returncode == 2
    assert "this program has no previews" in done.stdout
    assert "`pulumi preview` of stack test failed" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_mistakes_in_the_stack_file_are_told_before_the_engine_starts(project: Path) -> None:
    written(project, plain(repositories={"api": {"scanOnPsh": True}}))
    done = rehearsed(project, "--stack", "test")
    assert done.returncode == 2
    assert "ecr-stack:repositories.api.scanOnPsh" in done.stderr
    assert "Previewing" not in done.stdout


def test_an_endpoint_takes_the_place_of_aws_for_the_real_provider(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another provider stands in for the real one, which is not there: what it is told is what counts."""
    written(project, plain())
    told: list[dict[str, Any]] = []

    def configure(self: Any, request: Any, context: Any) -> Any:
        told.append({name: str(field.string_value) for name, field in request.args.fields.items()})
        return original(self, request, context)

    original = _Servicer.Configure
    monkeypatch.setattr(_Servicer, "Configure", configure)
    monkeypatch.setenv("HOME", str(project.parent / "home"))
    if shutil.which("pulumi-language-python") is None:
        monkeypatch.setenv("PATH", f"{HOST}{os.pathsep}{os.environ['PATH']}")
    with EmbeddedAws(account="210987654321") as aws, serving(aws) as attached:
        monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", attached["PULUMI_DEBUG_PROVIDERS"])
        url = aws.serve()
        run = rehearse_with_engine("test", project, endpoint=url, to_stderr=True)
    assert run.passes
    assert run.account == "210987654321"
    configured = [each for each in told if "endpoints" in each]
    assert configured
    for each in configured:
        assert json.loads(each["endpoints"]) == [dict.fromkeys(("ecr", "iam", "kms", "sts"), url)]
        assert each["accessKey"] == each["secretKey"] == "local"


def test_an_endpoint_at_which_nothing_answers_is_told_before_anything_starts(project: Path) -> None:
    done = rehearsed(project, "--stack", "dev", "--endpoint", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert "http://127.0.0.1:1 does not respond" in done.stderr


def test_the_engine_and_the_rehearsal_without_it_make_the_same(engine: Engine, project: Path) -> None:
    without = subprocess.run(
        [COMMAND, "rehearse", "--stack", "dev", "--format", "json"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    )
    engine.stack("dev")
    engine.up()
    exported = json.loads(engine("stack", "export").out)["deployment"]["resources"]
    rehearsal = {each["urn"]: each for each in json.loads(without.stdout)["resources"]}
    real = {each["urn"]: each for each in exported if not each["type"].startswith("pulumi:providers:")}
    assert sorted(rehearsal) == sorted(real)
    for urn, each in real.items():
        assert (each.get("parent") or None) == rehearsal[urn]["parent"]
        assert bool(each.get("protect")) == rehearsal[urn]["options"]["protect"]
        assert sorted(each.get("dependencies") or []) == rehearsal[urn]["dependencies"], urn
        # keys have other ids in another account's life
        if each["type"] == "aws:ecr/lifecyclePolicy:LifecyclePolicy":
            assert each["inputs"]["policy"] == rehearsal[urn]["inputs"]["policy"]
