"""All uses of the Pulumi SDK's internals.

The SDK has no public way to run a program in this process with a resource monitor other than the engine's; its test mocks
come closest. A release of the SDK may change any name in this file, so `pyproject.toml` limits the version, and a test
checks the names against the installed version.

https://github.com/pulumi/pulumi/blob/master/sdk/python/lib/pulumi/runtime/mocks.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any

from pulumi._types import (
    input_type_py_to_pulumi_names,
    is_input_type,
    resource_pulumi_to_py_names,
    resource_types,
)
from pulumi.runtime import _context, mocks, resource, set_all_config
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import alias_pb2, resource_pb2
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack

__all__ = [
    "CHECKED_WITH",
    "MockMonitor",
    "NoMocks",
    "alias_pb2",
    "call_back",
    "input_type_py_to_pulumi_names",
    "is_input_type",
    "missing_internals",
    "resource_pb2",
    "resource_pulumi_to_py_names",
    "resource_types",
    "run_program",
    "without_stack_traces",
]

CHECKED_WITH = "3.272.0"
"""The version of the SDK that these names were last checked with."""

_PLACE_HOLDER: Any = object()
_NOTHING: Any = None


_INTERNALS: dict[Any, tuple[str, ...]] = {
    resource: ("_get_stack_trace",),
    mocks: ("MockMonitor", "set_mocks"),
    MockMonitor: ("GetDeploymentInfo", "Invoke", "RegisterResource", "RegisterResourceOutputs", "RegisterResourceHook"),
    SETTINGS: ("rpc_manager", "outputs"),
    _CallbackServicer: ("_servicers",),
    _context: ("wrap_with_context",),
}


def missing_internals() -> list[str]:
    """Return the internals that the installed SDK no longer has, besides those that this module imports."""
    return [
        f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"
        for owner, names in _INTERNALS.items()
        for name in names
        if not hasattr(owner, name)
    ]


class NoMocks(mocks.Mocks):
    """The monitor does not use it, but the SDK requires such an object."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Never called."""
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        """Never called."""
        raise NotImplementedError(args.typ)


class _Answers(ThreadPoolExecutor):
    """Runs the SDK's calls of the monitor in the event loop, and everything else in threads.

    The SDK uses threads because the engine is another process. Here the work is done in Python, so threads would only take
    turns. A monitor's method may be a coroutine function: the loop continues while it waits.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if getattr(fn, "__module__", None) != _context.__name__:
            return super().submit(fn, *args, **kwargs)
        return asyncio.get_running_loop().create_task(_answer(fn, *args, **kwargs))


async def _answer(ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    answer = ask(*args, **kwargs)
    return await answer if isawaitable(answer) else answer


def run_program(
    program: Callable[[], Awaitable[None] | None],
    monitor: MockMonitor,
    *,
    project: str,
    stack: str,
    organization: str,
    preview: bool,
    config: Mapping[str, str],
    secret_keys: Collection[str] = (),
    interrupted: Callable[[], None] = lambda: None,
) -> None:
    """Run a program as the Pulumi language host does, with `monitor` in place of the engine.

    Args:
        program: what to run.
        monitor: answers the program.
        project: the project's name.
        stack: the stack's name.
        organization: the organization's name.
        preview: whether to run the program as a preview.
        config: configuration by namespaced key.
        secret_keys: the keys of secret configuration.
        interrupted: called when the process is asked to terminate, before waiting for the monitor's threads.

    Raises:
        BaseException: whatever the program raises.
    """
    set_all_config(dict(config), list(secret_keys))
    # `set_mocks` makes a stack if there is none; `run_in_stack` makes the one that counts.
    set_root_resource(_PLACE_HOLDER)
    mocks.set_mocks(
        monitor.mocks, project=project, stack=stack, preview=preview, monitor=monitor, organization=organization
    )
    set_root_resource(_NOTHING)
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Answers(thread_name_prefix="aws"))
    asyncio.set_event_loop(loop)
    # the failure is raised below; tasks that waited for it need not report it again
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(run_in_stack(program))
    except KeyboardInterrupt:
        interrupted()
        raise
    finally:
        # Tasks that wait for a failed resource would wait forever.
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)
        set_root_resource(_NOTHING)
        set_all_config({})


@contextmanager
def without_stack_traces() -> Iterator[None]:
    """Skip the SDK's stack traces, which only the engine uses, to locate resources in the program."""
    original = resource._get_stack_trace
    resource._get_stack_trace = StackTrace
    try:
        yield
    finally:
        resource._get_stack_trace = original


async def call_back(callback: Any, request: Any) -> Any:
    """Call a function that the program registered, without the engine's connection.

    Args:
        callback: the registered `callback_pb2.Callback`.
        request: the request message.

    Returns:
        The response message.
    """
    servicer = next(each for each in _CallbackServicer._servicers if each._target == callback.target)
    return await servicer._callbacks[callback.token](request.SerializeToString())
