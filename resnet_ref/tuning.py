"""Run Paddle on a CPU at full speed, by what can be done from Python.

Paddle bundles MKL 2019.0.5, which takes a slow path on processors that are not Intel's, hands
large buffers back to the kernel after every operator, and computes with one thread unless told.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

_CPUINFO = Path("/proc/cpuinfo")
_MKL = "MKL_DEBUG_CPU_TYPE"

# <malloc.h>: from these sizes on, glibc maps a buffer afresh, and gives memory back.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_GIBIBYTE = 1 << 30
_DEFAULT_THRESHOLD = 128 << 10


@dataclass(frozen=True)
class Tuning:
    """What `tune` did, and the way back: call `undo`, or use it as a context manager."""

    applied: tuple[str, ...]
    _environment: Mapping[str, str | None]
    _malloc: bool
    _threads: int | None

    def undo(self) -> None:
        """Put back environment, allocator and threads.

        MKL reads its environment once: a matrix product that was computed meanwhile has
        settled its path for the life of the process.
        """
        for name, value in self._environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if self._malloc:
            _set_thresholds(_DEFAULT_THRESHOLD, _DEFAULT_THRESHOLD)
        if self._threads is not None:
            _set_paddle_threads(self._threads)

    def __enter__(self) -> Tuning:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()


def tune(threads: int | None = None) -> Tuning:
    """Make Paddle quick on this CPU, in this process, and say what was done.

    Best called before Paddle is imported: MKL settles its path at the first matrix product.
    What the user's environment says already is left alone, and nothing is done that the
    processor's own flags do not allow. Buffers are kept rather than handed back to the
    kernel, for all of the process: it then holds its peak of memory.

    Args:
        threads: how many compute; None for all processors that this process may use. Paddle
            has to be imported by now for it to take effect.
    """
    wanted = environment()
    news = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(news)
    applied = [f"{name}={value}" for name, value in news.items()]
    malloc = keep_freed_memory()
    if malloc:
        applied.append("large buffers are kept for reuse")
    before = _paddle_threads()
    if before is not None:
        count = threads or cores()
        _set_paddle_threads(count)
        applied.append(f"{count} threads")
    return Tuning(tuple(applied), dict.fromkeys(news), malloc, before)


def environment() -> dict[str, str]:
    """The variables that make MKL quick on this processor; none on one of Intel's."""
    cpu_type = mkl_cpu_type(_CPUINFO.read_text() if _CPUINFO.exists() else "")
    return {_MKL: cpu_type} if cpu_type else {}


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mkl_cpu_type(cpuinfo: str) -> str:
    """The MKL code path that suits an AMD processor, empty for any other.

    MKL_DEBUG_CPU_TYPE chooses one that the processor's own flags allow: 7 is AVX-512, 5 is
    AVX2. On a two-core EPYC this made matrix products five times as fast.
    """
    if "AuthenticAMD" not in cpuinfo:
        return ""
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "").split()
    if "avx512f" in flags:
        return "7"
    return "5" if "avx2" in flags else ""


def keep_freed_memory() -> bool:
    """Reuse large buffers rather than hand them back to the kernel; whether that can be had.

    A training step of ResNet-50 caused 51,000 page faults otherwise.
    """
    return _set_thresholds(_GIBIBYTE, 2 * _GIBIBYTE - 1)


def _set_thresholds(mapping: int, trimming: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # not glibc
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, mapping) and mallopt(_M_TRIM_THRESHOLD, trimming))


def _paddle_threads() -> int | None:
    """How many threads Paddle was told to use, None where it is not imported."""
    if sys.modules.get("paddle") is None:
        return None
    return int(os.environ.get("OMP_NUM_THREADS", "1"))  # importing Paddle sets it


def _set_paddle_threads(count: int) -> None:
    sys.modules["paddle"].base.core.set_num_threads(count)
