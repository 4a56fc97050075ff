"""Projects and stack files are read as Pulumi reads them, and what is no project or stack file is said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_stack.errors import EcrStackError, InvalidInput, NotFound
from ecr_stack.project.stack_file import ENCRYPTED, StackFile, read_project, read_stack

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
        "registry:tags": '{"Team":"platform"}',
        "registry:environment": "dev",
        "registry:repositories": '{"api":{}}',
        "aws:region": "us-east-1",
        "registry:count": "7",
        "registry:on": "true",
    }


def test_a_key_without_a_namespace_is_the_projects(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  extra: 1\n")
    assert file.config["registry:extra"] == "1"


def test_yes_is_a_string_and_dates_and_numbers_are_what_pulumi_makes_of_them(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  registry:list: [yes, on, 2024-01-01, 0x10, true, null, 012, 0o17, 1e3, 089]\n")
    assert json.loads(file.config["registry:list"]) == [
        "yes", "on", "2024-01-01 00:00:00 +0000 UTC", 16, True, None, 10, 15, 1000, 89,
    ]  # fmt: skip
    assert {(each.place, each.line) for each in file.warnings} == {
        (f"registry:list[{index}]", 4) for index in (2, 3, 6, 7, 8, 9)
    }
    assert file.warnings[0].rule.endswith("the date 2024-01-01 00:00:00 +0000 UTC")


def test_the_keys_of_maps_are_sorted_as_the_engine_hands_them_on(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD + "  registry:map: {b: {d: 1, c: 2}, a: <&>}\n").config["registry:map"] == (
        '{"a":"<&>","b":{"c":2,"d":1}}'
    )


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("config:\n  a: [1\n", "line 3", "not YAML"),
        ("config:\n  registry:environment: a\n  registry:environment: b\n", "line 3", "twice"),
        ("- 1\n", "(the file)", "map"),
        ("config: []\n", "config", "map"),
        ("config:\n  registry:environment: dev\n", "registry:repositories", "requires"),
        ("config:\n  registry:environment: [a]\n  registry:repositories: {}\n", "registry:environment", "string"),
        ("config:\n  registry:environment: dev\n  registry:repositories: [a]\n", "registry:repositories", "map"),
        (GOOD + "  ecr-stack:tags: {secure: AAAB}\n", "ecr-stack:tags", "encrypted"),
        (GOOD + "  aws:regoin: us-east-1\n", "aws:regoin", "not a configuration key"),
        (GOOD + "---\nconfig: {}\n", "(the file)", "first document"),
        ("registry:environment: dev\n", "registry:environment", "under `config:`"),
        ("confg: {}\n", "confg", "not a known key"),
        ("config:\n  8080: a\n", "8080", "string"),
        ("config:\n  a:b:c: a\n", "a:b:c", "namespace:name"),
        ("config:\n  environment: a\n  registry:environment: b\n", "registry:environment", "same key"),
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


# Lines


def mistakes(folder: Path, stack_file: str, project_file: str = "name: registry\nruntime: python\n") -> str:
    with pytest.raises(InvalidInput) as caught:
        read(folder, stack_file, project_file)
    return str(caught.value)


OWN = """\
encryptionsalt: v1:abc
config:
  aws:region: us-east-1
  ecr-stack:environment: dev

  ecr-stack:repositories:
    # the gateway
    api:
      tagMutability: IMUTABLE
    worker:
      lifecycle:
        - description: Keep
          any: true
          keepLast: 0
"""


def test_every_mistake_has_its_line(tmp_path: Path) -> None:
    said = mistakes(tmp_path, OWN)
    assert "Pulumi.test.yaml: 2 errors" in said
    assert "Pulumi.test.yaml:9: ecr-stack:repositories.api.tagMutability" in said
    assert "Pulumi.test.yaml:14: ecr-stack:repositories.worker.lifecycle[0].keepLast: 0" in said
    assert said.index(":9:") < said.index(":14:")


def test_what_is_missing_has_the_line_of_what_it_is_missing_from(tmp_path: Path) -> None:
    said = mistakes(tmp_path, OWN + "  ecr-stack:replication:\n    rules:\n      - repositoryFilters: [api]\n")
    assert "Pulumi.test.yaml:17: ecr-stack:replication.rules[0].destinations\n  rule:   the key is required" in said


def test_a_key_of_the_project_is_located_without_its_namespace(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "config:\n  environment: {a: 1}\n  repositories: {}\n", PROJECT_FILE)
    assert "Pulumi.test.yaml:2: environment: {" in said


# What the engine changes


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("012345670123", "the number 1402433619"),
        ("012345678901", "the number 12345678901"),
        ("2024-01-01", "the date 2024-01-01 00:00:00 +0000 UTC"),
    ],
)
def test_a_value_that_the_engine_misreads_is_refused_with_the_digits_that_were_written(
    tmp_path: Path, written: str, becomes: str
) -> None:
    said = mistakes(tmp_path, f"config:\n  ecr-stack:tags:\n    Owner: {written}\n")
    assert f'Pulumi.test.yaml:3: ecr-stack:tags.Owner: "{written}"' in said
    assert becomes in said
    assert f'remedy: write "{written}", in quotes\n' in said + "\n"


def test_a_number_where_a_string_belongs_is_quoted_as_it_was_written(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "config:\n  ecr-stack:environment: dev\n  ecr-stack:tags: {Version: 1.10}\n")
    assert 'write "1.10", in quotes' in said
    assert "without quotes as the number 1.1" in said


# Encrypted values


def test_an_encrypted_value_is_a_placeholder_and_its_key_a_secret(tmp_path: Path) -> None:
    file = read(tmp_path, GOOD + "  registry:pw: {secure: AAAB}\n  registry:db: {user: me, pw: {secure: AAAC}}\n")
    assert file.config["registry:pw"] == ENCRYPTED
    assert json.loads(file.config["registry:db"]) == {"user": "me", "pw": ENCRYPTED}
    assert file.secret_keys == {"registry:pw", "registry:db"}


def test_a_plain_value_may_be_given_for_an_encrypted_one(tmp_path: Path) -> None:
    read(tmp_path, GOOD + "  registry:pw: {secure: AAAB}\n")
    file = read_stack(read_project(tmp_path), "test", secrets={"registry:pw": "hunter2"})
    assert (file.config["registry:pw"], file.secret_keys) == ("hunter2", {"registry:pw"})


# Pulumi.yaml


def test_values_of_the_project_for_other_namespaces_reach_the_program(tmp_path: Path) -> None:
    project = (
        "name: registry\nruntime: python\nconfig:\n  aws:region: {value: eu-west-1}\n  size: 3\n  aws:profile: x\n"
    )
    config = read(tmp_path, "config:\n  aws:profile: y\n", project).config
    assert config == {"aws:region": "eu-west-1", "registry:size": "3", "aws:profile": "y"}


@pytest.mark.parametrize(
    ("config", "place", "rule"),
    [
        ("  a: {type: array}\n", "config.a", "what its items are"),
        ("  aws:region: {type: string}\n", "config.aws:region", "must have only a `value`"),
        ("  aws:region: {default: x}\n", "config.aws:region", "must have only a `value`"),
        ("  a: {default: 1, value: 2}\n", "config.a", "both"),
        ("  a: {type: integer, default: x}\n", "config.a.default", "whole number"),
        ("  a: {typ: string}\n", "config.a.typ", "not a known key"),
        ("  a: {type: float}\n", "config.a.type", "not a Pulumi type"),
        ("  a: 2024-01-01\n", "config.a", "without quotes"),
    ],
)
def test_a_declaration_that_pulumi_refuses_is_refused(tmp_path: Path, config: str, place: str, rule: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: registry\nruntime: python\nconfig:\n{config}")
    with pytest.raises(InvalidInput) as caught:
        read_project(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.place, problem.line) == (place, 4)
    assert rule in problem.rule


def test_a_declared_secret_must_be_encrypted(tmp_path: Path) -> None:
    project = "name: registry\nruntime: python\nconfig:\n  pw: {type: string, secret: true}\n"
    assert "must be encrypted" in mistakes(tmp_path, "config:\n  pw: x\n", project)
    assert read(tmp_path, "config:\n  pw: {secure: AAAB}\n", project).config == {"registry:pw": ENCRYPTED}


def test_the_language_and_its_options_are_known(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: registry\nruntime: {name: python, options: {virtualenv: venv}}\n")
    project = read_project(tmp_path)
    assert (project.runtime, project.options) == ("python", {"virtualenv": "venv"})


def test_a_stack_file_has_the_extension_of_the_project_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: registry\nruntime: python\n")
    (tmp_path / "Pulumi.test.yml").write_text("config: {}\n")
    with pytest.raises(NotFound, match=r"Pulumi reads Pulumi\.test\.yaml"):
        read_stack(read_project(tmp_path), "test")


# Names of stacks


@pytest.mark.parametrize("name", ["Pulumi.test.yaml", "./Pulumi.test.yaml", "org/registry/test", "Test", "tets"])
def test_a_name_that_is_nearly_a_stack_is_answered_with_it(tmp_path: Path, name: str) -> None:
    read(tmp_path, GOOD)
    with pytest.raises(NotFound, match="did you mean test"):
        read_stack(read_project(tmp_path), name)


@pytest.mark.parametrize("name", ["x" * 5000, "", "../test", "a\0b", "é", "\n"])
def test_no_name_of_a_stack_is_a_mistake_of_the_program(tmp_path: Path, name: str) -> None:
    read(tmp_path, GOOD)
    with pytest.raises(NotFound) as caught:
        read_stack(read_project(tmp_path), name)
    assert len(str(caught.value)) < 400


def test_a_folder_for_a_stack_file_is_no_stack(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    (tmp_path / "Pulumi.other.yaml").mkdir()
    with pytest.raises(NotFound, match="no stack `other`"):
        read_stack(read_project(tmp_path), "other")


# Remedies


def test_a_rule_of_ecr_itself_is_written_as_a_stack_file_has_it(tmp_path: Path) -> None:
    rule = {
        "rulePriority": 1,
        "description": "Releases",
        "selection": {
            "tagStatus": "tagged",
            "tagPrefixList": ["v"],
            "countType": "imageCountMoreThan",
            "countNumber": 9,
        },
        "action": {"type": "expire"},
    }
    own = f"config:\n  ecr-stack:environment: dev\n  ecr-stack:repositories:\n    api: {{lifecycle: [{json.dumps(rule)}]}}\n"
    said = mistakes(tmp_path, own)
    assert "Pulumi.test.yaml: 1 error\n" in said
    assert 'write `{description: "Releases", tagPrefixes: ["v"], keepLast: 9}`' in said


def test_what_replaces_a_native_rule_is_taken(tmp_path: Path) -> None:
    rules = "[{description: Releases, tagPrefixes: [v], keepLast: 9}]"
    own = f"config:\n  ecr-stack:environment: dev\n  ecr-stack:repositories:\n    api: {{lifecycle: {rules}}}\n"
    assert "keepLast" in read(tmp_path, own, "name: registry\nruntime: python\n").config["ecr-stack:repositories"]


def test_a_list_where_a_map_belongs_is_written_as_a_map(tmp_path: Path) -> None:
    said = mistakes(tmp_path, "config:\n  environment: dev\n  repositories: [api, web]\n", PROJECT_FILE)
    assert "write a map without `-`: `api: {}`, `web: {}`" in said


def test_a_file_in_latin_1_is_told_its_line_and_character(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    (tmp_path / "Pulumi.test.yaml").write_bytes("config:\n  registry:environment: hällo\n".encode("latin-1"))
    with pytest.raises(
        InvalidInput, match=r"Pulumi\.test\.yaml:2: .*\n.*not UTF-8: byte 0xE4, `ä` in Latin-1\n.*UTF-8"
    ):
        read_stack(read_project(tmp_path), "test")


# Bounds

BOMBS = {
    "aliases": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)),
    "an anchor that holds itself": "config: &a {x: *a}\n",
    "400 maps in each other": "config: " + "{a: " * 400 + "1" + "}" * 400 + "\n",
    "400 lists by aliases": "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(400)),
    "100,000 open brackets": "config: " + "[" * 100_000,
    "half a million keys": "config:\n" + "".join(f"  a:{n}: 1\n" for n in range(300_000)),
    "merges of merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n + 1}: &a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 9)}]}}\n" for n in range(20)),
    "one large number": "config:\n  a:b: "
    + "9" * 100_000
    + "\n  a:c: ["
    + "9" * 5_000
    + "]\n  a:d: &a {secure: 1}\n  c:\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_is_answered_at_once(tmp_path: Path, name: str) -> None:
    read(tmp_path, GOOD)
    (tmp_path / "Pulumi.test.yaml").write_text(BOMBS[name])
    project = read_project(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        read_stack(project, "test")
    assert len(str(caught.value)) < 2_000


def test_a_file_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    read(tmp_path, GOOD)
    with (tmp_path / "Pulumi.test.yaml").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(InvalidInput, match="100,000,000 bytes"):
        read_stack(read_project(tmp_path), "test")


def test_a_stack_of_thousands_of_repositories_is_read(tmp_path: Path) -> None:
    repositories = "".join(f"    team/service-{n}: {{scanOnPush: true, protect: true}}\n" for n in range(2_000))
    own = "config:\n  ecr-stack:environment: dev\n  ecr-stack:repositories:\n" + repositories
    file = read(tmp_path, own, "name: registry\nruntime: python\n")
    assert len(json.loads(file.config["ecr-stack:repositories"])) == 2_000


WORDS = st.sampled_from(
    ["config:", "\n  ", "\n", "a: ", "- ", "&x ", "*x", "<<: ", "{", "}", "[", "]", ", ", "'", '"', "|", ">", "!!int ", "?",
     "012", "2024-01-01", "1e3", "~", "secure: ", "ecr-stack:tags: ", "aws:region: ", "\t", "#", "---\n", "%", "é", "\0"]
)  # fmt: skip


@settings(max_examples=300, deadline=2_000)
@given(st.lists(WORDS, max_size=30).map("".join))
def test_no_arrangement_of_yaml_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "arranged"
    folder.mkdir(exist_ok=True)
    for project_file in ("name: registry\nruntime: python\n", "name: registry\n" + text):
        (folder / "Pulumi.yaml").write_text(project_file)
        (folder / "Pulumi.test.yaml").write_text("config:\n  " + text)
        try:
            file = read_stack(read_project(folder), "test")
        except EcrStackError as error:
            assert str(error)
        else:
            assert all(isinstance(value, str) for value in file.config.values())
