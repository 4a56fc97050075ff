"""Somebody else's program under mocks, with all that the monitor is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, set_all_config
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await


class Monitor(mocks.MockMonitor):
    """The SDK's monitor for tests, with URNs as the engine makes them."""

    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)  # type: ignore[no-untyped-call]
        self.requests: list[Any] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        above = parent.split("::")[2] if parent else "pulumi:pulumi:Stack"
        chain = type_ if above == "pulumi:pulumi:Stack" else f"{above}${type_}"
        return f"urn:pulumi:staging::theirs::{chain}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        self.requests.append(request)
        return super().RegisterResource(request)

    def urn_of(self, request: Any) -> str:
        return self.make_urn(request.parent, request.type, request.name)

    def of(self, type_: str) -> list[dict[str, Any]]:
        """The inputs of the resources of a type: secrets and unknown values as the wire has them."""
        return [self.inputs(each) for each in self.requests if each.type == type_]

    @staticmethod
    def inputs(request: Any) -> dict[str, Any]:
        return dict(MessageToDict(request.object))

    def one(self, type_: str) -> dict[str, Any]:
        (inputs,) = self.of(type_)
        return inputs

    def children(self) -> list[Any]:
        """The requests for AWS's resources."""
        return [each for each in self.requests if each.type.startswith("aws:")]


class Answers(mocks.Mocks):
    """Inputs come back; functions answer `answer`."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def call(self, args: mocks.MockCallArgs) -> Any:
        return self.answer

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)


ACCOUNT = {"accountId": "123456789012", "region": "us-east-1"}

Run = Callable[..., Monitor]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a function as a program, in an update or a preview."""

    def made(
        program: Callable[[], Any],
        *,
        preview: bool = False,
        answer: dict[str, Any] = ACCOUNT,
        answers: type[Answers] = Answers,
    ) -> Monitor:
        _ensure_event_loop()  # type: ignore[no-untyped-call]
        set_all_config({})
        set_root_resource(None)  # type: ignore[arg-type]
        mock = answers(answer)
        monitor = Monitor(mock)
        mocks.set_mocks(mock, project="theirs", stack="staging", preview=preview, monitor=monitor)
        SETTINGS.rpc_manager.clear()
        SETTINGS.outputs.clear()
        program()
        _sync_await(wait_for_rpcs())
        return monitor

    yield made
    set_root_resource(None)  # type: ignore[arg-type]
