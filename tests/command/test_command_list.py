"""The list of commands, help, completion and near misses, as somebody at a terminal meets them."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from ecr_stack.cli.app import COMMANDS, app
from ecr_stack.cli.listing import Column, lay_out

Make = Callable[[dict[str, Any]], Path]
CONFIG = {"aws:region": "us-east-1", "ecr-stack:environment": "test", "ecr-stack:repositories": {"api": {}}}
COMMAND = Path(sys.executable).parent / "ecr-stack"


def run(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_help_imports_no_command() -> None:
    program = (
        "import sys\nsys.argv = ['ecr-stack', '--help']\nfrom ecr_stack.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = ('pydantic', 'boto3', 'pulumi', 'yaml', 'rich', 'moto')\n"
        "print(sorted(name for name in sys.modules if name in heavy or name.startswith('ecr_stack.')), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == str(
        ["ecr_stack.cli", "ecr_stack.cli.app", "ecr_stack.cli.formats", "ecr_stack.errors"]
    )
    for row in COMMANDS:
        if " " not in row.words:
            assert re.search(rf"^  {row.words} +\S", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("words", [row.words for row in COMMANDS])
def test_help_cuts_no_option_and_flags_take_no_value(words: str) -> None:
    done = run(*words.split(), "--help")
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stdout
    assert "<bool>" not in done.stdout
    assert re.search(r"^  -h, --help", done.stdout, re.MULTILINE)


def _commands(command: Any, *words: str) -> Iterator[tuple[str, Any]]:
    yield " ".join(words), command
    for name, inner in dict(getattr(command, "commands", None) or {}).items():
        yield from _commands(inner, *words, name)


def test_every_value_has_a_name_of_its_own_and_every_stack_a_short_flag() -> None:
    for words, command in _commands(typer.main.get_command(app), "ecr-stack"):
        context = typer.Context(command, info_name=words)
        records = [record for each in command.params if (record := each.get_help_record(context))]
        for spelled, text in records:
            assert text.strip(), f"{words} {spelled}"
            assert not re.search(r"<(str|int|float|path|list.*|int range)>", spelled), f"{words} {spelled}"
            assert not spelled.startswith("--stack "), f"{words} {spelled}"


def test_help_is_a_command_too() -> None:
    assert run("help").stdout == run("--help").stdout
    assert run("help", "lifecycle", "guard").stdout == run("lifecycle", "guard", "--help").stdout


def test_the_version_has_a_short_flag() -> None:
    assert run("-V").stdout == run("--version").stdout
    assert run("-V").stdout.startswith("ecr-stack ")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("reherse",), "Did you mean 'rehearse'?"),
        (("plan",), "Did you mean 'lifecycle plan'?"),
        (("lifecycle", "forcast"), "Did you mean 'forecast'?"),
        (("access", "dev"), "Did you mean '--stack dev'?"),
        (("access", "./Pulumi.dev.yaml"), "Did you mean '--stack dev'?"),
        (("access", "--stak", "dev"), "--stack"),
        (("access", "--stack", "Pulumi.test.yaml"), "did you mean test?"),
        (("access", "--stack", "./Pulumi.test.yaml"), "did you mean test?"),
        (("access", "--stack", "tset"), "did you mean test?"),
        (("access", "--stack", "x" * 5000), "no stack `xxx"),
    ],
)
def test_what_is_nearly_right_is_answered_with_what_is_right(
    project: Make, arguments: tuple[str, ...], hint: str
) -> None:
    done = run(*arguments, folder=project(CONFIG))
    assert done.returncode == 2
    assert hint in done.stderr
    assert "mistake in ecr-stack" not in done.stderr
    assert done.stdout == ""


def complete(folder: Path, line: str) -> list[str]:
    environment = {"_ECR_STACK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return run(folder=folder, **environment).stdout.split()


def test_a_shell_completes_commands_options_and_stacks(project: Make) -> None:
    folder = project(CONFIG)
    assert complete(folder, "ecr-stack li") == ["lifecycle"]
    assert complete(folder, "ecr-stack lifecycle f") == ["forecast"]
    assert "--stack" in complete(folder, "ecr-stack access --st")
    assert complete(folder, "ecr-stack access --stack ") == ["test"]
    for words in ("login", "rehearse", "local", "images list", "repositories list", "lifecycle plan", "scan gate"):
        assert complete(folder, f"ecr-stack {words} --stack ") == ["test"], words


def test_outside_of_a_project_no_stack_is_completed(tmp_path: Path) -> None:
    assert complete(tmp_path, "ecr-stack access --stack ") == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_no_mistake_of_the_program() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([COMMAND, "schema"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "mistake in ecr-stack" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_that_is_too_wide_breaks_no_word_and_drops_only_what_is_empty() -> None:
    columns = [
        Column("repository", lambda row: row[0]),
        Column("platforms", lambda row: "[dim]–[/]"),
        Column("digest", lambda row: row[1]),
    ]
    rows = [("team/service-with-a-long-name", "sha256:c73a57fe8245"), ("a", "sha256:66c4bab0273a")]
    for width, shown in ((30, False), (100, True)):
        out = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
        lay_out(out, columns, rows)
        text = out.file.getvalue()
        assert all(word in text for row in rows for word in row)
        assert ("platforms" in text) is shown
        assert len(text.splitlines()) == 3
