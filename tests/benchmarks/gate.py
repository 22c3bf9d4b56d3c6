"""How often the regression gate cries wolf, and what it catches, on this machine as it is now.

    python -m tests.benchmarks.gate --out gate.jsonl --equal 200 --slower 3:20 5:40 10:20
    python -m tests.benchmarks.gate --out gate.jsonl            # the table of what there is

Each line of the file is one comparison, of a PyTorch ResNet-18 with itself or with one that is
slowed down by a known amount. The table judges the same samples by the rule of
pytest-benchmark's `--benchmark-compare-fail=mean:5%` as well, once on the interleaved samples,
and once as it is used: a run against the saved run before it.
"""

import argparse
import json
import os
import random
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from pytest_benchmark.utils import PercentageRegressionCheck

from resnet_verify.bench.measure import Side
from resnet_verify.bench.regress import Rule
from resnet_verify.bench.versus import contest
from resnet_verify.bench.workload import Workload

EQUAL = "resnet_ref.torch:resnet18"
BUDGET = 120.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--out", type=Path, required=True)
    add("--equal", type=int, default=0, help="comparisons of equal networks")
    add("--slower", nargs="*", default=[], metavar="PERCENT:N", help="and of slower ones")
    add("--size", type=int, default=96, help="pixels")
    add("--batch", type=int, default=1)
    given = parser.parse_args()
    workload = Workload(batch=given.batch, size=given.size)
    wanted = [(0, given.equal)] + [tuple(map(int, text.split(":"))) for text in given.slower]
    todo = [percent for percent, count in wanted for _ in range(count)]
    random.shuffle(todo)
    for percent in todo:
        with given.out.open("a") as out:
            out.write(json.dumps(compare(percent, workload)) + "\n")
    print(table([json.loads(line) for line in given.out.read_text().splitlines()]))


def compare(percent, workload):
    target = f"tests.benchmarks.networks:slowed?by={percent / 100}" if percent else EQUAL
    start = time.monotonic()
    found = contest(Side(target, workload), Side(EQUAL, workload), Rule(), BUDGET)
    first = found.runs[0]
    sides = (first.target, first.yardstick)
    return {
        "percent": percent,
        "verdict": found.verdict,
        "settled": found.settled,
        "first": found.comparison.verdict,
        "ratio": found.comparison.ratio,
        "pairs": [run.comparison.pairs for run in found.runs],
        "seconds": time.monotonic() - start,
        "load": os.getloadavg()[0],
        "wall": [[sample.wall for sample in taken.samples] for taken in sides],
        "cpu": [[sample.gating for sample in taken.samples] for taken in sides],
    }


def benchmark_fails(target, yardstick):
    """The verdict of pytest-benchmark on two lists of times."""
    check = PercentageRegressionCheck("mean", 5)
    return bool(check.fails({"mean": mean(target)}, {"mean": mean(yardstick)}))


def table(records):
    groups = defaultdict(list)
    for record in records:
        groups[record["percent"]].append(record)
    lines = [
        "| slower by | comparisons | slower | faster | no difference | undecided | unconfirmed "
        "| compare-fail, interleaved | compare-fail, as used | seconds: median, most | load |",
        "|" + "---|" * 11,
    ]
    for percent, group in sorted(groups.items()):
        verdicts = [(record["verdict"], record["settled"]) for record in group]
        together = sum(benchmark_fails(*record["wall"]) for record in group)
        later = [benchmark_fails(b["wall"][0], a["wall"][1]) for a, b in pairwise(group)]
        unconfirmed = sum(r["first"] != r["verdict"] for r in group)
        seconds = [record["seconds"] for record in group]
        cells = [
            f"{percent} %",
            len(group),
            sum(verdict == "slower" for verdict, _ in verdicts),
            sum(verdict == "faster" for verdict, _ in verdicts),
            sum(v == "inconclusive" and settled for v, settled in verdicts),
            sum(v == "inconclusive" and not settled for v, settled in verdicts) - unconfirmed,
            unconfirmed,
            f"{together} of {len(group)}",
            f"{sum(later)} of {len(later)}",
            f"{median(seconds):.0f}, {max(seconds):.0f}",
            f"{median(record['load'] for record in group):.1f}",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
