"""A report that is broken, huge, deep or of another shape is refused with its place, in bounded time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ecr_stack.cli import app
from ecr_stack.cli.comparison import details, summary
from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal.report import Report
from ecr_stack.review.compare import compare
from ecr_stack.review.report import read_report
from ecr_stack.review.retention_changes import retention_changes
from tests.rehearsal.test_safeguards import registry

RESOURCE = '{"urn": "u", "type": "t", "name": "n", "id": "i", "inputs": {}, "outputs": {}, "options": {}}'


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("", "line 1, column 1", "must be JSON"),
        ('{"resources": [', "line 1, column 16", "must be JSON"),
        ('{"resources": \n oops}', "line 2, column 2", "must be JSON"),
        ("\x00\xff", "line 1", "must be JSON"),
        ("[" * 100_000, "(the file)", "nested too deeply"),
        ('{"a":' * 90 + "1" + "}" * 90, "(the document)", "levels deep"),
        ("9" * 10_000, "(the file)", "must be JSON"),
        ("[]", "(the document)", "not the report of a rehearsal"),
        ("null", "(the document)", "not the report of a rehearsal"),
        ("{}", "resources", "not the report of a rehearsal"),
        ('{"resources": {}}', "resources", "not the report of a rehearsal"),
        ('{"resources": [1]}', "resources[0]", "not the report of a rehearsal"),
        (f'{{"resources": [{RESOURCE.replace(chr(34) + "u" + chr(34), "7")}]}}', "resources[0].urn", "not the report"),
        (f'{{"resources": [{RESOURCE.replace("{}", "[]")}]}}', "resources[0].inputs", "not the report"),
        ('{"resources": [], "violations": [{"policy": {}}]}', "violations[0].policy", "not the report"),
        ('{"resources": [], "violations": "none"}', "violations", "not the report"),
        ('{"resources": [], "stack": "\\ud800"}', "stack", "not the report"),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(tmp_path: Path, text: str, place: str, rule: str) -> None:
    file = tmp_path / "base.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput) as refused:
        read_report(file)
    assert any(problem.place.startswith(place) and rule in problem.rule for problem in refused.value.problems)
    assert all("rehearse --format json" in problem.remedy for problem in refused.value.problems)


def test_the_command_refuses_it_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_text("[" * 100_000)
    done = CliRunner().invoke(app, ["rehearse", "--stack", "dev", "--compare", str(file)], catch_exceptions=True)
    assert isinstance(done.exception, InvalidInput)


def test_a_million_wrong_resources_name_ten_of_them(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    file.write_text(json.dumps({"resources": [1] * 100_000}))
    with pytest.raises(InvalidInput) as refused:
        read_report(file)
    assert len(refused.value.problems) == 10


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.sampled_from(["", "x", "{", '{"Statement": 1}', '{"rules": 7}', "-1"]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["filter", "x", "Statement"]), children)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    nested = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [path, *(place for key, child in nested for place in places(child, (*path, key)))]


PLACES = places(registry())[1:]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_a_report_of_any_other_shape_is_refused_or_compared(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    base, head = registry(), registry()
    for path, value in edits:
        parent: Any = base
        try:
            for key in path[:-1]:
                parent = parent[key]
            parent[path[-1]] = value
        except (LookupError, TypeError):
            continue  # an earlier edit took the place away
    try:
        comparison = compare(base, head)
    except InvalidInput:
        return
    report = Report("test", "p", "123456789012", "us-east-1")
    assert "\n".join([*summary(comparison, retention_changes(base, head)), *details(comparison, report)])


def test_thousands_of_keys_and_violations_take_no_time() -> None:
    base, head = registry(), registry()
    key = next(each for each in base["resources"] if each["name"] == "key")
    for report in (base, head):
        report["resources"] += [
            {**key, "urn": f"k{number}", "outputs": {"keyId": "a" if number % 2 else ""}} for number in range(3000)
        ]
        report["violations"] = [
            {"policy": "p", "level": "advisory", "urn": str(number), "message": f"{number}{id(report)}"}
            for number in range(3000)
        ]
    assert len(compare(base, head).violations["remaining"]) == 3000
