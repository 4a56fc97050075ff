"""A Pulumi engine for each test: the real command, a state folder of its own, and an embedded AWS for a provider."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi_engine import Engine

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.rehearsal.engine.server import serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = pytest.mark.skip(reason="there is no `pulumi` on PATH: see docs/how-to/engine.md")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)
            if shutil.which("pulumi") is None:
                item.add_marker(absent)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh engine and a fresh account."""
    with EmbeddedAws(account="123456789012") as aws, serving(aws) as attached:
        yield Engine(tmp_path / "engine", aws, attached)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The shipped stack dev, up: for tests that leave it as it is."""
    # of one account there is one at a time in a process
    with EmbeddedAws(account="210987654321") as aws, serving(aws) as attached:
        made = Engine(tmp_path_factory.mktemp("standing") / "engine", aws, attached)
        made.stack("dev")
        made.up()
        yield made
