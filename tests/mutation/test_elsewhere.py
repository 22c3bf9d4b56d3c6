"""Mistakes in networks that others wrote: the edits are right, and show."""

from __future__ import annotations

import pytest

from resnet_ref.layers import Conv
from tests.mutation import elsewhere
from tests.mutation.draw import MISTAKES
from tests.mutation.measure import faultless, judge, places

BY_ID = {mistake.id: mistake for mistake in MISTAKES}
NETWORK = "paddle.vision:resnet18"


def edits_of(name):
    program = faultless("resnet18", "v1")
    mistake = BY_ID[name]
    site = places(mistake, "resnet18", "v1")[0]
    return elsewhere.edits(program, mistake.plant(program, site)), program.steps[site].where


def test_another_operator_takes_the_place_of_the_layer():
    (edit,), where = edits_of("kernel-5")
    assert (edit.where, edit.before, edit.behind) == (where, (), ())
    assert isinstance(edit.op, Conv)
    assert edit.op.kernel == (5, 5)


def test_an_operator_comes_behind_the_layer():
    (edit,), where = edits_of("norm-twice")
    assert (edit.where, edit.op, len(edit.behind)) == (where, None, 1)


def test_a_fault_needs_no_edit():
    edits, _ = edits_of("weight-frozen")
    assert edits == []


@pytest.mark.parametrize("name", ["no-addition", "block-missing", "conv-shared", "relu6-for-relu"])
def test_other_wiring_cannot_be_planted(name):
    assert edits_of(name)[0] is None


@pytest.mark.parametrize("name", ["kernel-5", "norm-twice", "weight-frozen"])
def test_a_mistake_in_the_network_of_others_is_named(name):
    pytest.importorskip("paddle")
    (planted,) = elsewhere.drawn(BY_ID[name], NETWORK, 1, 0)
    outcome = judge(planted, "STR")
    assert outcome.judgement == "defect"
    assert outcome.named(planted), outcome.first
