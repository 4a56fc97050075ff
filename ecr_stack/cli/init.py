"""`ecr-stack init`: writes a minimal stack file, or one for an existing registry."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from ecr_stack.cli.listing import note
from ecr_stack.errors import InvalidInput, NotFound, Problem, Unavailable
from ecr_stack.project.provider_settings import region_in
from ecr_stack.project.stack_file import Project, read_project
from ecr_stack.schema.stack import NAMESPACE, stack_settings_of

__all__ = ["command"]

_SCHEMA = "schema/stack.schema.json"
_PACK = "policies"
_PROJECT = """name: registry
description: A private container registry on Amazon ECR
runtime: python
"""
_PROGRAM = '''"""The registry of one environment, as its stack file describes it."""

import pulumi

from ecr_stack import Registry, stack_settings

settings = stack_settings()
registry = Registry(settings.environment, settings)

for name, value in registry.outputs().items():
    pulumi.export(name, value)
'''


def command(
    stack: Annotated[
        str, typer.Option("--stack", "-s", metavar="NAME", help="The new stack: NAME in Pulumi.NAME.yaml.")
    ] = "dev",
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="SLUG", help="The environment. Default: the stack's name.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option("--region", metavar="REGION", help="The Region. Default: AWS_REGION, or us-east-1."),
    ] = None,
    repositories: Annotated[
        list[str] | None,
        typer.Option("--repository", "-r", metavar="NAME", help="A repository. Repeatable. Default: api."),
    ] = None,
    from_account: Annotated[
        bool,
        typer.Option("--from-account", help="Export the existing registry, with the AWS credentials. Read-only."),
    ] = False,
    print_: Annotated[bool, typer.Option("--print", help="Print the stack file without writing files.")] = False,
) -> None:
    """Write a minimal stack file, or one for an account's existing registry.

    Nothing is overwritten. In a folder without a Pulumi project, this also writes the project, its program, and the
    guardrails (the folder `policies`), which a rehearsal runs without further setup.

    --from-account reads the repositories in the Region with their encryption, mutability, scanning, lifecycle, policy
    and tags, and the registry's replication, policy and scanning. Each repository gets `import: true`, so that Pulumi
    adopts it. Comments list what a stack file cannot express, which stays unchanged in ECR. No guardrails are written,
    because an existing registry may violate many of them.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", stack):
        rule = "a stack name must be 1 to 100 letters, digits, `_`, `.` and `-`"
        raise InvalidInput("the command line", [Problem("--stack", stack, rule, "use a name such as `dev`")])
    folder = Path.cwd()
    try:
        project: Project | None = read_project(folder)
    except NotFound:
        project = None
    named = environment or re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-") or "dev"
    if from_account:
        if repositories:
            rule, remedy = "--from-account always exports all repositories", "omit --repository or --from-account"
            raise InvalidInput("the command line", [Problem("--repository", repositories[0], rule, remedy)])
        files = _files(project, folder, stack, "")
        _refuse_to_overwrite(files, print_)
        config, notes = _live(region, named)
    else:
        config, notes = _smallest(region, named, repositories or ["api"]), ()
    files = _files(project, folder, stack, _text(config, notes, from_account))
    if print_:
        typer.echo(next(iter(files.values())), nl=False)
        return
    _refuse_to_overwrite(files, print_)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {os.path.relpath(path)}")
    top = project.directory if project is not None else folder
    if project is None and not from_account and not (top / _PACK).exists() and (pack := _guardrails()):
        for name, content in pack.items():
            path = top / _PACK / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        typer.echo(f"wrote {_PACK} (guardrails)")
    for each in notes:
        note(each)
    typer.echo(_next_steps(stack, guarded=(top / _PACK / "guardrails").is_dir()))


def _next_steps(stack: str, *, guarded: bool) -> str:
    steps = [
        (f"ecr-stack rehearse --stack {stack}", f"try it{', with the guardrails' if guarded else ''}"),
        ("ecr-stack review --base ../base", "see what a pull request changes"),
        (f"pulumi stack init {stack} && pulumi up", "deploy it"),
    ]
    width = max(len(step) for step, _ in steps)
    lines = ["next:", *(f"  {step:<{width}}  # {words}" for step, words in steps)]
    if guarded:
        lines.append(f"For `pulumi up --policy-pack {_PACK}`, see Guardrails in the documentation.")
    else:
        lines.append(f"There are no guardrails: see Guardrails in the docs for the folder {_PACK}.")
    return "\n".join(lines)


def _guardrails() -> dict[str, str]:
    """The files of the policy pack by their paths in it; empty if it is not installed.

    A wheel has it within the package; a checkout beside it.
    """
    package = Path(__file__).parents[1]
    for pack in (package / "scaffolds" / _PACK, package.parent / _PACK):
        if (pack / "guardrails" / "pack.py").is_file():
            return {
                path.relative_to(pack).as_posix(): _on_its_own(path.read_text(encoding="utf-8"))
                for path in sorted(_pack_files(pack))
            }
    return {}


def _pack_files(pack: Path) -> Iterator[Path]:
    for name in ("PulumiPolicy.yaml", "__main__.py", "requirements.txt"):
        yield pack / name
    yield from (pack / "guardrails").glob("*.py")


def _on_its_own(text: str) -> str:
    """A file of the pack for another project, where the engine finds the pack's environment in its own folder."""
    return re.sub(r"( *)# What `make setup` makes\..*\n *virtualenv: .*", r"\1virtualenv: .venv", text)


def _live(region: str | None, environment: str) -> tuple[dict[str, Any], Sequence[str]]:
    from ecr_stack.operations.adoption import read_registry, stack_file_of
    from ecr_stack.operations.live_registry import connect
    from ecr_stack.operations.sessions import ProviderSettings

    adoption = stack_file_of(read_registry(connect(ProviderSettings(), region)), environment)
    return adoption.config, adoption.notes


def _smallest(region: str | None, environment: str, repositories: Sequence[str]) -> dict[str, Any]:
    region = region or region_in({}) or "us-east-1"
    untagged = {"description": "Untagged images expire after a day", "untagged": True, "expireAfterDays": 1}
    settings = {
        "environment": environment,
        "repositoryDefaults": {"lifecycle": [untagged]},
        "repositories": {name: {} for name in repositories},
    }
    stack_settings_of(settings, source="the command line", region=region)
    return {"aws:region": region, **{NAMESPACE + key: value for key, value in settings.items()}}


def _files(project: Project | None, folder: Path, stack: str, text: str) -> dict[Path, str]:
    """The files to write, the stack file first."""
    if project is not None:
        schema = project.directory / _SCHEMA
        if schema.is_file():
            relative = os.path.relpath(schema, project.stack_folder)
            text = f"# yaml-language-server: $schema={Path(relative).as_posix()}\n{text}"
        return {project.stack_folder / f"Pulumi.{stack}.{project.extension}": text}
    return {folder / f"Pulumi.{stack}.yaml": text, folder / "Pulumi.yaml": _PROJECT, folder / "__main__.py": _PROGRAM}


def _refuse_to_overwrite(files: Mapping[Path, str], print_: bool) -> None:
    taken = [os.path.relpath(path) for path in files if path.exists()]
    if taken and not print_:
        raise Unavailable(
            f"{' and '.join(taken)} already exists, so nothing was written. Remove it, use --print, or choose another "
            "--stack"
        )


def _text(config: Mapping[str, Any], notes: Sequence[str], from_account: bool) -> str:
    lines = []
    if from_account:
        lines.append(
            "# Exported from the account. Rehearse it, check `pulumi preview`, run `pulumi up`, and remove `import: "
            "true`."
        )
    if notes:
        lines.append("# Not in this file:")
        lines += [f"# - {_one_line(each)}" for each in notes]
    body = yaml.dump({"config": dict(config)}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return "".join(f"{line}\n" for line in lines) + body


def _one_line(text: str) -> str:
    """Strip what would end the comment: YAML's line breaks and unprintable characters."""
    return "".join(each if each.isprintable() else " " for each in text)


class _Dumper(yaml.SafeDumper):
    """Quotes every string that Pulumi's YAML parser could interpret differently."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature of the base class
        """Write no aliases for equal settings."""
        return True


_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./:-]*( [A-Za-z0-9_./:()-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and ": " not in value and not value.endswith(":")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _string)
