"""What the README promises is what the code does."""

import pytest

from resnet_verify import cli, plugin
from tests.readme import README, renewed, shell_blocks

TEXT = README.read_text()


def test_the_list_of_checks_is_fresh():
    assert renewed(TEXT) == TEXT, "run: python -m tests.readme"
    assert "| `STR-STRIDE` |" in TEXT


def test_the_set_up_is_two_lines():
    main_job, tests = shell_blocks(TEXT)[:2]
    for line in (main_job, tests):
        assert "\n" not in line
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert main_job.endswith(" check paddle.vision.models:resnet50")
    assert tests.endswith(".venv/bin/pytest -n 2")


def test_every_option_is_in_the_table(pytester):
    shown = pytester.runpytest("--help").stdout.str() + _help_of("check")
    options = {word.strip(",]=") for word in shown.split() if word.startswith("--resnet-")}
    options |= {word.strip(",][") for word in _help_of("check").split() if word.startswith("--")}
    for option in {option.partition("=")[0] for option in options} - {"--help"}:
        assert f"`{option}" in TEXT, option
    assert plugin.pytest_addoption.__doc__


def _help_of(command):
    import contextlib
    import io

    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        assert cli.run([command, "--help"]) == 0
    return shown.getvalue()
