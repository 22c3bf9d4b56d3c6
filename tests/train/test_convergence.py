"""The check of learning: mistakes that show in training alone fail, conventions do not."""

import re

import numpy as np
import pytest

from resnet_verify import learning
from resnet_verify.checks import all_checks, select_checks
from resnet_verify.judge import Options
from resnet_verify.learning_data import real_images
from resnet_verify.target import load_target

LEARNERS = "tests/train/learners.py"
FIRST_STEPS = 3


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Three steps tell these apart; that the twin learns is seen in the whole check."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    monkeypatch.delenv("RESNET_VERIFY_DATA", raising=False)
    monkeypatch.setattr(learning, "FEWEST", FIRST_STEPS)
    monkeypatch.setattr(learning, "LEARNED", 0.0)
    monkeypatch.setattr("resnet_verify.checks.convergence.LEARNED", 0.0)
    monkeypatch.setattr("resnet_verify.checks.convergence.FLOOR", 0.0)


def examined(name):
    examination = Options().examination(load_target(f"{LEARNERS}:{name}"))
    examination.prepare()
    return examination


def judged(name, check="CNV-TWIN"):
    return examined(name).run(all_checks()[check])


@pytest.mark.parametrize("name", ["right", "slower_momentum"])
def test_right_networks_pass(name):
    result = judged(name)
    assert (result.outcome, result.message) == ("passed", "")


@pytest.mark.parametrize("name", ["frozen_block", "inverted_momentum", "scaled_gradient"])
def test_networks_that_learn_otherwise_fail_and_say_since_when(name):
    result = judged(name)
    assert result.outcome == "failed", result.message
    assert re.match(r"it learns otherwise than its twin since step [12]:", result.message)


def test_in_mixed_precision_a_right_network_passes():
    result = judged("right", "CNV-BFLOAT16")
    assert (result.outcome, result.message) == ("passed", "")


def test_in_mixed_precision_a_mistake_is_more_than_rounding():
    result = judged("inverted_momentum", "CNV-BFLOAT16")
    assert result.outcome == "failed", result.message
    assert result.message.startswith("it learns otherwise than its twin since step")


def test_mixed_precision_computes_otherwise_and_by_less_than_a_moved_twin():
    examination = examined("right")
    data = real_images(examination)
    whole, half = (
        learning.learned(examination, data, of_twin=True, steps=1, mixed=mixed)
        for mixed in (False, True)
    )
    losses = [curve.points[0, 1][1] for curve in (whole, half)]
    assert 0 < abs(losses[0] - losses[1]) < half.rounding * 5


def test_it_runs_on_demand_and_on_a_gpu_only():
    default = {check.id for check in select_checks()}
    assert "CNV-TWIN" not in default
    assert "NUM-TRAIN" in default
    assert [check.id for check in select_checks(["CNV"])] == ["CNV-TWIN", "CNV-BFLOAT16"]
    assert "CNV-TWIN" in {check.id for check in select_checks(on_demand=True)}
    assert "CNV-TWIN" in {check.id for check in Options(device="gpu").checks()}


def test_digits_for_a_colour_network_are_grey():
    examination = examined("right")
    data = real_images(examination)
    assert data.images.shape[1] == 3
    assert np.array_equal(data.images[:, 0], data.images[:, 2])
    assert abs(float(data.images.mean())) < 1e-4


@pytest.mark.parametrize("head", ["classifier", "softmax", "log_softmax"])
def test_the_gradient_of_the_loss_is_its_slope(head):
    scores = np.random.default_rng(0).normal(size=(3, 10))
    output = {"classifier": scores, "softmax": learning.shares(scores),
              "log_softmax": np.log(learning.shares(scores))}[head]  # fmt: skip
    labels = np.array([1, 0, 9])
    loss, pull = learning.cross_entropy(output, labels, head)
    assert loss == pytest.approx(-np.log(learning.shares(scores))[np.arange(3), labels].mean())
    direction, step = np.random.default_rng(1).normal(size=output.shape), 1e-6
    after, _ = learning.cross_entropy(output + step * direction, labels, head)
    assert (after - loss) / step == pytest.approx((pull * direction).sum(), rel=1e-4)
