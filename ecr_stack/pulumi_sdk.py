"""Everything that is used of the Pulumi SDK's internals, in one place.

The SDK has no public way to run a program in this process with another resource monitor than the engine's: its test
mocks come closest. A release of the SDK may change any name in this file, so `pyproject.toml` bounds the version, and
a test runs against the installed one and says which version these names were last checked with.

https://github.com/pulumi/pulumi/blob/master/sdk/python/lib/pulumi/runtime/mocks.py
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from pulumi._types import (
    input_type_py_to_pulumi_names,
    is_input_type,
    resource_pulumi_to_py_names,
    resource_types,
)
from pulumi.runtime import mocks, resource, set_all_config
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack

__all__ = [
    "CHECKED_WITH",
    "MockMonitor",
    "NoMocks",
    "call_back",
    "input_type_py_to_pulumi_names",
    "is_input_type",
    "missing_internals",
    "resource_pb2",
    "resource_pulumi_to_py_names",
    "resource_types",
    "run_program",
    "waiting",
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
}


def missing_internals() -> list[str]:
    """Name the internals that the installed SDK no longer has, beyond those that this module imports."""
    return [
        f"{getattr(owner, '__name__', type(owner).__name__)}.{name}"
        for owner, names in _INTERNALS.items()
        for name in names
        if not hasattr(owner, name)
    ]


class NoMocks(mocks.Mocks):
    """The monitor answers by itself; the SDK requires an object of this kind all the same."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Never called."""
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        """Never called."""
        raise NotImplementedError(args.typ)


_worker = threading.local()


class _Turns(ThreadPoolExecutor):
    """Does what is submitted one after the other, and hands results over together.

    The work is Python's, so several threads at once would only fight for locks. And each time that results come in, the
    SDK looks at everything that it still waits for: with one result at a time, a stack's cost grows with its square.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: int = 32) -> None:
        super().__init__(max_workers=threads, thread_name_prefix="aws")
        self._loop = loop
        self._waiting_jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._turn: object | None = None
        self._turn_lock = threading.Lock()
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._turn_lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting_jobs.append((future, partial(fn, *args, **kwargs)))
            self._give_turn()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._turn_lock:
            self._closed = True
            while self._waiting_jobs:
                self._waiting_jobs.popleft()[0].cancel()
        super().shutdown(wait=wait, cancel_futures=cancel_futures)

    def let_go(self, results: list[Callable[[], None]]) -> None:
        """Let another thread go on with what waits; this one finishes only what it is at."""
        with self._turn_lock:
            if self._turn is _worker.turn:
                self._turn = None
                self._give_turn()
        self._hand_over(results)

    def _give_turn(self) -> None:
        if self._turn is None and self._waiting_jobs:
            self._turn = object()
            super().submit(self._work, self._turn)

    def _work(self, turn: object) -> None:
        results: list[Callable[[], None]] = []
        _worker.executor, _worker.turn, _worker.results = self, turn, results
        while True:
            with self._turn_lock:
                if self._turn is not turn:
                    break
                if not self._waiting_jobs:
                    self._turn = None
                    break
                future, job = self._waiting_jobs.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    results.append(partial(future.set_result, job()))
                except BaseException as error:
                    results.append(partial(future.set_exception, error))
                    # the program stops at once
                    self._hand_over(results)
        self._hand_over(results)
        _worker.executor = None

    def _hand_over(self, results: list[Callable[[], None]]) -> None:
        if results:
            self._loop.call_soon_threadsafe(_each, list(results))
            results.clear()


def _each(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()


@contextmanager
def waiting() -> Iterator[None]:
    """Say that a monitor's method now waits for something that may take long, or for the program itself."""
    executor = getattr(_worker, "executor", None)
    if executor is not None:
        executor.let_go(_worker.results)
    yield


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
    """Run a program as the Pulumi language host does, with `monitor` in the engine's place.

    Args:
        program: what to run.
        monitor: answers the program.
        project: the project's name.
        stack: the stack's name.
        organization: the organization's name.
        preview: whether the program is to believe that nothing is made.
        config: configuration by namespaced key.
        secret_keys: the keys of secret configuration.
        interrupted: called when the process is told to end, before the monitor's threads are waited for.

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
    loop.set_default_executor(_Turns(loop))
    asyncio.set_event_loop(loop)
    # what failed is raised below; what waited for it need not be told once more
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(run_in_stack(program))
    except KeyboardInterrupt:
        interrupted()
        raise
    finally:
        # What waits for a resource that failed would wait for ever.
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
    """Spare the SDK its stack traces: the engine is told where each resource is made; here nobody asks."""
    original = resource._get_stack_trace
    resource._get_stack_trace = StackTrace
    try:
        yield
    finally:
        resource._get_stack_trace = original


def call_back(callback: Any, request: Any) -> bytes:
    """Call a function that the program registered, as the engine does: over its callback server.

    Args:
        callback: the registered `callback_pb2.Callback`.
        request: the message that the function takes.

    Returns:
        The message that it answers, serialized.
    """
    import grpc

    with waiting(), grpc.insecure_channel(callback.target) as channel:
        stub: Any = callback_pb2_grpc.CallbacksStub(channel)
        answer = stub.Invoke(
            callback_pb2.CallbackInvokeRequest(token=callback.token, request=request.SerializeToString())
        )
    return bytes(answer.response)
