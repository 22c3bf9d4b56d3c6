"""What `resnet_throughput` leaves in pytest-benchmark's `extra_info`, beside its own figures."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resnet_ref.derive import table
from resnet_verify.bench.fingerprint import fingerprint
from resnet_verify.checks import NotRun

if TYPE_CHECKING:
    from resnet_verify.examine import Examination


class Counted:
    """Counts CPU time and page faults of the calls that are timed."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._calls = 0
        self._cpu = 0.0
        self._faults = 0

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        cpu, faults = time.process_time(), _faults()
        result = self._function(*arguments)
        self._cpu += time.process_time() - cpu
        self._faults += _faults() - faults
        self._calls += 1
        return result

    def figures(self) -> dict[str, float]:
        """CPU seconds and minor page faults a call, warm-up included."""
        calls = max(1, self._calls)
        return {"cpu_seconds": self._cpu / calls, "page_faults": self._faults / calls}


def extra_info(
    examination: Examination, counted: Counted, rate: float, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Figures of a benchmark of forward passes over `shape`, at `rate` images a second."""
    machine = fingerprint()
    return {
        "images_per_second": rate,
        "shape": list(shape),
        "framework": f"{examination.framework} {examination.framework_version}",
        **counted.figures(),
        "peak_host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **_macs(examination, rate, shape),
        "fingerprint": machine.key,
        "environment": asdict(machine),
    }


def _macs(examination: Examination, rate: float, shape: tuple[int, ...]) -> dict[str, float]:
    try:
        if examination.is_far:
            return {}
        form = examination.match.form.spec
    except NotRun:
        return {}
    batch = (1, *shape[1:])
    if examination.probe.channels_last:
        batch = (1, shape[3], *shape[1:3])
    return {"macs_per_second": rate * table(form, batch).macs}


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
