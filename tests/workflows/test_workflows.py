"""The workflows are what GitHub takes, ask for no more than they need, and keep untrusted code and rights apart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT

FOLDER = PROJECT / ".github" / "workflows"
FILES = {file.stem: file for file in sorted(FOLDER.glob("*.yml"))}
# In YAML 1.1 the key `on` is a truth.
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(file.read_text()) for name, file in FILES.items()}
WRITES = {
    "test": set(),
    "preview": set(),
    "comment": {"pull-requests"},
    "deploy": {"id-token"},
    "up": {"id-token"},
    "release": {"id-token", "contents"},
}


def jobs() -> Iterator[Any]:
    for name, workflow in WORKFLOWS.items():
        for job, what in workflow["jobs"].items():
            yield pytest.param(workflow, what, id=f"{name}-{job}")


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def triggers(workflow: dict[Any, Any]) -> set[str]:
    return set(workflow[True])


def test_every_workflow_fits_githubs_schema() -> None:
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    done = subprocess.run([*command, *FILES.values()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_with_a_mistake_does_not_fit(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(FILES["preview"].read_text().replace("runs-on:", "run-on:"))
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", wrong]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_may_write_only_what_it_is_for(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert set((workflow["permissions"] or {}).items()) <= {("contents", "read")}
    granted = {
        right
        for job in workflow["jobs"].values()
        for right, level in job.get("permissions", {}).items()
        if level == "write"
    }
    assert granted == WRITES[name]


@pytest.mark.parametrize(("workflow", "job"), list(jobs()))
def test_every_job_ends_by_itself_and_uses_released_actions(workflow: dict[Any, Any], job: dict[str, Any]) -> None:
    if "uses" in job:
        assert (PROJECT / job["uses"]).is_file()
        return
    assert 0 < job["timeout-minutes"] <= 60
    for step in job["steps"]:
        if "uses" in step:
            assert re.fullmatch(r"(actions|aws-actions|pulumi|pypa)/[a-z-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", FILES)
def test_what_strangers_choose_reaches_no_shell(name: str) -> None:
    for step in steps(WORKFLOWS[name]):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("name", FILES)
def test_no_workflow_runs_the_code_of_a_pull_request_with_the_rights_of_the_base(name: str) -> None:
    assert "pull_request_target" not in triggers(WORKFLOWS[name])
    assert "secrets." not in FILES[name].read_text()


def test_the_preview_has_nothing_to_lose() -> None:
    text = FILES["preview"].read_text()
    assert triggers(WORKFLOWS["preview"]) == {"pull_request"}
    for word in ("secrets", "vars.", "github.token", "id-token", "environment:", "write"):
        assert word not in re.sub(r"(?m)^\s*#.*$", "", text)


def test_the_comment_runs_nothing_of_the_pull_request() -> None:
    workflow = WORKFLOWS["comment"]
    assert workflow[True]["workflow_run"]["workflows"] == [WORKFLOWS["preview"]["name"]]
    (checkout,) = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert not {"ref", "repository", "path"} & set(checkout["with"])
    assert [step["run"] for step in steps(workflow) if "run" in step] == ["python3 .github/comment.py report"]


def test_the_comment_reads_the_report_that_the_preview_writes() -> None:
    (upload,) = [s for s in steps(WORKFLOWS["preview"]) if s.get("uses", "").startswith("actions/upload-artifact@")]
    (download,) = [s for s in steps(WORKFLOWS["comment"]) if s.get("uses", "").startswith("actions/download-artifact@")]
    assert upload["with"]["name"] == download["with"]["name"]
    written = "\n".join(step.get("run", "") for step in steps(WORKFLOWS["preview"]))
    read = (PROJECT / ".github" / "comment.py").read_text()
    for name in ("report.md", "number"):
        assert f"../{upload['with']['path']}/{name}" in written
        assert f'"{name}"' in read


def test_every_pinned_action_says_its_version_and_each_is_pinned_once() -> None:
    pins = {
        (match[1], match[2], match[3])
        for file in FILES.values()
        for match in re.finditer(
            r"uses: ([a-z-]+/[a-z-]+)@([0-9a-f]{40})(?: # (v[0-9]+\.[0-9]+\.[0-9]+))?\n", file.read_text()
        )
    }
    assert all(version for _, _, version in pins)
    assert len(pins) == len({action for action, _, _ in pins}) == 7


def test_zizmor_finds_nothing() -> None:
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--no-progress", PROJECT / ".github"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_would_find_an_action_that_is_not_pinned(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(re.sub(r"@[0-9a-f]{40}", "@v5", FILES["test"].read_text()))
    command = [Path(sys.executable).parent / "zizmor", "--offline", "--no-progress", wrong]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_dependabot_looks_after_actions_and_requirements() -> None:
    file = PROJECT / ".github" / "dependabot.yml"
    command = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.dependabot", file]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    updates = yaml.safe_load(file.read_text())["updates"]
    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "pip"}


def test_a_deployment_waits_for_the_tests_and_its_preview_and_is_never_cancelled() -> None:
    up = WORKFLOWS["up"]["jobs"]
    assert up["up"]["needs"] == "preview"
    assert up["up"]["environment"] == "${{ inputs.stack }}"
    assert up["up"]["concurrency"] == {"group": "pulumi-up-${{ inputs.stack }}", "cancel-in-progress": False}
    deploy = WORKFLOWS["deploy"]["jobs"]
    assert deploy["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in triggers(WORKFLOWS["test"])
    assert [deploy[name]["needs"] for name in ("dev", "prod")] == ["test", "dev"]
    assert [deploy[name]["with"]["stack"] for name in ("dev", "prod")] == ["dev", "prod"]


def test_no_pull_request_runs_with_credentials() -> None:
    with_credentials = {name for name, rights in WRITES.items() if "id-token" in rights}
    assert with_credentials == {"deploy", "up", "release"}
    assert WORKFLOWS["release"][True] == {"push": {"tags": ["v*.*.*"]}}
    assert WORKFLOWS["deploy"][True] == {"push": {"branches": ["main"]}}
    assert triggers(WORKFLOWS["up"]) == {"workflow_call"}
    called_by = {
        name
        for name, workflow in WORKFLOWS.items()
        for job in workflow["jobs"].values()
        if "up.yml" in job.get("uses", "")
    }
    assert called_by == {"deploy"}


@pytest.mark.parametrize(("job", "role"), [("preview", "AWS_PREVIEW_ROLE"), ("up", "AWS_DEPLOY_ROLE")])
def test_without_a_role_a_notice_says_so_and_nothing_else_happens(job: str, role: str) -> None:
    notice, *others = WORKFLOWS["up"]["jobs"][job]["steps"]
    assert notice["if"] == f"vars.{role} == ''"
    assert notice["run"].startswith('echo "::notice title=')
    assert {step["if"] for step in others} == {f"vars.{role} != ''"}
    (configure,) = [step for step in others if step.get("uses", "").startswith("aws-actions/")]
    assert configure["with"]["role-to-assume"] == f"${{{{ vars.{role} }}}}"


def test_a_preview_deploys_nothing() -> None:
    assert not any("pulumi up" in step.get("run", "") for step in WORKFLOWS["up"]["jobs"]["preview"]["steps"])


def trust_policies() -> dict[str, dict[str, Any]]:
    """The trust policies that the documentation writes out, by the environment that each lets in."""
    text = (PROJECT / "docs" / "how-to" / "pull-requests.md").read_text()
    documents = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    key = "token.actions.githubusercontent.com:sub"
    return {
        statement["Condition"]["StringEquals"][key].rpartition(":")[2]: statement
        for document in documents
        for statement in document["Statement"]
        if statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    }


def test_the_documented_roles_trust_one_environment_each() -> None:
    trusted = trust_policies()
    stacks = [WORKFLOWS["deploy"]["jobs"][name]["with"]["stack"] for name in ("dev", "prod")]
    assert set(trusted) == {*stacks, *(f"{stack}-preview" for stack in stacks)}
    for statement in trusted.values():
        conditions = statement["Condition"]["StringEquals"]
        assert set(statement["Condition"]) == {"StringEquals"}
        assert conditions["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert "*" not in json.dumps(statement)


def test_every_supported_python_is_tested() -> None:
    tested = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == ["3.11", "3.12", "3.13", "3.14"]
    assert f'requires-python = ">={tested[0]}"' in (PROJECT / "pyproject.toml").read_text()


def test_the_lowest_and_the_newest_dependencies_are_tested() -> None:
    job = WORKFLOWS["test"]["jobs"]["versions"]
    assert job["strategy"]["matrix"]["resolution"] == ["lowest-direct", "highest"]
    assert job["steps"][-1]["run"].startswith("make test-versions ")


def test_a_release_is_tested_and_built_before_it_is_published_and_published_before_it_is_announced() -> None:
    jobs = WORKFLOWS["release"]["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert set(jobs["pypi"]["needs"]) == {"test", "build"}
    assert jobs["github"]["needs"] == "pypi"
    # what may publish runs no code of the repository, and what may write to the repository has no token for PyPI
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["pypi"]["environment"] == "pypi"
    assert not [step for step in jobs["pypi"]["steps"] if "run" in step or "checkout" in step["uses"]]
    assert jobs["github"]["permissions"] == {"contents": "write"}
    (publish,) = [step for step in jobs["pypi"]["steps"] if step["uses"].startswith("pypa/")]
    assert publish["with"] == {"attestations": True}
    built = {step["with"]["name"] for step in jobs["build"]["steps"] if "upload-artifact" in step.get("uses", "")}
    assert built == {"dist", "notes"}
    assert "cache" not in FILES["release"].read_text().replace("Without a cache", "")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_every_deployed_stack_has_a_file(stack: str) -> None:
    assert (PROJECT / f"Pulumi.{stack}.yaml").is_file()
