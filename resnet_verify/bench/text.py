"""Records and histories in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from resnet_verify.report import row

if TYPE_CHECKING:
    from resnet_verify.bench.history import History
    from resnet_verify.bench.record import Record
    from resnet_verify.bench.store import Point, Series


def record_text(record: Record) -> str:
    """What a run found, in a few lines; times are the target's over the yardstick's."""
    return "\n".join(_record_lines(record))


def _record_lines(record: Record) -> Iterator[str]:
    head = record.verdict if record.ratio is not None else "measured"
    yield f"{head:12} {record.target}"
    yield row("workload", record.workload)
    names = [record.target, record.yardstick]
    for name, figures in zip(names, record.data["figures"], strict=False):
        yield row("figures", f"{name}: {figures_text(figures, record.data['workloads'][0])}")
    for number, run in enumerate(record.data["runs"]):
        yield row("confirmed" if number else "time", comparison_text(run))
    yield row("record", f"{record.id[:12]} of series {record.series}, load {record.load:.1f}")


def comparison_text(run: Mapping[str, Any]) -> str:
    """One comparison: the ratio, its interval, and what it shows."""
    interval = f"{run['low']:.3f} to {run['high']:.3f} at {run['confidence']:.1%}"
    words = f"{run['ratio']:.3f} of the yardstick's ({interval}, {run['pairs']} pairs)"
    if run["verdict"] != "inconclusive":
        return f"{words}: {run['verdict']}"
    return f"{words}: {'no difference that matters' if run['settled'] else 'undecided'}"


def figures_text(figures: Mapping[str, Any], workload: Mapping[str, Any]) -> str:
    """The figures of one side in one line."""
    words = [
        f"{figures['images_per_second']:,.1f} images/s",
        f"{figures['latency'] * 1e3:,.1f} ms a step",
        f"{figures['cpu'] / workload['batch'] * 1e3:,.2f} ms CPU an image",
        f"{figures['host_bytes'] / 2**20:,.0f} MiB",
        f"{figures['faults']:,.0f} page faults a step",
    ]
    if figures["device_bytes"]:
        words.append(f"{figures['device_bytes'] / 2**20:,.0f} MiB on the device")
    if figures["macs_per_second"] is not None:
        share = figures["macs_per_second"] / figures["ceiling"]
        words.append(f"{figures['macs_per_second'] / 1e9:,.1f} GMAC/s, {share:.0%} of a product's")
    return ", ".join(words)


def series_text(found: Sequence[Series]) -> str:
    """The series, a line each."""
    lines = [f"{'series':12} {'machine':16} {'records':>7}  {'newest':16}  target"]
    for one in found:
        start = f"{one.series:12} {one.fingerprint:16} {one.count:7}  {when(one.last)}"
        lines.append(f"{start}  {one.target}  [{one.workload}]")
    return "\n".join(lines)


def history_text(history: History) -> str:
    """The levels of a series, and its ten newest records."""
    one = history.series
    lines = [f"{history.state:12} {one.target}", row("workload", one.workload)]
    lines.append(row("yardstick", one.yardstick or "none"))
    lines.append(row("machine", one.fingerprint))
    for level in history.levels:
        first = history.compared[level.start]
        count = level.end - level.start
        words = f"from {when(first.at)}, record {first.id[:12]}: {count} records at "
        lines.append(row("level", f"{words}{level.ratio:.3f} of the yardstick's time"))
    return "\n".join([*lines, *(row("record", _point_text(p)) for p in history.points[-10:])])


def _point_text(point: Point) -> str:
    words = [when(point.at), point.id[:12], f"{point.images_per_second:,.1f} images/s"]
    if point.ratio is not None:
        words.append(f"{point.ratio:.3f} ({point.low:.3f} to {point.high:.3f}) {point.verdict}")
    words += [f"load {point.load:.1f}", point.commit[:12] + "+" * point.commit.endswith("+")]
    return ", ".join(filter(None, [*words, point.accepted and f"accepted: {point.accepted}"]))


def when(at: float) -> str:
    """A time of day, local, to the minute."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
