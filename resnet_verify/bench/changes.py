"""Where a history changes its level: PELT on log-ratios, by ruptures.

Killick et al. 2012, https://doi.org/10.1080/01621459.2012.737745. The noise is estimated from
the differences of neighbours, which a change of level hardly touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import ruptures
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_SIZE = 5
"""Records that make a level: fewer may be a bad day."""

_PENALTY = 4.0
"""Times log n, in units of the variance: twice the usual, for noise has heavy tails and little is
known of it where n is small, which counts as 50."""

_MAD = 1.4826
"""Of a normal distribution: its deviation over its median absolute deviation."""


@dataclass(frozen=True)
class Level:
    """Records `start` to `end` (without it) have the median `ratio`."""

    start: int
    end: int
    ratio: float


def levels(ratios: Sequence[float], effect: float = 0.01) -> list[Level]:
    """The levels of a history, one where it has not changed.

    Args:
        ratios: times over the reference's, the oldest first, each positive.
        effect: neighbours that differ by less are one level.
    """
    if not ratios:
        return []
    logs = np.log(np.asarray(ratios, np.float64))
    ends = [len(logs)]
    if len(logs) >= 2 * MIN_SIZE:
        steps = np.diff(logs)
        noise = _MAD * float(np.median(np.abs(steps - np.median(steps)))) / 2**0.5
        scaled = _without_spikes((logs - np.median(logs)) / max(noise, effect / 4))
        found = ruptures.KernelCPD("linear", min_size=MIN_SIZE).fit(scaled[:, None])
        ends = found.predict(pen=_PENALTY * np.log(max(50, len(logs))))
    bounds = list(pairwise([0, *ends]))
    middles = [float(np.median(logs[start:end])) for start, end in bounds]
    merged = [Level(*bounds[0], middles[0])]
    for (start, end), middle in zip(bounds[1:], middles[1:], strict=True):
        last = merged[-1]
        if abs(middle - last.ratio) < np.log1p(effect):
            merged[-1] = Level(last.start, end, float(np.median(logs[last.start : end])))
        else:
            merged.append(Level(start, end, middle))
    return [Level(level.start, level.end, float(np.exp(level.ratio))) for level in merged]


def _without_spikes(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value at most two deviations from the median of its neighbourhood.

    One record that is far off is a bad day; squared, it would weigh as much as a level.
    """
    padded = np.pad(scaled, MIN_SIZE, mode="reflect")
    middles = np.median(sliding_window_view(padded, 2 * MIN_SIZE + 1), axis=1)
    clipped: NDArray[np.float64] = middles + np.clip(scaled - middles, -2, 2)
    return clipped
