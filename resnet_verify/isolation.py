"""Judge a target in a confined process of its own: whatever it does, there is an answer.

The two processes exchange JSON and nothing else, so that nothing of the target's is executed
here. A process that ends, or gives no answer in time, is an answer as well.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from tempfile import gettempdir
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from resnet_verify.confined import serve
from resnet_verify.confinement import MARK, end_all, memory_of_machine
from resnet_verify.process import LEAVING, how_it_ended, interrupts_held_back
from resnet_verify.report_json import from_wire
from resnet_verify.target import TargetError
from resnet_verify.traces import last_place

if TYPE_CHECKING:
    from resnet_verify.judge import Options
    from resnet_verify.verdict import Verdict

LIMIT = 300.0
"""Seconds that one check may take where the user sets no limit."""

ON_DEMAND = 3600.0
"""The same where a check that runs on demand only is selected, which takes longer."""

LOADING = 120.0
"""Seconds that loading a target may take; where a check may take longer, as long as that."""

_GRACE = 10.0  # seconds in which a confined process may interrupt a check by itself
_LOOK = 0.1  # seconds between two looks whether it runs: what it started may hide its end
_SHARE = 0.9  # of the machine's memory that one target may hold
_KEPT = 1 << 16  # bytes of its output
_LONGEST = 1 << 26  # bytes of one answer

_STARTING = RLock()


class Ended(Exception):
    """The process of a target has ended, or was ended; the message says why."""


class Apart:
    """A target in a process of its own, as a context; `load` it, then run its checks.

    Args:
        target: what the user wrote.
        options: how it is judged; without a time limit `LIMIT` holds.
        memory: the bytes that the process may hold, None for no bound.
        threads: what it may use of the processor, None for all.
    """

    def __init__(
        self, target: str, options: Options, memory: int | None, threads: int | None = None
    ) -> None:
        self.target = target
        self.died = False  # while it was loaded
        self.framework = self.framework_version = ""  # known once it is loaded
        self._limit = limit_of(options)
        self._loading = max(LOADING, self._limit)
        self._options = replace(options, timeout=self._limit)
        self._memory = memory
        self._threads = threads
        self._printed = b""
        # The process makes it; were it made here, it would outlive a kill -9 at that moment.
        self._folder = os.path.join(gettempdir(), f"resnet-verify-{uuid4().hex}")
        self._process: BaseProcess | None = None
        self._stopped = False

    def __enter__(self) -> Apart:
        context = multiprocessing.get_context("spawn")
        with _STARTING:
            if self._stopped:
                raise Ended("it was stopped before it began")
            self._line, its_line = context.Pipe()
            self._output, its_output = context.Pipe(duplex=False)
            bounds = (self._options, self._loading, self._memory, self._threads)
            arguments = (its_line, its_output, self.target, *bounds)
            process = context.Process(target=serve, args=arguments)
            with its_line, its_output, interrupts_held_back(), _marked(self._folder):
                process.start()
            self._process = process
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started, and remove its temporary files."""
        self.stop()
        with _STARTING:
            process, self._process = self._process, None
            if process is not None:
                process.join()
                process.close()
                self._line.close()
                self._output.close()
                shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """Kill the process and all that it started, from any thread; its answers end."""
        with _STARTING:
            self._stopped = True
            process = self._process
            if process is not None and process.pid is not None:
                end_all(process.pid, self._folder)
                process.kill()

    @property
    def printed(self) -> str:
        """The last of what the target has printed, on stdout and stderr."""
        return self._printed.decode(errors="replace")

    def load(self) -> None:
        """Import the target and make its network.

        Raises:
            TargetError: the target gives no network, or its process ended; its cause is the
                traceback there.
        """
        try:
            answer = self._answer(self._loading)
        except Ended as error:
            self.died = True
            raise TargetError(f"{self.target}: {error}") from None
        if "unloadable" in answer:
            raise TargetError(str(answer["unloadable"])) from _There(answer.get("traceback"))
        self.framework = str(answer.get("framework", ""))
        self.framework_version = str(answer.get("version", ""))

    def run(self, check_id: str) -> Verdict:
        """The verdict by one check alone.

        Raises:
            TargetError: the target's factory does not give a network again.
            Ended: there is no answer, and none will come any more.
        """
        with suppress(OSError):  # it has ended: so the answer will say
            self._line.send_bytes(check_id.encode())
        answer = self._answer(self._limit)
        if "unloadable" in answer:
            raise TargetError(str(answer["unloadable"])) from _There(answer.get("traceback"))
        try:
            return from_wire(answer)
        except (KeyError, TypeError) as error:
            raise Ended("its process gave an answer that is no verdict") from error

    def _answer(self, limit: float) -> dict[str, Any]:
        try:
            return self._awaited(limit)
        except Ended:
            raise
        except BaseException:  # interrupted: what comes later is no answer to what is asked then
            self.stop()
            raise

    def _awaited(self, limit: float) -> dict[str, Any]:
        late = time.monotonic() + limit + _GRACE
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
            raise Ended("its process gave an answer that is no verdict")
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


class _There(Exception):  # shown where Python shows the cause of an exception
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def limit_of(options: Options) -> float:
    """The seconds that one check may take: the user's limit, or `LIMIT`, or `ON_DEMAND`."""
    if options.timeout is not None:
        return options.timeout
    slow = options.device == "cpu" and any(check.on_demand for check in options.checks())
    return ON_DEMAND if slow else LIMIT


def memory_bound(options: Options) -> int | None:
    """The bytes that the process of a target may hold, None for no bound."""
    whole = memory_of_machine()
    on_cpu = options.device == "cpu"  # a GPU's driver reserves more than there is
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
