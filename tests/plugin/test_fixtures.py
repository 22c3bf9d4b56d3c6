"""`resnet_check` and its siblings in a user's own tests."""

import json

import pytest

CONFORMS = """
import pytest
from nets import *

@pytest.fixture
def resnet_target():
    return {factory}

{marker}
def test_conforms(resnet_check):
    resnet_check()
"""


def write(project, factory="good", marker=""):
    project.makepyfile(test_mine=CONFORMS.format(factory=factory, marker=marker))


def test_each_check_is_an_item_with_its_id(project):
    write(project)
    result = project.runpytest("-v")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(["test_mine.py::test_conforms[[]STR-STRIDE[]] PASSED*"])
    result.stdout.fnmatch_lines(["conforming   test_mine.py::test_conforms"])


def test_a_failure_says_how_to_run_it_again(project):
    write(project, "broken")
    result = project.runpytest("--resnet-json", "out.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "STR-STRIDE  stride sits *",
            "  reproduce  pytest 'test_mine.py::test_conforms[[]STR-STRIDE[]]'",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    entry = json.loads((project.path / "out.json").read_text())["targets"][0]
    assert entry["target"] == "test_mine.py::test_conforms"
    assert len(entry["checks"]) == 4


@pytest.mark.parametrize("factory", ["broken", "lambda: broken()", "broken()", "'nets.py:broken'"])
def test_a_factory_may_be_a_function_a_model_or_a_target(project, factory):
    write(project, factory)
    project.runpytest().assert_outcomes(passed=2, failed=1, skipped=1)


@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_a_parametrized_target_has_a_verdict_for_each_parameter(project, scope):
    project.makepyfile(
        f"""
        import pytest
        from nets import good, broken

        @pytest.fixture(scope={scope!r}, params=[good, broken], ids=["good", "broken"])
        def resnet_target(request):
            return request.param

        def test_conforms(resnet_check):
            resnet_check()
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=5, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["conforming * *::test_conforms[[]good[]]"])
    result.stdout.fnmatch_lines(["defect * *::test_conforms[[]broken[]]"])


def test_a_network_is_made_once_for_all_its_checks(project):
    project.makepyfile(
        """
        import pytest
        from tests.fake import Network
        made = []

        @pytest.fixture
        def resnet_target():
            return lambda: made.append(1) or Network()

        def test_conforms(resnet_check):
            resnet_check()
            assert len(made) == 1
        """
    )
    project.runpytest().assert_outcomes(passed=3, skipped=1)


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ('select="STR"', {"passed": 1, "failed": 1}),
        ('select=["STR-STEM", "NUM"]', {"passed": 2}),
        ('exclude=["STR-STRIDE"]', {"passed": 2, "skipped": 1}),
        ('expected_failures={"STR-STRIDE": "known"}', {"passed": 2, "xfailed": 1, "skipped": 1}),
        ('arch="resnet50", variant="v1", tolerance=2.0', {"passed": 2, "failed": 1, "skipped": 1}),
    ],
)
def test_the_marker(project, marker, expected):
    write(project, "broken", f"@pytest.mark.resnet({marker})")
    project.runpytest("--strict-markers").assert_outcomes(**expected)


def test_an_expected_failure_that_passes_fails(project):
    write(project, "good", '@pytest.mark.resnet(expected_failures={"STR-STRIDE": "a bug"})')
    result = project.runpytest()
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["STR-STRIDE passes, but is expected to fail (a bug)*"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('select="STRIDE"', "*marker 'resnet': no check has the id or prefix 'STRIDE'*"),
        ('expected_failures={"STR": "x"}', "*expected_failures: no check has the id 'STR'*STR-S*"),
        ('variant="v3"', "*unknown variant 'v3'*"),
        ('selct="STR"', "*selct is none of arch, variant, select*"),
        ('"STR"', "*'STR' is none of arch, variant, select*"),
    ],
)
def test_a_senseless_marker_is_one_message(project, marker, message):
    write(project, "good", f"@pytest.mark.resnet({marker})")
    result = project.runpytest()
    assert result.ret == 2
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("explodes", "*the factory raised ValueError: boom (*in explodes)"),
        ("3", "the fixture 'resnet_target' gave 3; it has to give a factory*"),
        ("dict", "*a dict is no model*"),
    ],
)
def test_a_factory_that_gives_no_model(project, factory, message):
    write(project, factory, '@pytest.mark.resnet(select="STR-STEM")')
    result = project.runpytest("--resnet-json", "out.json")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")
    entries = json.loads((project.path / "out.json").read_text())["targets"]
    assert [entry["verdict"] for entry in entries] == ["error"] * (factory != "3")


def test_without_an_override_the_target_is_the_named_one(project):
    project.makepyfile("def test_it(resnet_target): assert resnet_target == 'nets.py:good'")
    result = project.runpytest("--resnet-target", "nets.py:good", "-k", "test_it")
    result.assert_outcomes(passed=1, deselected=4)
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["no target is named: override the fixture 'resnet_target'*"])


def test_seed_and_device(project):
    project.makepyfile(
        "def test_them(resnet_seed, resnet_device):"
        "    assert (resnet_seed, resnet_device) == (0, 'cpu')"
    )
    project.runpytest().assert_outcomes(passed=1)


def test_every_fixture_is_described(pytester):
    result = pytester.runpytest("--fixtures")
    listed = result.stdout.str()
    names = ("target", "check", "twin", "batch", "throughput", "seed", "device")
    for name in names:
        described = (
            listed.partition(f"resnet_{name} ")[2] or listed.partition(f"resnet_{name}\n")[2]
        )
        assert described, name
        assert "no docstring" not in described.splitlines()[1], name
