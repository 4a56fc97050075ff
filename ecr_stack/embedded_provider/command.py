"""`command.local.Command`: really run, in an environment that reaches only the embedded AWS."""

# ruff: noqa: ARG002  (all resource types have the same methods, and few use every argument)

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecr_stack.embedded_provider.environment import embedded_environment
from ecr_stack.embedded_provider.resource import Inputs, Outputs, ResourceType, Scope
from ecr_stack.errors import Problem, Unavailable

__all__ = ["Command", "end_commands"]


class Command(ResourceType):
    """A resource whose commands run when it is created, updated and deleted.

    https://www.pulumi.com/registry/packages/command/api-docs/local/command/
    """

    token = "command:local:Command"
    replaces_on = frozenset({"triggers"})

    def problems(self, inputs: Inputs) -> list[Problem]:
        """Reject what is not rehearsed."""
        return [
            Problem(name, inputs[name], "a rehearsal does not support assets and archives of a command", "remove them")
            for name in ("archivePaths", "assetPaths")
            if inputs.get(name)
        ]

    def create(self, scope: Scope, inputs: Inputs) -> str:
        """Nothing: `run` needs the resource's outputs, see `made`."""
        raise NotImplementedError

    def made(self, scope: Scope, inputs: Inputs) -> Outputs:
        """Run `create` and return the outputs."""
        return self._outputs(scope, inputs, inputs.get("create"), {})

    def updated(self, scope: Scope, outputs: Inputs, inputs: Inputs) -> Outputs:
        """Run `update`, or `create` if there is no `update`, and return the outputs."""
        return self._outputs(scope, inputs, inputs.get("update") or inputs.get("create"), outputs)

    def delete(self, scope: Scope, id_: str, outputs: Inputs) -> None:
        """Run `delete`."""
        self._outputs(scope, outputs, outputs.get("delete"), outputs)

    def read(self, scope: Scope, id_: str, inputs: Inputs | None) -> Outputs | None:
        """Return the known outputs: there is nothing to read."""
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


_running: set[subprocess.Popen[str]] = set()
_running_lock = threading.Lock()


def end_commands() -> None:
    """Kill the running commands and their child processes."""
    with _running_lock:
        processes = list(_running)
    for process in processes:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)


def _run(scope: Scope, inputs: Inputs, script: str, before: Mapping[str, Any]) -> tuple[str, str]:
    interpreter = list(inputs.get("interpreter") or ["/bin/sh", "-c"])
    own = {name: str(value) for name, value in (inputs.get("environment") or {}).items()}
    with embedded_environment(scope.aws, scope.region, own.get("AWS_PROFILE")) as variables:
        # Scripts that call `ecr-stack` get the one that runs the rehearsal, unless there is another one on PATH.
        path = os.pathsep.join(filter(None, [variables.get("PATH"), str(Path(sys.executable).parent)]))
        environment = {**variables, "PATH": path}
        if inputs.get("addPreviousOutputInEnv") is not False:
            environment["PULUMI_COMMAND_STDOUT"] = str(before.get("stdout", ""))
            environment["PULUMI_COMMAND_STDERR"] = str(before.get("stderr", ""))
        try:
            code, stdout, stderr = _executed(
                [*interpreter, script], inputs.get("dir") or None, {**environment, **own}, inputs.get("stdin") or ""
            )
        except (OSError, ValueError) as error:
            raise Unavailable(f"running {script!r}: {error}") from None
    if code != 0:
        output = "\n".join(text for text in (stderr.strip(), stdout.strip()) if text)
        raise Unavailable(f"exit status {code}: running {script!r}:\n{output}")
    return stdout.rstrip("\n"), stderr.rstrip("\n")


def _executed(
    command: list[str], folder: str | None, environment: Mapping[str, str], stdin: str
) -> tuple[int, str, str]:
    """Run a command in its own process group, so that all its processes can be killed together."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    with _running_lock:
        _running.add(process)
    try:
        stdout, stderr = process.communicate(stdin)
    finally:
        with _running_lock:
            _running.discard(process)
    return process.returncode, stdout, stderr
