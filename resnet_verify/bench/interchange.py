"""Records as other tools have them: pytest-benchmark's JSON, github-action-benchmark's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from math import isfinite
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
        records = [_record(report, benchmark) for benchmark in report["benchmarks"]]
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"this is no JSON of pytest-benchmark's: {error!r}") from error
    for record in records:
        _require_sound(record)
    return records


def _require_sound(record: Record) -> None:
    """What a file says may be of any type, and would be in the store for ever."""
    measured = {name: getattr(record, name) for name in ("images_per_second", "at", "load")}
    compared = {name: getattr(record, name) for name in ("ratio", "low", "high")}
    for name in ("target", "yardstick", "workload", "fingerprint", "verdict", "commit", "id"):
        if not isinstance(getattr(record, name), str):
            raise ValueError(f"{name} of a record is {getattr(record, name)!r}, which is no text")
    for name, value in measured.items():
        if not _is_finite(value) or value < 0:
            raise ValueError(f"{name} of {record.target} is {value!r}, which was never measured")
    for name, value in compared.items():
        if value is not None and (not _is_finite(value) or value <= 0):
            raise ValueError(f"{name} of {record.target} is {value!r}, which is no ratio")
    if len({value is None for value in compared.values()}) > 1:
        raise ValueError(f"{record.target} has a ratio without bounds, or bounds without one")
    if not isinstance(record.data, Mapping) or not isinstance(record.data.get("samples", []), list):
        raise ValueError(f"data of {record.target} is {record.data!r}, which holds no figures")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


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
