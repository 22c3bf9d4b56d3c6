"""What was found by the checks that were run counts, whatever came of the others."""

import signal
import time

import pytest

from resnet_verify.judge import Judging, Options, bare_verdict
from resnet_verify.limits import Late, deadline
from resnet_verify.verdict import CheckResult

pytestmark = pytest.mark.usefixtures("fake")
IDS = ["STR-STEM", "STR-STRIDE", "NUM-EVAL", "GPU-ONLY"]


def judged(outcomes, limit=None):
    """A judging in which each check ends as told: an outcome and its seconds, or an exception."""
    judging = Judging("nets:make", Options(timeout=limit))
    told = iter(outcomes)

    def by_one(check):
        outcome, seconds = next(told)
        if isinstance(outcome, Exception):
            raise outcome
        return bare_verdict("nets:make", [CheckResult(check.id, outcome, seconds)], "fake", "1.0")

    return judging, lambda: judging.run(by_one, lambda *_: None)


def outcomes_of(verdict):
    return [(check.id, check.outcome) for check in verdict.checks]


def test_after_two_late_checks_the_target_is_given_up():
    _, run = judged([("error", 5.0), ("error", 5.1), ("passed", 1.0)], limit=5.0)
    verdict = run()
    expected = ["error", "error", "not_run", "not_run"]
    assert outcomes_of(verdict) == list(zip(IDS, expected, strict=True))
    assert verdict.checks[2].message == "2 checks took longer than the time limit"
    assert verdict.judgement == "error"


def test_errors_of_another_kind_do_not_count_as_late():
    _, run = judged([("error", 1.0)] * 4, limit=5.0)
    assert [outcome for _, outcome in outcomes_of(run())] == ["error"] * 4


def test_what_was_found_before_the_end_is_kept():
    judging, run = judged([("failed", 1.0), (RuntimeError("gone"), 0.0)])
    with pytest.raises(RuntimeError):
        run()
    verdict = judging.verdict("it had ended", last="it crashed")
    assert verdict.judgement == "defect"
    assert [(c.outcome, c.message) for c in verdict.checks] == [
        ("failed", ""), ("error", "it crashed"), ("not_run", "it had ended"),
        ("not_run", "it had ended"),
    ]  # fmt: skip
    assert all(check.reproduce for check in verdict.checks[1:])


def test_a_limit_leaves_the_timer_of_another_running():
    """pytest-timeout keeps one, too."""
    heard = []
    previous = signal.signal(signal.SIGALRM, lambda *_: heard.append("another's"))
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with pytest.raises(Late, match="no answer within the time limit"):
            with deadline(0.05):
                time.sleep(5)
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 60
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with deadline(60):  # the other comes first
            time.sleep(0.2)
        assert heard == ["another's"]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
