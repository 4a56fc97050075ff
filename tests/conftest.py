"""What the tests share: the project's folder, and the rehearsals of the shipped stacks, each run once."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from hypothesis import settings as hypothesis_settings
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

from ecr_stack.rehearsal import Report, rehearse

PROJECT = Path(__file__).parent.parent

hypothesis_settings.register_profile("project", deadline=None, max_examples=50)
hypothesis_settings.load_profile("project")


def pytest_xdist_auto_num_workers() -> int:
    """Many tests wait for a server or a process: two cores have time for four workers."""
    return max(4, os.cpu_count() or 1)


@functools.cache
def shipped(stack: str) -> Report:
    return rehearse(stack, PROJECT)


@pytest.fixture
def dev() -> Report:
    return shipped("dev")


@pytest.fixture
def prod() -> Report:
    return shipped("prod")


@pytest.fixture
def project(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Makes a copy of the project with a stack `test` of the given configuration."""

    def make(config: dict[str, Any]) -> Path:
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(PROJECT / name, tmp_path)
        (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}))
        return tmp_path

    return make


class Answers(mocks.Mocks):
    """The plainest mocks that a foreign program's tests could have: inputs come back, functions answer `answer`."""

    answer: dict[str, Any] = {"accountId": "123456789012", "region": "us-east-1"}

    def __init__(self) -> None:
        self.made: list[mocks.MockResourceArgs] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        return self.answer

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made.append(args)
        return f"{args.name}-id", dict(args.inputs)

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [args.inputs for args in self.made if args.typ == type_]


@pytest.fixture
def foreign() -> Iterator[Callable[[Callable[[], Any]], Answers]]:
    """Runs a function as somebody else's Pulumi program, under plain `set_mocks`."""

    def run(program: Callable[[], Any]) -> Answers:
        answers = Answers()
        # a rehearsal before this test has closed its loop, and mocks need one
        _ensure_event_loop()  # type: ignore[no-untyped-call]
        set_all_config({})
        set_root_resource(None)  # type: ignore[arg-type]
        mocks.set_mocks(answers, project="theirs", stack="staging", preview=False)
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        program()
        _sync_await(wait_for_rpcs())
        return answers

    yield run
    set_root_resource(None)  # type: ignore[arg-type]


def value_of(output: pulumi.Output[Any]) -> Any:
    """The value of an Output, once everything is made."""
    return _sync_await(output.future())
