"""Make the frameworks quick and quiet on a CPU, in a process that belongs to the command line.

Never call this in a user's own process, pytest's say: it changes the environment.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial

from resnet_ref.tuning import tune
from resnet_verify.confinement import MARK


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
    tune()


def after_import(threads: str | None) -> None:
    """Let Paddle use all cores unless the user's OMP_NUM_THREADS, `threads`, decides.

    Importing Paddle sets OMP_NUM_THREADS=1.
    """
    if sys.modules.get("paddle") is not None and threads is None:
        tune()
    traced = sys.modules.get("paddle.jit.dy2static.utils")
    if MARK in os.environ and hasattr(traced, "get_temp_dir"):
        # It writes below the user's home, and clears up only where a process ends by itself.
        traced.get_temp_dir = tempfile.gettempdir  # type: ignore[union-attr]
