"""What the whole default suite costs, as a ratio to a training step at batch 8, 224x224.

Counted is the time of the processor, which others on the machine do not lengthen.

python -m tests.benchmarks.cost torch resnet18 resnet50
"""

from __future__ import annotations

import sys
import time
import warnings
from importlib import import_module

import numpy as np

from resnet_ref.spec import spec
from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.target import Target

SHAPE = (8, 3, 224, 224)


def main():
    framework, *archs = sys.argv[1:]
    warnings.simplefilter("ignore")
    build = import_module(f"resnet_ref.{framework}").build
    measure(build, "resnet20")  # what is imported and compiled once is nobody's cost
    print(
        "| Network | Suite, CPU s | Step, CPU s | Ratio | Dearest checks |\n|---|---|---|---|---|"
    )
    for arch in archs:
        suite, step, dearest = measure(build, arch)
        print(f"| {framework} {arch} | {suite:.1f} | {step:.1f} | {suite / step:.1f} | {dearest} |")


def measure(build, arch):
    """CPU seconds of the suite and of one training step, and what costs most."""
    form = spec(arch)
    examination = Examination(Target(arch, lambda: build(form)))
    started = time.process_time()
    examination.prepare()
    results = [examination.run(check) for check in select_checks()]
    suite = time.process_time() - started
    dearest = sorted(results, key=lambda result: -result.seconds)[:4]
    shown = ", ".join(f"{each.id} {each.seconds:.1f}" for each in dearest)
    return suite, training_step(examination), shown


def training_step(examination):
    """CPU seconds of the quicker of two forward and backward passes."""
    adapter, model = examination.adapter, examination.model
    adapter.set_training(model, True)
    batch = examination.batch(SHAPE)
    cotangent = np.ones_like(adapter.forward(model, batch)[0])
    spent = []
    for _ in range(2):
        started = time.process_time()
        adapter.step(model, batch, cotangent, 0)
        spent.append(time.process_time() - started)
    return min(spent)


if __name__ == "__main__":
    main()
