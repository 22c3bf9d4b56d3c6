"""Whatever a target does, there is a true verdict about it, and nothing else."""

import json
from pathlib import Path

import pytest

from resnet_verify import confining, isolation
from resnet_verify.cli import run
from tests.isolation.table import FINE, LATE, LOADED, STAND_INS, rows

pytestmark = pytest.mark.usefixtures("untouched")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def report(tmp_path, monkeypatch, fake):
    """Where the verdicts go; targets that never answer are given up soon."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(confining, "GRACE", 0.5)
    return tmp_path / "report.json"


@pytest.mark.parametrize("name", STAND_INS)
def test_a_hostile_target(name, report, capfd, monkeypatch):
    code, words = STAND_INS[name]
    if LATE in words and code == LOADED:
        monkeypatch.setattr(isolation, "LOADING", 1.0)
    command = ["check", f"tests.isolation.hostile:misdeeds.{name}", "--json", str(report)]
    assert run([*command, "--timeout", "1" if LATE in words else "60"]) == code
    out, err = capfd.readouterr()
    verdict = json.loads(report.read_text())["targets"][0]
    assert verdict["verdict"] == ("conforming" if code == FINE else "error")
    assert words in (err if code == LOADED else out)
    assert "Traceback (most" not in out + err
    assert len(out + err) < 5000
    assert "\x1b" not in out + err
    outcomes = [check["outcome"] for check in verdict["checks"]]
    assert len(outcomes) == (0 if code == LOADED else 4)
    assert [*report.parent.iterdir()] == [report]


def test_the_page_for_users_tells_what_is_tested():
    page = (ROOT / "docs" / "isolation.md").read_text().splitlines()
    assert [row for row in rows() if row not in page] == []
