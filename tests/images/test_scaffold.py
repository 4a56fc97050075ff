"""What `ecr-stack scaffold` writes is linted by tools made for it, and says what the stack says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import PROJECT
from tests.images.conftest import run

BIN = Path(sys.executable).parent
LIFECYCLE = [
    {"description": "Releases", "tagPrefixes": ["v"], "keepLast": 10},
    {"description": "Commits", "tagPrefixes": ["sha-"], "expireAfterDays": 30},
]
SCHEMES = [
    {"name": "releases", "tagPatterns": ["v*"]},
    {"name": "commits", "tagPatterns": ["sha-*"]},
    {"name": "moving", "tagPatterns": ["latest", "buildcache"], "kept": True},
]
PIPELINES = {
    "apps": {"repositories": [{"repository": "octo-org/api", "branches": ["main", "release/*"], "tags": ["v*"]}]},
    "gitlab": {"platform": "GITLAB", "repositories": [{"repository": "octo/api", "branches": ["main"]}]},
}


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}:{Path.home() / 'go' / 'bin'}") or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def lint(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=["prod", "MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION"])
def mode(request: Any, project: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "prod":
        monkeypatch.chdir(PROJECT)
        return "prod"
    defaults: dict[str, Any] = {"tagMutability": request.param, "lifecycle": LIFECYCLE}
    if request.param == "IMMUTABLE_WITH_EXCLUSION":
        defaults["mutableTags"] = ["latest", "buildcache"]
    monkeypatch.chdir(
        project(
            {
                "aws:region": "us-east-1",
                "aws:allowedAccountIds": ["123456789012"],
                "ecr-stack:environment": "test",
                "ecr-stack:repositoryDefaults": defaults,
                "ecr-stack:repositories": {"team/api": {}, "api-gateway": {}},
                "ecr-stack:tagSchemes": SCHEMES,
                "ecr-stack:pipelines": PIPELINES,
            }
        )
    )
    return str(request.param)


def scaffold(platform: str, mode: str, folder: Path) -> str:
    stack = "prod" if mode == "prod" else "test"
    result = run("scaffold", platform, "--repository", "api-gateway", "--stack", stack, "-C", str(folder))
    assert result.exit_code == 0, result.exception
    name = ".gitlab-ci.yml" if platform == "gitlab" else ".github/workflows/image-api-gateway.yml"
    return (folder / name).read_text()


def test_the_workflow_is_clean_by_zizmor_actionlint_and_its_schema(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "application"
    text = scaffold("github", mode, folder)
    workflow = folder / ".github" / "workflows" / "image-api-gateway.yml"
    lint(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(workflow))
    lint(tool("zizmor"), "--offline", "--no-config", "--persona", "pedantic", str(workflow))
    if shutil.which("actionlint") or (Path.home() / "go" / "bin" / "actionlint").exists():
        lint(tool("actionlint"), str(workflow))
    assert "@" not in re.sub(r"@[0-9a-f]{40}", "", text)


def test_the_pipeline_is_clean_by_gitlabs_schema(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "application"
    scaffold("gitlab", mode, folder)
    lint(tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", str(folder / ".gitlab-ci.yml"))


@pytest.mark.parametrize("platform", ["github", "gitlab"])
def test_moving_tags_are_pushed_only_where_the_registry_lets_them_move(
    mode: str, platform: str, tmp_path: Path
) -> None:
    text = scaffold(platform, mode, tmp_path / "application")
    moves = set(re.findall(r'imagetools create --tag "\$IMAGE:([a-z]+)"', text))
    cache = '--cache-to "type=registry,ref=$IMAGE:buildcache' in text
    # an immutable repository has its cache in the images themselves
    assert cache or ("--cache-to type=inline" in text and '--cache-from "type=registry,ref=$IMAGE:sha-$' in text)
    assert (moves, cache) == {
        "prod": ({"latest"}, False),
        "MUTABLE": ({"latest"}, True),
        "IMMUTABLE": (set(), False),
        "IMMUTABLE_WITH_EXCLUSION": ({"latest"}, True),
    }[mode]
    assert text.index("scan gate") < (text.index("imagetools create") if moves else len(text))


def test_role_branches_and_tags_are_the_stacks(mode: str, tmp_path: Path) -> None:
    workflow = yaml.safe_load(scaffold("github", mode, tmp_path / "application"))
    steps = workflow["jobs"]["image"]["steps"]
    role = next(step["with"]["role-to-assume"] for step in steps if "with" in step and "role-to-assume" in step["with"])
    push = workflow[True]["push"]
    if mode == "prod":
        assert role == "arn:aws:iam::${{ vars.AWS_ACCOUNT_ID }}:role/github-actions-role"
        assert (push["branches"], push["tags"]) == (["main"], ["v*"])
    else:
        assert role == "arn:aws:iam::123456789012:role/test-ecr-push-apps"
        assert (push["branches"], push["tags"]) == (["main", "release/*"], ["v*"])
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["image"]["permissions"] == {"contents": "read", "id-token": "write"}
    text = str(steps)
    assert "--provenance mode=max --sbom true" in text
    assert "linux/arm64" in str(workflow)


@pytest.mark.parametrize(
    ("ref_type", "ref", "expected"),
    [("tag", "v1.2.3+build", "v1.2.3-build"), ("branch", "main", "sha-0123abc"), ("tag", "v1", "v1")],
)
def test_images_are_tagged_by_the_declared_schemes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ref_type: str, ref: str, expected: str
) -> None:
    monkeypatch.chdir(PROJECT)
    workflow = yaml.safe_load(scaffold("github", "prod", tmp_path))
    script = next(step["run"] for step in workflow["jobs"]["image"]["steps"] if step.get("id") == "tag")
    output = tmp_path / "output"
    environment = {
        "REF_TYPE": ref_type, "REF_NAME": ref, "SHA": "0123abc", "IMAGE": "host/api", "GITHUB_OUTPUT": str(output),
        "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    subprocess.run(["bash", "-e", "-c", script], env=environment, check=True, capture_output=True)
    assert f"tag={expected}" in output.read_text().splitlines()


@pytest.mark.parametrize("language", ["node", "python", "go", "java"])
def test_dockerfiles_are_clean_by_hadolint(language: str, tmp_path: Path) -> None:
    assert run("scaffold", "dockerfile", language, "-C", str(tmp_path)).exit_code == 0
    lint(tool("hadolint"), str(tmp_path / "Dockerfile"))
    text = (tmp_path / "Dockerfile").read_text()
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert re.search(r"^USER 10001", text, re.MULTILINE)
    assert "--mount=type=cache" in text
    ignored = (tmp_path / ".dockerignore").read_text().split()
    assert {".git", ".env"} <= set(ignored)


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("mine")
    result = run("scaffold", "dockerfile", "go", "-C", str(tmp_path))
    assert "--force" in str(result.exception)
    assert (tmp_path / "Dockerfile").read_text() == "mine"
    assert not (tmp_path / ".dockerignore").exists()


def test_the_pipeline_of_a_repository_is_its_teams_and_an_account_that_is_known_is_no_variable(
    project: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    team = {"repositories": [{"repository": "octo-org/web", "branches": ["main"]}]}
    folder = project(
        {
            "aws:region": "us-east-1",
            "aws:allowedAccountIds": ["111122223333"],
            "ecr-stack:environment": "test",
            "ecr-stack:repositoryDefaults": {"lifecycle": LIFECYCLE},
            "ecr-stack:tagSchemes": SCHEMES[:2],
            "ecr-stack:profiles": {"shop": {"tags": {"Team": "shop"}}},
            "ecr-stack:repositories": {"search/api": {}, "web": {"profile": "shop"}, "other/web": {}},
            "ecr-stack:pipelines": {"first": team, "search": team, "shop": team},
        }
    )
    monkeypatch.chdir(folder)
    for repository, role in (("search/api", "search"), ("web", "shop"), ("other/web", "first")):
        done = run("scaffold", "github", "-r", repository, "--stack", "test", "--print", "-C", str(tmp_path))
        assert f"role/test-ecr-push-{role}\n" in done.stdout, done.output
        assert "AWS_ACCOUNT_ID" not in done.stdout


def test_an_unknown_repository_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    result = run("scaffold", "github", "--repository", "nothing", "--print")
    assert "no repository `nothing`" in str(result.exception)


def test_actions_are_pinned_as_the_projects_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    text = run("scaffold", "github", "--repository", "api-gateway", "--print").stdout
    own = "".join(path.read_text() for path in (PROJECT / ".github" / "workflows").glob("*.yml"))
    pins = re.findall(r"uses: (\S+@[0-9a-f]{40})", text)
    assert len(pins) == 2
    assert all(pin in own for pin in pins)
