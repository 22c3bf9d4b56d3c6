"""What a series of records says: its levels, and how the newest stands to those before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from resnet_verify.bench.changes import MIN_SIZE, Level, levels
from resnet_verify.bench.store import Point, Series, Store, StoreError

State = Literal["no baseline", "steady", "slower", "faster", "accepted"]


@dataclass(frozen=True)
class History:
    """One series on one machine, the oldest record first."""

    series: Series
    points: tuple[Point, ...]

    @cached_property
    def compared(self) -> tuple[Point, ...]:
        """The records that have a yardstick beside them."""
        return tuple(point for point in self.points if point.ratio is not None)

    @cached_property
    def levels(self) -> list[Level]:
        """Levels over `compared`."""
        return levels([point.ratio for point in self.compared if point.ratio is not None])

    @property
    def state(self) -> State:
        """How the present level stands to the one before.

        It is `accepted` where that was said of one of its records, and there is no baseline
        where there are too few records to make a level.
        """
        if len(self.compared) < MIN_SIZE:
            return "no baseline"
        if len(self.levels) == 1:
            return "steady"
        before, now = self.levels[-2:]
        if any(point.accepted for point in self.compared[now.start : now.end]):
            return "accepted"
        return "slower" if now.ratio > before.ratio else "faster"


def histories(store: Store, series: str = "", newest: int = 1000) -> list[History]:
    """All histories, or those whose series begins with `series`.

    Raises:
        StoreError: none does.
    """
    chosen = store.series(series)
    if series and not chosen:
        raise StoreError(f"no series begins with {series!r}; 'resnet-verify history' lists them")
    return [
        History(known, tuple(store.points(known.series, known.fingerprint, newest)))
        for known in chosen
    ]
