"""A sample of the measurement in docs/detection-power.md, and that the generator is sound."""

from __future__ import annotations

import pytest

from resnet_verify.checks import all_checks
from resnet_verify.checks.power import measured
from tests.catalogue.sample import sampled
from tests.mutation import as_graph
from tests.mutation.draw import MISTAKES, drawn
from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.measure import FORMS, judge, places
from tests.mutation.mistakes_behaviour import BEHAVIOUR

SMALL = (("resnet20", "cifar-a"), ("resnet20", "cifar-b"))
IDS = [mistake.id for mistake in MISTAKES]


def named(mistakes):
    return [pytest.param(mistake, id=mistake.id) for mistake in mistakes]


def test_there_are_many_and_each_has_a_name_of_its_own():
    assert len(set(IDS)) == len(IDS) >= 150


@pytest.mark.parametrize("mistake", named(MISTAKES))
def test_every_mistake_has_a_place(mistake):
    assert any(places(mistake, *form) for form in FORMS)


@pytest.mark.parametrize("mistake", named(sampled(MISTAKES, 4)))
def test_structure_alone_shows_it(mistake):
    for planted in drawn(mistake, ["none"], 1, 0, SMALL):
        if as_graph.can_be_drawn(planted.program()):
            outcome = as_graph.judge(planted)
            assert outcome.judgement == "defect"
            assert outcome.named(planted), outcome.first


@pytest.mark.parametrize("framework", ["torch", "paddle"])
@pytest.mark.parametrize("mistake", named(sampled(BEHAVIOUR, 9)))
def test_behaviour_is_found_out(mistake, framework):
    pytest.importorskip(framework)
    for planted in drawn(mistake, [framework], 1, 0, SMALL):
        assert judge(planted).judgement == "defect"


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("copy-calls-the-original", ("NUM-COPY",)),
        ("copy-computes-otherwise", ("NUM-COPY",)),
        ("wrong-in-mixed-precision", ("NUM-MIXED",)),
        ("fails-in-mixed-precision", ("NUM-MIXED",)),
        ("wrong-for-strided-memory", ("NUM-LAYOUT",)),
        ("wrong-for-channels-last", ("NUM-LAYOUT",)),
        ("gradient-forgotten", ("NUM-GRADIENT",)),
        ("weight-gradient-scaled-once-added", ("NUM-GRADIENT",)),
        ("gradient-scaled-by-a-hook-on-the-layer", ("NUM-GRADIENT",)),
        ("padding-circular", ("STR",)),
        ("wrong-after-two-steps", ()),
    ],
)
def test_it_is_named(name, families):
    pytest.importorskip("torch")
    (mistake,) = (each for each in MISTAKES if each.id == name)
    (planted,) = drawn(mistake, ["torch"], 1, 0, SMALL[1:])
    outcome = judge(planted, *families)
    assert outcome.judgement == "defect"
    assert outcome.named(planted), outcome.first


@pytest.mark.parametrize("framework", ["torch", "paddle"])
@pytest.mark.parametrize("change", named(sampled(EQUIVALENT, 3)))
def test_what_changes_nothing_conforms(change, framework):
    pytest.importorskip(framework)
    for planted in drawn(change, [framework], 1, 0, (("resnet18", "v1"), *SMALL)):
        outcome = judge(planted, "STR", "PAR", "NUM-EVAL", "NUM-COPY", "NUM-GRADIENT")
        assert (outcome.judgement, outcome.first, outcome.errors) == ("conforming", "", ())


def test_every_check_has_been_measured():
    wanted = [name for name, check in all_checks().items() if not check.on_demand]
    assert list(measured()) == wanted, "run: python -m tests.benchmarks.report"
