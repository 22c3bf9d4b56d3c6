"""An adapter that somebody else wrote is found by its entry point, and judged by the contract."""

import subprocess
import sys
from pathlib import Path

import pytest

from resnet_verify import adapters
from resnet_verify.adapters.contract import AdapterContract
from tests.adapters import oracle_framework

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """As an entry point named after the module that the framework is imported by."""
    name = oracle_framework.__name__
    point = adapters.EntryPoint(name, f"{name}:ADAPTER", adapters.ENTRY_POINTS)
    known = {**adapters.registered(), name: point}
    monkeypatch.setattr(adapters, "registered", lambda: known)


class TestContract(AdapterContract):
    adapter = oracle_framework.ADAPTER


@pytest.fixture
def installed(tmp_path):
    """A folder with what `pip install` leaves behind."""
    info = tmp_path / "oracle_framework-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: oracle-framework\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[resnet_verify.adapters]\noracle_framework = oracle_framework:ADAPTER\n"
    )
    source = Path(oracle_framework.__file__).read_text()
    (tmp_path / "oracle_framework.py").write_text(source)
    return tmp_path


def test_a_network_of_its_framework_is_judged(installed):
    command = [sys.executable, "-m", "resnet_verify.cli", "check", "oracle_framework:resnet20"]
    done = subprocess.run(
        command, cwd=installed, capture_output=True, text=True, timeout=300,
        env={"PYTHONPATH": f"{installed}:{ROOT}", "PATH": ""},
    )  # fmt: skip
    assert "conforming" in done.stdout, done.stderr
    assert "oracle 1.0" in done.stdout
    assert done.returncode == 0
