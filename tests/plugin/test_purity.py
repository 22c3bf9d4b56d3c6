"""The plugin is loaded in every session, so loading it may cost nothing to speak of."""

import re
import subprocess
import sys

HEAVY = ("numpy", "hypothesis", "paddle", "torch", "mindspore", "onnx")
LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( *)(\S+)")


def import_times(*arguments):
    """The modules that `python *arguments` imports, with the microseconds of each by itself."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name: int(own) for own, _total, _indent, name in LINE.findall(done.stderr)}


def heavy(modules):
    return sorted(name for name in modules if name.partition(".")[0] in HEAVY)


def test_a_session_loads_no_framework_numpy_or_hypothesis():
    assert heavy(import_times("-m", "pytest", "--version", "--version")) == []


def test_a_session_without_targets_loads_the_plugin_alone(tmp_path):
    script = (
        "import pytest, sys; pytest.main(['--co', '-q']);"
        "print('LOADED', *(name for name in sys.modules if name.startswith('resnet_')))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "LOADED resnet_verify resnet_verify.plugin\n" in done.stdout


def test_loading_takes_less_than_five_milliseconds():
    # importlib loads plugins unseen by -X importtime, so the plugin is imported by hand.
    before = set(import_times("-c", "import pytest"))
    runs = [import_times("-c", "import pytest, resnet_verify.plugin") for _ in range(3)]
    assert all({"resnet_verify", "resnet_verify.plugin"} <= set(run) for run in runs)
    costs = [sum(own for name, own in run.items() if name not in before) for run in runs]
    assert min(costs) < 5_000


def test_this_test_sees_what_is_imported():
    assert "numpy" in heavy(import_times("-c", "import numpy"))
    assert heavy(["numpyro", "json", "torch.nn"]) == ["torch.nn"]


def test_public_names_load_on_first_use():
    script = "import resnet_verify; assert dir(resnet_verify); resnet_verify.Verdict"
    assert heavy(import_times("-c", script)) == []
