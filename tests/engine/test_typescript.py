"""A program in TypeScript that uses the component package, under the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pulumi_engine import HOST, PROJECT, Engine

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.rehearsal.engine.server import serving

PROGRAM = Path(__file__).parent / "typescript"
NODE = Path(os.environ.get("ECR_STACK_NODE") or Path.home() / ".cache" / "ecr-stack" / "node")
"""What `.ci/node` gets."""
ROLE = "arn:aws:iam::123456789012:role/runner"

pytestmark = pytest.mark.skipif(
    not (NODE / "node_modules" / "@pulumi" / "pulumi").is_dir() or shutil.which("node") is None,
    reason="there is no node, or nothing that .ci/node gets for it",
)


def compiled(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Compile the programs of a folder."""
    return subprocess.run(
        ["node", NODE / "node_modules/typescript/bin/tsc", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


STRICT = [
    "--strict",
    "--declaration",
    "false",
    "--target",
    "es2020",
    "--module",
    "commonjs",
    "--types",
    "node",
    "--skipLibCheck",
]
STRICT += ["--moduleResolution", "node10", "--ignoreDeprecations", "6.0"]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The program with a generated SDK, compiled, and a stack that is not up yet."""
    with EmbeddedAws(account="123456789012") as aws, serving(aws) as attached:
        folder = tmp_path_factory.mktemp("typescript")
        plugin = folder / "package"
        plugin.mkdir()
        shutil.copy(PROJECT / "package" / "__main__.py", plugin)
        options = {"toolchain": "pip", "virtualenv": str(PROJECT / ".venv")}
        (plugin / "PulumiPlugin.yaml").write_text(yaml.safe_dump({"runtime": {"name": "python", "options": options}}))

        engine = Engine(folder, aws, attached)
        engine.environment["PATH"] = os.pathsep.join(
            [
                str(NODE / "bin"),
                *([] if shutil.which("pulumi-language-nodejs") else [str(HOST)]),
                engine.environment["PATH"],
            ]
        )
        for path in engine.project.iterdir():
            path.unlink()
        project = {
            "name": "theirs",
            "runtime": {"name": "nodejs", "options": {"typescript": False}},
            "plugins": {"providers": [{"name": "ecr-stack", "path": str(plugin)}]},
        }
        (engine.project / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (engine.project / "package.json").write_text('{"name": "theirs", "main": "index.js"}')
        (engine.project / "node_modules").symlink_to(NODE / "node_modules")
        engine("package", "gen-sdk", str(plugin), "--language", "nodejs", "--local", "--out", "sdk")
        for program in PROGRAM.glob("*.ts"):
            shutil.copy(program, engine.project)
        for done in (
            compiled(engine.project / "sdk" / "nodejs"),
            compiled(engine.project, *STRICT, "index.ts", "wrong.ts"),
        ):
            assert done.returncode == 0, done.stdout + done.stderr
        # as the SDK's own script does after its installation
        shutil.copy(engine.project / "sdk/nodejs/package.json", engine.project / "sdk/nodejs/bin")
        engine.stack("dev", {"aws:region": "us-east-1", "theirs:keepLast": "5"})
        yield engine


def test_a_preview_shows_what_will_be_made(started: Engine) -> None:
    steps = {urn.split("::", 2)[2]: step["op"] for urn, step in started.preview().items()}
    assert set(steps.values()) == {"create"}
    assert "ecr-stack:index:Repository$aws:ecr/repository:Repository::jobs" in steps


def test_it_goes_up_and_stays(started: Engine) -> None:
    answer = started.up()
    assert "could not read this stack's state" not in answer.said
    policy = started.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "team/jobs"})["policyText"]
    assert ROLE in policy
    assert ROLE in started.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "tools"})["policyText"]
    assert started.repository("team/jobs")["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    document = started.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "team/jobs"})["lifecyclePolicyText"]
    assert '"countNumber":5' in document.replace(" ", "")
    outputs = json.loads(started("stack", "output", "--json").out)
    assert outputs["urls"] == {
        name: f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}" for name in ("base/python", "tools")
    }
    assert "created" not in started.up("--expect-no-changes").said


def test_a_wrong_argument_is_told_with_its_remedy_and_without_a_traceback(started: Engine) -> None:
    started("config", "set", "keepLast", "0.5")
    answer = started.up(code=-1)
    started("config", "set", "keepLast", "5")
    assert 'Repository "jobs": 1 error' in answer.said
    assert "lifecycle[0].keepLast: 0.5" in answer.said
    assert "must be a whole number" in answer.said
    for foreign in ("Traceback", ".py", "keep_last", "Unexpected <class", "    at "):
        assert foreign not in answer.said


def test_the_lifecycle_guard_stops_a_change_that_removes_too_much(started: Engine) -> None:
    images = [{"imageDigest": f"sha256:{number:064x}", "imageTags": [f"v{number}"]} for number in range(6)]
    started.aws.seed_images("team/jobs", images)
    started("config", "set", "keepLast", "1")
    answer = started.up(code=-1)
    started("config", "set", "keepLast", "5")
    assert "5 images" in answer.said, answer.said
    document = started.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "team/jobs"})["lifecyclePolicyText"]
    assert '"countNumber":5' in document.replace(" ", "")


def test_a_renamed_component_is_stopped_before_it_loses_its_documents(started: Engine) -> None:
    started("config", "set", "repositoryName", "renamed")
    answer = started.up(code=-1)
    started("config", "rm", "repositoryName")
    assert "this stack already has it as another resource" in answer.said, answer.said
    assert started.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "team/jobs"})["policyText"]


def test_it_comes_down(started: Engine) -> None:
    digests = [
        {"imageDigest": one["imageDigest"]}
        for one in started.aws.call("ecr", "DescribeImages", {"repositoryName": "team/jobs"})["imageDetails"]
    ]
    started.aws.call("ecr", "BatchDeleteImage", {"repositoryName": "team/jobs", "imageIds": digests})
    started("destroy", "--yes", "--skip-preview")
    assert started.aws.call("ecr", "DescribeRepositories")["repositories"] == []
