"""The catalogue is what its tables say: networks build and run, and mistakes show."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from tests.catalogue.sample import sampled
from tests.catalogue.showing import SEEN, Showing
from tests.catalogue_torch import measure
from tests.catalogue_torch.index import BROKEN, CORRECT

SHOWING = Showing(measure)
ALONE = [entry for entry in (*BROKEN, *CORRECT) if not getattr(entry, "base", None)]
ALONE = [entry for entry in ALONE if not getattr(entry, "same_as", None)]
COMPARED = [entry for entry in CORRECT if entry.same_as]
SHOWN = [entry for entry in BROKEN if entry.shows != "-"]


def ids(entries):
    return [entry.id for entry in entries]


def test_ids_are_unique():
    names = ids(BROKEN) + ids(CORRECT)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("entry", sampled(ALONE, 8), ids=ids(sampled(ALONE, 8)))
def test_builds_and_runs(entry):
    assert SHOWING.runs(entry)


@pytest.mark.parametrize("entry", sampled(COMPARED, 8), ids=ids(sampled(COMPARED, 8)))
def test_equals_its_plain_form(entry):
    assert SHOWING.distance_from_plain_form(entry) < SEEN


@pytest.mark.parametrize("entry", sampled(SHOWN, 8), ids=ids(sampled(SHOWN, 8)))
def test_mistake_shows(entry):
    if entry.base:
        expected = "".join(letter for letter in entry.shows if letter in "FET")
        assert SHOWING.in_outputs(entry) == expected
    for letter in entry.shows.strip("FET"):
        assert SHOWING.shows(entry, letter)
