"""The pages of the reference that are the code's own words: the command line, the components, the doctor's checks.

python -m tests.documentation.reference_pages
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pulumi
import typer

import ecr_stack
from ecr_stack.cli import app
from ecr_stack.operations.doctor import CHECKS
from ecr_stack.operations.doctor import checks as registered
from tests.api.surface import component_schema
from tests.conftest import PROJECT

__all__ = ["pages"]

FOLDER = PROJECT / "docs" / "reference"
_BY = "<!-- Written by `make docs`. -->\n"


def pages() -> dict[str, str]:
    """The text of each page, by the name of its file."""
    return {"command-line.md": command_line(), "components.md": components(), "checks.md": checks()}


# The command line


def command_line() -> str:
    """Every command with its help, as `--help` prints it, without the terminal's width."""
    lines = [
        f"# The command line\n\n{_BY}",
        "`.venv/bin/ecr-stack` in this project's folder; `ecr-stack` in an activated environment.\n",
        "Exit codes: 0 success; 1 a negative result (a violation, a closed gate, a lint error, a failed check); 2 the "
        "command cannot run. Errors go to standard error. With `--format json`, standard output contains only the "
        "JSON.\n",
        "`ecr-stack --install-completion` sets up completion of commands, options and stack names for bash, zsh, fish "
        "or PowerShell; `ecr-stack --show-completion` prints the script instead. `ECR_STACK_TRACEBACK=1` shows the "
        "traceback of a bug in ecr-stack.\n",
    ]
    lines += _commands(typer.main.get_command(app), "ecr-stack")
    return "\n".join(lines)


def _commands(command: Any, path: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if not inner or getattr(command, "invoke_without_command", False):
        yield f"## `{path}`\n"
        yield inspect.cleandoc(command.help or "").replace("\b\n", "") + "\n"
        context = typer.Context(command, info_name=path)
        records = [parameter.get_help_record(context) for parameter in command.params if parameter.name != "help"]
        rows = [f"| {_option(left)} | {_cell(right)} |" for left, right in filter(None, records)]
        if rows:
            yield "\n".join(["| option | |\n| --- | --- |", *rows]) + "\n"
    for name, one in (inner or {}).items():
        yield from _commands(one, f"{path} {name}")


def _option(text: str) -> str:
    """`--format <text|json>` without a `|` in code, which Markdown's tables read in different ways."""
    spelled, _, choices = text.partition(" <")
    if "|" not in choices:
        return f"`{text}`"
    return f"`{spelled}` " + ", ".join(f"`{each}`" for each in choices.rstrip(">").split("|"))


# Components


def components() -> str:
    """Every component: what it makes, its arguments, its outputs, its methods."""
    resources = component_schema()["resources"]
    lines = [
        f"# Components\n\n{_BY}",
        "A component's constructor is `(name, args, opts)`, as in "
        '`Repository("api", {"tag_mutability": "IMMUTABLE"})`. `args` is a dictionary whose type is the component\'s '
        "`…Args`. Values may be Outputs of other resources, except the structural ones, which decide which resources "
        "exist. `opts` is Pulumi's `ResourceOptions`; `protect`, `depends_on`, aliases and providers reach every child.\n",
        "In Python, arguments use underscores; in YAML, TypeScript, Go, .NET and Java, they are spelled as in [the "
        "stack file](stack-file.md), which describes each key.\n",
    ]
    for name in ecr_stack.__all__:
        thing = getattr(ecr_stack, name)
        if isinstance(thing, type) and issubclass(thing, pulumi.ComponentResource):
            lines += _component(name, thing, resources.get(f"ecr-stack:index:{name}", {}))
    return "\n".join(lines)


def _component(name: str, thing: Any, schema: dict[str, Any]) -> Iterator[str]:
    yield f"## `{name}`\n"
    yield _prose(inspect.getdoc(thing) or "") + "\n"
    required = set(schema.get("requiredInputs", ()))
    described = schema.get("inputProperties", {})
    if described:
        yield "| argument | |\n| --- | --- |"
        for key, property_ in described.items():
            text = _cell(property_.get("description", ""))
            yield f"| `{_snake(key)}`{' (required)' if key in required else ''} | {text} |"
        yield ""
    outputs = [key for key in thing.__annotations__ if not key.startswith("_") and key.islower()]
    if outputs:
        yield "Outputs: " + ", ".join(f"`{key}`" for key in outputs) + ".\n"
    for method, function in vars(thing).items():
        if method.startswith("_") or not inspect.isfunction(function):
            continue
        yield f"- `{method}{_signature(function)}`: {_prose(inspect.getdoc(function) or '').splitlines()[0]}"
    yield ""


def _signature(function: Any) -> str:
    names = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    return "(" + ", ".join(each.name + ("=…" if each.default is not each.empty else "") for each in names) + ")"


def _snake(key: str) -> str:
    if key == "import":  # a keyword of Python
        return "import_existing"
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), key)


def _prose(text: str) -> str:
    """A docstring without its sections on arguments and errors."""
    return re.split(r"\n\s*(?:Args|Raises|Returns|Yields|Attributes):", text)[0].strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# The doctor


def checks() -> str:
    """Every check of `ecr-stack doctor`, in its order."""
    lines = [
        f"# Checks of the doctor\n\n{_BY}",
        "`ecr-stack doctor --stack prod` checks a live registry against its stack and best practices. A check is "
        "`pass`, `fail` or `unknown`; if something cannot be read, the check is never `pass`. The exit code is 1 if "
        "one fails. To run it, see [health](../how-to/images.md#health).\n",
        "| check | passes if | fix | source |\n| --- | --- | --- | --- |",
    ]
    assert registered  # importing the module registers them
    lines += [
        f"| `{each.name}` | {_cell(each.sentence)} | {_cell(each.remedy)} | [AWS]({each.source}) |" for each in CHECKS
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
