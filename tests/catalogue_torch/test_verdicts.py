"""The measure of the verifier: every broken network caught and named, every right one let pass."""

import pytest

pytest.importorskip("torch")

from tests.catalogue.sample import sampled
from tests.catalogue.verdicts import assert_caught_and_named, assert_conforms
from tests.catalogue_torch.index import BROKEN, CORRECT


@pytest.mark.parametrize("entry", sampled(BROKEN, 6), ids=lambda entry: entry.id)
def test_a_broken_network_is_caught_and_its_mistake_named_first(entry):
    assert_caught_and_named(entry)


@pytest.mark.parametrize("entry", sampled(CORRECT, 6), ids=lambda entry: entry.id)
def test_a_right_network_conforms_and_is_identified(entry):
    assert_conforms(entry)
