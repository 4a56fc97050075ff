"""The Pulumi SDK's test monitor, extended by what it drops: dependencies, options, URNs, stack outputs and hooks.

Each resource that the program registers is created in the embedded AWS by the calls that the AWS provider would make,
and the program receives what the embedded AWS returns for a read. In a preview nothing is created, and values that
only AWS can provide are unknown. Resources that the embedded AWS does not support are accepted unchecked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2
from pulumi.runtime.settings import get_project, get_stack

from ecr_stack.embedded_provider import Provider
from ecr_stack.embedded_provider.property_values import (
    REDACTED,
    UNKNOWN,
    has_unknown,
    holds_secret,
    message,
    plain,
    redacted,
    secrets_in,
)
from ecr_stack.embedded_provider.provider import imported
from ecr_stack.errors import EcrStackError
from ecr_stack.pulumi_sdk import MockMonitor, NoMocks, call_back, resource_pb2
from ecr_stack.rehearsal.report import UNKNOWN_VALUE, ResourceRecord, Unchecked
from ecr_stack.rehearsal.stack_references import StackReferences
from ecr_stack.rehearsal.transforms import Transforms

__all__ = ["AwsRefused", "HookFailed", "Recorder", "Secrets"]

STACK = "pulumi:pulumi:Stack"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
STASH = "pulumi:index:Stash"
_PROVIDERS = "pulumi:providers:"


class AwsRefused(EcrStackError):
    """AWS would reject a resource, with AWS's own message."""


class HookFailed(EcrStackError):
    """A hook or a transform of the program rejected a resource."""


class Secrets:
    """The secret strings of a program, and the redaction of values that contain them."""

    _SHORTEST = 3
    """Shorter secrets are hidden only as whole values; the `pulumi` command makes the same trade-off."""

    def __init__(self, configured: frozenset[str] = frozenset()) -> None:
        """Start with the secret values of the configuration, which are hidden wherever they appear."""
        self._configured = frozenset(text for text in configured if len(text) >= self._SHORTEST)
        self._texts = set(self._configured)

    def add(self, texts: frozenset[str]) -> None:
        """Add secret strings, which are hidden in messages from now on."""
        self._texts.update(text for text in texts if len(text) >= self._SHORTEST)

    def hidden_in_text(self, text: str) -> str:
        """Return a message without secrets."""
        return _without(text, self._texts) if self._texts else text

    def hidden_in(self, value: Any, own: frozenset[str] = frozenset()) -> Any:
        """Return a value without the configuration's secrets, and without those texts that are secret in it."""
        texts = self._configured | {text for text in own if len(text) >= self._SHORTEST}
        return _hide(value, texts) if texts else value


def _hide(value: Any, texts: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        return {_without(str(key), texts): _hide(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, texts) for item in value]
    return _without(value, texts) if isinstance(value, str) else value


def _without(text: str, secrets: frozenset[str] | set[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        for spelling in {secret, json.dumps(secret)[1:-1]}:
            text = text.replace(spelling, REDACTED)
    return text


class Recorder(MockMonitor):
    """Creates the resources that the program registers, and records them.

    Args:
        provider: creates, reads and looks up resources in the embedded AWS.
        progress: called with the number of resources so far.
        preview: whether to plan resources instead of creating them.
        references: resolves stack references.
        secrets: the values to redact.
    """

    def __init__(
        self,
        provider: Provider,
        progress: Callable[[int], None] | None = None,
        *,
        preview: bool = False,
        references: StackReferences | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        super().__init__(NoMocks())
        self.provider = provider
        self.records: dict[str, ResourceRecord] = {}
        """By URN, including secrets: for checks, never for display."""
        self.shown: dict[str, ResourceRecord] = {}
        """The same without secrets."""
        self.exports: dict[str, Any] = {}
        """The stack's outputs, without secrets."""
        self.unchecked: dict[tuple[str, str], Unchecked] = {}
        self.secrets = secrets or Secrets()
        self._progress = progress
        self._preview = preview
        self._references = references or StackReferences(None, "", provider.aws.account)
        self._providers: dict[str, Provider] = {}
        self._unconfigured: set[str] = set()
        self._hooks: dict[str, Any] = {}
        self._transforms = Transforms()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As in the engine: the types of all parents except the stack, joined by `$`."""
        qualified = parent.split("::")[2] if parent else STACK
        chain = type_ if qualified == STACK else f"{qualified}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{chain}::{name}"

    async def RegisterResource(self, request: Any) -> Any:
        """Create a resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        request = await self._transformed(urn, request)
        inputs = plain(request.object)
        if request.type == STACK or not request.custom:
            await self._run_hooks("before_create", urn, request)
            self._record(urn, request, inputs, {}, None)
            await self._run_hooks("after_create", urn, request)
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        self._claim(urn)
        await self._run_hooks("before_create", urn, request)
        id_, outputs = await self._create(urn, request, inputs)
        secrets, names = self._record(urn, request, inputs, outputs, id_)
        await self._run_hooks("after_create", urn, request, outputs, id_)
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, id_, dict(outputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=message(outputs, secrets, names))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Record a component's outputs; the outputs of the stack are its exports."""
        outputs = plain(request.outputs)
        visible = self._visible(redacted(request.outputs))
        self.secrets.add(secrets_in(request.outputs))
        for records, values in ((self.records, outputs), (self.shown, visible)):
            record = records.get(request.urn)
            if record is not None:
                records[request.urn] = ResourceRecord(**{**record.__dict__, "outputs": values})
        if request.urn in self.shown and self.shown[request.urn].type == STACK:
            self.exports = visible
        return empty_pb2.Empty()

    def RegisterResourceHook(self, request: Any) -> Any:
        """Register a hook of the program; resources name the hooks that they use."""
        self._hooks[request.name] = request
        return empty_pb2.Empty()

    def RegisterStackTransform(self, request: Any) -> Any:
        """Remember a transform of all resources."""
        self._transforms.add_to_stack(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any) -> Any:
        """A transform of calls of functions is not run."""
        self._uncheck("", "pulumi:invokeTransform", "transforms of functions' arguments are not run in a rehearsal")
        return super().RegisterStackInvokeTransform(request)  # type: ignore[no-untyped-call]

    async def ReadResource(self, request: Any) -> Any:
        """Look up an existing resource by its id."""
        urn = self.make_urn(request.parent, request.type, request.name)
        properties = plain(request.properties)
        if request.type == STACK_REFERENCE:
            outputs = await asyncio.to_thread(self._asked, urn, lambda: self._stack_outputs(request.id))
            secrets, names = frozenset[str](), frozenset({"outputs"} if outputs["secretOutputNames"] else ())
        else:
            outputs = self._read(urn, request, properties)
            secrets, names = secrets_in(request.properties), _names_of_secrets(request.properties)
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, request.id, dict(outputs))
        return resource_pb2.ReadResourceResponse(urn=urn, properties=message(outputs, secrets, names))

    def Invoke(self, request: Any) -> Any:
        """Call a function of a provider."""
        if request.tok.startswith("pulumi:pulumi:"):
            return super().Invoke(request)  # type: ignore[no-untyped-call]
        if request.provider in self._unconfigured:
            # the engine does not call a provider whose configuration is not known yet
            return resource_pb2.ResourceInvokeResponse()
        arguments = plain(request.args)
        provider = self._provider(request)
        if provider.has_function(request.tok):
            answer = self._asked(request.tok, lambda: provider.invoke(request.tok, arguments))
        else:
            self._uncheck("", request.tok, "the function is not emulated; its result is a placeholder")
            answer = provider.made_up_result(request.tok, arguments)
        fields = {"return": message(answer, secrets_in(request.args))}
        return resource_pb2.ResourceInvokeResponse(**fields)

    def Call(self, request: Any) -> Any:
        """Answer a method of a resource with nothing: methods are not emulated."""
        self._uncheck("", request.tok, "methods are not emulated; this one returns nothing")
        return resource_pb2.ResourceInvokeResponse()

    async def _create(self, urn: str, request: Any, inputs: dict[str, Any]) -> tuple[str, Mapping[str, Any]]:
        provider = self._provider(request)
        if request.type.startswith(_PROVIDERS):
            id_, outputs = provider.create(request.type, request.name, inputs)
            if has_unknown(inputs):
                self._unconfigured.add(f"{urn}::{id_}")
            self._providers[f"{urn}::{id_}"] = (
                provider.configured(inputs) if _package(request.type) == "aws" else provider
            )
            return id_, outputs
        if request.type == STASH:
            # kept by the engine itself: the outputs are the inputs
            return "" if self._preview else request.name, {"input": inputs.get("input"), "output": inputs.get("input")}
        if not provider.has_type(request.type):
            self._uncheck(urn, request.type, "the resource type is not emulated; its outputs are placeholders")
            if self._preview:
                return "", provider.made_up_plan(request.type, inputs, UNKNOWN)
            return provider.made_up(request.type, request.name, inputs)
        if request.importId:
            read = self._asked(urn, lambda: provider.adopt(request.type, request.importId, inputs))
            return imported(request.importId)[0], read
        if self._preview:
            checked = self._asked(urn, lambda: provider.check(request.type, inputs, request.name, unknown=UNKNOWN))
            return "", provider.planned(request.type, checked, unknown=UNKNOWN)
        checked = self._asked(urn, lambda: provider.check(request.type, inputs))
        ask = partial(self._asked, urn, lambda: provider.create(request.type, request.name, checked))
        # other resources, such as commands, may take long: the program continues meanwhile
        made: tuple[str, Mapping[str, Any]] = ask() if request.type.startswith("aws:") else await asyncio.to_thread(ask)
        return made

    def _read(self, urn: str, request: Any, properties: dict[str, Any]) -> Mapping[str, Any]:
        provider = self._provider(request)
        if not provider.has_type(request.type):
            self._uncheck(urn, request.type, "the resource type is not emulated; the values read are placeholders")
            if self._preview:
                return provider.made_up_plan(request.type, properties, UNKNOWN)
            return provider.made_up(request.type, request.id, properties)[1]
        outputs: Mapping[str, Any] | None = self._asked(
            urn, lambda: provider.read(request.type, request.id, properties)
        )
        if outputs is None:
            raise AwsRefused(f"{_who(urn)}: no resource with the id `{request.id}` exists")
        return outputs

    def _stack_outputs(self, name: str) -> dict[str, Any]:
        found = self._references.outputs_of(name)
        return {"name": name, "outputs": dict(found.outputs), "secretOutputNames": sorted(found.secrets)}

    def _provider(self, request: Any) -> Provider:
        """The explicit provider of a resource or call, or the default provider."""
        return self._providers.get(request.provider, self.provider)

    def _asked(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ClientError, BotoCoreError, EcrStackError) as error:
            raise AwsRefused(self.secrets.hidden_in_text(f"{_who(what)}: {error}")) from error

    async def _transformed(self, urn: str, request: Any) -> Any:
        """What a resource asks for once the program's transforms have run."""
        try:
            return await self._transforms.applied(urn, request)
        except Exception as error:
            raise HookFailed(self.secrets.hidden_in_text(f"{_who(urn)}: a transform failed: {error}")) from error

    async def _run_hooks(
        self,
        moment: str,
        urn: str,
        request: Any,
        outputs: Mapping[str, Any] | None = None,
        id_: str = "",
    ) -> None:
        """Run the hooks of a resource, as the engine does when it creates the resource."""
        for name in getattr(request.hooks, moment):
            hook = self._hooks.get(name)
            if hook is None or (self._preview and not hook.on_dry_run):
                continue
            asked = resource_pb2.ResourceHookRequest(
                urn=urn,
                id=id_,
                name=request.name,
                type=request.type,
                new_inputs=request.object,
                new_outputs=message(outputs, secrets_in(request.object)) if outputs else None,
            )
            answer = await call_back(hook.callback, asked)
            if answer.error and not hook.ignore_errors:
                raise HookFailed(self.secrets.hidden_in_text(f"{_who(urn)}: the hook `{name}` failed: {answer.error}"))

    def _uncheck(self, urn: str, type_: str, reason: str) -> None:
        self.unchecked.setdefault((urn, type_), Unchecked(urn, type_, reason))

    def _claim(self, urn: str) -> None:
        """Reject a second resource with one URN before it reaches AWS."""
        if urn in self.records:
            raise AwsRefused(
                f"{_who(urn)}: two resources with the same type and parent have this name, and Pulumi rejects the second. "
                "Rename one of them"
            )

    def _record(
        self, urn: str, request: Any, inputs: dict[str, Any], outputs: Mapping[str, Any], id_: str | None
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Record a resource; returns its secret strings and the names of its secret properties."""
        secrets, names = secrets_in(request.object), _secret_names(request)
        self.secrets.add(secrets)
        options = _options(request, self)
        record = ResourceRecord(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            inputs=inputs,
            outputs=dict(outputs),
            dependencies=sorted(set(request.dependencies)),
            options=options,
            id=id_,
        )
        visible_inputs = redacted(request.object) if secrets or names else inputs
        visible_outputs = {
            key: (visible_inputs[key] if value == inputs.get(key) else REDACTED) if key in names else value
            for key, value in outputs.items()
        }
        shown = ResourceRecord(
            **{
                **record.__dict__,
                "inputs": self._visible(visible_inputs, secrets),
                "outputs": self._visible(visible_outputs, secrets),
                "options": self.secrets.hidden_in(options, secrets),
                "id": self.secrets.hidden_in(id_, secrets),
            }
        )
        self._claim(urn)
        self.records[urn] = record
        self.shown[urn] = shown
        count = len(self.records)
        if self._progress:
            self._progress(count)
        return secrets, names

    def _visible(self, values: Mapping[str, Any], secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return values as a report shows them: without secrets, and with a word for what is unknown."""
        hidden: dict[str, Any] = self.secrets.hidden_in(dict(values), secrets)
        return _named(hidden) if self._preview else hidden


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _named(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item) for item in value]
    return value.replace(UNKNOWN, UNKNOWN_VALUE) if isinstance(value, str) else value


def _names_of_secrets(properties: Any) -> frozenset[str]:
    return frozenset(name for name, field in properties.fields.items() if holds_secret(field))


def _secret_names(request: Any) -> frozenset[str]:
    """The secret properties of a resource: those with a secret in their input, and those that it declares secret."""
    return _names_of_secrets(request.object) | frozenset(request.additionalSecretOutputs)


def _package(provider_type: str) -> str:
    return provider_type.removeprefix(_PROVIDERS)


def _options(request: Any, monitor: Recorder) -> dict[str, Any]:
    options: dict[str, Any] = {
        "protect": bool(request.protect),
        "retainOnDelete": bool(request.retainOnDelete),
        "aliases": list(
            dict.fromkeys([*request.aliasURNs, *(_alias(alias, request, monitor) for alias in request.aliases)])
        ),
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
    if request.providers:
        options["providers"] = dict(request.providers)
    if request.deleteBeforeReplaceDefined:
        options["deleteBeforeReplace"] = request.deleteBeforeReplace
    hooks = {name.name: list(getattr(request.hooks, name.name)) for name, _ in request.hooks.ListFields()}
    if hooks:
        options["hooks"] = hooks
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


def _who(urn: str) -> str:
    parts = urn.split("::")
    return f'{parts[2].split("$")[-1]} "{parts[-1]}"' if len(parts) > 3 else urn
