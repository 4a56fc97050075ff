"""The `ecr-stack` command: its subcommands, error messages and exit codes.

Each command is one file with one row in `COMMANDS`. To add `ecr-stack NAME`:

1. Write `ecr_stack/cli/NAME.py` with a function `command` whose parameters are annotated for typer. For a group of
   commands (`images list`, `images prune`), write a `typer.Typer()` called `app` instead.
2. Add the row `Row("NAME", "NAME", "What it does, in one line.")` to `COMMANDS`: the command, its module in
   `ecr_stack.cli` and its line in the help. A row `Row("images list", "images_list", …)` adds a command to a group.

A module is imported when its command runs, never for `--help`, for completion or for another command, so it may
import what it needs at the top. For an option `--stack`, use the annotation `StackName` from `ecr_stack.cli.stacks`: it
completes stack names in a shell.

Exit codes: 0 success; 1 a negative result (a violation, a closed gate, a lint error); 2 the command cannot run (an
invalid stack file, an unknown stack or repository). Users never see a traceback.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Iterator, MutableMapping
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperGroup

from ecr_stack.errors import EcrStackError

__all__ = ["COMMANDS", "Row", "app", "main"]


class Row(NamedTuple):
    """One command, or one group of commands."""

    words: str
    """The words after `ecr-stack` on the command line, e.g. `lifecycle guard`."""
    module: str
    """The module in `ecr_stack.cli` with its function `command`, or its `typer.Typer` called `app`."""
    help: str
    """One line for the list of commands; the function's docstring is the command's own help."""


COMMANDS = (
    Row("init", "init", "Write a new stack file, or one for an existing registry."),
    Row("schema", "schema", "Print the format of stack files."),
    Row("rehearse", "rehearse", "Run the whole program for a stack against an embedded AWS."),
    Row("review", "review", "Show what a change does to every stack, as a Markdown document."),
    Row("access", "access", "Report who can do what on each repository in a stack."),
    Row("lifecycle", "lifecycle", "Preview what lifecycle policies do."),
    Row("lifecycle guard", "guard", "Count the images that a lifecycle policy would remove, and fail above a limit."),
    Row("lifecycle plan", "plan", "List the images in ECR that a stack's lifecycle rules would remove."),
    Row("replication", "replication", "Show replication to other Regions and accounts, and copy missing images."),
    Row("local", "local", "Run a local registry for docker, podman, skopeo, crane and the AWS CLI."),
    Row("repositories", "repositories", "List the repositories of a live registry."),
    Row("images", "images", "List, show, remove, tag and restore the images of a live registry."),
    Row("login", "login", "Log docker, podman, skopeo or finch in to a registry."),
    Row("cost", "cost", "Show the cost of a registry and the size of its images."),
    Row("doctor", "doctor", "Check a live registry against its stack and best practices."),
    Row("scaffold", "scaffold", "Write a pipeline or a Dockerfile for an application."),
    Row("lifecycle forecast", "forecast", "Predict images, storage and cost over time."),
    Row("scan", "scan", "Show scan findings, and gate pipelines on them."),
)

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_WIDTH = 100
"""The maximum width of help: text is wrapped, but options and their values are never truncated."""


class _Group(TyperGroup):
    """A group of commands, each of which is imported when it is used."""

    prefix = ""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(self.prefix, dict(self.commands))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(name)) for name in self.list_commands(ctx)])

    def _line(self, name: str) -> str:
        row = _row(f"{self.prefix} {name}".strip())
        return row.help if row else self.commands[name].get_short_help_str(limit=1000)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of the base class
        return list(self.commands)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        from typer._click.shell_completion import CompletionItem

        names = [name for name in self.commands if name.startswith(incomplete)]
        # the options, which the base class's base class handles
        options = super(TyperGroup, self).shell_complete(ctx, incomplete)
        return [*(CompletionItem(name, help=self._line(name)) for name in names), *options]

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        if args[0] == "help" and not self.prefix:
            if args[1:]:
                return self.resolve_command(ctx, [*args[1:], "--help"])
            typer.echo(ctx.get_help())
            raise typer.Exit
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            longer = [row.words for row in COMMANDS if row.words.split()[-1] == args[0] and " " in row.words]
            if longer and not self.prefix:
                error.message = f"No such command '{args[0]}'. Did you mean '{longer[0]}'?"
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            _add_hint(error)
            raise


class _Commands(MutableMapping[str, Any]):
    """The commands of a group by name: those in its `typer.Typer`, and those with their own row."""

    def __init__(self, prefix: str, known: dict[str, Any]) -> None:
        self._prefix, self.known = prefix, known
        rows = [row.words.removeprefix(prefix).strip() for row in COMMANDS if row.words.startswith(prefix)]
        self._names = list(dict.fromkeys([*known, *(name for name in rows if name and " " not in name)]))

    def __getitem__(self, name: str) -> Any:
        if name not in self.known:
            row = _row(f"{self._prefix} {name}".strip())
            if row is None:
                raise KeyError(name)
            self.known[name] = _load(row)
        return self.known[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self.known[name] = command
        if name not in self._names:
            self._names.append(name)

    def __delitem__(self, name: str) -> None:
        self.known.pop(name, None)
        self._names.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _row(words: str) -> Row | None:
    return next((row for row in COMMANDS if row.words == words), None)


def _load(row: Row) -> Any:
    module = importlib.import_module(f"ecr_stack.cli.{row.module}")
    name = row.words.split()[-1]
    inner: typer.Typer | None = getattr(module, "app", None)
    if inner is None:
        inner = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_SETTINGS)
        inner.command(name)(module.command)
        loaded = typer.main.get_command(inner)
    else:
        inner.rich_markup_mode = None
        inner.info.name = name
        inner.info.help = inner.info.help if isinstance(inner.info.help, str) else row.help
        inner.info.cls = type("_Group", (_Group,), {"prefix": row.words})
        loaded = typer.main.get_group(inner)
    loaded.name = name
    commands = getattr(loaded, "commands", None)
    for command in [loaded, *(commands.known.values() if isinstance(commands, _Commands) else ())]:
        for parameter in command.params:
            _without_type(parameter)
    return loaded


def _without_type(parameter: Any) -> None:
    """Omit an argument's Python type from its help: its name says what it is, and its choices are listed."""
    if parameter.param_type_name == "argument" and not parameter.type_descriptor.is_choice:
        parameter.display_type_rich = lambda ctx: ""  # noqa: ARG005 - the signature of typer's method


def _add_hint(error: Any) -> None:
    """Suggest `--stack` for an unexpected argument that is a stack's or a stack file's name."""
    context = getattr(error, "ctx", None)
    words = error.message.partition("unexpected extra argument(s) (")[2].rstrip(")")
    options = {option for parameter in context.command.params for option in parameter.opts} if context else set()
    if words and "--stack" in options:
        stack = words.rpartition("/")[2].removeprefix("Pulumi.").removesuffix(".yaml")
        error.message = f"Unexpected argument '{words}'. Did you mean '--stack {stack}'?"


app = typer.Typer(
    name="ecr-stack",
    cls=_Group,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={**_SETTINGS, "max_content_width": _WIDTH},
)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"ecr-stack {importlib.metadata.version('ecr-stack')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A private container registry on Amazon ECR, from typed stack files."""


def main() -> NoReturn:
    """Run the command line: every expected error becomes a message and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        # A tag may contain characters that the terminal cannot show; they are shown as code points.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except EcrStackError as error:
        _say(str(error))
    except Exception as error:
        if os.environ.get("ECR_STACK_TRACEBACK"):
            raise
        _say(_explanation(error))
    sys.exit(2)


def _explanation(error: Exception) -> str:
    if isinstance(error, OSError):
        return _outside(error)
    return (
        f"this is a bug in ecr-stack, not in your files: {type(error).__name__}: {error}\n"
        "Please report it, with what ECR_STACK_TRACEBACK=1 prints."
    )


def _outside(error: OSError) -> str:
    """Describe a system error: a full disk, an unreadable file, a folder instead of a file."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or type(error).__name__}"


def _say(message: str) -> None:
    head, _, rest = message.partition("\n")
    # `echo` removes colours if the output is not a terminal
    typer.echo(typer.style("error: ", fg="red", bold=True) + typer.style(head, bold=True), err=True)
    if rest:
        typer.echo(rest, err=True)
