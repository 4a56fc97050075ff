"""The rehearsal: runs an unchanged Pulumi program against the AWS embedded in this process."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import re
import runpy
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi

from ecr_stack.aws.iam.reader import named_principals
from ecr_stack.aws.names import KMS_KEY_ARN, partition_of
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.embedded_provider.command import end_commands
from ecr_stack.embedded_provider.environment import AWS_VARIABLES, embedded_environment
from ecr_stack.errors import EcrStackError, InvalidInput, MissingExtra, NotFound, Problem, needing_extra
from ecr_stack.project.among_stacks import problems_among_stacks
from ecr_stack.project.provider_settings import accounts_in, provider_problems, region_in
from ecr_stack.project.stack_file import ENCRYPTED, Project, StackFile, read_project, read_stack
from ecr_stack.pulumi_sdk import run_program, without_stack_traces
from ecr_stack.rehearsal.monitor import Recorder, Secrets
from ecr_stack.rehearsal.order import in_order, undeclared_orders
from ecr_stack.rehearsal.report import Report, ResourceRecord, Unchecked, Violation
from ecr_stack.rehearsal.scan_frequencies import scan_frequencies, scan_warnings
from ecr_stack.rehearsal.stack_references import StackReferences
from ecr_stack.schema.checks import cache_warnings, lifecycle_warnings, name_warnings
from ecr_stack.schema.pull_through_cache import SECRET_ARN
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import NAMESPACE, settings_in

__all__ = ["ACCOUNT", "ProgramFailed", "region_of", "rehearse", "rehearse_program"]

ACCOUNT = "123456789012"
"""The default account of a rehearsal."""

Program = Callable[[], Awaitable[None] | None]
"""A Pulumi program as a function: it creates resources and calls `pulumi.export`."""


class ProgramFailed(EcrStackError):
    """The project's program failed with an error of its own."""


def rehearse(
    stack: str,
    directory: Path | None = None,
    *,
    account: str = ACCOUNT,
    progress: Callable[[int], None] | None = None,
    preview: bool = False,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    stack_references: Mapping[str, Any] | None = None,
    aws: EmbeddedAws | None = None,
) -> Report:
    """Run a project's program for one stack against an embedded AWS.

    Args:
        stack: the name of the stack, as in `Pulumi.NAME.yaml`.
        directory: a folder of the project. Default: the current folder.
        account: the account id of the embedded AWS, twelve digits.
        progress: called with the number of resources so far.
        preview: whether to plan resources instead of creating them; see `rehearse_program`.
        config: configuration values that replace those of the stack file.
        secrets: values of secret configuration keys; encrypted values without one are replaced by a placeholder.
        stack_references: the outputs of other stacks; see `rehearse_program`.
        aws: a started embedded AWS with the account and the stack's Region. The stack stays deployed in it. Default:
            a new one for this rehearsal.

    Raises:
        NotFound: there is no such project or stack.
        InvalidInput: the stack file is invalid.
        EcrStackError: AWS would reject a resource, or the program fails.
    """
    project = read_project(directory or Path.cwd())
    file = read_stack(project, stack)
    hidden = _configuration(secrets or {}, project.name)
    values = {**file.config, **_configuration(config or {}, project.name), **hidden}
    secret_keys = file.secret_keys | set(hidden)
    if not (project.program / "__main__.py").is_file():
        raise NotFound(f"no program: {project.program / '__main__.py'} does not exist")
    region = region_of(file, values)
    account = played_account(file, values, account)
    report = Report(stack=stack, project=project.name, account=account, region=region, preview=preview)
    report.warnings = [
        _line(problem, file)
        for problem in (*file.warnings, *_own_warnings(file), *problems_among_stacks(project, file))
    ]
    references = StackReferences(project, stack, account, stack_references or {})
    with _own_modules(project.directory), _failures_told(project):
        _rehearse(report, lambda: _main(project), values, secret_keys, references, progress, project=project, aws=aws)
    return report


def played_account(file: StackFile, config: Mapping[str, str], account: str = ACCOUNT) -> str:
    """The account id to use: by default the account that the stack file allows.

    Raises:
        InvalidInput: the provider would refuse to work in the account that was asked for.
    """
    problems = list(provider_problems(config, account))
    if problems and account == ACCOUNT:
        allowed = accounts_in(config)
        if allowed and not list(provider_problems(config, allowed[0])):
            return allowed[0]
    if problems:
        raise file.located(InvalidInput(file.path.name, problems))
    return account


def _line(problem: Problem, file: StackFile) -> str:
    line = problem.line or file.line(problem.place)
    where = f"{file.path.name}:{line}: " if line else ""
    return f"{where}{problem.place}: {problem.rule}; {problem.remedy}"


def _own_warnings(file: StackFile) -> list[Problem]:
    """Warnings about settings that AWS accepts but are probably unintended or should be secret, if the stack is ours."""
    if not any(key.startswith(NAMESPACE) for key in file.config):
        return []
    settings = settings_in(file.config, source=file.path.name)
    found = [
        *lifecycle_warnings(settings),
        *name_warnings(settings),
        *cache_warnings(settings),
        *_plain_tokens(settings),
    ]
    return [replace(problem, place=NAMESPACE + problem.place) for problem in found]


def _plain_tokens(settings: RegistrySettings) -> Iterator[Problem]:
    for prefix, cache in settings.pull_through_cache.items():
        if cache.credentials is not None and cache.credentials.access_token != ENCRYPTED:
            place = f"pullThroughCache.{prefix}.credentials.accessToken"
            yield Problem(
                place,
                "…",
                "the token is in plain text in the stack file, where anyone who can read the file can use it",
                f"create a new one and encrypt it: `pulumi config set --secret --path '{NAMESPACE}{place}'`",
            )


def region_of(file: StackFile, config: Mapping[str, Any] | None = None) -> str:
    """Return the Region of a stack: its own, or that of the environment variables.

    Args:
        file: the stack file.
        config: the configuration, if it is not only that of the file.

    Raises:
        NotFound: neither sets one.
    """
    region = region_in(file.config if config is None else config)
    if not region:
        raise NotFound(f"{file.path.name}: no Region is set; add `aws:region: us-east-1` under `config:`")
    return str(region)


def rehearse_program(
    program: Program | Path | str,
    *,
    preview: bool = False,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    project: str = "project",
    stack: str = "dev",
    account: str = ACCOUNT,
    region: str = "us-east-1",
    stack_references: Mapping[str, Any] | None = None,
    assume: Collection[str] = (),
) -> Report:
    """Run any Pulumi program against an embedded AWS: a function, or a project's folder.

    Args:
        program: a function that creates resources, or the folder of a Pulumi project, whose stack file is read.
        preview: whether to plan resources instead of creating them. Values that only AWS can provide are unknown to the
            program, and `UNKNOWN_VALUE` in the report.
        config: configuration by key; keys without a namespace belong to the project. Maps and lists are allowed.
        secrets: secret configuration by key.
        project: the project's name, for a function.
        stack: the stack's name.
        account: the account id of the embedded AWS, twelve digits.
        region: the Region, for a function, if `config` has no `aws:region`.
        stack_references: the source of `pulumi.StackReference` outputs, by the name that the program uses: a mapping of
            outputs, a JSON file of them, or the folder of a project to rehearse.
        assume: ARNs of roles, users and keys that already exist.

    Returns:
        The resources with URNs, inputs, outputs and options, the stack's outputs, and the problems found.

    Raises:
        EcrStackError: AWS would reject a resource, or there is no such project or stack.
        Exception: any exception that the function raises.
    """
    if not callable(program):
        return rehearse(
            stack,
            Path(program),
            account=account,
            preview=preview,
            config=config,
            secrets=secrets,
            stack_references=stack_references,
        )
    values = {"aws:region": region, **_configuration(config or {}, project)}
    hidden = _configuration(secrets or {}, project)
    report = Report(stack=stack, project=project, account=account, region=values["aws:region"], preview=preview)
    references = StackReferences(None, stack, account, stack_references or {})
    _rehearse(report, program, {**values, **hidden}, hidden, references, assume=assume)
    return report


def _configuration(config: Mapping[str, Any], project: str) -> dict[str, str]:
    """Convert configuration to what a program reads: keys with a namespace, values as strings, maps and lists as JSON."""
    return {
        key if ":" in key else f"{project}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }


def _rehearse(
    report: Report,
    program: Program,
    config: Mapping[str, str],
    secret_keys: Collection[str],
    references: StackReferences,
    progress: Callable[[int], None] | None = None,
    *,
    project: Project | None = None,
    assume: Collection[str] = (),
    aws: EmbeddedAws | None = None,
) -> None:
    """Run a program and complete the report."""
    began = time.perf_counter()
    secrets = Secrets(_secret_texts(config[key] for key in secret_keys))
    profile = config.get("aws:profile")
    with (
        EmbeddedAws(account=report.account, region=report.region) if aws is None else nullcontext(aws) as deployed,
        embedded_environment(deployed, report.region, profile) as variables,
        _undisturbed(variables),
    ):
        report.assumed = [*(arn for arn in assume if deployed.suppose(arn)), *_suppose(config, deployed)]
        provider = Provider(deployed).configured(
            {
                key.removeprefix("aws:"): value
                for key, value in config.items()
                if key in ("aws:region", "aws:defaultTags")
            }
        )
        recorder = Recorder(provider, progress, preview=report.preview, references=references, secrets=secrets)
        try:
            run_program(
                program,
                recorder,
                project=report.project,
                stack=report.stack,
                organization="organization",
                preview=report.preview,
                config=config,
                secret_keys=secret_keys,
                interrupted=end_commands,
            )
        except Exception as error:
            refusal = _refusal_in(error)
            if refusal is not None:
                raise refusal from None
            raise
        report.calls = dict(sorted(deployed.calls.items()))
    resources = in_order(list(recorder.records.values()))
    report.resources = [recorder.shown[resource.urn] for resource in resources]
    report.outputs = dict(sorted(recorder.exports.items()))
    place = {"account": report.account, "region": report.region}
    report.scanning = {there: dict(found) for there, found in scan_frequencies(resources, **place).items()}
    report.warnings += [
        *scan_warnings(resources, **place),
        *(f"--stack-reference {name}: the program reads no stack of this name" for name in references.unread()),
    ]
    report.unchecked = list(recorder.unchecked.values())
    report.settings = {key: _parsed(config[key]) for key in _SETTINGS if key in config}
    report.provider = _provider_settings(config, secret_keys)
    violations = [] if report.preview else list(undeclared_orders(resources))
    if project is not None:
        violations += _guardrails(project, report, resources, config)
    report.violations = [
        Violation(each.policy, each.level, each.urn, secrets.hidden_in_text(each.message)) for each in violations
    ]
    report.seconds = time.perf_counter() - began


_SETTINGS = (
    "ecr-stack:environment", "ecr-stack:trusted", "ecr-stack:tagSchemes", "aws:allowedAccountIds", "aws:forbiddenAccountIds",
)  # fmt: skip
"""The settings of `Report.settings`."""


_CREDENTIALS = frozenset({"accessKey", "secretKey", "token", "assumeRoleWithWebIdentities", "httpProxy", "httpsProxy"})
"""Keys of the AWS provider whose values may be credentials."""
_SHOWN = frozenset({"allowedAccountIds", "forbiddenAccountIds", "defaultTags", "region"})
"""Keys of the AWS provider that are visible in settings or resources."""


def _provider_settings(config: Mapping[str, str], secret_keys: Collection[str]) -> dict[str, Any]:
    """The AWS provider settings of a stack file, without possible credentials."""
    found = {}
    for key, value in sorted(config.items()):
        namespace, _, name = key.partition(":")
        if namespace == "aws" and name not in _SHOWN:
            found[key] = "(set)" if key in secret_keys or name in _CREDENTIALS else _parsed(value)
    return found


def _parsed(value: str) -> Any:
    """A configuration value, parsed if it is a JSON list or map."""
    try:
        return json.loads(value) if value.lstrip()[:1] in ("[", "{") else value
    except (ValueError, RecursionError):
        return value


def _secret_texts(values: Iterator[str]) -> frozenset[str]:
    """The secret strings in configuration values: each whole value, and the strings in it if it is JSON."""
    texts: set[str] = set()
    for value in values:
        if ENCRYPTED in value:
            # the rest of a map with an encrypted value is not secret
            texts.add(ENCRYPTED)
            continue
        texts.add(value)
        with contextlib.suppress(ValueError, RecursionError):
            texts.update(_strings(json.loads(value)))
    return frozenset(texts)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _main(project: Project) -> None:
    """Run the `__main__.py` of a project."""
    try:
        runpy.run_path(str(project.program), run_name="__main__")
    except SystemExit as error:
        if error.code not in (None, 0):
            raise ProgramFailed(f"the program ended with sys.exit({error.code!r})") from None


@contextmanager
def _failures_told(project: Project) -> Iterator[None]:
    """Convert an exception of a project's program into an error message for users."""
    try:
        yield
    except EcrStackError:
        raise
    except pulumi.RunError as error:
        raise ProgramFailed(str(error)) from None
    except Exception as error:
        raise ProgramFailed(_where(error, project)) from error


def _refusal_in(error: BaseException) -> EcrStackError | None:
    """Find the refusal that an error came from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, EcrStackError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def _where(error: BaseException, project: Project) -> str:
    """Return what a program's own error is, and on which of its lines it arose."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if project.directory in file.parents and ".venv" not in file.parts:
            line = f" ({file.relative_to(project.directory)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return f"the program failed: {type(error).__name__}: {error}{line}"


@contextmanager
def _undisturbed(variables: Mapping[str, str]) -> Iterator[None]:
    """Restore the process afterwards, and pause the garbage collector, which takes half the time of a large stack.

    While the program runs, it can reach only the embedded AWS, and its output goes to standard error: standard output is
    for the report.
    """
    path, directory, environment, enabled = list(sys.path), Path.cwd(), dict(os.environ), gc.isenabled()
    gc.disable()
    for name in [name for name in os.environ if name.startswith(AWS_VARIABLES)]:
        del os.environ[name]
    os.environ.update(variables)
    # Commands of the program find the `ecr-stack` of this environment, as if the environment were active.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    try:
        with without_stack_traces(), _output_on_standard_error():
            yield
    finally:
        if enabled:
            # Freeze the objects created: otherwise the next allocation would scan all of them.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
        sys.path[:] = path
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _output_on_standard_error() -> Iterator[None]:
    """Redirect the output of the program and its child processes to standard error."""
    real = sys.stdout is sys.__stdout__
    if real:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if real:
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def _own_modules(folder: Path) -> Iterator[None]:
    """Let a project import its own modules, and unload them afterwards: another project may use the same names."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if _is_in(sys.modules[name], folder) and name.split(".")[0] != __name__.split(".", maxsplit=1)[0]:
                del sys.modules[name]


def _is_in(module: ModuleType, folder: Path) -> bool:
    file = Path(getattr(module, "__file__", None) or "/")
    return folder in file.parents and "site-packages" not in file.parts


_SHORT_ROLE = re.compile(r'"((?:role|user)/[\w+=,.@/-]+)"')


def _suppose(config: Mapping[str, str], aws: EmbeddedAws) -> list[str]:
    """Let everything exist that the configuration assumes to exist: keys and principals that it names."""
    supposed: dict[str, None] = {}
    for key, text in config.items():
        if key.startswith("aws:"):
            continue
        for match in (*KMS_KEY_ARN.finditer(text), *SECRET_ARN.finditer(text)):
            supposed[match[0]] = None
        supposed.update(dict.fromkeys(named_principals(text)))
        for match in _SHORT_ROLE.finditer(text):
            supposed[f"arn:{partition_of(aws.region)}:iam::{aws.account}:{match[1]}"] = None
    for name in _node_roles(config.get("ecr-stack:nodes", "")):
        supposed[f"arn:{partition_of(aws.region)}:iam::{aws.account}:role/{name}"] = None
    return [arn for arn in supposed if aws.suppose(arn)]


def _node_roles(text: str) -> list[str]:
    """The roles of nodes that are written as plain names, which mean roles only there."""
    try:
        roles = json.loads(text)["roles"]
    except (ValueError, KeyError, TypeError):
        return []
    names = roles if isinstance(roles, list) else []
    return [name for name in names if isinstance(name, str) and re.fullmatch(r"[\w+=,.@-]{1,64}", name, re.ASCII)]


def _guardrails(
    project: Project, report: Report, resources: Sequence[ResourceRecord], stack_config: Mapping[str, str]
) -> list[Violation]:
    """Run the project's own policy pack on the resources, if there is one."""
    folder = project.directory / "policies"
    if not (folder / "guardrails").is_dir():
        if (folder / "PulumiPolicy.yaml").is_file():
            reason = "the policy pack has no folder `guardrails`; run it with `pulumi preview --policy-pack policies`"
            report.unchecked.append(Unchecked("", str(folder.name), reason))
        return []
    with _pack_of(folder) as check:
        config = _guardrail_config(folder / "config.json", check)
        report.guardrails = config or {}
        found = check.violations(
            [_policy_resource(record) for record in resources],
            stack=report.stack,
            config=config,
            stack_config=stack_config,
        )
    return [Violation(**{key: item[key] for key in ("policy", "level", "urn", "message")}) for item in found]


_packs: dict[Path, dict[str, ModuleType]] = {}
"""The modules of the guardrails of each project, by folder."""


@contextmanager
def _pack_of(folder: Path) -> Iterator[Any]:
    """Import the guardrails of a project; those of other projects have the same module names."""
    others = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "guardrails"}
    own = others if _is_in(others.get("guardrails", ModuleType("")), folder) else _packs.get(folder, {})
    sys.modules.update(own)
    sys.path.insert(0, str(folder))
    try:
        with needing_extra():
            check = importlib.import_module("guardrails.check")
        yield check
    except MissingExtra:
        raise
    except ImportError as error:
        raise NotFound(f"the guardrails in {folder} cannot be loaded: {error}") from None
    finally:
        sys.path.remove(str(folder))
        loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "guardrails"}
        _packs[folder] = loaded
        sys.modules.update(others or loaded)


def _guardrail_config(file: Path, check: Any) -> Any:
    """Read the file for `pulumi preview --policy-pack-config`, if the project has it beside its pack.

    Raises:
        InvalidInput: it is not JSON, or says what no policy understands.
    """
    if not file.exists() and not file.is_symlink():
        return None
    twice: list[str] = []
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        rule = f"cannot be read: {error.strerror}"
        raise InvalidInput(str(file), [Problem("the file", None, rule, "write a file, or remove it")]) from None
    except UnicodeError as error:
        raise InvalidInput(str(file), [Problem("the file", None, f"must be UTF-8: {error}", "save it so")]) from None
    try:
        config = json.loads(text, object_pairs_hook=partial(_without_repetition, twice))
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "the file"
        remedy = 'write an object such as {"keys-rotate": "advisory"}, without comments or trailing commas'
        raise InvalidInput(str(file), [Problem(place, None, f"must be JSON: {error}", remedy)]) from None
    wrong = [Problem(key, key, "the key is there twice in one object", "remove one of the two") for key in twice]
    wrong += [Problem(each.place or "the file", each.value, each.rule, each.remedy) for each in check.mistakes(config)]
    if wrong:
        raise InvalidInput(str(file), wrong)
    return config


def _without_repetition(twice: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members, and note the keys that it has twice: only the last one counts to the engine."""
    counts = Counter(key for key, _ in pairs)
    twice += [key for key, count in counts.items() if count > 1]
    return dict(pairs)


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
