"""The catalogue is what its tables say: networks build and run, and mistakes show."""

from __future__ import annotations

import pytest

paddle = pytest.importorskip("paddle")

from tests.catalogue import measure  # noqa: E402
from tests.catalogue.index import BROKEN, CORRECT  # noqa: E402
from tests.catalogue.sample import sampled  # noqa: E402
from tests.catalogue.showing import SEEN, Showing  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:When training, we now always track")
SHOWING = Showing(measure)
ALONE = [entry for entry in BROKEN if not entry.base]
ALONE += [entry for entry in CORRECT if not entry.same_as]


@pytest.fixture(autouse=True)
def fixed_seed():
    paddle.seed(0)


def ids(entries):
    return [entry.id for entry in entries]


def test_ids_are_unique():
    names = ids(BROKEN) + ids(CORRECT)
    assert len(names) == len(set(names))


def test_the_catalogue_is_large():
    assert len(BROKEN) >= 70
    assert len(CORRECT) >= 40


@pytest.mark.parametrize("entry", sampled(ALONE, 8), ids=ids(sampled(ALONE, 8)))
def test_builds_and_runs(entry):
    assert SHOWING.runs(entry)


COMPARED = [entry for entry in CORRECT if entry.same_as]


@pytest.mark.parametrize("entry", sampled(COMPARED, 8), ids=ids(sampled(COMPARED, 8)))
def test_equals_its_plain_form(entry):
    assert SHOWING.distance_from_plain_form(entry) < SEEN


SHOWN = [entry for entry in BROKEN if entry.shows != "-"]


@pytest.mark.parametrize("entry", sampled(SHOWN, 8), ids=ids(sampled(SHOWN, 8)))
def test_mistake_shows(entry):
    if entry.base:
        expected = "".join(letter for letter in entry.shows if letter in "FET")
        assert SHOWING.in_outputs(entry) == expected
    for letter in entry.shows.strip("FET"):
        assert SHOWING.shows(entry, letter)
