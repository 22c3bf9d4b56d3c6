"""What runs in the process of one side: load the target, get ready, and take samples when asked.

Requests come as lines of JSON on standard input and are answered on what was standard output;
what the target prints goes to standard error. It ends when its input does, so it cannot outlive
the process that started it by more than one sample.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from resnet_verify.bench.backends import Step, backend_for
from resnet_verify.bench.workload import Unsupported, Workload
from resnet_verify.importing import import_named
from resnet_verify.target import TargetError, load_target

_WARM_STEPS, _WARM_SECONDS = 3, 0.5
_MATRIX = {"cpu": 1536, "gpu": 8192}
"""Sizes of the square matrices that show what the machine can do: far beyond all caches."""
_PRODUCTS = 4


def main() -> None:
    """Serve: ``argv`` is the target and the workload as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this hears it, and ends this
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(words: Mapping[str, Any]) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    target, words = sys.argv[1:]
    try:
        serve(target, Workload(**json.loads(words)), sys.stdin, answer)
    except (TargetError, Unsupported) as error:
        answer({"refused": str(error)})


def serve(
    target: str, workload: Workload, requests: Any, answer: Callable[[Mapping[str, Any]], None]
) -> None:
    """Get ready, say so, and answer requests until there are none.

    Raises:
        TargetError: the target does not load.
        Unsupported: it cannot run the workload.
    """
    if workload.tune:
        from resnet_ref.tuning import tune

        tune(threads=workload.threads)
    model, source = _load(target)
    step = backend_for(model).prepare(model, workload)
    seconds = _warm(step)
    gc.collect()
    gc.freeze()
    gc.disable()
    ready = {"framework": step.framework, "engine": step.engine}
    answer({**ready, "source": source, "step_seconds": seconds})
    for line in requests:
        request = json.loads(line)
        answer(_ceiling(step, workload) if "ceiling" in request else _sample(step, **request))


def _load(target: str) -> tuple[Any, str]:
    """The model, and the file that the target names or that has its module."""
    place = target.partition("?")[0]
    if place.endswith(".onnx"):
        path = Path(target).resolve()
        if not path.is_file():
            raise TargetError(f"{target}: there is no such file")
        return path, str(path)
    model = load_target(target).create()
    place = place.rpartition(":")[0]
    if place.endswith(".py") or "/" in place:
        return model, str(Path(place).resolve())
    return model, import_named(place).__file__ or ""


def _warm(step: Step) -> float:
    """Seconds of a step, once those are done that compile, allocate and fill caches."""
    step.run()
    step.wait()
    clock = time.perf_counter if step.device_seconds else time.process_time
    start, times = clock(), [0.0]
    while len(times) <= _WARM_STEPS or clock() - start < _WARM_SECONDS:
        before = clock()
        step.run()
        step.wait()
        times.append(clock() - before)
    return median(times[len(times) // 2 :])


def _sample(step: Step, repeats: int) -> dict[str, float | int | None]:
    """Times of `repeats` steps together, in seconds, and what they took beside."""
    gc.collect(0)

    def loop() -> None:
        for _ in range(repeats):
            step.run()

    at, faults = time.time(), _faults()
    wall, cpu = time.perf_counter(), time.process_time()
    device = None
    if step.device_seconds:
        device = step.device_seconds(loop)
    else:
        loop()
    step.wait()
    return {
        "at": at,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "device": device,
        "faults": _faults() - faults,
        "host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "device_bytes": step.device_memory() if step.device_memory else None,
    }


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _ceiling(step: Step, workload: Workload) -> dict[str, float]:
    """MACs a second of the best matrix product: the framework's, and on a CPU NumPy's too.

    On a CPU that is in float32, whatever the workload's type.
    """
    size = _MATRIX[workload.device]
    products = [step.matmul(size)] if step.matmul else []
    if workload.device == "cpu":
        square = np.ones((size, size), np.float32)
        products.append(partial(np.matmul, square, square))
    # What a core could do, not what others left of it: CPU time where there is one thread.
    alone = workload.threads == 1 and workload.device == "cpu"
    clock = time.process_time if alone else time.perf_counter
    best = float("inf")
    for product in products * _PRODUCTS:
        start = clock()
        product()
        step.wait()
        best = min(best, clock() - start)
    return {"macs_per_second": size**3 / best}


if __name__ == "__main__":
    main()
