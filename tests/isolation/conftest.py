"""Nothing of the process that verifies is changed, and nothing outlives it."""

import logging
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest

from resnet_verify.confinement import MARK


def marked_processes(folder):
    """The confined processes with temporary files in `folder`, and all that they started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"{MARK}={folder}/".encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            pass
    return found


def process_state():
    """What a target may leak into, as plain data."""
    return {
        "folder": os.getcwd(),
        "environment": {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        "path": list(sys.path),
        "main module": sys.modules["__main__"],
        "frameworks": {"paddle", "torch", "mindspore"} & set(sys.modules),
        "target modules": [name for name in sys.modules if "hostile" in name],
        "warnings": list(warnings.filters),
        "logging": (logging.root.level, logging.root.handlers[:], logging.root.manager.disable),
        "signals": [signal.getsignal(n) for n in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM)],
        "signal mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "random": random.getstate(),
        "numpy": [part.tolist() if hasattr(part, "tolist") else part
                  for part in np.random.get_state(legacy=True)],
        "recursion": sys.getrecursionlimit(),
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook),
        "umask": _umask(),
        "threads": {thread.name for thread in threading.enumerate()},
        "open files": sorted(os.listdir("/proc/self/fd")),
        "temporary files": sorted(Path(tempfile.gettempdir()).iterdir()),
    }  # fmt: skip


def _umask():
    mask = os.umask(0o22)
    os.umask(mask)
    return mask


@pytest.fixture
def untouched(tmp_path_factory, monkeypatch):
    """The state of this process before and after is the same, and no process is left."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    resource_tracker.ensure_running()
    before = process_state()
    yield
    after = process_state()
    for name, state in before.items():
        assert after[name] == state, name
    assert marked_processes(folder) == []
