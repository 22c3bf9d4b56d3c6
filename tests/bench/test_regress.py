"""Verdicts over simulated times, of which the truth is known."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_verify.bench.regress import Comparison, Rule, confirmed, decide, judge

QUICK = Rule(looks=(20, 40, 80))


def gaussian(generator):
    return np.exp(generator.normal(0, 0.03, 2))


def one_sided(generator):
    """As a busy machine has it: now and then far slower, never quicker."""
    return np.exp(0.02 * np.abs(generator.standard_t(2, 2)))


def drifting(generator):
    """Another program comes and goes: both sides of a pair slow down together."""
    return np.exp(generator.normal(0, 0.03, 2) + generator.normal(0, 0.3))


def runs(noise, slowdown, count, rule=QUICK):
    found = Counter()
    for seed in range(count):
        generator = np.random.default_rng(seed)

        def draw(generator=generator):
            target, yardstick = noise(generator)
            return target * (1 + slowdown), yardstick

        found[decide(draw, rule)[0].verdict] += 1
    return found


@pytest.mark.parametrize("noise", [gaussian, one_sided, drifting])
def test_equal_networks_are_rarely_told_apart(noise):
    found = runs(noise, 0.0, 40)
    assert found["slower"] + found["faster"] <= 1


@pytest.mark.parametrize("noise", [gaussian, one_sided, drifting])
@pytest.mark.parametrize(("slowdown", "verdict"), [(0.06, "slower"), (-0.06, "faster")])
def test_a_difference_is_found(noise, slowdown, verdict):
    assert runs(noise, slowdown, 10)[verdict] == 10


def test_a_difference_below_the_effect_is_none():
    assert runs(gaussian, 0.004, 15)["slower"] == 0


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.floats(0.5, 2), st.floats(0.5, 2)), min_size=20, max_size=40),
    st.floats(1e-6, 1e6),
)
def test_the_verdict_knows_no_unit_and_no_side(pairs, unit):
    comparison = judge(pairs, QUICK)
    scaled = judge([(a * unit, b * unit) for a, b in pairs], QUICK)
    assert scaled.ratio == pytest.approx(comparison.ratio)
    swapped = judge([(b, a) for a, b in pairs], QUICK)
    assert swapped.ratio == pytest.approx(1 / comparison.ratio)
    assert {comparison.verdict, swapped.verdict} in ({"slower", "faster"}, {"inconclusive"})
    assert comparison.low <= comparison.ratio <= comparison.high


def test_the_same_samples_get_the_same_verdict():
    pairs = [tuple(gaussian(np.random.default_rng(seed))) for seed in range(30)]
    assert judge(pairs, QUICK) == judge(pairs, QUICK)


def test_an_obvious_difference_is_settled_at_the_first_look():
    comparison, pairs = decide(lambda: (1.5, 1.0), QUICK)
    assert comparison == Comparison("slower", 1.5, 1.5, 1.5, QUICK.confidence, 20, True)
    assert len(pairs) == 20


def test_when_time_is_up_the_pairs_there_are_get_a_verdict():
    answers = iter([True, True, True, False])
    times = iter(np.exp(np.random.default_rng(0).normal(0, 0.5, 100)))
    comparison, pairs = decide(lambda: (next(times), 1.0), QUICK, lambda: next(answers))
    assert len(pairs) == comparison.pairs == 23  # those of the first look, and three
    assert comparison.verdict == "inconclusive"
    assert not comparison.settled


def test_a_handful_of_pairs_shows_nothing():
    for times in ((2.0, 1.0), (1.0, 1.0), (1.0, 2.0)):
        comparison = judge([times] * 19, QUICK)
        assert (comparison.verdict, comparison.settled) == ("inconclusive", False)


def test_no_difference_is_shown_and_not_assumed():
    assert judge([(1.0, 1.0)] * 20, QUICK).settled
    wild = [(2.0, 1.0), (1.0, 2.0)] * 10
    assert judge(wild, QUICK).verdict == "inconclusive"
    assert not judge(wild, QUICK).settled


def test_a_difference_counts_once_it_is_confirmed():
    slower = judge([(1.5, 1.0)] * 20, QUICK)
    equal = judge([(1.0, 1.0)] * 20, QUICK)
    faster = judge([(1.0, 1.5)] * 20, QUICK)
    assert confirmed(slower, slower) == "slower"
    assert confirmed(faster, faster) == "faster"
    for second in (equal, faster, None):
        assert confirmed(slower, second) == "inconclusive"


def test_a_confirming_run_asks_for_less():
    assert QUICK.confirming.confidence < QUICK.confidence
    assert QUICK.confirming.effect == QUICK.effect


@pytest.mark.parametrize("pairs", [[], [(1.0, 1.0)], [(1.0, 0.0)] * 3, [(float("nan"), 1.0)] * 3])
def test_times_that_are_none_are_refused(pairs):
    with pytest.raises(ValueError, match="pairs of positive times"):
        judge(pairs, QUICK)


@pytest.mark.parametrize(
    "words", [{"effect": 0}, {"error": 1}, {"looks": ()}, {"looks": (40, 20)}, {"looks": (1,)}]
)
def test_a_rule_that_makes_no_sense_is_refused(words):
    with pytest.raises(ValueError, match=r"have to increase|lie in"):
        Rule(**words)
