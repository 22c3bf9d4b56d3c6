"""Stand-ins for the checks and the examination, so that plugin and CLI are tested in no time.

As a plugin of a pytest in another process (`-p tests.fake`) this installs itself; within one
process the fixture `fake` does, and what the plugin imports late has been imported by then.
A fake network is a `Network`, which names its own faults.
"""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from resnet_verify import checks, fixtures, gpu, judge, report_json, suite  # noqa: F401
from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import Check, NotRun
from resnet_verify.target import TargetError
from resnet_verify.verdict import CheckResult, Diagnosis, Identity, ParameterTotals, Verdict

NETS = """import os
from tests.fake import Network, install_where_apart

def good(num_classes=1000):
    return Network()

def broken():
    return Network({"STR-STRIDE": "stage 3, block 0: stride 2 is on conv 0"})

def very_broken():
    return Network({"NUM-EVAL": "outputs differ", "STR-STRIDE": "stride 2 is on conv 0"})

def unjudged():
    return Network(not_run={"STR-STEM": "no graph"})

def slow():
    return Network(slow="NUM-EVAL")

def explodes():
    raise ValueError("boom")

def returns_none():
    pass

def needs(width):
    return Network()

def interrupted():
    raise KeyboardInterrupt

def dies():
    os._exit(3)

def process():
    return Network({"STR-STEM": f"judged in process {os.getpid()}"})

install_where_apart()
"""


@dataclass
class Network:
    faults: dict[str, str] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    slow: str = ""
    misdeed: Callable[[], object] | None = None

    def parameters(self):
        return []


class Examination:
    framework = "fake"
    framework_version = "1.0"

    def __init__(self, target, *, arch=None, variant=None, device="cpu", **_):
        self.target, self.arch, self.variant, self.device = target, arch, variant, device
        self.network = None

    def prepare(self):
        self.network = self.network or self.target.create()
        if not isinstance(self.network, Network):
            raise TargetError(f"{self.target.name}: a {type(self.network).__name__} is no model")
        return self.network

    def run(self, check):
        self.prepare()
        try:
            found = tuple(check.function(self))
        except NotRun as why:
            return CheckResult(check.id, "not_run", 0.0, str(why))
        except Exception as error:
            return CheckResult(check.id, "error", 0.0, cause(error))
        if check.id == "GPU-ONLY" and self.device == "cpu":
            return CheckResult(check.id, "skipped", 0.0, "needs a GPU")
        message = found[0].message if found else ""
        return CheckResult(check.id, "failed" if found else "passed", 0.25, message, "", found)

    def verdict(self, results):
        outcomes = {result.outcome for result in results}
        judgement = "conforming"
        if "failed" in outcomes:
            judgement = "defect"
        elif outcomes & {"not_run", "error"}:
            judgement = "error"
        return Verdict(
            self.target.name,
            self.framework,
            self.framework_version,
            judgement,
            Identity("resnet50", "v1.5", 1000, 3, "imagenet", "classifier", 32),
            ParameterTotals(25_557_032, 53_120),
            tuple(diagnosis for result in results for diagnosis in result.diagnoses),
            ("BN momentum is 0.99",),
            sum(result.seconds for result in results),
            tuple(results),
        )


def _check(check_id, promise):
    def function(examination):
        network = examination.prepare()
        if check_id in network.not_run:
            raise NotRun(network.not_run[check_id])
        if check_id == network.slow:
            time.sleep(5)
        if check_id == "NUM-EVAL" and network.misdeed:
            network.misdeed()
        if check_id in network.faults:
            message = network.faults[check_id]
            yield Diagnosis(check_id, "stage 3, block 0", "stride 1", "stride 2", message, "a.b")

    return Check(check_id, promise, "How it is judged.", "He et al. 2016", function)


REGISTRY = {
    check.id: check
    for check in (
        _check("STR-STEM", "the stem is a documented one"),
        _check("STR-STRIDE", "stride sits on the 3x3 convolution"),
        _check("NUM-EVAL", "outputs equal the twin's"),
        _check("GPU-ONLY", "holds on a GPU"),
    )
}


def install(setattr=setattr):
    """Put the stand-ins in place of the registry and of `Examination`."""
    setattr(checks, "FAMILIES", ())
    setattr(checks, "_REGISTRY", REGISTRY)
    setattr(judge.Options, "examination", _examination)


def install_where_apart():
    """The same in a process that the command line started for one target."""
    if multiprocessing.parent_process() is not None:
        install()


def _examination(options, target):
    given = {name: getattr(options, name) for name in ("arch", "variant", "device")}
    return Examination(target, **given)


def pytest_addoption():
    install()
