"""The document for the reviewers of a pull request: every stack as it is and as it would be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ecr_stack.cli import app
from ecr_stack.cli.review import document
from ecr_stack.rehearsal import rehearse
from ecr_stack.review.branches import changes
from tests.conftest import PROJECT

CONFIG: dict[str, Any] = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "test",
    "ecr-stack:repositoryDefaults": {
        "tagMutability": "IMMUTABLE",
        "protect": True,
        "lifecycle": [
            {"description": "ten", "tagPrefixes": ["v"], "keepLast": 10},
            {"description": "a day", "untagged": True, "expireAfterDays": 1},
        ],
        "access": {"pull": ["role/nodes"]},
    },
    "ecr-stack:repositories": {"api": {}},
}
# Encryption, a lifecycle rule and a principal: what a reviewer must not wave through.
CHANGED: dict[str, Any] = {
    **CONFIG,
    "ecr-stack:encryption": {"type": "AES256"},
    "ecr-stack:repositoryDefaults": {
        **CONFIG["ecr-stack:repositoryDefaults"],
        "lifecycle": [
            {"description": "three", "tagPrefixes": ["v"], "keepLast": 3},
            {"description": "a day", "untagged": True, "expireAfterDays": 1},
        ],
        "access": {"pull": ["role/nodes", "role/stranger"]},
    },
}
GUARDS: dict[str, Any] = {**CONFIG, "ecr-stack:lifecycleGuard": {"maxExpire": 5}}


def folder(place: Path, *, policies: bool = False, **stacks: dict[str, Any] | str) -> Path:
    place.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROJECT / name, place)
    if policies:
        shutil.copytree(PROJECT / "policies", place / "policies", ignore=shutil.ignore_patterns("__pycache__"))
    for stack, config in stacks.items():
        text = config if isinstance(config, str) else yaml.safe_dump({"config": config})
        (place / f"Pulumi.{stack}.yaml").write_text(text)
    return place


def review(head: Path, base: Path) -> subprocess.CompletedProcess[str]:
    hidden = ("AWS_", "PULUMI_", "PYTHONPATH")
    return subprocess.run(
        [Path(sys.executable).parent / "ecr-stack", "review", "--base", base],
        cwd=head,
        # as in a job that has not activated anything
        env={name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


Review = Callable[[Path, Path], tuple[int, str]]


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch) -> Review:
    """The same within this process: the exit code and the document."""

    def run(head: Path, base: Path) -> tuple[int, str]:
        monkeypatch.chdir(head)
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        done = CliRunner().invoke(app, ["review", "--base", str(base)], catch_exceptions=False)
        return done.exit_code, done.stdout

    return run


def test_encryption_a_lifecycle_rule_and_a_principal_make_a_reviewer_stop(tmp_path: Path) -> None:
    base = folder(tmp_path / "base", policies=True, test=CONFIG, gone=CONFIG)
    head = folder(tmp_path / "head", policies=True, test=CHANGED, fresh=CONFIG)
    done = review(head, base)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("<sub>Rehearsed in an embedded AWS")
    assert "\n\n## 🛑 `" in done.stdout
    for words in (
        "### 🛑 Stack `test`: 1 replaced, 2 removed",
        "AWS cannot change encryptionConfigurations",
        "EVERY IMAGE in it would be lost",
        "grants access to `arn:aws:iam::123456789012:role/stranger`: `ecr:BatchCheckLayerAvailability`, `ecr:BatchGetImage`, ",
        "| 🛑 images tagged `v*` | 10 kept | 3 kept |",
        "**New guardrail violations**",
        "- mandatory `repositories-are-encrypted-with-a-customer-key`",
        "### 🛑 Stack `gone`: its file was removed",
        "The stack is new.",
        "```mermaid\nflowchart LR",
    ):
        assert words in done.stdout
    # what nobody must miss stands before what is to unfold
    assert done.stdout.index("its file was removed") < done.stdout.index("<details>")


def test_a_change_of_nothing_says_so_and_passes(tmp_path: Path, reviewed: Review) -> None:
    code, text = reviewed(folder(tmp_path / "head", test=GUARDS), folder(tmp_path / "base", test=GUARDS))
    assert code == 0
    assert "\n\n## ✅ `test`\n\n### ✅ Stack `test`: no changes\n" in text
    assert "mermaid" not in text


def test_stack_files_that_would_fight_over_an_account_are_told(tmp_path: Path, reviewed: Review) -> None:
    scanning = {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}
    one = {**CONFIG, "ecr-stack:scanning": scanning}
    base = folder(tmp_path / "base", test=one)
    code, text = reviewed(folder(tmp_path / "head", test=one, other={**one, "ecr-stack:namePrefix": "other/"}), base)
    assert code == 0
    assert "the stack `other` also sets it" in text.replace("\\", "")
    assert text.count("**New warnings**") == 2


def test_a_broken_base_stops_nothing(tmp_path: Path, reviewed: Review) -> None:
    base = folder(tmp_path / "base", test=CONFIG)
    (base / "__main__.py").write_text("import no_such_module\n")
    code, text = reviewed(folder(tmp_path / "head", test=CONFIG), base)
    assert code == 0
    assert "The base cannot be rehearsed" in text
    assert "no_such_module" in text


def test_a_base_without_a_project_is_told_and_makes_no_stack_new(tmp_path: Path) -> None:
    head = folder(tmp_path / "head", test=CONFIG)
    # within the head: the project above it is not the base
    (head / "base").mkdir()
    (change,) = changes(head, head / "base", rehearse)
    assert not change.new
    assert "The stack is new." not in document([change])
    assert "The base cannot be rehearsed. Everything is shown as added" in document([change])
    assert "there is no Pulumi.yaml" in document([change])


def test_a_base_whose_project_cannot_be_read_is_told(tmp_path: Path) -> None:
    base = folder(tmp_path / "base", test=CONFIG)
    (base / "Pulumi.yaml").write_text("name: [broken\n")
    (change,) = changes(folder(tmp_path / "head", test=CONFIG), base, rehearse)
    assert "The base cannot be rehearsed." in document([change])


def test_the_base_is_rehearsed_by_its_own_code(tmp_path: Path) -> None:
    base = folder(tmp_path / "base", test=CONFIG)
    (base / "ecr_stack").mkdir()
    (base / "ecr_stack" / "__init__.py").write_text("raise SystemExit('the code of the base')\n")
    (change,) = changes(folder(tmp_path / "head", test=CONFIG), base, rehearse)
    assert change.base_mistake == "the code of the base"


def test_a_stack_that_cannot_be_rehearsed_is_said_beside_the_others(tmp_path: Path, reviewed: Review) -> None:
    base = folder(tmp_path / "base", other=CONFIG)
    code, text = reviewed(folder(tmp_path / "head", test="config: {aws:region: nowhere}", other=CONFIG), base)
    assert code == 2
    assert "### 🛑 Stack `test` cannot be rehearsed" in text
    assert "nowhere" in text
    assert "### ✅ Stack `other`: no changes" in text


@pytest.mark.parametrize(
    ("head", "base", "words"), [("head", "no-such-folder", "no such folder"), (".", "head", "Pulumi.yaml")]
)
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, head: str, base: str, words: str) -> None:
    folder(tmp_path / "head", test=CONFIG)
    done = review(tmp_path / head, tmp_path / base)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_lost_images_are_the_answer_no_until_somebody_accepts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"ecr-stack:repositoryDefaults": {"lifecycle": [{"tagPrefixes": ["v"], "keepLast": 500}]}}
    fewer = {"ecr-stack:repositoryDefaults": {"lifecycle": [{"tagPrefixes": ["v"], "keepLast": 5}]}}
    base = folder(tmp_path / "base", test={**CONFIG, **kept})
    monkeypatch.chdir(folder(tmp_path / "head", test={**CONFIG, **fewer}))
    done = CliRunner().invoke(app, ["review", "--base", str(base)], catch_exceptions=False)
    assert "### 🛑 Stack `test`" in done.stdout
    assert done.exit_code == 1
    accepted = CliRunner().invoke(
        app, ["review", "--base", str(base), "--fail-on", "violation"], catch_exceptions=False
    )
    assert (accepted.exit_code, accepted.stdout) == (0, done.stdout)
