"""Runs a stack's lifecycle under the real Pulumi engine and the embedded AWS: preview, up, up again, destroy.

Everything is in a temporary folder: the state, Pulumi's home, a copy of the stack file, and a Pulumi.yaml that points
to the program. The user's own state, stack files and credentials are never touched.

https://www.pulumi.com/docs/iac/cli/commands/
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import EcrStackError, NotFound, Unavailable
from ecr_stack.project.stack_file import Project, StackFile, read_project, read_stack
from ecr_stack.rehearsal.engine.processes import end_with_descendants
from ecr_stack.rehearsal.engine.server import serving
from ecr_stack.rehearsal.program import ACCOUNT, rehearse
from ecr_stack.rehearsal.report import Report

__all__ = ["EngineRun", "Step", "rehearse_with_engine"]


@dataclass(frozen=True)
class Step:
    """One command of the engine."""

    name: str
    """`preview`, `up`, `up again` or `destroy`."""
    ok: bool
    """Whether it succeeded as expected."""
    seconds: float
    changes: Mapping[str, int]
    """The number of resources that were created, updated, deleted or unchanged; empty for a preview."""


@dataclass
class EngineRun:
    """The result of a stack under the engine."""

    stack: str
    project: str
    account: str
    region: str
    engine: str
    """The engine's version, e.g. `v3.259.0`."""
    report: Report
    """The report of the preceding rehearsal without the engine, including violations of guardrails."""
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    """The stack's outputs after `up`."""
    calls: dict[str, int] = field(default_factory=dict)
    """How often each API operation was called, e.g. `ecr:CreateRepository`."""
    seconds: float = 0.0

    @property
    def passes(self) -> bool:
        """Whether every step succeeded as expected, and no guardrail blocks the deployment."""
        return all(step.ok for step in self.steps) and self.report.passes

    def as_json(self) -> dict[str, Any]:
        """Plain data, for scripts."""
        return {
            "stack": self.stack,
            "project": self.project,
            "account": self.account,
            "region": self.region,
            "engine": self.engine,
            "steps": [asdict(step) for step in self.steps],
            "outputs": self.outputs,
            "violations": [asdict(violation) for violation in self.report.violations],
            "calls": self.calls,
            "seconds": round(self.seconds, 3),
        }


def rehearse_with_engine(
    stack: str,
    directory: Path | None = None,
    *,
    account: str = ACCOUNT,
    endpoint: str | None = None,
    announce: Callable[[str], None] = lambda _: None,
    to_stderr: bool = False,
    secrets: Mapping[str, str] | None = None,
) -> EngineRun:
    """Take a stack through its lifecycle with the `pulumi` on PATH.

    Without an endpoint, the embedded AWS replaces the AWS provider. With an endpoint, the engine uses the real AWS
    provider, which Pulumi installs if necessary, with the service at the endpoint, e.g. a moto server.

    Args:
        stack: the name of the stack, as in `Pulumi.NAME.yaml`.
        directory: a folder of the project. Default: the current folder.
        account: the account id of the embedded AWS, twelve digits.
        endpoint: the URL of an AWS emulator, e.g. `http://localhost:5000`.
        announce: called with the name of each step before it begins.
        to_stderr: whether the engine's output goes to standard error, so that standard output stays free.
        secrets: values of secret configuration keys; encrypted values without one are replaced by a placeholder.

    Raises:
        NotFound: there is no such project or stack, or no `pulumi`.
        InvalidInput: the stack file is wrong.
        EcrStackError: the program fails, or a step does for another reason than what it found.
    """
    began = time.perf_counter()
    if shutil.which("pulumi") is None:
        raise NotFound(
            "there is no `pulumi` on PATH: install it (https://www.pulumi.com/docs/iac/download-install/), or omit "
            "`--engine pulumi`, since the embedded engine needs no Pulumi CLI"
        )
    project = read_project(directory or Path.cwd())
    file = read_stack(project, stack)
    # It finds most errors in a second, and knows what the stack assumes to exist.
    report = rehearse(stack, project.directory, account=account, secrets=secrets)
    with contextlib.ExitStack() as stack_of_things:
        folder = Path(stack_of_things.enter_context(tempfile.TemporaryDirectory(prefix="ecr-stack-"))).resolve()
        # the stack's commands run in the project's folder, as with the real provider
        stack_of_things.enter_context(contextlib.chdir(project.directory))
        _lay_out(folder, project, file)
        calls: Mapping[str, int] = {}
        if endpoint is None:
            aws = stack_of_things.enter_context(EmbeddedAws(account=account, region=report.region))
            _suppose(report, aws)
            aws.calls.clear()
            calls = aws.calls
            around = {
                **stack_of_things.enter_context(serving(aws)),
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            }
        else:
            around = _led_to(endpoint, report.region, folder)
        pulumi = _Pulumi(folder, around, to_stderr)
        run = EngineRun(stack, project.name, account, report.region, pulumi.said("version").strip(), report)
        _live(
            run,
            pulumi,
            _configuration(endpoint),
            {**{key: file.config[key] for key in file.secret_keys}, **(secrets or {})},
            announce,
        )
        run.account = run.outputs.get("registryId", account)
        run.calls = dict(sorted(calls.items()))
    run.seconds = time.perf_counter() - began
    return run


def _live(
    run: EngineRun,
    pulumi: _Pulumi,
    configuration: Mapping[str, str],
    secrets: Mapping[str, str],
    announce: Callable[[str], None],
) -> None:
    go = ("--yes", "--skip-preview", "--stack", run.stack)
    pulumi.said("stack", "init", run.stack)
    if configuration:
        pairs = [part for path, value in configuration.items() for part in ("--plaintext", f"{path}={value}")]
        pulumi.said("config", "set-all", "--path", *pairs, "--stack", run.stack)

    for key, value in secrets.items():
        # through standard input: other users can read command lines
        pulumi.said("config", "set", "--secret", key, "--stack", run.stack, stdin=value)

    def step(name: str, *arguments: str, answer: bool = False) -> None:
        announce(name)
        began = time.perf_counter()
        code = pulumi.shown(*arguments)
        changes = {} if name == "preview" else pulumi.changes(run.stack)
        if code != 0 and not answer:
            raise StepFailed(
                f"`pulumi {arguments[0]}` of stack {run.stack} failed (exit code {code}); see the output above"
            )
        run.steps.append(Step(name, code == 0, round(time.perf_counter() - began, 3), changes))

    step("preview", "preview", "--stack", run.stack)
    step("up", "up", *go)
    run.outputs = pulumi.json("stack", "output", "--json", "--stack", run.stack)
    step("up again", "up", *go, "--expect-no-changes", "--suppress-outputs", answer=True)
    if any(resource.options.get("protect") for resource in run.report.resources):
        pulumi.said("state", "unprotect", "--all", "--yes", "--stack", run.stack)
    step("destroy", "destroy", *go, "--suppress-outputs")


class StepFailed(EcrStackError):
    """A command of the engine failed, and has printed the reason."""


def _suppose(report: Report, aws: EmbeddedAws) -> None:
    """Let everything exist that the stack assumes to exist: keys, principals, and what it adopts."""
    for arn in report.assumed:
        aws.suppose(arn)
    provider = Provider(aws)
    for resource in report.resources:
        if resource.options.get("import"):
            provider.adopt(resource.type, resource.options["import"], resource.inputs)


_SERVICES = ("ecr", "iam", "kms", "sts")


def _led_to(endpoint: str, region: str, folder: Path) -> dict[str, str]:
    """Let everything that runs speak to the endpoint and to no other AWS; share the plugins that are installed.

    Raises:
        Unavailable: nothing answers there.
    """
    where = urlsplit(endpoint)
    try:
        port = where.port or (443 if where.scheme == "https" else 80)
        socket.create_connection((where.hostname or "", port), timeout=5).close()
    except (OSError, ValueError) as error:
        raise Unavailable(f"{endpoint} does not respond: {error}; start e.g. a moto server there") from None
    plugins = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    (folder / "home").mkdir()
    (folder / "home" / "plugins").symlink_to(plugins)
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **{name: os.environ[name] for name in ("PULUMI_DEBUG_PROVIDERS",) if name in os.environ},
    }


def _configuration(endpoint: str | None) -> dict[str, str]:
    """What leads the AWS provider to an endpoint, by configuration path.

    https://www.pulumi.com/registry/packages/aws/installation-configuration/
    """
    if endpoint is None:
        return {}
    return {
        "aws:accessKey": "local",
        "aws:secretKey": "local",
        "aws:skipCredentialsValidation": "true",
        "aws:skipMetadataApiCheck": "true",
        "aws:skipRegionValidation": "true",
        **{f"aws:endpoints[0].{service}": endpoint for service in _SERVICES},
    }


def _lay_out(folder: Path, project: Project, file: StackFile) -> None:
    """Write a project that runs the user's program, and a stack file that needs no other secrets provider."""
    written = dict(yaml.safe_load(_project_file(project).read_text(encoding="utf-8")))
    for key in ("backend", "stackConfigDir"):
        written.pop(key, None)
    written["main"] = os.path.relpath(project.program, folder)
    written["runtime"] = _runtime(written.get("runtime"), project)
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    # as it is, but for the encryption that goes with the user's own state, and for the secrets, which are set later
    kept = file.path.read_text(encoding="utf-8").splitlines(keepends=True)
    own = ("encryptionsalt:", "secretsprovider:", "encryptedkey:")
    text = "".join(_without_keys((line for line in kept if not line.startswith(own)), file, project))
    (folder / f"Pulumi.{file.name}.yaml").write_text(text, encoding="utf-8")


def _without_keys(lines: Iterable[str], file: StackFile, project: Project) -> Iterator[str]:
    """Remove the secret keys from a stack file, each with the lines indented below it."""
    spellings = {*file.secret_keys, *(key.removeprefix(f"{project.name}:") for key in file.secret_keys)}
    skipped: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if skipped is not None and (not line.strip() or indent > skipped):
            continue
        skipped = None
        key = line.strip().rpartition(":")[0] if line.rstrip().endswith(":") else line.strip().partition(": ")[0]
        if indent and key.strip("'\"") in spellings:
            skipped = indent
            continue
        yield line


def _project_file(project: Project) -> Path:
    return next(file for name in ("yaml", "yml") if (file := project.directory / f"Pulumi.{name}").is_file())


def _runtime(runtime: Any, project: Project) -> dict[str, Any]:
    """Lead to the project's virtual environment, or to the one that is running where the project has none."""
    found: dict[str, Any] = dict(runtime) if isinstance(runtime, Mapping) else {"name": runtime or "python"}
    options = dict(found.get("options") or {})
    own = project.directory / str(options.get("virtualenv") or ".venv")
    if options.get("virtualenv") and own.is_dir():
        options["virtualenv"] = str(own)
    elif sys.prefix != sys.base_prefix:
        options["virtualenv"] = sys.prefix
    return {**found, "options": options}


class _Pulumi:
    """Runs the `pulumi` command in a temporary folder."""

    def __init__(self, folder: Path, around: Mapping[str, str], to_stderr: bool) -> None:
        self._folder = folder
        self._to_stderr = to_stderr
        self._interactive = sys.stdout.isatty() and not to_stderr
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
        self._environment = {
            **kept,
            **around,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_HOME": str(folder / "home"),
            # of a state that is gone in a minute
            "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def shown(self, *arguments: str) -> int:
        """Run a command with its output on the terminal; returns its exit code."""
        sys.stdout.flush()
        with self._started(self._command(arguments), stdout=sys.stderr if self._to_stderr else None) as process:
            return process.wait()

    def said(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command; returns its output.

        Raises:
            Unavailable: it fails.
        """
        pipe = subprocess.PIPE
        with self._started(
            self._command(arguments, quiet=True), stdin=None if stdin is None else pipe, stdout=pipe, stderr=pipe
        ) as process:
            stdout, stderr = process.communicate(stdin)
        if process.returncode != 0:
            reason = (stderr or stdout).strip()
            command = " ".join(arguments)
            raise Unavailable(f"`pulumi {command}` failed (exit code {process.returncode}): {reason}")
        return str(stdout)

    @contextlib.contextmanager
    def _started(self, command: Sequence[str], **streams: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a command; whatever interrupts it ends it, with the language host, the program and their children."""
        try:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, text=True, **streams)
        except OSError as error:
            raise Unavailable(f"`pulumi` cannot be run: {error}") from None
        try:
            yield process
        except BaseException:
            end_with_descendants(process)
            raise

    def json(self, *arguments: str) -> Any:
        """Run a command that prints JSON.

        Raises:
            Unavailable: it fails, or prints something else.
        """
        text = self.said(*arguments)
        try:
            return json.loads(text)
        except ValueError:
            raise Unavailable(f"`pulumi {' '.join(arguments)}` printed no JSON: {text[:200]!r}") from None

    def changes(self, stack: str) -> dict[str, int]:
        """Count the changes of the last update by operation."""
        history = self.json("stack", "history", "--json", "--stack", stack)
        return dict(sorted((history[0].get("resourceChanges") or {}).items())) if history else {}

    def _command(self, arguments: Sequence[str], quiet: bool = False) -> list[str]:
        plain = [] if self._interactive and not quiet else ["--non-interactive"]
        return ["pulumi", *arguments, *plain]
