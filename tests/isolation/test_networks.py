"""Networks of Paddle and PyTorch that do what none should, judged by the real checks.

One of each kind at each change, all of them where RESNET_VERIFY_WHOLE is set.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.catalogue.sample import WHOLE
from tests.isolation.table import LIMITLESS, NETWORKS

ROOT = Path(__file__).parents[2]
SAMPLE = ("crashes",)


@pytest.mark.parametrize("framework", ["paddle", "torch"])
def test_hostile_networks(framework, tmp_path):
    names = [name for name in NETWORKS if (WHOLE and name not in LIMITLESS) or name in SAMPLE]
    _are_as_told(names, framework, tmp_path)
    if WHOLE:
        _are_as_told(sorted(LIMITLESS), framework, tmp_path, "--timeout", "15")


def _are_as_told(names, framework, tmp_path, *options):
    pytest.importorskip(framework)
    report = tmp_path / "report.json"
    targets = [f"tests.isolation.hostile_networks:{n}?framework={framework}" for n in names]
    options = [*options, "--json", str(report), "--jobs", "2"]
    home = tmp_path / f"home of {len(names)}"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "resnet_verify.cli", "check", *targets, *options],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert done.returncode in (1, 2), done.stderr
    found = json.loads(report.read_text())["targets"]
    verdicts = dict(zip(names, found, strict=True))
    wrong = {
        name: (verdict["verdict"], _cause(verdict))
        for name, verdict in verdicts.items()
        if not _is_as_told(verdict, NETWORKS[name][framework])
    }
    assert wrong == {}
    assert "Traceback (most" not in done.stdout


def _cause(verdict):
    messages = [diagnosis["message"] for diagnosis in verdict["diagnoses"]]
    messages += [check["message"] for check in verdict["checks"] if check["outcome"] == "error"]
    messages += [check["message"] for check in verdict["checks"] if check["outcome"] == "not_run"]
    return messages[0] if messages else ""


def _is_as_told(verdict, told):
    judgement, words = told
    return verdict["verdict"] == judgement and words in _cause(verdict)
