"""Read thousands of damaged files: `python -m tests.benchmarks.fuzz_files [COUNT [SEED]]`.

COUNT files, 10,000 by default, are shared among the formats whose readers are installed. The
reading is done in a process of its own; one that dies is a crash. Exit code 1 where a file was
read otherwise than `tests.isolation.fuzzing` promises.
"""

import sys
import tempfile
import time
from collections import Counter

from resnet_verify.process import ProcessError, run_apart
from tests.isolation.fuzzing import FORMATS, formats, fuzz


def main():
    count, seed = (int(word) for word in (sys.argv[1:] + ["10000", "0"][len(sys.argv) - 1 :])[:2])
    found = formats()
    print("not installed:", ", ".join(FORMATS.keys() - found) or "none")
    bad = 0
    for suffix in found:
        bad += _fuzz_one(suffix, -(-count // len(found)), seed)
    return 1 if bad else 0


def _fuzz_one(suffix, count, seed):
    read, wrong, last, started = Counter(), [], None, time.perf_counter()

    def heed(number, damage, how):
        nonlocal last
        last = number, damage
        if how in ("refused", "whole"):
            read[how] += 1
        elif how != "reading":
            wrong.append(f"seed '{seed} {number}', {damage}: {how}")

    with tempfile.TemporaryDirectory() as folder:
        try:
            run_apart(fuzz, suffix, count, seed, folder, heed=heed)
        except ProcessError as error:
            wrong.append(f"seed '{seed} {last[0]}', {last[1]}: {error}")
    seconds = time.perf_counter() - started
    counts = ", ".join(f"{number:,} {how}" for how, number in sorted(read.items()))
    print(f"{suffix:<13} {count:,} files: {counts}, {len(wrong)} otherwise, in {seconds:.0f} s")
    for line in wrong[:10]:
        print(f"  {line}"[:300])
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
