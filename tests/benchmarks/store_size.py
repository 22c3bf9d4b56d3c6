"""How long a store of a million records takes: `python -m tests.benchmarks.store_size`."""

import sys
import tempfile
import time
from dataclasses import replace
from uuid import uuid4

from resnet_verify.bench.history import histories
from resnet_verify.bench.store import Store
from tests.bench.records import record

SERIES, MACHINES, BATCH = 50, 4, 5_000


def main(count, url):
    with Store(url) as store:
        start = time.perf_counter()
        for first in range(0, count, BATCH):
            store.add(*(small(number) for number in range(first, first + BATCH)))
        print(f"{count} records written in {time.perf_counter() - start:.0f} s", flush=True)
        for name, ask in (
            ("list", store.series),
            ("show", lambda: histories(store, record(target="net 7").series)),
            ("report", lambda: histories(store)),
        ):
            start = time.perf_counter()
            ask()
            print(f"{name}: {time.perf_counter() - start:.2f} s", flush=True)


def small(number):
    target, machine = f"net {number % SERIES}", f"{number // SERIES % MACHINES:016d}"
    one = record(number, target=target, machine=machine)
    return replace(one, data={}, id=uuid4().hex)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        main(wanted, sys.argv[2] if len(sys.argv) > 2 else f"{folder}/store.sqlite")
