"""`--resnet-target` adds the suite to a session, with no test file."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGET = "nets.py:good"
IDS = ["STR-STEM", "STR-STRIDE", "NUM-EVAL", "GPU-ONLY"]


def test_a_conforming_target_passes_without_any_test_file(project):
    result = project.runpytest("--resnet-target", TARGET, "-v")
    assert result.ret == 0
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(
        [f"resnet::{TARGET}::STR-STEM PASSED*", f"resnet::{TARGET}::GPU-ONLY SKIPPED*"]
    )


def test_the_summary_says_the_verdict_then_the_cause_then_the_rest(project):
    result = project.runpytest("--resnet-target", "nets.py:very_broken")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*= resnet verdicts =*",
            "defect       nets.py:very_broken",
            "  cause      stride 2 is on conv 0",
            "  nearest    resnet50 v1.5,*",
            "  parameters 25,557,032 trainable + 53,120 running statistics = 25,610,152",
            "  checks     2 failed, 1 passed, 1 skipped in * fake 1.0",
        ]
    )


def test_a_failure_is_a_diagnosis_and_no_traceback(project):
    result = project.runpytest("--resnet-target", "nets.py:broken", "--resnet-variant", "v1.5")
    result.stdout.fnmatch_lines(
        [
            "STR-STRIDE  stride sits on the 3x3 convolution *[[]nets.py:broken, fake 1.0[]]",
            "  where      stage 3, block 0   (your a.b)",
            "  expected   stride 1",
            "  found      stride 2",
            "  source     He et al. 2016",
            "  reproduce  resnet-verify check nets.py:broken --variant v1.5 --select STR-STRIDE",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*suite.py*")


def test_a_check_that_could_not_judge_fails_the_session(project):
    result = project.runpytest("--resnet-target", "nets.py:unjudged")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["  not run    no graph", "error        nets.py:unjudged"])


def test_the_networks_of_a_judged_target_are_let_go(project):
    """Before those of the next target are judged, and not when the session ends."""
    project.makepyfile(
        nets="""
        import weakref
        from pathlib import Path
        from tests.fake import Network

        class Held(Network):
            pass

        def first():
            network = Held()
            weakref.finalize(network, Path("gone").absolute().touch)
            return network

        def second():
            return Network()
        """,
        conftest="""
        from pathlib import Path

        def pytest_runtest_setup(item):
            assert Path("gone").exists() == ("second" in item.nodeid)
        """,
    )
    targets = [f"--resnet-target=nets.py:{name}" for name in ("first", "second")]
    project.runpytest(*targets).assert_outcomes(passed=6, skipped=2)


def test_targets_come_from_the_ini_file_too_each_once(project):
    project.makeini(f"[pytest]\nresnet_targets =\n    {TARGET}\n    nets.py:broken")
    result = project.runpytest("--resnet-target", TARGET)
    result.assert_outcomes(passed=5, failed=1, skipped=2)


def test_the_suite_joins_a_projects_own_tests(project):
    project.makepyfile(test_own="def test_own(): pass")
    result = project.runpytest("--resnet-target", TARGET)
    result.assert_outcomes(passed=4, skipped=1)


def test_keyword_selection(project):
    result = project.runpytest("--resnet-target", TARGET, "-k", "STRIDE")
    result.assert_outcomes(passed=1, deselected=3)


def test_stop_at_the_first_failure(project):
    result = project.runpytest("--resnet-target", "nets.py:broken", "-x")
    result.assert_outcomes(passed=1, failed=1)


def test_a_target_conforms_only_if_all_its_checks_have_run(project):
    project.makepyfile(
        conftest="""
        def pytest_runtest_logfinish(nodeid):
            if nodeid.endswith("very_good::STR-STRIDE"):
                raise KeyboardInterrupt
        """,
        more="from nets import good as very_good",
    )
    targets = ("--resnet-target", TARGET, "--resnet-target", "more.py:very_good")
    result = project.runpytest(*targets, no_reraise_ctrlc=True)
    result.stdout.fnmatch_lines(["conforming   nets.py:good", "error        more.py:very_good"])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_checks_that_were_deselected_are_not_missed(project):
    result = project.runpytest("--resnet-target", TARGET, "-k", "STRIDE")
    result.stdout.fnmatch_lines(["conforming   nets.py:good", "  checks     1 passed in *"])


def test_collect_only_builds_no_network(project):
    result = project.runpytest("--resnet-target", "nets.py:explodes", "--co", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"resnet::nets.py:explodes::{check_id}" for check_id in IDS])


def test_last_failed(project):
    arguments = ("--resnet-target", "nets.py:broken", "-p", "cacheprovider")
    project.runpytest(*arguments)
    project.runpytest(*arguments, "--lf").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (("--resnet-select", "STR"), {"passed": 2}),
        (("--resnet-select", "STR-STEM,NUM"), {"passed": 2}),
        (("--resnet-exclude", "STR", "--resnet-exclude", "NUM-EVAL"), {"skipped": 1}),
    ],
)
def test_selection_by_id_or_prefix(project, option, expected):
    project.runpytest("--resnet-target", TARGET, *option).assert_outcomes(**expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resnet-select", "STRIDE"), "*no check has the id or prefix 'STRIDE'*STR-STEM, STR-*"),
        (("--resnet-exclude", "X"), "*no check has the id or prefix 'X'*"),
        (("--resnet-arch", "resnet51"), "*unknown architecture 'resnet51'; supported: resnet18*"),
        (("--resnet-variant", "v3"), "*unknown variant 'v3'; known: v1.5*"),
        (("--resnet-timeout", "soon"), "*positive number of seconds, not 'soon'"),
        (("--resnet-json", "nowhere/out.json"), "*there is no folder nowhere"),
    ],
)
def test_a_senseless_option_is_a_usage_error(project, options, message):
    result = project.runpytest("--resnet-target", TARGET, *options)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])


@pytest.mark.parametrize("isolation", [(), ("--resnet-isolate",)])
def test_a_demanded_gpu_that_is_not_there_is_a_usage_error(project, monkeypatch, isolation):
    monkeypatch.setattr("resnet_verify.gpu.why_unusable", lambda: "the reason")
    result = project.runpytest("--resnet-target", TARGET, "--resnet-gpu", *isolation)
    assert result.ret == 4
    assert result.stderr.lines == ["ERROR: --resnet-gpu: the reason", ""]


@pytest.mark.parametrize("isolation", [(), ("--resnet-isolate",)])
def test_with_a_gpu_the_gpu_checks_run(project, monkeypatch, isolation):
    monkeypatch.setattr("resnet_verify.gpu.why_unusable", lambda: "")
    result = project.runpytest("--resnet-target", TARGET, "--resnet-gpu", *isolation)
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nosuch.module:x", "there is no module 'nosuch' here*"),
        ("nets.py:goood", "nets.py has no 'goood'; did you mean 'good'?"),
        ("nets.py:explodes", "the factory raised ValueError: boom (*, line *, in explodes)"),
        ("nets.py:returns_none", "the factory returned None*"),
        ("json:dumps", "this needs the argument 'obj'*"),
        ("nets.py:dict", "*"),
    ],
)
def test_a_target_that_cannot_be_loaded_is_one_message(project, target, message):
    result = project.runpytest("--resnet-target", target, "--resnet-json", "out.json")
    assert result.ret == 2
    result.stdout.fnmatch_lines([f"{target}: {message}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    entry = json.loads((project.path / "out.json").read_text())["targets"][0]
    assert (entry["target"], entry["verdict"]) == (target, "error")
    assert entry["diagnoses"][0]["message"].startswith(f"{target}: ")


def test_a_check_past_its_time_limit_is_an_error(project):
    result = project.runpytest("--resnet-target", "nets.py:slow", "--resnet-timeout", "0.2")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["  error      no answer within the time limit of 0.2 s"])
    result.stdout.fnmatch_lines(["error        nets.py:slow"])


def test_json_has_every_target_and_check(project):
    project.runpytest(
        *("--resnet-target", TARGET, "--resnet-target", "nets.py:broken"),
        *("--resnet-json", "out.json"),
    )
    report = json.loads((project.path / "out.json").read_text())
    assert report["schema"] == 1
    assert [entry["verdict"] for entry in report["targets"]] == ["conforming", "defect"]
    for entry in report["targets"]:
        assert [check["id"] for check in entry["checks"]] == IDS
        assert entry["params"]["total"] == 25_610_152
    assert [path.name for path in project.path.iterdir() if path.name.startswith(".out")] == []


def test_filters_of_warnings_as_errors_do_not_reach_into_a_framework(project):
    project.makepyfile(
        noisy="""
        import warnings
        warnings.warn("deprecated at import", DeprecationWarning)
        from tests.fake import Network

        def good():
            return Network()
        """
    )
    result = project.runpytest("--resnet-target", "noisy.py:good", "-W", "error")
    result.assert_outcomes(passed=3, skipped=1)


def test_workers_of_xdist_come_to_the_same_verdicts(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(project.path)]))
    options = ("-p", "tests.fake", "--resnet-target", TARGET, "--resnet-target", "nets.py:broken")
    reports = {}
    for workers in (0, 2):
        file = project.path / f"{workers}.json"
        result = project.runpytest_subprocess(*options, "-n", str(workers), f"--resnet-json={file}")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["conforming   nets.py:good", "defect       nets.py:broken"])
        entries = json.loads(file.read_text())["targets"]
        for entry in entries:
            entry.pop("seconds")
            for check in entry["checks"]:
                check.pop("seconds")
        reports[workers] = sorted(entries, key=lambda entry: entry["target"])
    assert reports[0] == reports[2]


def test_without_a_target_the_plugin_does_nothing(pytester):
    pytester.makepyfile("def test_own(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*resnet verdicts*")
    pytester.mkdir("empty")
    assert pytester.runpytest("empty").ret == pytest.ExitCode.NO_TESTS_COLLECTED
