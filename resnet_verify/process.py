"""Run a function in a fresh process of its own, so that what it imports stays there.

Two frameworks in one process can clash, Paddle and PyTorch say; each gets a process of its
own. The user sees one program: results, exceptions and interrupts are those of a plain call.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

from resnet_verify.adapters.outputs import message_of

T = TypeVar("T")

LEAVING = 10.0
"""Seconds that a process may take to shut down after its answer; then it is killed."""


class ProcessError(Exception):
    """The process gave no answer, or one that means nothing here; the message says why."""


@dataclass(frozen=True)
class _Told:
    words: tuple[Any, ...]


@dataclass(frozen=True)
class _Returned:
    value: Any


@dataclass(frozen=True)
class _Raised:
    """An exception: pickled, in words, and its traceback as text."""

    pickled: bytes
    words: str
    text: str


class _Traceback(Exception):  # shown where Python shows the cause of an exception
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def run_apart(
    function: Callable[..., T], *arguments: Any, heed: Callable[..., None] | None = None
) -> T:
    """Call ``function(tell, *arguments)`` in a fresh process and return its result.

    What the function passes to `tell` is passed to `heed` in this process, in order. The
    process outlives neither the call nor this process. Function, arguments and result are
    pickled, and the main module is imported there too, as `multiprocessing` has it.

    Raises:
        ProcessError: the process ended without an answer.
        BaseException: what the function raises, its own traceback as the cause.
    """
    with _serving(function, arguments) as (process, line):
        answer = _answer(process, line, heed)
    value: T = _value(answer)
    return value


def run_together(
    function: Callable[..., T], each: Sequence[tuple[Any, ...]], seconds: float
) -> list[T]:
    """Call ``function(tell, *arguments)`` for all of `each` at once, in a fresh process each.

    The first one that raises or ends without an answer ends all of them. See `run_apart`.

    Raises:
        TimeoutError: not all have answered after `seconds`.
        ProcessError: a process ended without an answer.
        BaseException: what the function raises, its own traceback as the cause.
    """
    late = time.monotonic() + seconds
    values: dict[int, T] = {}
    with ExitStack() as stack:
        started = [stack.enter_context(_serving(function, arguments)) for arguments in each]
        while pending := [number for number in range(len(started)) if number not in values]:
            lines = {
                number: (started[number][1], started[number][0].sentinel) for number in pending
            }
            ready = wait([source for pair in lines.values() for source in pair],
                         max(late - time.monotonic(), 0))  # fmt: skip
            if not ready:
                raise TimeoutError(f"no answer within {seconds:g} s")
            for number in pending:
                if not set(ready).isdisjoint(lines[number]):
                    values[number] = _value(_answer(*started[number], None))
    return [values[number] for number in range(len(started))]


@contextmanager
def _serving(
    function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Iterator[tuple[BaseProcess, Connection]]:
    """A process that calls the function, and the line that its answer comes over."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs, function, arguments))
    with ours, _ended(process):
        with theirs, interrupts_held_back():
            process.start()
        yield process, ours


def _value(answer: _Returned | _Raised) -> Any:
    if isinstance(answer, _Raised):
        raise _as_raised(answer)
    return answer.value


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """A process started inside is deaf to Ctrl-C for good: this one hears it, and ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it later would let interrupts through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _ended(process: BaseProcess) -> Iterator[None]:
    """After an answer the process may leave by itself; otherwise it is killed at once."""
    try:
        yield
        process.join(LEAVING)
    finally:
        if process.pid is not None:
            process.kill()
            process.join()


def _answer(
    process: BaseProcess, line: Connection, heed: Callable[..., None] | None
) -> _Returned | _Raised:
    while True:
        wait([line, process.sentinel])
        try:
            message = line.recv() if line.poll() else None
        except EOFError:
            message = None
        match message:
            case _Told(words):
                if heed is not None:
                    heed(*words)
            case _Returned() | _Raised():
                return message
            case _:
                process.join()
                raise ProcessError(how_it_ended(process.exitcode))


def how_it_ended(exit_code: int | None) -> str:
    """The end of a process in words, by what `multiprocessing` says of it."""
    if exit_code is None or exit_code >= 0:
        return f"its process left with exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = "; was memory short?" if name == "SIGKILL" else ""
    return f"its process was ended by {name} ({signal.strsignal(-exit_code)}){hint}"


def _as_raised(answer: _Raised) -> BaseException:
    try:
        error: BaseException = pickle.loads(answer.pickled)
    except Exception:  # its class may exist in the other process only
        error = ProcessError(answer.words)
    error.__cause__ = _Traceback(answer.text)
    return error


def _serve(line: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """What the process does."""
    Thread(target=_leave_with_parent, daemon=True).start()
    answer: _Returned | _Raised
    try:
        answer = _Returned(function(lambda *words: line.send(_Told(words)), *arguments))
    except BaseException as error:
        answer = _raised(error)
    with suppress(Exception):  # closed by the function
        sys.stdout.flush()  # what it printed comes before what its caller prints
    line.send(answer)


def _raised(error: BaseException) -> _Raised:
    try:
        pickled = pickle.dumps(error)
    except Exception:  # whatever it holds that cannot be pickled
        pickled = b""
    text = "".join(traceback.format_exception(error))
    return _Raised(pickled, f"{type(error).__name__}: {message_of(error)}", text)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, however that happened."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # `_serve` runs in processes that were started
    wait([parent.sentinel])
    os._exit(1)
