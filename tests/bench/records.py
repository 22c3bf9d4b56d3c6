"""Records without a run."""

from resnet_verify.bench.record import Record


def record(number=0, *, target="nets.py:net", ratio=1.0, machine="a" * 16, **words):
    pair = [
        [
            {"order": i, "steps": 2, "wall": 0.02, "cpu": 0.01 * (1 + i % 3), "device": None}
            for i in range(20)
        ]
        for _ in range(2)
    ]
    figures = {
        "images_per_second": 100.0,
        "latency": 0.01,
        "cpu": 0.01,
        "device": None,
        "faults": 3.0,
        "host_bytes": 2**28,
        "device_bytes": None,
        "macs_per_second": 4e10,
        "ceiling": 1e11,
        "operators": 70,
    }
    run = {"verdict": "inconclusive", "ratio": ratio, "low": ratio * 0.99, "high": ratio * 1.01}
    data = {
        "samples": pair,
        "figures": [figures, figures],
        "workloads": [{"batch": 1}, {"batch": 1}],
        "runs": [{**run, "confidence": 0.998, "pairs": 20, "settled": True}],
        "environment": {"cpu": "one", "libraries": {"torch": "2.1"}},
    }
    given = {
        "target": target,
        "yardstick": "reference",
        "workload": "torch inference",
        "fingerprint": machine,
        "verdict": "inconclusive",
        "images_per_second": 100.0,
        "ratio": ratio,
        "low": ratio * 0.99,
        "high": ratio * 1.01,
        "commit": "c0ffee",
        "load": 0.5,
        "data": data,
        "at": 1e9 + number,
    }
    return Record(**{**given, **words})
