"""Stops a deployment that would delete, at its end, what it has just put in place.

A repository has one lifecycle policy and one policy. If another resource of the stack's state stands for the same one
(the component was renamed or moved, or the repository is taken over from another module), Pulumi puts the new document
and then deletes the old resource, and with it the document. So before a resource is created or imported, in a preview
too, the stack's state is searched for another resource that is the same thing in AWS.
"""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, Optional
from weakref import WeakKeyDictionary

import pulumi
import pulumi_aws as aws
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub
from pulumi.runtime.settings import get_monitor

from ecr_stack.errors import EcrStackError
from ecr_stack.resources import RESOURCES, identity_of

__all__ = [
    "HOOK_SUFFIX",
    "Takeover",
    "in_this_context",
    "inputs_in_state",
    "is_created_here",
    "rivals_of",
    "takeover_hook",
    "unrivalled",
]

TIMEOUT_IN_SECONDS = 60
ATTEMPTS = 3

HOOK_SUFFIX: ContextVar[str] = ContextVar("hook_suffix", default="")
"""What tells the hooks of one component of a component package from those of the others: a deployment has one name once."""

State = list[Mapping[str, Any]]


class Takeover(EcrStackError, pulumi.RunError):
    """What is about to be made exists already, as another resource of the stack."""


Check = Callable[[pulumi.ResourceHookArgs], Coroutine[Any, Any, None]]


def in_this_context(check: Check) -> Check:
    """Let a hook know the deployment that it is made in: one process of a component package serves several at a time.

    What the SDK knows of a deployment (its stack, whether it is a preview) belongs to the context of a task, and the
    engine's call of a hook has another one.
    """
    context = copy_context()

    async def run(args: pulumi.ResourceHookArgs) -> None:
        args.new_inputs, args.old_inputs = await _revealed(args.new_inputs), await _revealed(args.old_inputs)
        await asyncio.create_task(check(args), context=context.copy())

    return run


async def _revealed(properties: Any) -> Any:
    """The inputs with their secrets, which the SDK hands to hooks as Outputs: a secret name is a name all the same."""
    return properties and {
        name: await value.future() if isinstance(value, pulumi.Output) else value for name, value in properties.items()
    }


_hooks: WeakKeyDictionary[Any, dict[Any, pulumi.ResourceHook]] = WeakKeyDictionary()


def takeover_hook(
    owner: pulumi.Resource, former: "Callable[[str, str], Iterable[pulumi.Input[str]]] | None" = None
) -> pulumi.ResourceHook:
    """The hook before the creation of each resource; one for each provider of a program.

    Args:
        owner: the component that the resource belongs to; its provider says in which account and Region it will be.
        former: gives the URNs that the resource had before, by its name and type, if it had any: a resource that is
            replaced is created anew while the state still has it under one of them.
    """
    monitor = get_monitor()
    hooks = _hooks.setdefault(monitor, {})
    provider = owner.get_provider("aws::")
    key: Any = former or (id(provider) if provider else None)
    if key not in hooks:

        async def check(args: pulumi.ResourceHookArgs) -> None:
            inputs = args.new_inputs or {}
            _created.setdefault(monitor, set()).add((args.type, identity_of(args.type, inputs)))
            urns = await pulumi.Output.all(*former(args.name, args.type)).future() if former else None
            await _stop(owner, args.urn, args.type, inputs, urns or [])

        name = "ecr-stack-takeover" + (f"-{len(hooks) + 1}" if hooks else "") + HOOK_SUFFIX.get()
        hooks[key] = pulumi.ResourceHook(name, in_this_context(check), pulumi.ResourceHookOptions(on_dry_run=True))
    return hooks[key]


_created: WeakKeyDictionary[Any, set[tuple[str, Any]]] = WeakKeyDictionary()


def is_created_here(token: str, *identity: str) -> bool:
    """Whether this deployment creates a resource (or, in a preview, would)."""
    return (token, identity) in _created.get(get_monitor(), ())


def unrivalled(
    owner: pulumi.Resource, token: str, name: str, aliases: "Iterable[pulumi.Input[str]]", region: Any
) -> "pulumi.Input[str]":
    """The name of a repository that is to be imported, once no other resource of the stack stands for it.

    The engine runs no hooks before an import, so the name itself waits for the answer.

    Args:
        owner: the component that the repository will belong to; their logical names are the same.
        token: the repository's type.
        name: its name in AWS.
        aliases: the URNs that it had before: with one of them in the state, nothing is imported.
        region: its Region, if not the provider's own.
    """
    if not isinstance(get_monitor(), ResourceMonitorStub):
        return name  # no engine runs the program, so there is no state

    urns = pulumi.Output.all(pulumi.create_urn(owner._name, token, owner), *aliases)

    async def checked() -> str:
        own, *former = await urns.future() or []
        await _stop(owner, own, token, {"name": name, "region": region}, former)
        return name

    # not an `apply`: what comes from the component's URN depends on the component, and so on the repository itself
    return pulumi.Output.from_input(checked())


async def _stop(
    owner: pulumi.Resource, urn: str, token: str, inputs: Mapping[str, Any], aliases: Collection[str]
) -> None:
    """Stop if something else in the state is the same thing in AWS.

    Raises:
        Takeover: it is.
    """
    state = await _state()
    rivals = [rival for rival in rivals_of(urn, token, inputs, state or []) if rival["urn"] not in aliases]
    if not rivals or state is None:
        return
    options = pulumi.InvokeOutputOptions(parent=owner)
    account = await _known(aws.get_caller_identity_output(opts=options).account_id)
    region = inputs.get("region") or await _known(aws.get_region_output(opts=options).region)
    for rival in rivals:
        there = _Whereabouts(state).of(rival)
        regional = RESOURCES[token].regional
        if all(
            not here or not known or here == known
            for here, known in ((account, there[0]), (regional and region, there[1]))
        ):
            raise Takeover(_message(urn, token, inputs, rival, state))


async def _known(value: "pulumi.Output[Any]") -> Optional[str]:
    return str(await value.future()) if await value.is_known() else None


def rivals_of(urn: str, token: str, inputs: Mapping[str, Any], state: Iterable[Mapping[str, Any]]) -> State:
    """Find the resources of a stack's state that may be the same thing in AWS as one that is about to be made.

    Args:
        urn: the URN of the new resource.
        token: its type.
        inputs: its inputs.
        state: the resources of the state, as `pulumi stack export` prints them.

    Returns:
        Those of the same type and identity; it takes their account and Region to know.
    """
    identity = identity_of(token, inputs)
    if identity is None:
        return []
    return [
        resource
        for resource in state
        if resource.get("type") == token
        and resource.get("urn") != urn
        and not (resource.get("delete") or resource.get("retainOnDelete") or resource.get("external"))
        and identity_of(token, _properties(resource)) == identity
    ]


def _properties(resource: Mapping[str, Any]) -> dict[str, Any]:
    both = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}
    return {name: _readable(value) for name, value in both.items()}


def _readable(value: Any) -> Any:
    """A property of an exported state; of a secret its text, which is JSON."""
    text = value.get("plaintext") if isinstance(value, Mapping) else None
    return json.loads(text) if isinstance(text, str) else value


class _Whereabouts:
    """The account and the Region of resources, by what they or others of the same provider say; `None` if nothing does."""

    def __init__(self, state: State) -> None:
        self._providers: dict[Any, tuple[Optional[str], Optional[str]]] = {}
        for resource in state:
            account, region = _own_whereabouts(resource)
            known = self._providers.get(resource.get("provider"), (None, None))
            # a resource may be in another Region than its provider
            here = None if (resource.get("inputs") or {}).get("region") else region
            self._providers[resource.get("provider")] = (known[0] or account, known[1] or here)

    def of(self, resource: Mapping[str, Any]) -> tuple[Optional[str], Optional[str]]:
        account, region = _own_whereabouts(resource)
        by_provider = self._providers.get(resource.get("provider"), (None, None))
        return account or by_provider[0], region or by_provider[1]


def _own_whereabouts(resource: Mapping[str, Any]) -> tuple[Optional[str], Optional[str]]:
    properties = _properties(resource)
    arn = properties.get("arn")
    parts = arn.split(":") if isinstance(arn, str) and arn.count(":") >= 5 else [""] * 6
    return properties.get("registryId") or parts[4] or None, properties.get("region") or parts[3] or None


_states: WeakKeyDictionary[Any, dict[str, "Future[Optional[State]]"]] = WeakKeyDictionary()
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="takeover")


async def _state(after: str = "") -> Optional[State]:
    """The resources of the stack, read once a program.

    Args:
        after: the URN of a resource that this deployment has just made: the state is then read once more. Default: as the
            last deployment left it.
    """
    monitor = get_monitor()
    if not isinstance(monitor, ResourceMonitorStub):
        return []  # no engine runs the program, so there is no state
    reads = _states.setdefault(monitor, {})
    if after not in reads:
        reads[after] = _THREAD.submit(copy_context().run, _exported)
    # a hook that is cancelled must not take the others' answer with it
    return await asyncio.shield(asyncio.wrap_future(reads[after]))


async def inputs_in_state(urn: str) -> Optional[Mapping[str, Any]]:
    """The inputs of a resource, secrets in plain text: in a preview of the last deployment, else as this one made them.

    Returns:
        `None` if the state does not have it, or cannot be read.
    """
    # what an update has done already is in the state
    state = await _state("" if pulumi.runtime.is_dry_run() else urn)
    inputs = next((each.get("inputs") or {} for each in state or [] if each.get("urn") == urn), None)
    return inputs and {name: _readable(value) for name, value in inputs.items()}


def _exported() -> Optional[State]:
    """The resources of the stack's state, or `None` (with a warning) if they cannot be read."""
    command = shutil.which("pulumi")
    if command is None:
        _unread("there is no `pulumi` command on PATH")
        return None
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        for attempt in range(ATTEMPTS):
            done = subprocess.run(
                # a name may be a secret; the state is read into memory and goes nowhere
                [command, "stack", "export", "--show-secrets", "--stack", stack, "--non-interactive"],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_IN_SECONDS,
                check=False,
            )
            # the engine may be writing the file of a local backend
            if done.returncode == 0 or attempt == ATTEMPTS - 1:
                break
            time.sleep(0.5)
        if done.returncode != 0:
            _unread(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}")
            return None
        deployment = json.loads(done.stdout).get("deployment") or {}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        _unread(str(error))
        return None
    return list(deployment.get("resources") or [])


def _unread(reason: str) -> None:
    pulumi.log.warn(
        "ecr-stack could not read this stack's state, so it cannot tell whether another resource manages what is "
        f"created here; if so, its deletion would remove it ({reason})"
    )


def _message(
    urn: str, token: str, inputs: Mapping[str, Any], rival: Mapping[str, Any], state: Iterable[Mapping[str, Any]]
) -> str:
    row = RESOURCES[token]
    name = " ".join(str(part) for part in identity_of(token, inputs) or ())
    lines = [
        f"{row.noun} {name}: this stack already has it as another resource".replace(" :", ":"),
        "  rule:   Pulumi would create it again and then delete the other resource, and with it "
        f"{row.loss or f'the {row.noun}'}",
    ]
    former = _former_registry(urn, rival["urn"], state)
    if former is not None:
        lines += [
            f"  remedy: this stack was deployed as environment `{former[0]}`, which its resource names contain: write "
            f"`environment: {former[0]}`,",
            f"          and deploy `{former[1]}` as a stack of its own",
        ]
    else:
        lines += [
            "  remedy: if it was renamed or moved, add its URN to `aliases` of the repository (or to the `aliases` option of the "
            f"component): {rival['urn']}",
            "          to give it up, first remove it from the state: pulumi state delete URN",
        ]
    return "\n".join(lines)


def _former_registry(urn: str, rival: str, state: Iterable[Mapping[str, Any]]) -> Optional[tuple[str, str]]:
    """The name that a registry had and the one that it has now, if that is all that tells two of its resources apart."""
    (*kind, name), (*same, former) = urn.split("::"), rival.split("::")
    if kind != same or "ecr-stack:index:Registry$" not in kind[-1]:
        return None
    for resource in state:
        if resource.get("type") == "ecr-stack:index:Registry":
            registry = resource["urn"].rpartition("::")[2]
            entry = former.removeprefix(registry)
            if former != name and former.startswith(registry) and name.endswith(entry):
                now = name.removesuffix(entry) if entry else name
                if now and now != registry:
                    return registry, now
    return None
