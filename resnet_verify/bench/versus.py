"""Two networks against each other: in turn and random order, until one is shown to be slower."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from random import Random

from resnet_verify.bench.measure import MeasureError, Ready, Sample, Side, Worker, started
from resnet_verify.bench.regress import Comparison, Pair, Rule, Verdict, confirmed, decide

SAMPLE_SECONDS = 0.02
"""What a sample takes at least. Longer ones are no quieter (interquartile range of the ratio of a
ResNet-18 with itself at 23, 46 and 92 ms, on a loaded machine: 6, 8 and 8 %), and so fewer."""

FIRST_SHARE = 0.6
"""Of the budget, for the first run; the rest is for the run that confirms a difference."""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Taken:
    """The samples of one side in one run, with what its process said of itself.

    `ceiling` is in MACs a second, 0.0 where it was not asked for.
    """

    side: Side
    ready: Ready
    samples: tuple[Sample, ...]
    ceiling: float


@dataclass(frozen=True)
class Run:
    """One run: both sides in fresh processes."""

    comparison: Comparison
    target: Taken
    yardstick: Taken


@dataclass(frozen=True)
class Contest:
    """A run, and a second one where the first found a difference."""

    verdict: Verdict
    runs: tuple[Run, ...]

    @property
    def comparison(self) -> Comparison:
        """That of the first run: the second only says whether it was right."""
        return self.runs[0].comparison

    @property
    def settled(self) -> bool:
        """Whether there is a difference, or none that matters; what is unconfirmed is neither."""
        return self.comparison.settled and self.verdict == self.comparison.verdict


def contest(
    target: Side,
    yardstick: Side,
    rule: Rule,
    budget: float,
    *,
    confirm: bool = True,
    tell: Tell = lambda *_: None,
) -> Contest:
    """Compare two networks for about `budget` seconds.

    A run takes the pairs of its first look in any case, so that on a crowded machine it may
    last longer.

    Args:
        target: the network in question.
        yardstick: what it is compared with.
        rule: when a difference counts.
        budget: seconds for all of it, start of the processes included.
        confirm: whether a difference is confirmed by a second run, in processes of its own: a
            process may have bad luck with its memory, and keep it.
        tell: is told what is done, how far, and of how much.

    Raises:
        MeasureError: a process ended.
        Unsupported: a target does not load, or cannot run the workload.
    """
    start = time.monotonic()
    first = run(target, yardstick, rule, start + FIRST_SHARE * budget, seed=0, tell=tell)
    if first.comparison.verdict == "inconclusive" or not confirm:
        return Contest(first.comparison.verdict, (first,))
    second = run(target, yardstick, rule.confirming, start + budget, seed=1, tell=tell)
    return Contest(confirmed(first.comparison, second.comparison), (first, second))


def run(
    target: Side, yardstick: Side, rule: Rule, deadline: float, *, seed: int, tell: Tell
) -> Run:
    """One run, until `deadline` of `time.monotonic`."""
    with ExitStack() as stack:
        tell("starting", 0, 1)
        workers = [stack.enter_context(started(side)) for side in (target, yardstick)]
        _require_two_networks(*workers)
        draw = _Draw(workers, Random(seed), tell, rule.looks[-1])
        comparison, _ = decide(draw, rule, lambda: time.monotonic() < deadline)
        taken = [
            Taken(worker.side, worker.ready, tuple(samples), worker.ceiling())
            for worker, samples in zip(workers, draw.samples, strict=True)
        ]
    return Run(comparison, *taken)


def alone(side: Side, seconds: float, tell: Tell = lambda *_: None) -> Taken:
    """Samples of one network for so many seconds, twenty at least."""
    with started(side) as worker:
        steps, deadline = _steps(worker), time.monotonic() + seconds
        samples: list[Sample] = []
        while len(samples) < 20 or time.monotonic() < deadline:
            samples.append(worker.sample(len(samples), steps))
            tell("measuring", len(samples), len(samples))
        return Taken(side, worker.ready, tuple(samples), worker.ceiling())


class _Draw:
    """Draws pairs, and keeps the samples that they are made of."""

    def __init__(self, workers: list[Worker], random: Random, tell: Tell, most: int) -> None:
        self.samples: list[list[Sample]] = [[], []]
        self._workers = workers
        self._random = random
        self._tell = tell
        self._most = most
        self._steps = _steps(workers[1])

    def __call__(self) -> Pair:
        for side in self._random.sample((0, 1), 2):
            order = sum(map(len, self.samples))
            self.samples[side].append(self._workers[side].sample(order, self._steps))
        target, yardstick = self.samples
        self._tell("pairs", len(target), self._most)
        return target[-1].gating, yardstick[-1].gating


def _steps(worker: Worker) -> int:
    """Steps that make a sample of this network, and of what is compared with it."""
    return max(1, ceil(SAMPLE_SECONDS / worker.ready.step_seconds))


def _require_two_networks(target: Worker, yardstick: Worker) -> None:
    """Two revisions have to come from two files: an installed package would be timed twice.

    Raises:
        MeasureError: they do not.
    """
    source = target.ready.source
    revisions = target.side.folder != yardstick.side.folder
    other = yardstick.ready.source
    if revisions and source and source == other:
        raise MeasureError(
            f"{target.side.target}: both revisions load {source}, which is outside of the "
            "revision's tree; name the target as a file, path/file.py:NAME"
        )
