"""What all tests share: stand-ins for speed, and the promise that no framework is skipped."""

import os
from importlib import import_module

import pytest

from resnet_verify import tune
from tests import fake as stand_ins

# Before Paddle and NumPy are imported: threads that wait for small matrix products cost more
# than they gain where tests run side by side.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
tune.before_import()

# Frameworks that a job demands: the absence of one, or any test skipped but for another one's
# absence, fails the session.
REQUIRED = os.environ.get("RESNET_VERIFY_REQUIRE", "").split()
FRAMEWORKS = ("paddle", "torch", "mindspore", "onnx", "onnxruntime")
ALLOWED_SKIPS = (
    "GPU",
    "a browser",
    "a PostgreSQL",
    *(f"import '{name}'" for name in FRAMEWORKS if name not in REQUIRED),
)


def pytest_sessionstart(session):
    for framework in REQUIRED:
        try:
            import_module(framework)
        except ImportError as error:
            raise pytest.UsageError(f"RESNET_VERIFY_REQUIRE: {framework}: {error}") from None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not REQUIRED or reporter is None or hasattr(session.config, "workerinput"):
        return
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", ())]
    forbidden = [reason for reason in reasons if not any(word in reason for word in ALLOWED_SKIPS)]
    if forbidden and exitstatus == 0:
        reporter.write_line(f"\n{len(forbidden)} skipped although RESNET_VERIFY_REQUIRE is set:")
        for reason in forbidden:
            reporter.write_line(f"  {reason}")
        session.exitstatus = 1


@pytest.fixture
def fake(monkeypatch):
    """The stand-ins of `tests.fake`, installed."""
    stand_ins.install(monkeypatch.setattr)
    return stand_ins


@pytest.fixture
def project(pytester, fake, monkeypatch):
    """A folder with `nets.py`, a file of fake networks."""
    # Its summary would import Hypothesis anew in each session within this process; and where
    # pytest-randomly is installed, it would shuffle what these tests expect in order.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:randomly")
    pytester.makepyfile(nets=stand_ins.NETS)
    return pytester
