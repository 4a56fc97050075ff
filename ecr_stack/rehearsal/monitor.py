"""The Pulumi SDK's test monitor, with what it drops: dependencies, options, the engine's URNs, stack outputs.

Each resource that the program registers is made in the embedded AWS, by the calls that the AWS provider would make,
and what the program gets back is what the embedded AWS answers to a read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc, sync_await
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_project, get_stack
from pulumi.runtime.sync_await import _sync_await

from ecr_stack.embedded_provider import Provider
from ecr_stack.embedded_provider.provider import imported
from ecr_stack.errors import EcrStackError
from ecr_stack.rehearsal.report import ResourceRecord

__all__ = ["AwsRefused", "Recorder"]

STACK = "pulumi:pulumi:Stack"


class AwsRefused(EcrStackError):
    """AWS would refuse a resource, with AWS's own message."""


class _NoMocks(mocks.Mocks):
    """The monitor answers by itself; the SDK asks for an object of this kind all the same."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


class Recorder(MockMonitor):
    """Makes what the program registers, and keeps a record of it.

    Args:
        provider: makes, reads and looks things up in the embedded AWS.
        progress: called with the number of resources so far.
    """

    def __init__(self, provider: Provider, progress: Callable[[int], None] | None = None) -> None:
        super().__init__(_NoMocks())
        self.provider = provider
        self.records: dict[str, ResourceRecord] = {}
        self.exports: dict[str, Any] = {}
        self._progress = progress
        self._regions: dict[str, str] = {}
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does: the types of all the parents but the stack, joined by `$`."""
        qualified = parent.split("::")[2] if parent else STACK
        chain = type_ if qualified == STACK else f"{qualified}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{chain}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        """Make a resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK:
            self._record(urn, request, {}, {}, None)
            return resource_pb2.RegisterResourceResponse(urn=urn)
        _loop()
        inputs = _plain(rpc.deserialize_properties(request.object))
        if not request.custom:
            self._record(urn, request, inputs, {}, None)
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        id_, outputs = self._create(urn, request, inputs)
        if request.type.startswith("pulumi:providers:"):
            self._regions[f"{urn}::{id_}"] = str(inputs.get("region") or "")
        self._record(urn, request, inputs, outputs, id_)
        # The program sees what exists; nulls and the provider's own id are not properties of a resource.
        state = _sync_await(rpc.serialize_properties(dict(outputs), {}))
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, id_, dict(outputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=state)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Keep a component's outputs; the stack's are its exports."""
        _loop()
        outputs = _plain(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        with self._lock:
            record = self.records.get(request.urn)
            if record is not None:
                self.records[request.urn] = ResourceRecord(**{**record.__dict__, "outputs": outputs})
                if record.type == STACK:
                    self.exports = outputs
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:
        """Look an existing resource up by its id."""
        urn = self.make_urn(request.parent, request.type, request.name)
        _loop()
        inputs = rpc.deserialize_properties(request.properties)
        outputs = self._asked(urn, lambda: self.provider.read(request.type, request.id, self._placed(request, inputs)))
        if outputs is None:
            raise AwsRefused(f"{_who(urn)}: nothing with the id `{request.id}` exists")
        state = _sync_await(rpc.serialize_properties(dict(outputs), {}))
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, request.id, dict(outputs))
        return resource_pb2.ReadResourceResponse(urn=urn, properties=state)

    def Invoke(self, request: Any) -> Any:
        """Answer a function of a provider."""
        if request.tok.startswith("pulumi:pulumi:"):
            return super().Invoke(request)  # type: ignore[no-untyped-call]
        _loop()
        arguments = rpc.deserialize_properties(request.args)
        region = self._regions.get(request.provider)
        if region:
            arguments.setdefault("region", region)
        answer = self._asked(request.tok, lambda: self.provider.invoke(request.tok, arguments))
        fields = {"return": _sync_await(rpc.serialize_properties(answer, {}))}
        return resource_pb2.ResourceInvokeResponse(**fields)

    def _create(self, urn: str, request: Any, inputs: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        placed = self._placed(request, inputs)
        if request.importId:
            read = self._asked(urn, lambda: self.provider.adopt(request.type, request.importId, placed))
            return imported(request.importId)[0], read
        checked = self._asked(urn, lambda: self.provider.check(request.type, placed))
        made: tuple[str, Mapping[str, Any]] = self._asked(
            urn, lambda: self.provider.create(request.type, request.name, checked)
        )
        return made

    def _placed(self, request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """Add the Region of an explicit provider to what is made through it."""
        region = self._regions.get(request.provider)
        return {"region": region, **inputs} if region and request.type.startswith("aws:") else dict(inputs)

    def _asked(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ClientError, BotoCoreError, EcrStackError) as error:
            raise AwsRefused(f"{_who(what)}: {error}") from error

    def _record(
        self, urn: str, request: Any, inputs: dict[str, Any], outputs: Mapping[str, Any], id_: str | None
    ) -> None:
        record = ResourceRecord(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            inputs=_plain(inputs),
            outputs=_plain(outputs),
            dependencies=sorted(set(request.dependencies)),
            options=_options(request, self),
            id=id_,
        )
        with self._lock:
            if urn in self.records:
                raise AwsRefused(
                    f"{_who(urn)}: two resources of one type and parent have this name; Pulumi refuses the second. "
                    "Give one of them another name"
                )
            self.records[urn] = record
            count = len(self.records)
        if self._progress:
            self._progress(count)


def _options(request: Any, monitor: Recorder) -> dict[str, Any]:
    options: dict[str, Any] = {
        "protect": bool(request.protect),
        "retainOnDelete": bool(request.retainOnDelete),
        "aliases": [*request.aliasURNs, *(_alias(alias, request, monitor) for alias in request.aliases)],
        "import": request.importId or None,
    }
    if request.deletedWith:
        options["deletedWith"] = request.deletedWith
    if request.replace_with:
        options["replaceWith"] = sorted(request.replace_with)
    if request.ignoreChanges:
        options["ignoreChanges"] = list(request.ignoreChanges)
    if request.replaceOnChanges:
        options["replaceOnChanges"] = list(request.replaceOnChanges)
    if request.provider:
        options["provider"] = request.provider
    if request.deleteBeforeReplaceDefined:
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    return options


def _alias(alias: Any, request: Any, monitor: Recorder) -> str:
    """The URN that an alias stands for: the resource's own, with what the alias says otherwise."""
    if alias.urn:
        return str(alias.urn)
    spec = alias.spec
    parent = "" if spec.noParent else spec.parentUrn or request.parent
    urn = monitor.make_urn(parent, spec.type or request.type, spec.name or request.name)
    scheme, _, rest = urn.split("::", 2)
    return f"urn:pulumi:{spec.stack or get_stack()}::{spec.project or get_project()}::{rest}" if scheme else urn


def _plain(value: Any) -> Any:
    """Take secrets and special values for what they hold."""
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value:
            return _plain(value.get("value"))
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # protobuf has one kind of number
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


def _loop() -> None:
    """Give this thread an event loop: values are read and written on one."""
    sync_await._ensure_event_loop()  # type: ignore[no-untyped-call]


def _who(urn: str) -> str:
    parts = urn.split("::")
    return f'{parts[2].split("$")[-1]} "{parts[-1]}"' if len(parts) > 3 else urn
