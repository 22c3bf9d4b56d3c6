"""Ctrl-C, SIGTERM and kill -9: what was judged is kept, nothing outlives the command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.isolation.conftest import marked_processes

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from tests.fake import install; install(); " \
          "from resnet_verify.cli import main; sys.exit(main())"  # fmt: skip

NETS = """
import subprocess, threading, time
from pathlib import Path
from tests.fake import Network, install_where_apart

def good():
    return Network()

def stays():
    return Network(misdeed=stay)

def stay():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    Path("stays").touch()
    time.sleep(1000)

install_where_apart()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "temporary").mkdir()
    return tmp_path


def start(folder, *words):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "check", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(condition, seconds=30):
    late = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < late
        time.sleep(0.02)


def nothing_is_left(folder):
    until(lambda: marked_processes(folder / "temporary") == [])
    until(lambda: [*(folder / "temporary").iterdir()] == [])


@pytest.mark.parametrize(
    ("number", "code", "jobs"),
    [(signal.SIGINT, 130, 1), (signal.SIGTERM, 143, 2), (signal.SIGKILL, -9, 1)],
)
def test_a_signal_while_a_target_is_judged(folder, number, code, jobs):
    words = ["nets.py:good", "nets.py:stays", "nets.py:good?", "--json", "out.json"]
    process = start(folder, *words, "--jobs", str(jobs))
    until((folder / "stays").exists)
    until(lambda: (folder / "out.json").exists())
    assert marked_processes(folder / "temporary")
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    targets = json.loads((folder / "out.json").read_text())["targets"]
    assert targets[0]["verdict"] == "conforming"
    assert out.startswith("conforming   nets.py:good\n")
    if number != signal.SIGKILL:
        begun = next(entry for entry in targets if entry["target"] == "nets.py:stays")
        assert begun["verdict"] == "error"
        outcomes = [check["outcome"] for check in begun["checks"]]
        assert outcomes == ["passed", "passed", "not_run", "not_run"]
        assert "not run: judging was interrupted" in out
        assert err.endswith("resnet-verify: interrupted\n")
        assert "Traceback" not in err
    nothing_is_left(folder)
    assert {path.name for path in folder.iterdir()} == {
        "nets.py", "temporary", "stays", "out.json"
    }  # fmt: skip


def test_a_signal_at_any_moment(folder):
    """Nine moments from the start of the command to beyond its end."""
    for tenths in range(2, 20, 2):
        number = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[tenths % 3]
        process = start(
            folder, "nets.py:good", "nets.py:good?", "--json", "out.json", "--jobs", "2"
        )
        time.sleep(tenths / 10)
        os.kill(process.pid, number)
        process.communicate(timeout=30)
        nothing_is_left(folder)
        if (folder / "out.json").exists():
            assert json.loads((folder / "out.json").read_text())["schema"] == 1
        assert {path.name for path in folder.iterdir()} <= {"nets.py", "temporary", "out.json"}
