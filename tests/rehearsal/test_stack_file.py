"""Projects and stack files are read as Pulumi reads them, and what is no project or stack file is said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_stack.errors import EcrStackError, InvalidInput, NotFound
from ecr_stack.project.stack_file import StackFile, read_project, read_stack

PROJECT_FILE = """
name: registry
runtime: python
config:
  environment: {type: string}
  repositories: {type: object}
  tags: {type: object, default: {Team: platform}}
"""


def read(folder: Path, stack_file: str, project_file: str = PROJECT_FILE) -> StackFile:
    (folder / "Pulumi.yaml").write_text(project_file)
    (folder / "Pulumi.test.yaml").write_text(stack_file)
    return read_stack(read_project(folder), "test")


GOOD = "config:\n  registry:environment: dev\n  registry:repositories: {api: {}}\n"


def test_values_reach_the_program_as_pulumi_hands_them_over(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  aws:region: us-east-1\n  registry:count: 7\n  registry:on: true\n")
    assert file.config == {
        "registry:tags": '{"Team": "platform"}',
        "registry:environment": "dev",
        "registry:repositories": '{"api": {}}',
        "aws:region": "us-east-1",
        "registry:count": "7",
        "registry:on": "true",
    }


def test_a_key_without_a_namespace_is_the_projects(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  extra: 1\n")
    assert file.config["registry:extra"] == "1"


def test_yes_and_dates_are_texts_as_in_pulumi(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  registry:list: [yes, on, 2024-01-01, 0x10, true, null]\n")
    assert json.loads(file.config["registry:list"]) == ["yes", "on", "2024-01-01", 16, True, None]


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("config:\n  a: [1\n", "line 3", "not YAML"),
        ("config:\n  registry:environment: a\n  registry:environment: b\n", "line 3", "stands twice"),
        ("- 1\n", "(the file)", "map"),
        ("config: []\n", "config", "map"),
        ("config:\n  registry:environment: dev\n", "registry:repositories", "requires"),
        ("config:\n  registry:environment: [a]\n  registry:repositories: {}\n", "registry:environment", "text"),
        ("config:\n  registry:environment: dev\n  registry:repositories: [a]\n", "registry:repositories", "map"),
        (GOOD + "  registry:tags: {secure: AAAB}\n", "registry:tags", "encrypted"),
        ("\tconfig: 1\n", "line 1", "not YAML"),
    ],
)
def test_a_file_that_pulumi_would_refuse_is_refused(tmp_path: Path, text: str, place: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, text)
    assert any(place in problem.place and rule in problem.rule for problem in caught.value.problems), caught.value


def test_an_unknown_stack_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    with pytest.raises(NotFound, match="did you mean test"):
        read_stack(read_project(tmp_path), "tset")


def test_a_folder_without_a_project_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"Pulumi\.yaml"):
        read_project(tmp_path)


def test_the_project_is_found_from_a_folder_inside_it(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    (tmp_path / "docs").mkdir()
    assert read_project(tmp_path / "docs").directory == tmp_path.resolve()


def test_stack_files_may_stand_in_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.test.yaml").write_text(GOOD)
    (tmp_path / "Pulumi.yaml").write_text(PROJECT_FILE + "stackConfigDir: stacks\n")
    assert read_stack(read_project(tmp_path), "test").config["registry:environment"] == "dev"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_give_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("project")
    (folder / "Pulumi.yaml").write_text(PROJECT_FILE)
    (folder / "Pulumi.test.yaml").write_bytes(data)
    with pytest.raises(EcrStackError):
        read_stack(read_project(folder), "test")
