"""`command.local.Command`: really run, in an environment in which AWS is the embedded one."""

# ruff: noqa: ARG002  (every resource type has the same methods, whatever it needs of their arguments)

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi_command import local

from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Command"]

# What would lead a process to another AWS than the embedded one.
_AWS_VARIABLES = ("AWS_", "AMAZON_")


class Command(ResourceType):
    """A command that runs when it is made, and others when it changes and goes.

    https://www.pulumi.com/registry/packages/command/api-docs/local/command/
    """

    token = "command:local:Command"
    args = local.CommandArgs
    replaces_on = frozenset({"triggers"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Refuse what is not rehearsed."""
        return [
            Problem(name, inputs[name], "assets and archives of a command are not rehearsed", "leave them out")
            for name in ("archivePaths", "assetPaths")
            if inputs.get(name)
        ]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Nothing: `run` needs the resource's outputs, see `made`."""
        raise NotImplementedError

    def made(self, scope: Scope, inputs: Inputs) -> Outputs:
        """Run `create`, and give the outputs."""
        return self._outputs(scope, inputs, inputs.get("create"), {})

    def updated(self, scope: Scope, outputs: Inputs, inputs: Inputs) -> Outputs:
        """Run `update`, or `create` where there is no `update`, and give the outputs."""
        return self._outputs(scope, inputs, inputs.get("update") or inputs.get("create"), outputs)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Run `delete`."""
        self._outputs(scope, outputs, outputs.get("delete"), outputs)

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """Nothing but what is known: there is nothing to look at."""
        return dict(inputs) if inputs is not None else None

    def _outputs(self, scope: Scope, inputs: Inputs, script: Any, before: Inputs) -> Outputs:
        outputs: Outputs = {name: inputs.get(name) for name in _PROPERTIES}
        stdout, stderr = (before.get("stdout", ""), before.get("stderr", "")) if not script else ("", "")
        if script:
            stdout, stderr = _run(scope, inputs, str(script), before)
        return {**outputs, "stdout": stdout, "stderr": stderr}


_PROPERTIES = (
    "addPreviousOutputInEnv", "create", "delete", "dir", "environment", "interpreter", "logging", "stdin", "triggers",
    "update",
)  # fmt: skip


def _run(scope: Scope, inputs: Inputs, script: str, before: Mapping[str, Any]) -> tuple[str, str]:
    interpreter = list(inputs.get("interpreter") or ["/bin/sh", "-c"])
    environment = _environment(scope)
    if inputs.get("addPreviousOutputInEnv") is not False:
        environment["PULUMI_COMMAND_STDOUT"] = str(before.get("stdout", ""))
        environment["PULUMI_COMMAND_STDERR"] = str(before.get("stderr", ""))
    environment.update({name: str(value) for name, value in (inputs.get("environment") or {}).items()})
    try:
        done = subprocess.run(
            [*interpreter, script],
            cwd=inputs.get("dir") or None,
            env=environment,
            input=inputs.get("stdin") or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, ValueError) as error:
        raise Unavailable(f"running {script!r}: {error}") from None
    if done.returncode != 0:
        said = "\n".join(text for text in (done.stderr.strip(), done.stdout.strip()) if text)
        raise Unavailable(f"exit status {done.returncode}: running {script!r}:\n{said}")
    return done.stdout.rstrip("\n"), done.stderr.rstrip("\n")


def _environment(scope: Scope) -> dict[str, str]:
    """The process's own environment, with credentials and an endpoint that lead to the embedded AWS only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_AWS_VARIABLES)}
    local_hosts = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1"]))
    return {
        **kept,
        # A script that calls `ecr-stack` finds the one that rehearses, unless there is a nearer one.
        "PATH": os.pathsep.join(filter(None, [kept.get("PATH"), str(Path(sys.executable).parent)])),
        "AWS_ENDPOINT_URL": scope.aws.serve(),
        "AWS_ACCESS_KEY_ID": "EMBEDDED",
        "AWS_SECRET_ACCESS_KEY": "EMBEDDED",
        "AWS_REGION": scope.region,
        "AWS_DEFAULT_REGION": scope.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": local_hosts,
        "no_proxy": local_hosts,
    }
