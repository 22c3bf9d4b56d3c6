"""`resnet_ref.tune()`: what it does is said, and can be undone."""

import os
import subprocess
import sys

import pytest

import resnet_ref
from resnet_ref import tuning

FAULTS = """
import resource, sys
import resnet_ref
if sys.argv[1] == "tuned":
    resnet_ref.tune()
def work():
    for _ in range(3):
        b"x" * 64_000_000
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def on_amd(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("vendor_id\t: AuthenticAMD\nflags\t\t: avx2 avx512f\n")
    monkeypatch.setattr(tuning, "_CPUINFO", cpuinfo)
    monkeypatch.setattr(tuning, "_set_thresholds", lambda *_: True)
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)


def test_what_is_done_is_said_and_undone(on_amd, monkeypatch):
    monkeypatch.setattr(tuning, "_paddle_threads", lambda: 3)
    told = []
    monkeypatch.setattr(tuning, "_set_paddle_threads", told.append)
    with resnet_ref.tune(threads=2) as done:
        assert os.environ["MKL_DEBUG_CPU_TYPE"] == "7"
        assert done.applied[0] == "MKL_DEBUG_CPU_TYPE=7"
        assert done.applied[-1] == "2 threads"
    assert "MKL_DEBUG_CPU_TYPE" not in os.environ
    assert told == [2, 3]


def test_what_the_user_has_set_is_left_alone(on_amd, monkeypatch):
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "5")
    with resnet_ref.tune() as done:
        assert os.environ["MKL_DEBUG_CPU_TYPE"] == "5"
        assert not any("MKL" in words for words in done.applied)
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "5"


def test_without_paddle_no_threads_are_set(on_amd, monkeypatch):
    monkeypatch.delitem(sys.modules, "paddle", raising=False)
    with resnet_ref.tune() as done:
        assert not any("threads" in words for words in done.applied)


def test_buffers_are_kept():
    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert faults("tuned") < faults("plain") / 5
