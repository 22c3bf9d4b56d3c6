"""A function in a process of its own behaves as a call would, and leaves nothing behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_verify.process import ProcessError, run_apart, run_together

ROOT = Path(__file__).parents[2]


class OddError(Exception):
    """One that cannot be made from its message."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def facts(_tell):
    return os.getpid(), "tests.verify.test_process" in sys.modules, sys.path


def count(tell, steps):
    for step in range(steps):
        tell(step, steps)
    return steps


def fail(_tell, kind):
    match kind:
        case "key":
            raise KeyError("layer4")
        case "odd":
            raise OddError("one", "two")
        case "local":
            raise type("Unknown", (Exception,), {})("nobody knows me")
        case "interrupt":
            raise KeyboardInterrupt
        case "exit":
            os._exit(3)
        case "stop":
            sys.exit(4)
    os.kill(os.getpid(), signal.Signals[kind])


def sleep(tell, seconds=60):
    tell(os.getpid())
    time.sleep(seconds)


def say(_tell):
    print("from within")


def test_it_runs_elsewhere_and_the_result_comes_back():
    pid, imported, path = run_apart(facts)
    assert pid != os.getpid()
    assert imported
    assert path == sys.path
    assert not _alive(pid)


def test_what_it_tells_arrives_in_order():
    heard = []
    assert run_apart(count, 3, heed=lambda *words: heard.append(words)) == 3
    assert heard == [(0, 3), (1, 3), (2, 3)]
    assert run_apart(count, 3) == 3


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("key", KeyError, "'layer4'"),
        ("interrupt", KeyboardInterrupt, ""),
        ("stop", SystemExit, "4"),
        ("odd", ProcessError, "OddError: one and two"),
        ("local", ProcessError, "Unknown: nobody knows me"),
    ],
)
def test_exceptions_come_as_they_are(kind, error, message):
    with pytest.raises(error) as raised:
        run_apart(fail, kind)
    assert str(raised.value) == message
    assert "in fail" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("exit", "its process left with exit code 3"),
        ("SIGSEGV", "its process was ended by SIGSEGV (Segmentation fault)"),
        ("SIGKILL", "its process was ended by SIGKILL (Killed); was memory short?"),
    ],
)
def test_a_process_that_dies_says_how(kind, message):
    with pytest.raises(ProcessError) as raised:
        run_apart(fail, kind)
    assert str(raised.value) == message


def test_an_error_while_heeding_ends_the_process():
    heard = []

    def object_to(pid):
        heard.append(pid)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_apart(sleep, heed=object_to)
    assert not _alive(heard[0])


def test_what_it_prints_comes_first(capfd):
    run_apart(say)
    print("from without")
    assert capfd.readouterr().out == "from within\nfrom without\n"


SCRIPT = """
from tests.verify.test_process import sleep
from resnet_verify.process import run_apart
if __name__ == "__main__":
    run_apart(sleep, heed=lambda pid: print(pid, flush=True))
"""


@pytest.mark.parametrize("to", ["group", "parent", "killed"])
def test_nothing_outlives_an_interrupt(to):
    """Ctrl-C reaches the whole group, `kill -INT` and `kill -9` the parent alone."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    worker = int(process.stdout.readline())
    if to == "group":
        os.killpg(process.pid, signal.SIGINT)
    else:
        os.kill(process.pid, signal.SIGINT if to == "parent" else signal.SIGKILL)
    _, errors = process.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)
    assert errors.count("KeyboardInterrupt") == (to != "killed")


def _alive(pid):
    """Whether `pid` runs; one that nobody has waited for yet does not."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def product(_tell, one, other):
    return one * other


def wait_or_fail(_tell, number):
    if number:
        raise KeyError("layer4")
    time.sleep(60)


def test_several_at_once_give_their_results_in_order():
    assert run_together(product, [(2, 3), (4, 5)], 60) == [6, 20]


def test_the_first_of_several_that_raises_ends_the_others():
    with pytest.raises(KeyError, match="layer4"):
        run_together(wait_or_fail, [(0,), (1,)], 60)
    assert multiprocessing.active_children() == []


def test_several_that_take_too_long_are_ended():
    with pytest.raises(TimeoutError, match=r"no answer within 0\.5 s"):
        run_together(wait_or_fail, [(0,), (0,)], 0.5)
    assert multiprocessing.active_children() == []
