"""Measure detection power: plant mistakes, judge the networks, append what was said to a file.

    python -m tests.benchmarks.detection --out build/power.jsonl --frameworks torch paddle
    python -m tests.benchmarks.detection --out build/graphs.jsonl --graphs --draws 20
    python -m tests.benchmarks.report build/power.jsonl build/graphs.jsonl

    python -m tests.benchmarks.detection --out build/elsewhere.jsonl --elsewhere

With `--elsewhere` the mistakes are planted into networks that others wrote, as far as they can be
there and as far as their packages are installed. With `--whole` every check runs on every network,
as a check x mistake matrix needs; without it the numerical checks run only where structure shows
nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

from tests.mutation import as_graph, elsewhere
from tests.mutation.draw import MISTAKES, drawn
from tests.mutation.measure import FORMS, judge

MORE_FORMS = (
    *FORMS, ("resnet18", "vb"), ("resnet18", "vc"), ("resnet18", "d2l"), ("resnet34", "vd"),
    ("resnet34", "v2"), ("resnet50", "vd"), ("resnet50", "keras"), ("resnet50", "se"),
    ("resnet44", "cifar-a"), ("resnet56", "cifar-b"), ("wide_resnet50_2", "v1.5"),
    ("resnet101", "v1.5"),
)  # fmt: skip


def main():
    options = arguments()
    until = time.monotonic() + options.seconds
    done = 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a") as file:
        for each in hosted(options) if options.elsewhere is not None else combinations(options):
            if time.monotonic() > until:
                break
            row = measured(each, options)
            if row:
                done += 1
                file.write(json.dumps(row) + "\n")
                file.flush()
    print(f"{done} networks judged")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frameworks", nargs="+", default=["torch", "paddle"])
    parser.add_argument("--forms", nargs="+", default=[], help="resnet18/v1 ...")
    parser.add_argument("--mistakes", default="", help="regular expression on their ids")
    parser.add_argument("--draws", type=int, default=3, help="places of each mistake in a round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--first-round", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--elsewhere", nargs="*", help="networks that others wrote; all if none")
    parser.add_argument("--graphs", action="store_true", help="structure alone, no framework")
    parser.add_argument("--whole", action="store_true", help="every check on every network")
    return parser.parse_args()


def combinations(options):
    forms = tuple(tuple(form.split("/")) for form in options.forms)
    forms = forms or (MORE_FORMS if options.graphs else FORMS)
    frameworks = ["none"] if options.graphs else options.frameworks
    for number in range(options.first_round, options.first_round + options.rounds):
        for mistake in MISTAKES:
            if re.search(options.mistakes, mistake.id):
                yield from drawn(mistake, frameworks, options.draws, number, forms)


def hosted(options):
    """As `combinations`, in the networks that others wrote."""
    for number in range(options.first_round, options.first_round + options.rounds):
        for mistake in MISTAKES:
            if not re.search(options.mistakes, mistake.id):
                continue
            for network in options.elsewhere or elsewhere.NETWORKS:
                package = network.partition(":")[0]
                if find_spec(package.partition(".")[0]):
                    yield from elsewhere.drawn(mistake, network, options.draws, number)


def measured(planted, options):
    """One row: what was planted where, and what was said; None where graphs cannot show it."""
    started = time.perf_counter()
    if options.graphs:
        if not as_graph.can_be_drawn(planted.program()):
            return None
        outcome = as_graph.judge(planted)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = judge(planted) if options.whole else quick(planted)
    return {
        "mistake": planted.mistake.id, "arch": planted.arch, "variant": planted.variant,
        "site": planted.site, "block": planted.block,
        "framework": getattr(planted, "network", planted.framework).partition(":")[0],
        "judgement": outcome.judgement, "named": outcome.named(planted), "first": outcome.first,
        "failed": outcome.failed, "seconds": outcome.seconds, "unjudged": outcome.errors,
        "took": round(time.perf_counter() - started, 2), "whole": options.whole,
    }  # fmt: skip


def quick(planted):
    """Structure first; the rest only where structure shows nothing."""
    outcome = judge(planted, "STR", "PAR", "INI")
    return judge(planted) if outcome.judgement == "conforming" else outcome


if __name__ == "__main__":
    main()
