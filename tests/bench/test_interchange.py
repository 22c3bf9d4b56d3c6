"""Records out of files from elsewhere: sound ones are read, and others refused in words."""

import json
import math
import random

import pytest

pytest.importorskip("sqlalchemy")

from resnet_verify.bench.interchange import from_pytest_benchmark, to_pytest_benchmark
from resnet_verify.bench.record import Record
from tests.isolation.fuzzing import damaged

SAMPLE = {"wall": 1.0, "steps": 2, "order": 0}
RECORD = Record(
    target="nets:make", yardstick="reference", workload="inference", fingerprint="f" * 16,
    verdict="slower", images_per_second=3.0, ratio=1.1, low=1.05, high=1.2, commit="abc", load=1.0,
    data={"samples": [[SAMPLE]], "environment": {"cores": 2}},
)  # fmt: skip


def report(**changes):
    """The file of one record, with other values in it."""
    written = json.loads(json.dumps(to_pytest_benchmark([RECORD])))
    written["benchmarks"][0]["extra_info"]["resnet_verify"].update(changes)
    return written


def test_a_record_comes_back():
    assert from_pytest_benchmark(report()) == [RECORD]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("target", None, "target of a record is None, which is no text"),
        ("fingerprint", [], "fingerprint of a record is"),
        ("images_per_second", "fast", "was never measured"),
        ("images_per_second", -1.0, "was never measured"),
        ("at", math.nan, "was never measured"),
        ("load", True, "was never measured"),
        ("ratio", 0, "no ratio"),
        ("low", None, "a ratio without bounds"),
        ("data", [], "holds no figures"),
        ("data", {"samples": 3}, "holds no figures"),
        ("colour", "red", "no JSON of pytest-benchmark's"),
    ],
)
def test_a_record_that_cannot_be_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        from_pytest_benchmark(report(**{field: value}))


def test_a_benchmark_of_no_length_is_refused():
    other = {"fullname": "test", "stats": {"median": 0, "data": []}}
    with pytest.raises(ValueError, match="no JSON of pytest-benchmark's"):
        from_pytest_benchmark({"benchmarks": [other], "datetime": "2026-01-01T00:00:00"})


def test_damaged_files_are_refused_or_read():
    rng, sound = random.Random(0), json.dumps(report()).encode()
    read = 0
    for _ in range(300):
        try:
            read += len(from_pytest_benchmark(json.loads(damaged(sound, rng)[0])))
        except ValueError as error:
            assert str(error)  # noqa: PT017
    assert 0 < read < 150
