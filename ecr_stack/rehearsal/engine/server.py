"""Serves the rehearsal's provider with the Pulumi engine's provider protocol.

The resource types are in `ecr_stack.embedded_provider`, as in a rehearsal without the engine. This module handles only
what is specific to the engine: unknown values, previews, generated names,
imports, refreshes, and how an error is told.

https://www.pulumi.com/docs/iac/guides/building-extending/providers/implementers/protocol-reference
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import RESOURCE_TYPES, Provider
from ecr_stack.embedded_provider.property_values import UNKNOWN, at, message, plain, put, secrets_in, steps
from ecr_stack.embedded_provider.provider import imported
from ecr_stack.errors import EcrStackError, InvalidInput, Problem, shown

__all__ = ["PACKAGES", "serving"]

PACKAGES = ("aws", "command")
"""The Pulumi packages that are served."""

_DEFAULTS = "__defaults"
"""The input that lists the inputs that the provider generated, as in pulumi-aws."""

T = TypeVar("T")


@contextmanager
def serving(aws: EmbeddedAws) -> Iterator[dict[str, str]]:
    """Serve an embedded AWS to Pulumi engines on this machine.

    Gives the environment variables that attach an engine to it. What it has made stays for the next command, until
    `aws` is stopped.
    """
    servers, attached = [], []
    for package in PACKAGES:
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=16, thread_name_prefix=package))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(package, aws), server)
        attached.append(f"{package}:{server.add_insecure_port('127.0.0.1:0')}")
        server.start()
        servers.append(server)
    try:
        yield {"PULUMI_DEBUG_PROVIDERS": ",".join(attached)}
    finally:
        for server in servers:
            server.stop(grace=None).wait()


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One package. The engine opens a connection for each provider resource, and configures each by itself."""

    def __init__(self, package: str, aws: EmbeddedAws) -> None:
        self._package = package
        self._aws = aws
        self._version = importlib.metadata.version(f"pulumi-{package}")
        self._configured: dict[str, Provider] = {}
        self._latest = Provider(aws)

    def Handshake(self, request: Any, context: Any) -> Any:
        """Agree on the protocol: secrets are marked as such, resources arrive as their ids."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        """Attach to an engine that did not start this process."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Pass for the plugin that goes with the installed Python package."""
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Describe the package by its name only: a Python program needs no more."""
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": self._package, "version": self._version}))

    def Cancel(self, request: Any, context: Any) -> Any:
        """Let running calls finish: they take no time."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accept a provider's configuration unchanged."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Compare two configurations: another Region requires a replacement."""
        return self._difference(plain(request.old_inputs), plain(request.news), ("region",))

    def Configure(self, request: Any, context: Any) -> Any:
        """Set the Region and the default tags of a provider resource."""
        inputs = plain(request.args)
        self._latest = self._configured[context.peer()] = _answer(
            context, lambda: Provider(self._aws).configured(inputs)
        )
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptSecrets=True)

    def Invoke(self, request: Any, context: Any) -> Any:
        """Call a function."""
        answer = _answer(context, lambda: self._provider(context).invoke(request.tok, plain(request.args)))
        return provider_pb2.InvokeResponse(**{"return": message(answer)})

    def Check(self, request: Any, context: Any) -> Any:
        """Check inputs and fill in what the provider generates; a generated name stays unchanged."""
        type_, name = _who(request.urn)
        olds, news = plain(request.olds), plain(request.news)
        news.pop(_DEFAULTS, None)
        made_up = [key for key in olds.get(_DEFAULTS, []) if news.get(key) is None and key in olds]
        given = {**news, **{key: olds[key] for key in made_up}}
        provider, seed = self._provider(context), request.randomSeed.hex()
        failures: list[Problem] = []

        def check() -> dict[str, Any]:
            try:
                return provider.check(type_, given, name, seed, unknown=UNKNOWN)
            except InvalidInput as error:
                failures.extend(error.problems)
                return given

        checked = _answer(context, check)
        named = RESOURCE_TYPES[type_].name_property if type_ in RESOURCE_TYPES else None
        if named and news.get(named) is None and checked.get(named) is not None:
            checked[_DEFAULTS] = [named]
        return provider_pb2.CheckResponse(
            inputs=message(checked, secrets_in(request.news, request.olds)),
            failures=[
                provider_pb2.CheckFailure(
                    property=each.place, reason=f"{shown(each.value)}: {each.rule}; {each.remedy}"
                )
                for each in failures
            ],
        )

    def Diff(self, request: Any, context: Any) -> Any:
        """Return what changes, and whether that takes a replacement."""
        type_, _ = _who(request.urn)
        old_inputs, news, outputs = plain(request.old_inputs), plain(request.news), plain(request.olds)
        for path in request.ignoreChanges:
            where = steps(path)
            if "*" in where:
                where = where[: where.index("*")]
            outputs = put(outputs, where, at(news, where))
            old_inputs = put(old_inputs, where, at(news, where))
        found = _answer(context, lambda: self._provider(context).diff(type_, old_inputs, news, outputs))
        named = RESOURCE_TYPES[type_].name_property if type_ in RESOURCE_TYPES else None
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=found.changes,
            replaces=found.replaces,
            deleteBeforeReplace=bool(
                found.replaces
                and (
                    (type_ in RESOURCE_TYPES and RESOURCE_TYPES[type_].deletes_first)
                    # two resources cannot have the same name at the same time, and this name was given
                    or (named and named not in news.get(_DEFAULTS, []))
                )
            ),
        )

    def Create(self, request: Any, context: Any) -> Any:
        """Create a resource; in a preview, return its planned outputs."""
        (type_, name), inputs = _who(request.urn), plain(request.properties)
        provider, secrets = self._provider(context), secrets_in(request.properties)
        if request.preview:
            planned = _answer(context, lambda: provider.planned(type_, inputs, unknown=UNKNOWN))
            return provider_pb2.CreateResponse(properties=message(planned, secrets))
        id_, outputs = _answer(context, lambda: provider.create(type_, name, inputs))
        return provider_pb2.CreateResponse(id=id_, properties=message(outputs, secrets))

    def Read(self, request: Any, context: Any) -> Any:
        """Read a resource for a refresh or an import: its outputs, and the equivalent inputs."""
        (type_, _), provider = _who(request.urn), self._provider(context)
        inputs = plain(request.inputs) or None
        known = inputs or plain(request.properties) or None
        id_, region = (request.id, None) if known else imported(request.id)
        outputs = _answer(context, lambda: provider.read(type_, id_, {"region": region} if region else known))
        if outputs is None:
            return provider_pb2.ReadResponse()
        observed = _answer(context, lambda: provider.inputs_of(type_, outputs, inputs))
        secrets = secrets_in(request.inputs, request.properties)
        return provider_pb2.ReadResponse(
            id=id_, properties=message(outputs, secrets), inputs=message(observed, secrets)
        )

    def Update(self, request: Any, context: Any) -> Any:
        """Update a resource in place; in a preview, return its planned outputs."""
        (type_, _), provider = _who(request.urn), self._provider(context)
        old_inputs, news, outputs = plain(request.old_inputs), plain(request.news), plain(request.olds)
        if request.preview:
            changed = _answer(context, lambda: provider.planned(type_, news, outputs, unknown=UNKNOWN))
        else:
            changed = _answer(context, lambda: provider.update(type_, request.id, old_inputs, news, outputs))
        return provider_pb2.UpdateResponse(properties=message(changed, secrets_in(request.news, request.olds)))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource."""
        (type_, _), outputs = _who(request.urn), plain(request.properties)
        _answer(context, lambda: self._provider(context).delete(type_, request.id, outputs))
        return empty_pb2.Empty()

    def _provider(self, context: Any) -> Provider:
        return self._configured.get(context.peer(), self._latest)

    @staticmethod
    def _difference(old: Mapping[str, Any], new: Mapping[str, Any], forcing: tuple[str, ...]) -> Any:
        changes = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changes,
            replaces=[name for name in changes if name in forcing],
        )


def _answer(context: Any, call: Callable[[], T]) -> T:
    """Do what the engine asks; an error reaches the person at the terminal in its own words."""
    try:
        return call()
    except (ClientError, BotoCoreError, EcrStackError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise


def _who(urn: str) -> tuple[str, str]:
    """Return the type and the name in a URN."""
    parts = urn.split("::", 3)
    return parts[2].rpartition("$")[2], parts[3]
