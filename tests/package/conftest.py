"""The component package as the engine meets it: a process of its own, asked by gRPC, with an engine of ours behind."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.rehearsal.monitor import AwsRefused, Recorder
from tests.conftest import PROJECT

ACCOUNT = "123456789012"
# How the engine writes values that are known later, and secrets.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
_ROLE = "urn:pulumi:staging::theirs::aws:iam/role:Role::r"


def output(value: Any) -> dict[str, Any]:
    """A value as the engine hands it over when it came out of another resource."""
    return {_SIGNATURE: OUTPUT, "value": value, "dependencies": [_ROLE]}


def not_known_yet() -> dict[str, Any]:
    """An output as the engine hands it over in a preview of the resource that it comes out of."""
    return {_SIGNATURE: OUTPUT, "dependencies": [_ROLE]}


def secret(value: Any) -> dict[str, Any]:
    """A secret as the engine hands it over."""
    return {_SIGNATURE: SECRET, "value": value}


def is_secret(property_: Any) -> bool:
    """Whether a property is handed over as a secret."""
    return SECRET in str(property_)


class _Recorder(Recorder):
    def make_urn(self, parent: str, type_: str, name: str) -> str:
        # by the engine's own stack: this process runs no program
        qualified = parent.split("::")[2] if parent else ""
        return f"urn:pulumi:staging::theirs::{f'{qualified}$' if qualified else ''}{type_}::{name}"


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """The engine: what components register is made in the embedded AWS, unless it is a preview."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.recorder = _Recorder(Provider(aws))
        self.aws = aws
        self.preview = False
        self.requests: list[Any] = []
        self._one_at_a_time = threading.Lock()

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:
        # as engines do that do not know it yet
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown")

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        known = {
            "secrets",
            "resourceReferences",
            "outputValues",
            "aliasSpecs",
            "deletedWith",
            "replaceWith",
            "resourceHooks",
        }
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in known)

    def RegisterResource(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        if self.preview:
            urn = self.recorder.make_urn(request.parent, request.type, request.name)
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        return self._answer(self.recorder.RegisterResource, request, context)

    def RegisterResourceHook(self, request: Any, context: Any) -> Any:
        # tests/engine runs them
        return empty_pb2.Empty()

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        return self._answer(self.recorder.RegisterResourceOutputs, request, context)

    def Invoke(self, request: Any, context: Any) -> Any:
        return self._answer(self.recorder.Invoke, request, context)

    def Log(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _answer(self, answer: Any, request: Any, context: Any) -> Any:
        async def answered() -> Any:
            found = answer(request)
            return await found if isawaitable(found) else found

        try:
            with self._one_at_a_time:
                return asyncio.run(answered())
        except AwsRefused as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))

    def made(self, type_: str) -> list[dict[str, Any]]:
        """What was asked for of a type of resources."""
        return [dict(record.inputs) for record in self.recorder.records.values() if record.type == type_]


@dataclass
class Package:
    """The running package."""

    stub: Any
    engine: Engine
    address: str
    errors: Path

    def printed(self) -> str:
        """What it has written to standard error, which the engine shows to whoever runs the program."""
        return self.errors.read_text()

    def schema(self) -> dict[str, Any]:
        text = self.stub.GetSchema(provider_pb2.GetSchemaRequest(version=0)).schema
        schema: dict[str, Any] = json.loads(text)
        return schema

    def construct(self, component: str, name: str, inputs: dict[str, Any], **request: Any) -> dict[str, Any]:
        """Make a component: its outputs.

        Raises:
            grpc.RpcError: where the component refuses.
        """
        self.engine.preview = bool(request.get("dryRun"))
        answer = self.stub.Construct(
            provider_pb2.ConstructRequest(
                project="theirs",
                stack="staging",
                organization="acme",
                parallel=8,
                monitorEndpoint=self.address,
                type=f"ecr-stack:index:{component}",
                name=name,
                inputs=json_format.ParseDict(inputs, struct_pb2.Struct()),
                accepts_output_values=True,
                **request,
            ),
            timeout=30,
        )
        outputs: dict[str, Any] = json_format.MessageToDict(answer.state)
        return outputs


@contextmanager
def running(aws: EmbeddedAws) -> Iterator[Package]:
    """Start the package as the engine does."""
    engine = Engine(aws)
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    # A pipe that nobody reads fills up, and the package then waits for ever.
    with (
        tempfile.NamedTemporaryFile("w") as errors,
        subprocess.Popen(
            [sys.executable, PROJECT / "package", address],
            # anywhere but in the project
            cwd="/",
            env=environment | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), Path(errors.name).read_text()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Package(provider_pb2_grpc.ResourceProviderStub(channel), engine, address, Path(errors.name))
        process.terminate()
    server.stop(None)


@pytest.fixture(scope="module")
def embedded_aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account=ACCOUNT, region="us-east-1") as aws:
        yield aws


@pytest.fixture(scope="module")
def package(embedded_aws: EmbeddedAws) -> Iterator[Package]:
    with running(embedded_aws) as started:
        yield started
