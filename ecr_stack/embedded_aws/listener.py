"""Ports of the loopback interface, and what is served at them.

Whoever starts an embedded AWS may need its URL only to hand it on. So a port is open at once, and the web server, whose
import takes longer than a small rehearsal, is started by the first connection.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from ecr_stack.errors import Unavailable

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

__all__ = ["LOOPBACK", "Listener"]

LOOPBACK = "127.0.0.1"
"""Where clients of AWS's API are led to. Nothing here listens on anything but the loopback interface."""

_BACKLOG = 2048
# Seconds. A server that closes an idle connection resets the request that a client sends on it at that moment; clients
# of a registry keep connections for 90 seconds at most (the default of Go's transport), so here they close first.
_KEEP_ALIVE = 600


class Listener:
    """ASGI applications on ports of the loopback interface, all served by one thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        """The event loop of that thread."""
        self._thread = threading.Thread(target=self.loop.run_forever, name="listener", daemon=True)
        self._thread.start()
        self._waiting: set[socket.socket] = set()
        self._servers: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    def listen(self, app: Callable[[], ASGIApp], port: int = 0) -> int:
        """Open a port, serve an application there from the first connection on, and give the port.

        Args:
            app: makes the application, in the listener's thread.
            port: the port, or 0 for any that is free.

        Raises:
            Unavailable: the port is taken.
        """
        sockets = _bound(port)

        def serve() -> None:
            self._stop_waiting(sockets)
            server = _server(app())
            self._servers.append((server, self.loop.create_task(server.serve(sockets))))

        self._waiting.update(sockets)
        for each in sockets:
            self.loop.call_soon_threadsafe(self.loop.add_reader, each, serve)
        return int(sockets[0].getsockname()[1])

    def close(self) -> None:
        """Let requests that are under way end, for two seconds, and stop listening."""
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _stop_waiting(self, sockets: Iterable[socket.socket]) -> list[socket.socket]:
        stopped = list(sockets)
        for each in stopped:
            self.loop.remove_reader(each)
        self._waiting.difference_update(stopped)
        return stopped

    async def _end(self) -> None:
        for each in self._stop_waiting(self._waiting):
            each.close()
        for server, _ in self._servers:
            server.should_exit = True
        await asyncio.gather(*(task for _, task in self._servers), return_exceptions=True)
        await self.loop.shutdown_default_executor()


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            # clients that try TLS first are no news; what fails here is told to the client
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=2,
        )
    )


def _bound(port: int) -> list[socket.socket]:
    """Return listening sockets at both loopback addresses: `localhost` is one for some clients, the other for others."""
    sockets: list[socket.socket] = []
    try:
        for family, address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
            if family == socket.AF_INET6 and not _has_ipv6():
                continue
            # asyncio sends small answers at once only where the protocol is named; otherwise each waits 40 ms for an acknowledgement
            listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((address, port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)))
            # from here on connections wait for the server
            listening.listen(_BACKLOG)
    except OSError as error:
        for listening in sockets:
            listening.close()
        if port == 0 and len(sockets) > 1:
            return _bound(0)
        raise Unavailable(f"cannot listen on port {port} of the loopback interface: {error.strerror}") from None
    return sockets


@cache
def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
