"""One run as it is kept: what was timed, where, when, every sample, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from statistics import median
from typing import Any
from uuid import uuid4

from resnet_verify.bench.describe import Described
from resnet_verify.bench.fingerprint import Fingerprint, commit
from resnet_verify.bench.measure import Sample
from resnet_verify.bench.versus import Contest, Taken


@dataclass(frozen=True)
class Figures:
    """What one side did. Rates are totals over totals, never means of rates.

    `latency` is the median wall time of a step, `cpu` the median CPU time and `device` the
    median time of the device, in seconds; memory is in bytes; `faults` are minor page faults a
    step. `macs_per_second` counts a training step as three forward passes, as is usual, and by
    the gating time, as `ceiling` does; both are None or 0.0 where they are not known.
    """

    images_per_second: float
    latency: float
    cpu: float
    device: float | None
    faults: float
    host_bytes: int
    device_bytes: int | None
    macs_per_second: float | None
    ceiling: float
    operators: int | None

    @property
    def share(self) -> float | None:
        """Of the ceiling, 1.0 being all."""
        if self.macs_per_second is None or not self.ceiling:
            return None
        return self.macs_per_second / self.ceiling


def figures(taken: Taken, described: Described) -> Figures:
    """The figures of one side's samples."""
    samples, workload = taken.samples, taken.side.workload
    steps = sum(sample.steps for sample in samples)
    wall = sum(sample.wall for sample in samples)
    device = [sample.device / sample.steps for sample in samples if sample.device is not None]
    passes = 3 if workload.mode == "training" else 1
    step = median(sample.gating for sample in samples)
    macs = described.macs and described.macs * workload.batch * passes / step
    return Figures(
        images_per_second=steps * workload.batch / wall,
        latency=median(sample.wall / sample.steps for sample in samples),
        cpu=median(sample.cpu / sample.steps for sample in samples),
        device=median(device) if device else None,
        faults=sum(sample.faults for sample in samples) / steps,
        host_bytes=max(sample.host_bytes for sample in samples),
        device_bytes=max((s.device_bytes for s in samples if s.device_bytes), default=None),
        macs_per_second=macs,
        ceiling=taken.ceiling,
        operators=described.operators,
    )


@dataclass(frozen=True)
class Record:
    """A run of one target, with or without a yardstick beside it.

    `ratio`, `low` and `high` are of the target's time over the yardstick's, None without one.
    `data` holds the rest, as it goes into JSON: figures, samples, workload, environment.
    """

    target: str
    yardstick: str
    workload: str
    fingerprint: str
    verdict: str
    images_per_second: float
    ratio: float | None
    low: float | None
    high: float | None
    commit: str
    load: float
    data: Mapping[str, Any] = field(repr=False)
    at: float = field(default_factory=time.time)
    id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def series(self) -> str:
        """Twelve hexadecimal digits: records of one series have been taken in the same way."""
        words = "\0".join((self.target, self.yardstick, self.workload))
        return sha256(words.encode()).hexdigest()[:12]


def workload_text(taken: Taken) -> str:
    """The workload in words, the same for the same workload."""
    w = taken.side.workload
    words = [taken.ready.framework.partition(" ")[0], w.mode, taken.ready.engine, w.dtype, w.layout]
    words += [f"{w.batch}x{w.channels}x{w.size}x{w.size}", f"{w.threads} threads", w.device]
    return " ".join([*words, "tuned" if w.tune else "untuned"])


def record_of(
    found: Contest | Taken, described: Sequence[Described], machine: Fingerprint
) -> Record:
    """The record of a contest, or of one target alone; `described` goes by sides."""
    if isinstance(found, Taken):
        return _record((found,), described, machine, None)
    first = found.runs[0]
    return _record((first.target, first.yardstick), described, machine, found)


def _record(
    sides: Sequence[Taken],
    described: Sequence[Described],
    machine: Fingerprint,
    contest: Contest | None,
) -> Record:
    measured = [figures(*side) for side in zip(sides, described, strict=False)]
    target = sides[0].side
    comparison = contest.comparison if contest else None
    return Record(
        target=target.target,
        yardstick=sides[-1].side.name if contest else "",
        workload=workload_text(sides[0]),
        fingerprint=machine.key,
        verdict=contest.verdict if contest else "",
        images_per_second=measured[0].images_per_second,
        ratio=comparison.ratio if comparison else None,
        low=comparison.low if comparison else None,
        high=comparison.high if comparison else None,
        commit=commit(target.folder),
        load=os.getloadavg()[0],
        data={
            "figures": [asdict(figure) for figure in measured],
            "environment": asdict(machine),
            "workloads": [asdict(taken.side.workload) for taken in sides],
            "ready": [asdict(taken.ready) for taken in sides],
            "samples": [_plain(taken.samples) for taken in sides],
            "settled": contest.settled if contest else None,
            "runs": [asdict(run.comparison) for run in (contest.runs if contest else ())],
            "confirming": [
                [_plain(run.target.samples), _plain(run.yardstick.samples)]
                for run in (contest.runs[1:] if contest else ())
            ],
        },
    )


def _plain(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    return [asdict(sample) for sample in samples]


def as_dict(record: Record) -> dict[str, Any]:
    """A record as plain data, with its series."""
    return {**asdict(record), "series": record.series}
