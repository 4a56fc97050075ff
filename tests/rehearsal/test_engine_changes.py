"""What a review says of what no rehearsal can show: the provider's settings, the project's file, files of the guardrails."""

from __future__ import annotations

import py_compile
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.cli.comparison import sign
from ecr_stack.review.compare import compare
from ecr_stack.review.guardrail_changes import guardrail_risks

REPOSITORY = "aws:ecr/repository:Repository"


def report(**more: Any) -> dict[str, Any]:
    return {"stack": "dev", "resources": [], "violations": [], "guardrails": {}, "provider": {}, **more}


def risks(base: dict[str, Any], head: dict[str, Any]) -> list[str]:
    return [f"{each.level} {each.name}: {each.message}" for each in compare(base, head).risks]


@pytest.mark.parametrize(
    ("key", "value", "level", "said"),
    [
        ("aws:endpoints", [{"ecr": "https://x.example"}], "danger", "need not be AWS"),
        ("aws:insecure", "true", "danger", "need not be AWS"),
        ("aws:assumeRoles", [{"roleArn": "arn:aws:iam::1:role/x"}], "danger", "may go to another account"),
        ("aws:profile", "other", "danger", "may go to another account"),
        ("aws:secretKey", "(set)", "danger", "may go to another account"),
        ("aws:skipMetadataApiCheck", "true", "attention", "no rehearsal shows how"),
    ],
)
def test_another_configuration_of_the_provider_is_a_risk(key: str, value: Any, level: str, said: str) -> None:
    with_it, without = report(provider={key: value}), report()
    for base, head in ((without, with_it), (with_it, without)):
        (risk,) = risks(base, head)
        assert risk.startswith(f"{level} {key}: is not what it was (")
        assert said in risk
    assert risks(with_it, with_it) == []
    assert risks(report(provider=None), with_it) == []  # a base of an older version does not say


def test_a_new_warning_is_no_reason_to_go_on() -> None:
    assert sign(compare(report(), report())) == "✅"
    assert sign(compare(report(), report(warnings=["environment: not known"]))) == "⚠️"


def test_changes_that_would_be_ignored_are_a_risk() -> None:
    def made(*ignored: str) -> dict[str, Any]:
        record = {
            "urn": f"urn:pulumi:dev::p::{REPOSITORY}::api", "type": REPOSITORY, "name": "api", "id": "api",
            "inputs": {"name": "api"}, "outputs": {"name": "api"}, "dependencies": [],
            "options": {"ignoreChanges": list(ignored)},
        }  # fmt: skip
        return report(resources=[record])

    (risk,) = risks(made("tags"), made("tags", "imageTagMutability", "policy"))
    assert risk == (
        "attention api: changes of `imageTagMutability`, `policy` would be ignored: what AWS has need not be what is "
        "rehearsed and reviewed"
    )
    assert risks(made("tags"), made("tags")) == risks(made("tags"), made()) == risks(report(), made("tags")) == []


def project(folder: Path, more: str = "", **files: bytes) -> Path:
    (folder / "policies/guardrails").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(f"name: p\nruntime: python\n{more}")
    (folder / "policies/guardrails/pack.py").write_text("POLICIES = []\n")
    for name, content in files.items():
        (folder / "policies/guardrails" / name).write_bytes(content)
    return folder


def changes(tmp_path: Path, more: str = "", **files: bytes) -> list[str]:
    found = guardrail_risks(project(tmp_path / "base"), project(tmp_path / "head", more, **files))
    return [f"{each.level} {each.name}: {each.message}" for each in found]


@pytest.mark.parametrize(
    ("more", "level", "key"),
    [
        ("plugins:\n  providers:\n    - {name: aws, path: ./x}\n", "danger", "plugins"),
        ("main: other\n", "danger", "main"),
        ("backend:\n  url: file://~\n", "attention", "backend"),
        ("runtime: nodejs\n", "attention", "runtime"),
    ],
)
def test_what_the_engine_would_run_instead_is_a_risk(tmp_path: Path, more: str, level: str, key: str) -> None:
    (risk,) = changes(tmp_path, more)
    assert risk.startswith(f"{level} Pulumi.yaml: `{key}` changes (`")
    assert "something else than is rehearsed here" in risk


def test_other_keys_of_the_project_are_no_risk(tmp_path: Path) -> None:
    assert changes(tmp_path, "description: x\n") == []


@pytest.mark.parametrize("name", ["pack.cpython-311-x86_64-linux-gnu.so", "pack.pyd", "rules.json", "pack.pth"])
def test_a_file_that_may_be_run_instead_of_a_module_is_a_danger(tmp_path: Path, name: str) -> None:
    assert changes(tmp_path, **{name: b"x"}) == [
        f"danger policies/guardrails/{name}: this guardrail file is new: review it, since the head is checked by its "
        "own guardrails"
    ]


def test_a_compiled_module_that_hides_its_source_is_a_danger(tmp_path: Path) -> None:
    base, head = project(tmp_path / "base"), project(tmp_path / "head")
    source = head / "policies/guardrails/pack.py"
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert list(guardrail_risks(base, head)) == []  # what a rehearsal leaves behind
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert list(guardrail_risks(base, head)) == []
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    (risk,) = guardrail_risks(base, head)
    assert (risk.level, risk.name.rpartition("/")[0]) == ("danger", "policies/guardrails/__pycache__")
    (head / "policies/.venv").mkdir()
    (head / "policies/.venv/x.py").write_text("")
    (head / "policies/README.md").write_text("")
    assert len(list(guardrail_risks(base, head))) == 1
