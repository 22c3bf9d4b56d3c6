"""Records as other tools have them: pytest-benchmark's JSON, github-action-benchmark's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from resnet_verify.bench.record import Record
from resnet_verify.bench.store import Point, Series

_OURS = "resnet_verify"


def to_pytest_benchmark(records: Sequence[Record]) -> dict[str, Any]:
    """What `--benchmark-json` writes; seconds of wall time a step. Ours is in `extra_info`.

    Args:
        records: one or more, of one machine.
    """
    newest = max(records, key=lambda record: record.at)
    return {
        "machine_info": newest.data.get("environment", {}),
        "commit_info": {"id": newest.commit.rstrip("+"), "dirty": newest.commit.endswith("+")},
        "benchmarks": [_benchmark(record) for record in records],
        "datetime": _iso(newest.at),
        "version": "5.0.0",
    }


def _benchmark(record: Record) -> dict[str, Any]:
    from pytest_benchmark.stats import Stats

    made: Any = Stats  # which has no types
    stats = made()
    for sample in record.data.get("samples", [[]])[0]:
        stats.update(sample["wall"] / sample["steps"])
    name = f"{record.target}[{record.workload}]"
    own = {f: getattr(record, f) for f in Record.__dataclass_fields__}
    return {
        "group": record.series,
        "name": name,
        "fullname": name,
        "params": None,
        "param": None,
        "extra_info": {_OURS: own, "images_per_second": record.images_per_second},
        "options": {},
        "stats": {**stats.as_dict(), "data": stats.data} if stats.data else {},
    }


def from_pytest_benchmark(report: Mapping[str, Any]) -> list[Record]:
    """The records in such a file; those of other benchmarks come without a yardstick.

    Raises:
        ValueError: it is none.
    """
    try:
        return [_record(report, benchmark) for benchmark in report["benchmarks"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no JSON of pytest-benchmark's: {error!r}") from error


def _record(report: Mapping[str, Any], benchmark: Mapping[str, Any]) -> Record:
    extra = benchmark.get("extra_info", {})
    if _OURS in extra:
        return Record(**extra[_OURS])
    stats = benchmark["stats"]
    commit = report.get("commit_info") or {}
    data = {"samples": [[_sample(i, wall) for i, wall in enumerate(stats.get("data", ()))]]}
    return Record(
        target=benchmark["fullname"],
        yardstick="",
        workload="pytest-benchmark",
        fingerprint=_machine(report.get("machine_info", {})),
        verdict="",
        images_per_second=float(extra.get("images_per_second", 1 / stats["median"])),
        ratio=None,
        low=None,
        high=None,
        commit=f"{commit.get('id', '')}{'+' * bool(commit.get('dirty'))}",
        load=0.0,
        data={**data, "environment": report.get("machine_info", {}), "figures": [], "runs": []},
        at=_seconds(report["datetime"]),
    )


def _sample(order: int, wall: float) -> dict[str, Any]:
    return {"order": order, "steps": 1, "wall": wall}


def _machine(info: Mapping[str, Any]) -> str:
    import json
    from hashlib import sha256

    return sha256(json.dumps(info, sort_keys=True).encode()).hexdigest()[:16]


def to_github_action(found: Sequence[tuple[Series, Point]]) -> list[dict[str, Any]]:
    """The list that github-action-benchmark reads as `customBiggerIsBetter`."""
    return [
        {
            "name": f"{series.target} [{series.workload}]",
            "unit": "images/s",
            "value": point.images_per_second,
            "extra": f"machine {series.fingerprint}, commit {point.commit or 'unknown'}",
        }
        for series, point in found
    ]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


def _seconds(text: str) -> float:
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
