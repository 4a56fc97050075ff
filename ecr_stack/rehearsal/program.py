"""The rehearsal: the program of a project, unchanged, against the AWS embedded in this process."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import re
import runpy
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, resource, set_all_config
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack

from ecr_stack.aws.names import KMS_KEY_ARN, partition_of
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.errors import EcrStackError, InvalidInput, NotFound, Problem
from ecr_stack.project.stack_file import Project, StackFile, read_project, read_stack
from ecr_stack.rehearsal.monitor import Recorder
from ecr_stack.rehearsal.order import in_order, undeclared_orders
from ecr_stack.rehearsal.report import Report, Violation
from ecr_stack.schema.pull_through_cache import SECRET_ARN

__all__ = ["ACCOUNT", "ProgramFailed", "region_of", "rehearse"]

ACCOUNT = "123456789012"
"""The account that a rehearsal plays, unless told otherwise."""


class ProgramFailed(EcrStackError):
    """The program of the project stopped with an error of its own."""


def rehearse(
    stack: str,
    directory: Path | None = None,
    *,
    account: str = ACCOUNT,
    progress: Callable[[int], None] | None = None,
    aws: EmbeddedAws | None = None,
) -> Report:
    """Run a project's program for one stack against an embedded AWS.

    Args:
        stack: the name of the stack, as in `Pulumi.NAME.yaml`.
        directory: a folder of the project; the current one unless given.
        account: the account that the embedded AWS plays, twelve digits.
        progress: called with the number of resources so far.
        aws: an embedded AWS that has been started, of the account and the stack's Region. The stack stays deployed in
            it. Default: one for the rehearsal alone.

    Raises:
        NotFound: where there is no such project or stack.
        InvalidInput: where the stack file is wrong.
        EcrStackError: where AWS would refuse a resource, or the program fails.
    """
    began = time.perf_counter()
    project = read_project(directory or Path.cwd())
    file = read_stack(project, stack)
    if not (project.program / "__main__.py").is_file():
        raise NotFound(f"no program: {project.program / '__main__.py'} does not exist")
    region = region_of(file)
    report = Report(stack=stack, project=project.name, account=account, region=region)
    own = EmbeddedAws(account=account, region=region) if aws is None else nullcontext(aws)
    with _undisturbed(), own as deployed:
        report.assumed = _suppose(file, deployed)
        recorder = Recorder(Provider(deployed), progress)
        _run(project, file, recorder)
        report.resources = in_order(list(recorder.records.values()))
        report.outputs = dict(sorted(recorder.exports.items()))
        report.calls = dict(sorted(deployed.calls.items()))
    report.violations = [*undeclared_orders(report.resources), *_guardrails(project, report)]
    report.seconds = time.perf_counter() - began
    return report


def region_of(file: StackFile) -> str:
    """Give the Region of a stack: its own, or that of the environment.

    Raises:
        NotFound: neither names one.
    """
    region = file.config.get("aws:region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise NotFound(f"{file.path.name}: no Region; add `aws:region: us-east-1` under `config:`")
    return region


_PLACE_HOLDER: Any = object()
_NOTHING: Any = None


def _run(project: Project, file: StackFile, recorder: Recorder) -> None:
    """Run `__main__.py` as the Pulumi language host does, with the recorder in the engine's place."""
    set_all_config(dict(file.config), [])
    # `set_mocks` makes a stack where there is none; `run_in_stack` makes the one that counts.
    set_root_resource(_PLACE_HOLDER)
    mocks.set_mocks(recorder.mocks, project=project.name, stack=file.name, preview=False, monitor=recorder)
    set_root_resource(_NOTHING)
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=4, thread_name_prefix="aws"))
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run_in_stack(lambda: _program(project)))
    except (EcrStackError, pulumi.RunError) as error:
        if isinstance(error, EcrStackError):
            raise
        raise ProgramFailed(str(error)) from None
    except SystemExit as error:
        if error.code not in (None, 0):
            raise ProgramFailed(f"the program ended with sys.exit({error.code!r})") from None
    except Exception as error:
        cause = _refusal_in(error)
        if cause is not None:
            raise cause from None
        raise ProgramFailed(_where(error, project)) from error
    finally:
        # What waits for a resource that failed would wait for ever.
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)
        set_root_resource(_NOTHING)


def _program(project: Project) -> None:
    runpy.run_path(str(project.program), run_name="__main__")


def _refusal_in(error: BaseException) -> EcrStackError | None:
    """Find the refusal that an error came from."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, EcrStackError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _where(error: BaseException, project: Project) -> str:
    """Say what a program's own error is, and on which of its lines it arose."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if project.directory in file.parents and ".venv" not in file.parts:
            line = f" ({file.relative_to(project.directory)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"the program failed: {type(error).__name__}: {error}{line}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Leave the process as it was, and spare the garbage collector: it is half the time of a large stack."""
    path, directory, environment, enabled = list(sys.path), Path.cwd(), dict(os.environ), gc.isenabled()
    gc.disable()
    traces = getattr(resource, "_get_stack_trace", None)
    if traces is not None:
        # The engine is told where in the program each resource is made; here nobody asks, and it takes a while.
        resource._get_stack_trace = StackTrace
    # Commands of the program find this environment's `ecr-stack`, as they do where the environment is active.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    try:
        yield
    finally:
        if traces is not None:
            resource._get_stack_trace = traces
        if enabled:
            gc.enable()
        sys.path[:] = path
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)


_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):(role|user)/[\w+=,.@/-]+")
_SHORT_ROLE = re.compile(r'"((?:role|user)/[\w+=,.@/-]+)"')


def _suppose(file: StackFile, aws: EmbeddedAws) -> list[str]:
    """Let everything exist that the stack file takes for given: keys and principals that it names."""
    supposed: dict[str, None] = {}
    for key, text in file.config.items():
        if key.startswith("aws:"):
            continue
        for match in (*KMS_KEY_ARN.finditer(text), *SECRET_ARN.finditer(text)):
            supposed[match[0]] = None
        for match in _ROLE.finditer(text):
            supposed[match[0]] = None
        for match in _SHORT_ROLE.finditer(text):
            supposed[f"arn:{partition_of(aws.region)}:iam::{aws.account}:{match[1]}"] = None
    for name in _node_roles(file.config.get("ecr-stack:nodes", "")):
        supposed[f"arn:{partition_of(aws.region)}:iam::{aws.account}:role/{name}"] = None
    return [arn for arn in supposed if aws.suppose(arn)]


def _node_roles(text: str) -> list[str]:
    """The roles of nodes that are written by their names alone, which stand for roles only there."""
    try:
        roles = json.loads(text)["roles"]
    except (ValueError, KeyError, TypeError):
        return []
    names = roles if isinstance(roles, list) else []
    return [name for name in names if isinstance(name, str) and re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII)]


def _guardrails(project: Project, report: Report) -> list[Violation]:
    """Run the project's own policy pack over the resources, if it has one."""
    folder = project.directory / "policies"
    if not (folder / "guardrails").is_dir():
        return []
    sys.path.insert(0, str(folder))
    try:
        check: Any = importlib.import_module("guardrails.check")
    except ImportError as error:
        raise NotFound(f"the guardrails in {folder} cannot be loaded: {error}") from None
    finally:
        sys.path.remove(str(folder))
    config = _guardrail_config(folder / "config.json", check)
    resources = [_policy_resource(record) for record in report.resources]
    found = check.violations(resources, stack=report.stack, config=config)
    return [Violation(**{key: item[key] for key in ("policy", "level", "urn", "message")}) for item in found]


def _guardrail_config(file: Path, check: Any) -> Any:
    """Read what `pulumi preview --policy-pack-config` would be given, if the project keeps it beside its pack.

    Raises:
        InvalidInput: where it is not JSON, or says what no policy understands.
    """
    if not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "the file"
        remedy = 'write an object such as {"keys-rotate": "advisory"}; JSON has no comments and no trailing commas'
        raise InvalidInput(str(file), [Problem(place, None, f"must be JSON: {error}", remedy)]) from None
    wrong = [Problem(each.place or "the file", each.value, each.rule, each.remedy) for each in check.mistakes(config)]
    if wrong:
        raise InvalidInput(str(file), wrong)
    return config


def _policy_resource(record: Any) -> dict[str, Any]:
    return {
        "urn": record.urn,
        "type": record.type,
        "name": record.name,
        "inputs": dict(record.inputs),
        "outputs": dict(record.outputs),
        "parent": record.parent,
        "dependencies": record.dependencies,
        "options": dict(record.options),
    }
