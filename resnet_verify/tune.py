"""Make the frameworks quick and quiet on a CPU, in a process that belongs to the command line.

Never call this in a user's own process, pytest's say: it changes the environment.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")

# <malloc.h>: from these sizes on, glibc maps a buffer afresh, and gives memory back.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_GIBIBYTE = 1 << 30


def own_process() -> Callable[[], None]:
    """Tune this process, which is the command line's own, before a framework is imported.

    Returns:
        What to call once one is.
    """
    threads = os.environ.get("OMP_NUM_THREADS")
    before_import()
    return partial(after_import, threads)


def before_import() -> None:
    """Set what the frameworks read while they are imported. What the user has set is left alone."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    # Threads that wait by spinning steal the time of those that they wait for, where other
    # processes run: with both cores taken a check of a PyTorch ResNet-18 took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.filterwarnings("ignore", message="No ccache found")
    cpu_type = mkl_cpu_type(_CPUINFO.read_text() if _CPUINFO.exists() else "")
    if cpu_type:
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", cpu_type)
    _keep_freed_memory()


def after_import(threads: str | None) -> None:
    """Let Paddle use all cores unless the user's OMP_NUM_THREADS, `threads`, decides.

    Importing Paddle sets OMP_NUM_THREADS=1.
    """
    paddle = sys.modules.get("paddle")
    if paddle is not None and threads is None:
        paddle.base.core.set_num_threads(cores())


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def mkl_cpu_type(cpuinfo: str) -> str:
    """The MKL code path that suits an AMD processor, empty for any other.

    Paddle bundles MKL 2019.0.5, which takes a slow path on processors that are not Intel's;
    MKL_DEBUG_CPU_TYPE chooses one that the processor's own flags allow: 7 is AVX-512, 5 is
    AVX2. On a two-core EPYC this made matrix products five times as fast.
    """
    if "AuthenticAMD" not in cpuinfo:
        return ""
    flags = next((line for line in cpuinfo.splitlines() if line.startswith("flags")), "").split()
    if "avx512f" in flags:
        return "7"
    return "5" if "avx2" in flags else ""


def _keep_freed_memory() -> None:
    """Reuse large buffers rather than hand them back to the kernel after every operator.

    A training step of ResNet-50 caused 51,000 page faults otherwise.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _GIBIBYTE)
        mallopt(_M_TRIM_THRESHOLD, 2 * _GIBIBYTE - 1)
