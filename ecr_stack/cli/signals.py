"""Ends a long command immediately and cleanly when it is interrupted or terminated."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ended_by_signals"]


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Handle SIGTERM like SIGINT, so that temporary folders and child processes are cleaned up.

    The exit code is the shell's code for the signal: 130 for SIGINT, 143 for SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    received: list[int] = []

    def end(number: int, _frame: Any) -> None:
        # a second signal must not interrupt the clean-up
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(128 + received[0] if received else 130) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
