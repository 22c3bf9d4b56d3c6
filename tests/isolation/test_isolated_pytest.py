"""`--resnet-isolate`: what a target does stays in a process of its own, in pytest as well."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.isolation.conftest import marked_processes
from tests.isolation.test_interrupts import nothing_is_left, until

ROOT = Path(__file__).parents[2]
PLUGINS = {
    "xdist": ["-n", "2"],
    "pytest_randomly": ["-p", "randomly"],
    "pytest_timeout": ["--timeout", "60"],
    "pytest_rerunfailures": ["--reruns", "1"],
    "pytest_cov": ["--cov=nets", "--cov-report="],
}
MANNERS = {
    "no cache": ["-p", "no:cacheprovider"],
    "importlib": ["--import-mode=importlib"],
    "warnings are errors": ["-W", "error"],
}


@pytest.fixture
def folder(project):
    """A folder of networks, with room for temporary files."""
    (project.path / "temporary").mkdir()
    (project.path / "hostile.py").write_text(
        "from tests.isolation import misdeeds\nfrom tests.fake import install_where_apart\n"
        "install_where_apart()\n"
    )
    return project


def pytest_in(folder, *words, start=subprocess.run, **more):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder.path / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-p", "tests.fake", *words]
    return start(command, cwd=folder.path, env=environment, text=True, **more)


def test_it_judges_in_another_process_and_says_the_same(folder):
    targets = ["--resnet-target", "nets.py:very_broken", "--resnet-target", "nets.py:good"]
    here = folder.runpytest(*targets, "--resnet-json=here.json")
    there = folder.runpytest(*targets, "--resnet-json=there.json", "--resnet-isolate")
    assert here.parseoutcomes() == there.parseoutcomes()
    reports = [json.loads((folder.path / name).read_text()) for name in ("here.json", "there.json")]
    for entry in (entry for report in reports for entry in report["targets"]):
        entry["seconds"] = 0
    assert reports[0]["targets"] == reports[1]["targets"]


def test_each_target_has_a_process_of_its_own(folder):
    result = folder.runpytest("--resnet-target", "nets.py:process", "--resnet-isolate")
    text = result.stdout.str()
    assert "judged in process" in text
    assert f"judged in process {os.getpid()}" not in text


def test_what_ends_its_process_is_said_and_the_others_go_on(folder):
    targets = ["hostile.py:misdeeds.crashes_in_forward", "hostile.py:misdeeds.leaves_with_os_exit",
               "nets.py:good"]  # fmt: skip
    words = [word for target in targets for word in ("--resnet-target", target)]
    result = folder.runpytest(*words, "--resnet-isolate", "--continue-on-collection-errors")
    result.assert_outcomes(passed=5, failed=2, skipped=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*its process left with exit code 0",
            "*error*its process was ended by SIGSEGV (Segmentation fault) (*, in reads_null)",
            "*not run*the target's process had ended",
            "conforming   nets.py:good",
        ]
    )


def test_the_fixture_gives_a_text(folder):
    folder.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture(params=["nets.py:good", "nets.py:broken"])
        def resnet_target(request):
            return request.param

        def test_conforms(resnet_check):
            resnet_check()
        """
    )
    result = folder.runpytest("--resnet-isolate")
    result.assert_outcomes(passed=5, failed=1, skipped=2)


def test_a_factory_of_this_process_cannot_be_judged_in_another(folder):
    folder.makepyfile(
        test_it="""
        import nets, pytest

        @pytest.fixture
        def resnet_target():
            return nets.good

        def test_conforms(resnet_check):
            resnet_check()
        """
    )
    result = folder.runpytest("--resnet-isolate", "--resnet-select", "NUM")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*--resnet-isolate: a factory of this process cannot be judged*"])


def test_an_interrupted_session_keeps_what_was_judged(folder):
    stays = folder.path / "stays.py"
    stays.write_text(
        "import subprocess, time\nfrom pathlib import Path\n"
        "from tests.fake import Network, install_where_apart\n"
        "def stay():\n    subprocess.Popen(['sleep', '1000'])\n"
        "    Path('stays').touch()\n    time.sleep(1000)\n"
        "def make():\n    return Network(misdeed=stay)\ninstall_where_apart()\n"
    )
    words = ["--resnet-target", "nets.py:good", "--resnet-target", "stays.py:make"]
    process = pytest_in(
        folder, *words, "--resnet-isolate", "--resnet-json=o.json", start=subprocess.Popen,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    until((folder.path / "stays").exists)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    good, begun = json.loads((folder.path / "o.json").read_text())["targets"]
    assert (good["verdict"], begun["verdict"]) == ("conforming", "error")
    assert "conforming   nets.py:good" in out
    nothing_is_left(folder.path)
    assert marked_processes(folder.path / "temporary") == []


@pytest.mark.parametrize("plugin", [name for name in PLUGINS if find_spec(name)])
def test_beside_other_plugins(folder, plugin):
    _says_the_same_everywhere(folder, *PLUGINS[plugin])


@pytest.mark.parametrize("manner", MANNERS)
def test_in_sessions_of_many_manners(folder, manner):
    _says_the_same_everywhere(folder, *MANNERS[manner])


def _says_the_same_everywhere(folder, *words):
    """Terminal, JUnit XML and JSON; with isolation, as without it is tested beside."""
    words = ["--resnet-target", "nets.py:broken", "--resnet-isolate", *words]
    done = pytest_in(
        folder, *words, "--resnet-json=o.json", "--junitxml=o.xml", capture_output=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "defect       nets.py:broken" in done.stdout
    assert "1 failed, 2 passed, 1 skipped" in done.stdout
    checks = json.loads((folder.path / "o.json").read_text())["targets"][0]["checks"]
    said = {check["id"]: check["outcome"] for check in checks}
    assert said == _junit_outcomes(folder.path / "o.xml")


def _junit_outcomes(path):
    words = {"failure": "failed", "skipped": "skipped", "error": "error"}
    return {
        case.get("name"): next((words[part.tag] for part in case if part.tag in words), "passed")
        for case in ElementTree.parse(path).iter("testcase")
    }
