"""The catalogue is what its tables say: networks build and run, and mistakes show."""

from __future__ import annotations

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from tests.catalogue.index import BROKEN, CORRECT  # noqa: E402
from tests.catalogue.measure import (  # noqa: E402
    batch,
    cheap_initialisation,
    copy_state,
    difference,
    first_array,
    gradients,
    randomise,
    running_statistics,
)

pytestmark = pytest.mark.filterwarnings("ignore:When training, we now always track")

SEEN = 1e-5  # relative; equal float32 networks agree to a few 1e-7 here


@pytest.fixture(autouse=True)
def fixed_seed():
    paddle.seed(0)


def ids(entries):
    return [entry.id for entry in entries]


def pair(factory, base):
    """The two networks with the same randomised state; the second is the trusted one."""
    with cheap_initialisation():
        target, trusted = factory(), base()
    randomise(trusted)
    copy_state(trusted, target)
    return target, trusted


def test_ids_are_unique():
    names = ids(BROKEN) + ids(CORRECT)
    assert len(names) == len(set(names))


def test_the_catalogue_is_large():
    assert len(BROKEN) >= 70
    assert len(CORRECT) >= 40


ALONE = [entry for entry in BROKEN if not entry.base]
ALONE += [entry for entry in CORRECT if not entry.same_as]


@pytest.mark.parametrize("entry", ALONE, ids=ids(ALONE))
def test_builds_and_runs(entry):
    net = entry.factory()
    net.eval()
    with paddle.no_grad():
        out = first_array(net(batch(entry)))
    assert out.shape[0] == entry.input_shape[0]
    assert np.isfinite(out).all()


COMPARED = [entry for entry in CORRECT if entry.same_as]


@pytest.mark.parametrize("entry", COMPARED, ids=ids(COMPARED))
def test_equals_its_plain_form(entry):
    target, trusted = pair(entry.factory, entry.same_as)
    target.eval(), trusted.eval()
    x = batch(entry)
    with paddle.no_grad():
        assert difference(target(x), trusted(x)) < SEEN


SHOWN = [entry for entry in BROKEN if entry.shows != "-"]


@pytest.mark.parametrize("entry", SHOWN, ids=ids(SHOWN))
def test_mistake_shows(entry):
    if entry.base:
        letters = {(True, True): "F", (True, False): "E", (False, True): "T", (False, False): ""}
        found = letters[outputs_differ(entry)]
        assert found == "".join(letter for letter in entry.shows if letter in "FET")
    for letter in entry.shows.strip("FET"):
        assert SHOWS[letter](entry)


def outputs_differ(entry):
    """Whether the outputs are the base's, in eval and in train mode."""
    target, trusted = pair(entry.factory, entry.base)
    x = batch(entry)
    differ = []
    for mode in ("eval", "train"):
        getattr(target, mode)(), getattr(trusted, mode)()
        with paddle.no_grad():
            differ.append(difference(target(x.clone()), trusted(x)) > SEEN)
    return tuple(differ)


def shows_in_statistics(entry):
    target, trusted = pair(entry.factory, entry.base)
    target.train(), trusted.train()
    target(batch(entry)), trusted(batch(entry))
    pairs = zip(running_statistics(target), running_statistics(trusted), strict=True)
    return any(difference(a, b) > 1e-3 for a, b in pairs)


def shows_in_gradients(entry):
    target, trusted = pair(entry.factory, entry.base)
    found, expected = gradients(target, batch(entry)), gradients(trusted, batch(entry))
    return len(found) != len(expected) or any(
        (a is None) != (b is None) or (a is not None and difference(a, b) > 1e-2)
        for a, b in zip(found, expected, strict=True)
    )


def shows_after_loading(entry):
    paddle.seed(1)
    first = entry.factory()
    paddle.seed(2)
    second = entry.factory()
    second.set_state_dict(first.state_dict())
    first.eval(), second.eval()
    with paddle.no_grad():
        return difference(first(batch(entry)), second(batch(entry))) > SEEN


def shows_in_second_call(entry):
    """A call with history against the same call on a copy that has none."""
    used, fresh = pair(entry.factory, entry.factory)
    used.eval(), fresh.eval()
    x, other = batch(entry), batch(entry, seed=1)
    before = x.numpy().copy()
    with paddle.no_grad():
        used(x)
        input_changed = bool(np.abs(x.numpy() - before).max() > 0)
        return input_changed or difference(used(other.clone()), fresh(other)) > SEEN


SHOWS = {
    "B": shows_in_statistics,
    "G": shows_in_gradients,
    "S": shows_after_loading,
    "R": shows_in_second_call,
}
