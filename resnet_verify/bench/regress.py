"""Is one of two networks slower? A verdict over paired times, and nothing but numbers.

Both are timed in turn, so that what else the machine does falls on both; each pair gives one
ratio. The interval of the median ratio is a bootstrap over blocks of neighbouring pairs, for
samples taken close together are alike (Künsch 1989, https://doi.org/10.1214/aos/1176347265).
Looking early and often finds differences that are not there, so the looks are planned and share
the chance of a mistake equally (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Verdict = Literal["faster", "slower", "inconclusive"]
Pair = tuple[float, float]

_RESAMPLES = 10_000


@dataclass(frozen=True)
class Rule:
    """When a difference counts.

    Args:
        effect: the smallest difference that matters, as a fraction of the time.
        error: the chance that a run takes two equal networks for unequal ones.
        looks: after how many pairs a verdict may be reached.

    Raises:
        ValueError: `effect` or `error` is not between 0 and 1, or `looks` do not increase.
    """

    effect: float = 0.02
    error: float = 0.01
    looks: tuple[int, ...] = (20, 40, 80, 160, 320)

    def __post_init__(self) -> None:
        if not (0 < self.effect < 1 and 0 < self.error < 1):
            raise ValueError(f"effect {self.effect} and error {self.error}: both lie in (0, 1)")
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 2:
            raise ValueError(f"looks {self.looks}: they have to increase, from 2 on")

    @property
    def confidence(self) -> float:
        """That of each look's interval."""
        return 1 - self.error / len(self.looks)

    @property
    def confirming(self) -> Rule:
        """That of a second run, which has one question left: its error multiplies the first's."""
        return replace(self, error=min(0.1, 10 * self.error))


@dataclass(frozen=True)
class Comparison:
    """What paired times say: the target's over the yardstick's.

    `ratio` is the median over pairs, `low` and `high` its interval at `confidence`. An
    `inconclusive` comparison that is `settled` has shown that there is no difference of the
    rule's effect; one that is not has shown nothing.
    """

    verdict: Verdict
    ratio: float
    low: float
    high: float
    confidence: float
    pairs: int
    settled: bool


def judge(pairs: Sequence[Pair], rule: Rule, seed: int = 0) -> Comparison:
    """The verdict over (target, yardstick) times in the order in which they were taken.

    The target is slower where the median ratio reaches the effect and the whole interval lies
    beyond half of it: an interval that merely excludes 1 would in time find any trifle. Fewer
    pairs than the first look has are too few for any verdict.

    Raises:
        ValueError: there are fewer than two pairs, or a time that is not positive.
    """
    times = np.asarray(pairs, np.float64)
    if len(pairs) < 2 or not (np.isfinite(times).all() and (times > 0).all()):
        raise ValueError(f"two or more pairs of positive times are needed, not {list(pairs)}")
    logs = np.log(times[:, 0] / times[:, 1])
    middle = float(np.median(logs))
    low, high = _interval(logs, rule.confidence, seed)
    effect = float(np.log1p(rule.effect))
    enough = len(pairs) >= rule.looks[0]
    verdict: Verdict = "inconclusive"
    if enough and middle >= effect and low > effect / 2:
        verdict = "slower"
    elif enough and middle <= -effect and high < -effect / 2:
        verdict = "faster"
    equal = enough and -effect < low and high < effect
    settled = equal or verdict != "inconclusive"
    ratio, low, high = map(float, np.exp([middle, low, high]))
    return Comparison(verdict, ratio, low, high, rule.confidence, len(pairs), settled)


def _interval(logs: NDArray[np.float64], confidence: float, seed: int) -> tuple[float, float]:
    """The bootstrap interval of the median, over circular blocks of neighbours."""
    count = len(logs)
    length = max(1, round(count ** (1 / 3)))
    blocks = -(-count // length)
    generator = np.random.default_rng(seed)
    starts = generator.integers(0, count, (_RESAMPLES, blocks, 1))
    chosen = ((starts + np.arange(length)) % count).reshape(_RESAMPLES, -1)[:, :count]
    medians = np.median(logs[chosen], axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)


def decide(
    draw: Callable[[], Pair], rule: Rule, in_time: Callable[[], bool] = lambda: True
) -> tuple[Comparison, list[Pair]]:
    """Draw pairs until a look settles the matter, the looks are used up, or time is.

    `in_time` is asked before each pair; where it says no, the pairs that there are get the
    look that was due next. The pairs of the first look are drawn in any case: fewer tell nothing.
    """
    pairs: list[Pair] = []
    for look in rule.looks:
        while len(pairs) < look and (len(pairs) < rule.looks[0] or in_time()):
            pairs.append(draw())
        comparison = judge(pairs, rule)
        if comparison.settled or len(pairs) < look:
            break
    return comparison, pairs


def confirmed(first: Comparison, second: Comparison | None) -> Verdict:
    """The verdict of a run and, where it found a difference, of the second that confirms it."""
    if second is None or second.verdict != first.verdict:
        return "inconclusive"
    return first.verdict
