"""The pytest plugin: options, fixtures, the marker.

Bodies import late. Loading this module imports no framework, no NumPy and no Hypothesis,
for it is loaded in every session of an environment in which resnet-verify is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from resnet_verify.examine import Examination
    from resnet_verify.verdict import Verdict

# What one item found out about its target, as plain data; and all of a session's verdicts.
FOUND = pytest.StashKey[dict[str, Any]]()

_PAUSE = 1.0  # seconds between two times that the report is written


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and the ini value."""
    group = parser.getgroup("resnet", "resnet-verify: verification of ResNets")
    add = group.addoption
    add(
        "--resnet-target",
        metavar="TARGET",
        action="append",
        default=[],
        help="add the conformance suite for package.module:NAME, path/file.py:NAME or "
        "path/model.onnx; repeatable",
    )
    add("--resnet-arch", metavar="A", help="the architecture that targets have to be")
    add("--resnet-variant", metavar="V", help="the variant that targets have to be")
    add(
        "--resnet-select",
        metavar="IDS",
        action="append",
        default=[],
        help="only these checks: ids or prefixes of ids, separated by commas",
    )
    add(
        "--resnet-exclude",
        metavar="IDS",
        action="append",
        default=[],
        help="without these checks: ids or prefixes of ids",
    )
    add("--resnet-gpu", action="store_true", help="run on the GPU, with the GPU-only checks")
    add("--resnet-json", metavar="FILE", help="write the verdicts to FILE as JSON")
    add("--resnet-timeout", metavar="S", help="seconds that one check may take")
    add(
        "--resnet-isolate",
        action="store_true",
        help="judge each target in a process of its own, which may do what it likes",
    )
    parser.addini("resnet_targets", "targets to add the conformance suite for", type="linelist")


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marker; take part in the session only where an option asks for it."""
    config.addinivalue_line(
        "markers",
        "resnet(arch=, variant=, select=, exclude=, expected_failures={check: reason}, "
        "tolerance=): how resnet_check judges the target of this test; expected failures are "
        "strict.",
    )
    if any(value for name, value in vars(config.option).items() if name.startswith("resnet_")) or (
        config.getini("resnet_targets")
    ):
        from resnet_verify.suite import TargetSuites, require_sound_options

        require_sound_options(config)
        config.pluginmanager.register(TargetSuites(config), "resnet_verify_suites")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Verdicts(config), "resnet_verify_verdicts")


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each selected check of a test that uses `resnet_check`."""
    if "resnet_check" in metafunc.fixturenames:
        from resnet_verify.fixtures import parametrize

        parametrize(metafunc)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let the report carry what the item found out, from a worker of pytest-xdist too."""
    outcome: Any = yield
    if FOUND in item.stash:
        outcome.get_result().resnet = item.stash[FOUND]
        del item.stash[FOUND]


class _Verdicts:
    """Collects what the reports of a session carry; says and writes it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: list[dict[str, Any]] = []
        self._verdicts: list[Verdict] = []
        self._written = 0.0

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._found += [report.resnet] if hasattr(report, "resnet") else []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(report, "resnet"):
            return
        self._found.append(report.resnet)
        if self._config.option.resnet_json and time.monotonic() > self._written + _PAUSE:
            from resnet_verify.suite import conclude

            conclude(self._config, self._found)  # whatever ends the session, this much is kept
            self._written = time.monotonic()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        if self._found or self._config.option.resnet_json:
            from resnet_verify.suite import conclude

            self._verdicts = conclude(self._config, self._found)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._verdicts:
            from resnet_verify.report import summary_text

            terminalreporter.section("resnet verdicts")
            for verdict in self._verdicts:
                text = summary_text(verdict, colour=terminalreporter.hasmarkup)
                terminalreporter.write_line(text)


@pytest.fixture
def resnet_target(request: pytest.FixtureRequest) -> object:
    """The network under test: override this with a fixture that returns a factory of it.

    The factory takes no arguments and returns a model. A model, or a string like
    "package.module:NAME", will do as well. The fixture may be parametrized. Unless it is
    overridden, it is the one target that `--resnet-target` or `resnet_targets` names.
    """
    from resnet_verify.fixtures import only_target

    return only_target(request.config)


@pytest.fixture
def resnet_check(
    request: pytest.FixtureRequest, resnet_target: object, resnet_device: str, resnet_seed: int
) -> Callable[[], None]:
    """One check of the target, to be called.

    Write `def test_conforms(resnet_check): resnet_check()`: the test becomes one item for each
    check. The call fails with a diagnosis, skips where the check does not apply, and xfails
    where the marker `resnet` expects the failure.
    """
    from resnet_verify.fixtures import checker, judge_for

    return checker(request, judge_for(request, resnet_target, resnet_device, resnet_seed))


@pytest.fixture
def resnet_twin(_resnet_examination: Any) -> object:
    """The reference network in the target's framework, holding the target's weights."""
    from resnet_verify.fixtures import twin

    return twin(_resnet_examination)


@pytest.fixture
def resnet_batch(_resnet_examination: Any) -> object:
    """An input batch for the target, a tensor of its framework, the same in every run."""
    from resnet_verify.fixtures import batch

    return batch(_resnet_examination)


@pytest.fixture
def resnet_throughput(
    request: pytest.FixtureRequest, _resnet_examination: Any
) -> Callable[..., float]:
    """Images per second: `resnet_throughput(batch_size=8, size=224)`, through pytest-benchmark.

    The call gives a float, that of the median forward pass in evaluation mode. Loading the
    batch into the framework is part of the pass.
    """
    from resnet_verify.fixtures import throughput

    return throughput(request, _resnet_examination)


@pytest.fixture(scope="session")
def resnet_seed() -> int:
    """The seed of all weights and inputs that are drawn: 0. Override it to draw others."""
    return 0


@pytest.fixture(scope="session")
def resnet_device(request: pytest.FixtureRequest) -> str:
    """Where networks run: "gpu" with `--resnet-gpu`, else "cpu"."""
    return "gpu" if request.config.option.resnet_gpu else "cpu"


@pytest.fixture
def _resnet_examination(
    request: pytest.FixtureRequest, resnet_target: object, resnet_device: str, resnet_seed: int
) -> Examination:
    """The examination of the target, shared by the checks of one test function."""
    from resnet_verify.fixtures import examination_of

    return examination_of(request, resnet_target, resnet_device, resnet_seed)
