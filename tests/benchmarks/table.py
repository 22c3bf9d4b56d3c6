"""ResNet-50 in every framework, side by side: `python -m tests.benchmarks.table [--training]`.

All networks are loaded at once and timed in rounds, each of them once a round and in random
order, one thread each. The yardstick is what a user of Paddle gets who does nothing about it.
"""

import argparse
import os
import time
from contextlib import ExitStack
from random import Random
from statistics import median

import numpy as np

from resnet_ref.derive import table
from resnet_ref.spec import spec
from resnet_verify.bench.measure import Side, started
from resnet_verify.bench.regress import Rule, judge
from resnet_verify.bench.workload import Workload

VISION = "paddle.vision.models:resnet50"
PADDLE = "resnet_ref.paddle:resnet50"
TORCH = "resnet_ref.torch:resnet50"
ONNX = "resnet_verify.bench.twin:onnx?arch=resnet50"

INFERENCE = [
    ("paddle.vision, as installed", VISION, {"tune": False}),
    ("paddle.vision, tuned", VISION, {}),
    ("resnet_ref.paddle, tuned", PADDLE, {}),
    ("resnet_ref.paddle, paddle.inference", PADDLE, {"engine": "engine"}),
    ("the same in bfloat16", PADDLE, {"engine": "engine", "dtype": "bfloat16"}),
    ("resnet_ref.torch, as installed", TORCH, {"tune": False}),
    ("resnet_ref.torch, tuned, channels last", TORCH, {"layout": "NHWC"}),
    ("ONNX Runtime", ONNX, {}),
]
TRAINING = [
    ("paddle.vision, as installed", VISION, {"tune": False}),
    ("resnet_ref.paddle, tuned", PADDLE, {}),
    ("resnet_ref.torch, as installed", TORCH, {"tune": False}),
    ("resnet_ref.torch, tuned, channels last", TORCH, {"layout": "NHWC"}),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--training", action="store_true")
    add("--seconds", type=float, default=300, help="for the rounds; three are done in any case")
    add("--batch", type=int, default=4)
    given = parser.parse_args()
    mode = "training" if given.training else "inference"
    entries = TRAINING if given.training else INFERENCE
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        workers = []
        for name, target, words in entries:
            side = Side(target, Workload(mode=mode, batch=given.batch, **words), label=name)
            workers.append(stack.enter_context(started(side)))
        for worker in workers:
            _ = worker.ready
        rounds, deadline = [], time.monotonic() + given.seconds
        while len(rounds) < 3 or time.monotonic() < deadline:
            rounds.append(_round(workers, len(rounds)))
        ceiling = max(worker.ceiling() for worker in workers)
    passes = 3 if given.training else 1  # as a training step is usually counted
    most = ceiling / (passes * table(spec("resnet50"), (1, 3, 224, 224)).macs)
    print(_table(entries, np.array(rounds) / given.batch, most))
    print(f"\n{mode}, batch {given.batch}, {len(rounds)} rounds, load {load:.0f}, "
          f"ceiling {ceiling / 1e9:.0f} GMAC/s")  # fmt: skip


def _round(workers, number):
    times = [0.0] * len(workers)
    for index in Random(number).sample(range(len(workers)), len(workers)):
        times[index] = workers[index].sample(number, 1).gating
    return times


def _table(entries, times, most):
    """`most` images/s are what the best matrix product in float32 would allow."""
    rule = Rule(looks=(2,))
    titles = "| | images/s of CPU time | of the ceiling in float32 | times the first (99 %) |"
    lines = [titles, "|---|---|---|---|"]
    for column, (name, _, _) in enumerate(entries):
        found = judge(list(zip(times[:, 0], times[:, column], strict=True)), rule)
        ratio = f"{found.ratio:.1f} ({found.low:.1f} to {found.high:.1f})"
        rate = 1 / median(times[:, column])
        lines.append(f"| {name} | {rate:.1f} | {rate / most:.0%} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
