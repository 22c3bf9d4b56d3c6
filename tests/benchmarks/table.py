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
    print(_table(entries, np.array(rounds) / given.batch))
    print(f"\n{mode}, batch {given.batch}, {len(rounds)} rounds, load {load:.0f}")


def _round(workers, number):
    times = [0.0] * len(workers)
    for index in Random(number).sample(range(len(workers)), len(workers)):
        times[index] = workers[index].sample(number, 1).gating
    return times


def _table(entries, times):
    rule = Rule(looks=(2,))
    lines = ["| | images/s of CPU time | times the first (99 %) |", "|---|---|---|"]
    for column, (name, _, _) in enumerate(entries):
        found = judge(list(zip(times[:, 0], times[:, column], strict=True)), rule)
        ratio = f"{found.ratio:.1f} ({found.low:.1f} to {found.high:.1f})"
        lines.append(f"| {name} | {1 / median(times[:, column]):.1f} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
