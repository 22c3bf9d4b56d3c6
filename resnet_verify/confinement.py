"""What a process does to itself before it runs other people's code, and what ends it for good.

A confined process has a session of its own, no terminal, nothing to read, bounded memory; it
writes no core file. All that it starts carries its mark, the name of its own folder for
temporary files, and is found by it; a guardian ends all of it when the parent is gone,
however that happened. Without POSIX, without Linux's /proc, each of these is left out alone.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path

MARK = "RESNET_VERIFY_CONFINED"
"""The environment variable that marks a confined process and all that it starts."""

_POSIX = os.name == "posix"
_PROCESSES = Path("/proc")


def confine(output: Connection, memory: int | None) -> None:
    """Confine this process, which was started by `multiprocessing` and has one thread.

    Args:
        output: takes the place of stdout and stderr; it is closed.
        memory: the bytes of memory that it may hold, None for no bound.
    """
    folder = os.environ[MARK]
    if _POSIX:
        os.setsid()
        _leave_resource_tracker()
        _no_input()
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        _start_guardian(folder)
        _bound(memory)
    output.close()
    os.mkdir(folder, 0o700)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    faulthandler.enable(file=2, all_threads=False)


def _leave_resource_tracker() -> None:
    """Close the line to the parent's tracker, on which a stray word would end that for good."""
    tracker = resource_tracker._resource_tracker
    shared = getattr(tracker, "_fd", None)
    if shared is not None:
        tracker._fd = None  # type: ignore[attr-defined]
        os.close(shared)


def _no_input() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _bound(memory: int | None) -> None:
    import resource  # POSIX only

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory is not None and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    with suppress(OSError):  # where memory is short all the same, this one goes first
        Path("/proc/self/oom_score_adj").write_text("1000")


def _start_guardian(folder: str) -> None:
    """Fork what waits for the end of this process's parent, which ends it with all others."""
    parent, confined = multiprocessing.parent_process(), os.getpid()
    assert parent is not None  # as `confine` demands
    sentinel = parent.sentinel
    if os.fork():
        return
    try:
        os.closerange(0, sentinel)
        os.closerange(sentinel + 1, 1 << 16)
        wait([sentinel])
        if os.getppid() == confined:
            os.kill(confined, signal.SIGKILL)
        _end_marked(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(0)


def end_all(pid: int, folder: str) -> None:
    """Kill all that the confined process `pid` started, and on Linux itself."""
    if _POSIX:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _end_marked(folder)


def _end_marked(folder: str) -> None:
    """Kill what carries the mark, until two looks in a row find none of it.

    One look is too few: what forks and ends between the reading of /proc's list and of its own
    entry leaves a child that this list lacks, and so does every daemon when it starts.
    """
    quiet = 0
    for _ in range(100):  # what is being killed may have started another just before
        marked = _marked(folder)
        quiet = 0 if marked else quiet + 1
        if quiet == 2:
            return
        for found in marked:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(found, signal.SIGKILL)
        time.sleep(0.01)


def _marked(folder: str) -> list[int]:
    """The processes of this user that carry the mark; those that have ended carry none."""
    mark = f"{MARK}={folder}\0".encode()
    found = []
    for entry in _PROCESSES.glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in entry.read_bytes():
                found.append(int(entry.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def memory_of_machine() -> int | None:
    """Bytes of memory that this machine, or the container, has; None where it does not say."""
    names = os.sysconf_names if _POSIX else {}
    if "SC_PHYS_PAGES" not in names:
        return None
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such container, or "max"
            whole = min(whole, int(Path("/sys/fs/cgroup", name).read_text()))
    return whole
