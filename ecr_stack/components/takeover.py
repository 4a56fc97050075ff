"""Stops a deployment that would delete, at its end, what it has just put in place.

A repository has one lifecycle policy and one policy. If another resource of the stack's state stands for the same one
(the component was renamed or moved, or the repository is taken over from another module), Pulumi puts the new document
and then deletes the old resource, and with it the document. So before a resource is created, in a preview too, the
stack's state is searched for another resource that is the same thing in AWS.
"""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, Optional
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

from ecr_stack.errors import EcrStackError
from ecr_stack.resources import RESOURCES, identity_of

__all__ = ["Takeover", "is_created_here", "rival_of", "takeover_hook"]

TIMEOUT_IN_SECONDS = 60


class Takeover(EcrStackError):
    """What is about to be made exists already, as another resource of the stack."""


_hooks: WeakKeyDictionary[Any, pulumi.ResourceHook] = WeakKeyDictionary()


def takeover_hook() -> pulumi.ResourceHook:
    """The hook that stands before the creation of each resource; one for a program."""
    monitor = get_monitor()
    if monitor not in _hooks:
        state = _State()

        async def check(args: pulumi.ResourceHookArgs) -> None:
            _created.setdefault(monitor, set()).add((args.type, identity_of(args.type, args.new_inputs or {})))
            resources = await state.resources()
            if resources is not None:
                rival = rival_of(args.urn, args.type, args.new_inputs or {}, resources)
                if rival is not None:
                    raise Takeover(_message(args, rival))

        _hooks[monitor] = pulumi.ResourceHook("ecr-stack-takeover", check, pulumi.ResourceHookOptions(on_dry_run=True))
    return _hooks[monitor]


_created: WeakKeyDictionary[Any, set[tuple[str, Any]]] = WeakKeyDictionary()


def is_created_here(token: str, *identity: str) -> bool:
    """Whether this deployment creates a resource (or, in a preview, would)."""
    return (token, identity) in _created.get(get_monitor(), ())


def rival_of(
    urn: str, token: str, inputs: Mapping[str, Any], state: Iterable[Mapping[str, Any]]
) -> Optional[Mapping[str, Any]]:
    """Find the resource of a stack's state that is the same thing in AWS as one that is about to be created.

    Args:
        urn: the URN of the new resource.
        token: its type.
        inputs: its inputs.
        state: the resources of the state, as `pulumi stack export` prints them.
    """
    identity = identity_of(token, inputs)
    if identity is None:
        return None
    for resource in state:
        if resource.get("type") != token or resource.get("urn") == urn or resource.get("delete"):
            continue
        if resource.get("retainOnDelete") or resource.get("external"):
            continue
        known = {**(resource.get("inputs") or {}), **(resource.get("outputs") or {})}
        if identity_of(token, known) != identity:
            continue
        there, here = known.get("region"), inputs.get("region")
        if RESOURCES[token].regional and there and here and there != here:
            continue
        return resource
    return None


class _State:
    """The resources of the stack as the last deployment left them, read once a program."""

    def __init__(self) -> None:
        self._read: Optional[asyncio.Task[Optional[list[Mapping[str, Any]]]]] = None

    async def resources(self) -> Optional[list[Mapping[str, Any]]]:
        if self._read is None:
            self._read = asyncio.ensure_future(asyncio.to_thread(_exported))
        return await self._read


def _exported() -> Optional[list[Mapping[str, Any]]]:
    """The resources of the stack's state, or `None` (with a warning) if they cannot be read."""
    command = shutil.which("pulumi")
    if command is None:
        _unread("there is no `pulumi` command on PATH")
        return None
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        done = subprocess.run(
            [command, "stack", "export", "--stack", stack, "--non-interactive"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_IN_SECONDS,
            check=False,
        )
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
        "ecr-stack could not read this stack's state, so it does not know whether another resource of the stack stands for "
        f"what is created here; if one does, its deletion would remove it ({reason})"
    )


def _message(args: pulumi.ResourceHookArgs, rival: Mapping[str, Any]) -> str:
    row = RESOURCES[args.type]
    name = " ".join(str(part) for part in identity_of(args.type, args.new_inputs or {}) or ())
    loss = row.loss or f"the {row.noun}"
    return "\n".join(
        [
            f"{row.noun} {name}: this stack has it already, as another resource",
            f"  rule:   Pulumi would make it anew and then delete the other resource: what is lost is {loss}",
            f"  remedy: if it was renamed or moved, add its URN to `aliases` of the repository (or to the `aliases` option "
            f"of the component): {rival['urn']}",
            "          if it is to be given up, remove it from the state first: pulumi state delete URN",
        ]
    )
