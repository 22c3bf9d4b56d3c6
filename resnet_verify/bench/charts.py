"""The page's figures, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_verify.bench.text import when

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resnet_verify.bench.history import History
    from resnet_verify.bench.store import Point

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 720, 260, 60, 30
_BINS = 40


def _figure(label: str, height: int, parts: Iterator[str]) -> str:
    box = f"viewBox='0 0 {_WIDTH} {height}' role='group' aria-label='{escape(label)}'"
    return f"<svg {box}>{''.join(parts)}</svg>"


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: round(start + (value - low) / span * (end - start), 2)


def trend(history: History) -> str:
    """Ratios with their intervals, the levels, and the places where the level changes."""
    words = f"{len(history.compared)} records, {len(history.levels)} levels, {history.state}"
    return _figure(words, _HEIGHT, _trend(history))


def _trend(history: History) -> Iterator[str]:
    points = history.compared
    ratios = [(p.low or 1.0, p.ratio or 1.0, p.high or 1.0) for p in points]
    low, high = min(r[0] for r in ratios), max(r[2] for r in ratios)
    x = _scale(0, max(1, len(points) - 1), _LEFT + 8, _WIDTH - 8)
    y = _scale(low, high, _HEIGHT - _BOTTOM, 12)
    for mark in np.linspace(low, high, 5):
        at = y(float(mark))
        yield f"<line class='axis' x1='{_LEFT}' x2='{_WIDTH}' y1='{at}' y2='{at}'/>"
        yield f"<text x='{_LEFT - 6}' y='{at + 4}' text-anchor='end'>{mark:.3f}</text>"
    above = [f"{x(i)},{y(r[2])}" for i, r in enumerate(ratios)]
    below = [f"{x(i)},{y(r[0])}" for i, r in enumerate(ratios)]
    yield f"<polygon class='band' points='{' '.join([*above, *reversed(below)])}'/>"
    middle = " ".join(f"{x(i)},{y(r[1])}" for i, r in enumerate(ratios))
    yield f"<polyline class='line' points='{middle}'/>"
    for level in history.levels:
        at, start, end = y(level.ratio), x(level.start), x(level.end - 1)
        yield f"<line class='level' x1='{start}' x2='{end}' y1='{at}' y2='{at}'/>"
    for _, level in pairwise(history.levels):
        at = x(level.start - 0.5)
        yield f"<line class='shift' x1='{at}' x2='{at}' y1='12' y2='{_HEIGHT - _BOTTOM}'/>"
    for i, point in enumerate(points):
        yield _dot(point, x(i), y(ratios[i][1]))
    ends = ((0, "start"), (len(points) - 1, "end"))
    for i, anchor in ends[: len(points)]:
        place = f"x='{x(i)}' y='{_HEIGHT - 8}' text-anchor='{anchor}'"
        yield f"<text {place}>{when(points[i].at)}</text>"


def _dot(point: Point, x: float, y: float) -> str:
    words = [when(point.at), f"{point.ratio:.3f} ({point.low:.3f} to {point.high:.3f})"]
    words += filter(None, [point.verdict, point.commit[:12], point.accepted])
    label = escape(", ".join(words))
    circle = f"class='point' cx='{x}' cy='{y}' r='4' tabindex='0' role='img' aria-label='{label}'"
    return f"<circle {circle}><title>{label}</title></circle>"


def distribution(
    target: Sequence[Mapping[str, Any]], yardstick: Sequence[Mapping[str, Any]]
) -> str:
    """Histograms of both sides' gating times: the target's upwards, the yardstick's downwards."""
    sides = [_times(target), _times(yardstick)]
    words = "times a step: the target above, the yardstick below"
    return _figure(words, _HEIGHT, _distribution(sides))


def _times(samples: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    clock = "cpu" if samples[0].get("device") is None else "device"
    return np.array([sample[clock] / sample["steps"] * 1e3 for sample in samples])


def _distribution(sides: Sequence[NDArray[np.float64]]) -> Iterator[str]:
    together = np.concatenate(sides)
    # The slowest hundredth would squeeze the rest into a corner.
    low, high = float(together.min()), float(np.quantile(together, 0.99))
    middle, room = (_HEIGHT - _BOTTOM) / 2, (_HEIGHT - _BOTTOM) / 2 - 4
    counts = [np.histogram(np.minimum(side, high), _BINS, (low, high))[0] for side in sides]
    most = max(int(count.max()) for count in counts)
    width = (_WIDTH - _LEFT) / _BINS
    for below, (count, name) in enumerate(zip(counts, ("bar", "other"), strict=True)):
        for i, number in enumerate(count):
            tall = round(room * number / most, 2)
            y = middle if below else middle - tall
            box = f"x='{_LEFT + i * width:.1f}' y='{y}' width='{width - 1:.1f}' height='{tall}'"
            yield f"<rect class='{name}' {box}/>"
    x = _scale(low, high, _LEFT, _WIDTH)
    for side, end in zip(sides, (middle - room, middle + room), strict=True):
        at = x(min(high, float(np.median(side))))
        yield f"<line class='level' x1='{at}' x2='{at}' y1='{middle}' y2='{end}'/>"
    for value, anchor in ((low, "start"), (high, "end")):
        text = f"<text x='{x(value)}' y='{_HEIGHT - 8}' text-anchor='{anchor}'>"
        yield f"{text}{value:.2f} ms</text>"


def ladder(macs_per_second: float, ceiling: float) -> str:
    """What is reached of what the machine's matrix products reach."""
    share = macs_per_second / ceiling
    words = f"{macs_per_second / 1e9:,.1f} of {ceiling / 1e9:,.1f} GMAC/s, {share:.0%}"
    return _figure(words, 48, _ladder(share, words))


def _ladder(share: float, words: str) -> Iterator[str]:
    yield f"<rect class='other' x='0' y='4' width='{_WIDTH}' height='16'/>"
    yield f"<rect class='bar' x='0' y='4' width='{_WIDTH * min(1.0, share):.1f}' height='16'/>"
    yield f"<text x='0' y='40'>{escape(words)}</text>"
