"""Every `ecr-stack` and `make` command in the workflows and the documentation is one that there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.surface import commands
from tests.conftest import PROJECT

COMMANDS = commands()
FILES = [
    *sorted((PROJECT / ".github" / "workflows").glob("*.yml")),
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", ".ci/run")),
    *sorted((PROJECT / "docs").rglob("*.md")),
]
_ADDED = {"--help", "-h", "--install-completion", "--show-completion"}  # by typer
_ENDS = {">", ">>", "|", "||", "&&", ";", "<", "&", "#", "2>&1"}


def lines(text: str, program: str) -> Iterator[list[str]]:
    """The command lines of a program: whole lines, and what stands between backticks or quotes."""
    text = text.replace("\\\n", " ")
    spans = re.findall(r"`([^`\n]+)`", text) + re.sub(r"`[^`\n]+`", " ", text).splitlines()
    for span in spans:
        match = re.match(rf"\s*(?:- )?(?:run: )?(?:[$@] ?)*(?:\$\(BIN\)/|\.venv/bin/)?{program}(?![\w./:-])(.*)", span)
        if match is None:
            continue
        try:
            words = shlex.split(match[1], comments=True)
        except ValueError:
            continue  # a sentence with an apostrophe
        end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
        yield [word.rstrip(":;,.") if program == "make" else word for word in words[:end]]


def mistakes(words: list[str]) -> str | None:
    """What the command line takes amiss, without running it."""
    path = "ecr-stack"
    while words and f"{path} {words[0]}" in COMMANDS:
        path, words = f"{path} {words[0]}", words[1:]
    parameters = COMMANDS[path]
    group = any(name.startswith(f"{path} ") for name in COMMANDS)
    if group and words and not words[0].startswith("-"):
        return f"there is no command {words[0]}"
    options = {spelling: what for names, what in parameters.items() for spelling in names.split() if spelling[0] == "-"}
    places = sum(99 if what["many"] else 1 for name, what in parameters.items() if name[0] != "-")
    words = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while words:
        word, *words = words
        if not word.startswith("-"):
            places -= 1
            if places < 0:
                return f"{word} is one too many"
        elif word not in _ADDED:
            if word not in options:
                return f"there is no option {word}"
            takes = options[word]["takes"]
            if takes != "nothing" and words:  # without a value the option is only spoken of
                value, *words = words
                if isinstance(takes, list) and value not in takes and not value.isupper():
                    return f"{word} is not {value}"
    return None


def found(program: str) -> list[Any]:
    return [
        pytest.param(words, id=f"{file.name}: {' '.join(words)}"[:90])
        for file in FILES
        if file.exists()
        for words in lines(file.read_text(), program)
    ]


@pytest.mark.parametrize("words", found("ecr-stack"))
def test_a_command_that_is_written_down_exists(words: list[str]) -> None:
    assert mistakes(words) is None


@pytest.mark.parametrize("words", found("make"))
def test_a_target_that_is_written_down_exists(words: list[str]) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (PROJECT / "Makefile").read_text()))
    asked = [word for word in words if re.fullmatch(r"[a-z-]+", word)]
    assert not asked or asked[0] in targets


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("ecr-stack rehears", "there is no command rehears"),
        ("- run: .venv/bin/ecr-stack review --bas ../base > report.md", "there is no option --bas"),
        ("ecr-stack rehearse --format yaml", "--format is not yaml"),
        ("ecr-stack rehearse prod", "prod is one too many"),
        ("ecr-stack lifecycle lint one.json two.json", "two.json is one too many"),
        ("ecr-stack rehearse --stack prod --format markdown  # for a comment", None),
    ],
)
def test_a_mistake_in_a_command_is_found(line: str, mistake: str | None) -> None:
    (words,) = lines(line, "ecr-stack")
    assert mistakes(words) == mistake


def test_the_workflows_run_the_commands_that_are_looked_for() -> None:
    runs = [
        step["run"]
        for file in sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
        for job in yaml.safe_load(file.read_text())["jobs"].values()
        for step in job.get("steps", [])
        if "ecr-stack" in step.get("run", "")
    ]
    assert runs
    for run in runs:
        assert list(lines(run, "ecr-stack")), run


def test_documentation_is_looked_through() -> None:
    assert len(found("ecr-stack")) > 20
    assert Path("README.md") in {file.relative_to(PROJECT) for file in FILES}
