"""Samples of one network, taken in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import resnet_verify
from resnet_ref.tuning import environment
from resnet_verify.bench.workload import Unsupported, Workload

# The folder of this tool comes last, and the current one not at all: a target has its own
# folder first, and no old revision of this tool is taken for the present one.
_START = """\
import sys
sys.path[:1] = []
sys.path.append({root!r})
from resnet_verify.bench.worker import main
main()
"""


class MeasureError(Exception):
    """A process gave no samples; the message says why."""


@dataclass(frozen=True)
class Side:
    """One of the networks of a measurement: a target, and the folder that it is looked up in."""

    target: str
    workload: Workload = field(default_factory=Workload)
    folder: Path = field(default_factory=Path.cwd)
    label: str = ""

    @property
    def name(self) -> str:
        """What a report calls it."""
        return self.label or self.target


@dataclass(frozen=True)
class Sample:
    """What `steps` steps took, together.

    `order` counts the samples of a measurement, both sides', as they were taken; `at` is the
    time of day in seconds since 1970; `wall`, `cpu` (all threads of the process) and `device`
    are seconds; `faults` are minor page faults; memory is the peak so far in bytes.
    """

    order: int
    steps: int
    at: float
    wall: float
    cpu: float
    device: float | None
    faults: int
    host_bytes: int
    device_bytes: int | None

    @property
    def gating(self) -> float:
        """Seconds a step: the device's, and where there is none those of the CPU."""
        return (self.cpu if self.device is None else self.device) / self.steps


@dataclass(frozen=True)
class Ready:
    """What a process says of itself: framework, engine, the network's file, seconds a step."""

    framework: str
    engine: str
    source: str
    step_seconds: float


class Worker:
    """The process of one side; to be asked for samples once it is `ready`."""

    def __init__(self, side: Side, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.side = side
        self._process = process
        self._errors = errors

    @cached_property
    def ready(self) -> Ready:
        """What the process says once it is warm; waits for it.

        Raises:
            MeasureError: the process ended before.
            Unsupported: the target does not load, or cannot run the workload.
        """
        return Ready(**self._answer())

    def sample(self, order: int, steps: int) -> Sample:
        """Take one sample.

        Raises:
            MeasureError: the process ended.
        """
        return Sample(order=order, steps=steps, **self._ask(repeats=steps))

    def ceiling(self) -> float:
        """MACs a second that the machine manages, with as many threads as the side has."""
        return float(self._ask(ceiling=True)["macs_per_second"])

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None  # a pipe
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise MeasureError(self._end()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # a pipe
        line = self._process.stdout.readline()
        if not line:
            raise MeasureError(self._end())
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise Unsupported(answer["refused"])
        return answer

    def _end(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        last = f": {lines[-1]}" if lines else ""
        return f"{self.side.name}: its process ended with exit code {code}{last}"


@contextmanager
def started(side: Side) -> Iterator[Worker]:
    """A worker for `side`, which is getting ready; its process ends with the context."""
    root = str(Path(resnet_verify.__file__).parents[1])
    words = json.dumps(asdict(side.workload))
    command = [sys.executable, "-c", _START.format(root=root), side.target, words]
    with TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(
            command,
            cwd=side.folder,
            env=_environment(side.workload, os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process:
            try:
                yield Worker(side, process, errors)
            finally:
                process.kill()


def _environment(workload: Workload, base: Mapping[str, str]) -> dict[str, str]:
    """The same for both sides: threads and hashing are settled, the rest is the user's."""
    threads = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(workload.threads)
    )
    tuned = environment() if workload.tune else {}
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GLOG_minloglevel": "2",
        **tuned,
        **base,
        **threads,
        "PYTHONHASHSEED": "0",
    }
