"""Time limits: what takes too long is interrupted as soon as Python has its turn again."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Late(BaseException):
    """A time limit is over. No `Exception`: nothing may mistake it for a fault."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within the time limit of {seconds:g} s")


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Interrupt the body after `seconds`, as soon as the Python interpreter has its turn again."""
    if seconds is None:
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise Late(seconds)

    before, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < before < seconds:  # another's limit, pytest-timeout's say, comes sooner
        yield
        return
    started = time.monotonic()
    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if before:
            left = before - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3))
