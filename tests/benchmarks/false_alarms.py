"""Judge conforming networks of random forms with random seeds; every alarm is a false one.

python -m tests.benchmarks.false_alarms --runs 1000 --frameworks torch paddle

An architecture is drawn the more often the less it computes: all come. A thousand runs take two
hours and a half on one core, 50 in one process up to 13 GB; `--first` goes on where others ended.
"""

from __future__ import annotations

import argparse
import random
import time
import warnings
from dataclasses import replace
from functools import cache
from importlib import import_module

from resnet_ref.architectures import ARCHITECTURES
from resnet_ref.derive import table
from resnet_ref.spec import documented_forms, spec
from resnet_verify.checks import select_checks
from resnet_verify.examine import Examination
from resnet_verify.target import Target
from resnet_verify.tune import own_process


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--frameworks", nargs="+", default=["torch", "paddle"])
    parser.add_argument("--archs", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    tuned = own_process()
    for framework in options.frameworks:
        import_module(f"resnet_ref.{framework}")
    tuned()
    until, alarms, done = time.monotonic() + options.seconds, 0, 0
    for number in range(options.first, options.first + options.runs):
        if time.monotonic() > until:
            break
        alarm = run(number, options.frameworks, options.archs)
        alarms, done = alarms + bool(alarm), done + 1
        if alarm:
            print(f"run {number}: {alarm}", flush=True)
    print(f"{done} runs, {alarms} false alarms")


def run(number, frameworks, archs):
    """One network drawn by the run's number; what was found wrong with it, empty if nothing."""
    draw = random.Random(number)
    framework = draw.choice(frameworks)
    (arch,) = draw.choices(archs, [1 / cost(arch) for arch in archs])
    classes, channels = draw.choice((2, 10, 100, 1000)), draw.choice((1, 3, 4))
    form = draw.choice(list(documented_forms(arch, classes, channels)))
    if draw.random() < 0.1:
        form = replace(form, head="none")
    build = import_module(f"resnet_ref.{framework}").build
    examination = Examination(Target(arch, lambda: build(form)), seed=number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = [examination.run(check) for check in select_checks()]
        verdict = examination.verdict(results)
    if verdict.judgement == "conforming":
        return ""
    told = [f"{r.id} {r.outcome}: {r.message}" for r in results
            if r.outcome not in ("passed", "skipped")]  # fmt: skip
    return f"{framework} {form}: {'; '.join(told)}"


@cache
def cost(arch):
    """Multiply-accumulates at about the size of image that most checks use."""
    form = spec(arch)
    side = 32 if form.stem == "cifar" else 64
    return table(form, (1, form.in_channels, side, side)).macs


if __name__ == "__main__":
    main()
