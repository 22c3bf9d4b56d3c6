"""Read thousands of damaged files: `python -m tests.benchmarks.fuzz_files [COUNT [SEED]]`.

COUNT files, 10,000 by default, are shared among the formats whose readers are installed. The
reading is done in a process of its own, as the command line does it. Exit code 1 where a file
was read otherwise than `tests.isolation.fuzzing` promises, or ended that process.
"""

import sys
import tempfile
import time
from collections import Counter

from resnet_verify.process import ProcessError, run_apart
from tests.isolation.fuzzing import FORMATS, formats, fuzz


def main():
    words = sys.argv[1:]
    count = int(words[0]) if words else 10_000
    seed = int(words[1]) if len(words) > 1 else 0
    found = formats()
    print("not installed:", ", ".join(sorted(FORMATS.keys() - found)) or "none")
    wrong = [_fuzz_one(suffix, -(-count // len(found)), seed) for suffix in found]
    return 1 if sum(wrong) else 0


def _fuzz_one(suffix, count, seed):
    read, wrong, started = Counter(), [], time.perf_counter()
    last = -1, ""

    def heed(number, damage, how):
        nonlocal last
        last = number, damage
        if how in ("refused", "whole"):
            read[how] += 1
        elif how != "reading":
            wrong.append(f"seed '{seed} {number}', {damage}: {how}")

    with tempfile.TemporaryDirectory() as folder:
        while last[0] < count - 1:
            try:
                run_apart(fuzz, suffix, range(last[0] + 1, count), seed, folder, heed=heed)
            except ProcessError as error:
                wrong.append(f"seed '{seed} {last[0]}', {last[1]}: {error}")
    seconds = time.perf_counter() - started
    counts = ", ".join(f"{number:,} {how}" for how, number in sorted(read.items()))
    print(f"{suffix:<13} {count:,} files: {counts}, {len(wrong)} otherwise, in {seconds:.0f} s")
    for line in wrong:
        print(f"  {line}"[:300])
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
