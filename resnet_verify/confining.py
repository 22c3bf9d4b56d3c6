"""A process that confines itself before it runs other people's code: whatever that does, it ends.

The two processes exchange JSON and nothing else, so that nothing of that code's is executed here.
A process that ends, or gives no answer in time, is an answer as well.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import gettempdir
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from resnet_verify.confinement import MARK, end_all, memory_of_machine
from resnet_verify.process import LEAVING, how_it_ended, interrupts_held_back
from resnet_verify.traces import last_place

if TYPE_CHECKING:
    from typing import Self  # as of Python 3.11

GRACE = 10.0
"""Seconds in which a process that is late may interrupt itself; then it is killed."""

MEANINGLESS = "its process gave an answer that means nothing"

_LOOK = 0.1  # seconds between two looks whether it runs: what it started may hide its end
_SHARE = 0.9  # of the machine's memory that one process may hold
_KEPT = 1 << 16  # bytes of its output
_LONGEST = 1 << 26  # bytes of one answer

_STARTING = RLock()


class Ended(Exception):
    """The process has ended, or was ended; the message says why."""


class There(Exception):
    """A traceback of the other process, shown where Python shows the cause of an exception."""

    def __str__(self) -> str:
        """The traceback as text."""
        return f"\n{self.args[0]}"


class Confined:
    """A confined process, as a context: after it nothing of it is left.

    Args:
        function: is called there as ``function(line, output, *arguments)``. It begins with
            `resnet_verify.confinement.confine(output, ...)`; all that it sends is JSON objects.
        arguments: of the function; they are pickled.
    """

    def __init__(self, function: Callable[..., None], *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments
        self._printed = b""
        # The process makes it; were it made here, it would outlive a kill -9 at that moment.
        self.folder = Path(gettempdir(), f"resnet-verify-{uuid4().hex}")
        self._process: BaseProcess | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        with _STARTING:
            if self._stopped:
                raise Ended("it was stopped before it began")
            self._line, its_line = context.Pipe()
            self._output, its_output = context.Pipe(duplex=False)
            arguments = (its_line, its_output, *self._arguments)
            process = context.Process(target=self._function, args=arguments)
            with its_line, its_output, interrupts_held_back(), _marked(str(self.folder)):
                process.start()
            self._process = process
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started, and remove its temporary files."""
        with _STARTING:
            process = self._process
            if process is not None:
                process.kill()
                process.join()
                # While its guardian lives, which removes them if this process is killed now.
                shutil.rmtree(self.folder, ignore_errors=True)
                self.stop()
                shutil.rmtree(self.folder, ignore_errors=True)
                self._process = None
                process.close()
                self._line.close()
                self._output.close()

    def stop(self) -> None:
        """Kill the process and all that it started, from any thread; its answers end."""
        with _STARTING:
            self._stopped = True
            process = self._process
            if process is not None and process.pid is not None:
                end_all(process.pid, str(self.folder))
                process.kill()

    @property
    def printed(self) -> str:
        """The last of what it has printed, on stdout and stderr."""
        return self._printed.decode(errors="replace")

    def answer(self, limit: float, since: float | None = None) -> dict[str, Any]:
        """Its next answer, at the latest `limit` seconds after `since`, a time that is monotonic.

        Raises:
            Ended: there is none, and none will come any more.
        """
        late = (time.monotonic() if since is None else since) + limit
        try:
            return self._awaited(limit, late + GRACE)
        except Ended:
            raise
        except BaseException:  # interrupted: what comes later is no answer to what is asked then
            self.stop()
            raise

    def _awaited(self, limit: float, late: float) -> dict[str, Any]:
        while (left := late - time.monotonic()) > 0:
            ready = wait(self._sources(), min(left, _LOOK))
            if self._output in ready:
                self._hear()
            if self._line in ready:
                return self._received()
            if self._exit_code is not None and not self._line.poll():
                raise self._how_it_ended()
        where = last_place(self.printed)
        raise Ended(f"no answer within the time limit of {limit:g} s{where}")

    def _sources(self) -> list[Any]:
        output = [] if self._output.closed else [self._output]
        return [self._line, *output]

    @property
    def _exit_code(self) -> int | None:
        """How the process has ended; None while it runs."""
        assert self._process is not None  # as `__enter__` has it
        return self._process.exitcode

    def _hear(self) -> None:
        chunk = os.read(self._output.fileno(), _KEPT)
        if not chunk:
            self._output.close()
        self._printed = (self._printed + chunk)[-_KEPT:]

    def _received(self) -> dict[str, Any]:
        try:
            answer = json.loads(self._line.recv_bytes(_LONGEST))
        except (EOFError, OSError):
            raise self._how_it_ended() from None
        except ValueError:
            answer = None
        if not isinstance(answer, Mapping):
            raise Ended(MEANINGLESS)
        return dict(answer)

    def _how_it_ended(self) -> Ended:
        late = time.monotonic() + LEAVING
        while self._exit_code is None and time.monotonic() < late:
            time.sleep(_LOOK)
        while not self._output.closed and self._output.poll():
            self._hear()
        where = last_place(self.printed)
        if self._exit_code is None:
            return Ended(f"its process closed the line that its answers come over{where}")
        return Ended(how_it_ended(self._exit_code) + where)


def memory_bound(device: str) -> int | None:
    """The bytes that a process which computes on `device` may hold, None for no bound."""
    whole = memory_of_machine()
    on_cpu = device == "cpu"  # a GPU's driver reserves more than there is
    return int(whole * _SHARE) if whole and on_cpu else None


@contextmanager
def _marked(folder: str) -> Iterator[None]:
    """What is started inside carries the mark, and does not run this program's main module."""
    os.environ[MARK] = folder
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        del os.environ[MARK]
