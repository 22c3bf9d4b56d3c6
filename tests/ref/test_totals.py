"""The documented totals, as the package carries them."""

import pytest

from resnet_ref import spec
from resnet_ref.derive import table
from resnet_ref.totals import TOTALS, Form, documented_total
from tests.ref import tables


def test_they_are_those_of_the_table():
    documented = {
        Form(form.arch, form.variant, form.num_classes, form.in_channels): (trainable, total)
        for name, depth, trainable, total in tables.TOTALS
        if not name.startswith("projection without BN")  # a common slip, not a documented form
        for form in tables.specs_of(name, depth)
    }
    assert {form: (t.trainable, t.total) for form, t in TOTALS.items()} == documented


@pytest.mark.parametrize("form", TOTALS, ids=lambda form: f"{form.arch}-{form.variant}")
def test_they_are_those_derived(form):
    asked = spec(
        form.arch, form.variant, num_classes=form.num_classes, in_channels=form.in_channels
    )
    derived = table(asked, (1, form.in_channels, 64, 64))
    documented = TOTALS[form]
    assert (derived.trainable, derived.buffers) == (documented.trainable, documented.buffers)
    assert documented.source


def test_an_undocumented_total_is_none():
    assert documented_total("resnet50", "v1.5", 7, 3) is None
    found = documented_total("resnet50", "v1.5", 1000, 3)
    assert found is not None
    assert found.total == 25_610_152
