"""The `pulumi` command as the tests use it, in a project folder of its own, attached to an embedded AWS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ecr_stack.embedded_aws import EmbeddedAws

PROJECT = Path(__file__).parent.parent.parent
HOST = Path(__file__).parent / "host"
LIFECYCLE = [{"description": "Keep the last 5", "any": True, "keepLast": 5}]
ACCESS = {"pull": ["role/eks-dev-node-role"]}


def plain(**settings: Any) -> dict[str, Any]:
    """A configuration with one repository, `api`, and no key."""
    return {
        "aws:region": "us-east-1",
        "ecr-stack:environment": "test",
        "ecr-stack:encryption": {"type": "AES256"},
        "ecr-stack:repositories": {"api": {}},
        **{f"ecr-stack:{key}": value for key, value in settings.items()},
    }


@dataclass
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{self.out}\n{self.err}"


class Engine:
    """The `pulumi` command in a project folder, attached to an embedded AWS."""

    def __init__(self, folder: Path, aws: EmbeddedAws, attached: dict[str, str]) -> None:
        self.project = folder / "project"
        self.aws = aws
        self.project.mkdir(parents=True)
        (folder / "state").mkdir()
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(PROJECT / name, self.project)
        (self.project / ".venv").symlink_to(PROJECT / ".venv")
        path = os.environ["PATH"]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
            **attached,
            "PATH": path if shutil.which("pulumi-language-python") else f"{HOST}{os.pathsep}{path}",
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "NO_COLOR": "1",
            # for what asks AWS without the provider, such as the lifecycle guard
            "AWS_ENDPOINT_URL": aws.serve(),
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
        }

    def __call__(self, *arguments: str, code: int | None = 0) -> Answer:
        """Run a command; its exit code must be `code` unless that is `None` (any failure: `-1`)."""
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        if code is not None:
            good = answer.code != 0 if code == -1 else answer.code == code
            assert good, f"pulumi {' '.join(arguments)}: exit code {answer.code}\n{answer.said}"
        return answer

    def stack(self, name: str, config: dict[str, Any] | None = None) -> None:
        """Make a stack: of the shipped file, or of a configuration."""
        if config is None:
            config = self.shipped(name)
        self.configure(name, config)
        self("stack", "init", name)

    @staticmethod
    def shipped(name: str) -> dict[str, Any]:
        return dict(yaml.safe_load((PROJECT / f"Pulumi.{name}.yaml").read_text())["config"])

    def configure(self, name: str, config: dict[str, Any]) -> None:
        """Write a stack file, with what `pulumi` itself keeps in it."""
        file = self.project / f"Pulumi.{name}.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        for role in ("eks-dev-node-role", "eks-prod-node-role", "github-actions-role"):
            self.aws.suppose(f"arn:aws:iam::{self.aws.account}:role/{role}")
        file.write_text(yaml.safe_dump({**kept, "config": config}, sort_keys=False))

    def write(self, program: str) -> None:
        """Replace the project's program."""
        (self.project / "__main__.py").write_text(program)

    def up(self, *arguments: str, code: int | None = 0) -> Answer:
        return self("up", "--yes", "--skip-preview", *arguments, code=code)

    def preview(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """The steps that a preview proposes, by URN."""
        answer = self("preview", "--json", *arguments)
        steps: dict[str, dict[str, Any]] = {}
        for step in json.loads(answer.out)["steps"]:
            steps.setdefault(step["urn"], step)
        return steps

    def changes(self, *arguments: str) -> dict[str, str]:
        """What a preview would do to the resources that do not stay: operations by `type name`."""
        return {_short(urn): step["op"] for urn, step in self.preview(*arguments).items() if step["op"] != "same"}

    def state(self) -> dict[str, dict[str, Any]]:
        """The resources in the state, by `type name`."""
        exported = json.loads(self("stack", "export").out)
        return {_short(each["urn"]): each for each in exported["deployment"].get("resources") or []}

    def repository(self, name: str) -> dict[str, Any]:
        """A repository as AWS describes it."""
        found = self.aws.call("ecr", "DescribeRepositories", {"repositoryNames": [name]})
        return dict(found["repositories"][0])


def _short(urn: str) -> str:
    parts = urn.split("::", 3)
    return f"{parts[2].rpartition('$')[2]} {parts[3]}"
