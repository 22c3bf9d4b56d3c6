"""The references of two frameworks against each other, in one process."""

import pytest

pytest.importorskip("paddle")
pytest.importorskip("torch")

from math import prod

import numpy as np

from resnet_ref import layout, oracle
from resnet_ref.derive import table
from resnet_ref.layers import BatchNorm
from tests.ref import forms, in_paddle, in_torch, parity


@pytest.mark.parametrize("name", list(forms.VARIANTS)[::8])
def test_paddle_and_pytorch_agree(name, training):
    """But for the variance: Paddle moves towards the biased one, PyTorch towards the unbiased."""
    form = forms.small(forms.VARIANTS[name])
    network, x = parity.as_stored(layout(form), in_paddle.FRAMEWORK), forms.image(form)
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    first, second = (
        parity.run(each.FRAMEWORK, network, tensors, x, training=training)
        for each in (in_paddle, in_torch)
    )
    apart = parity.distances(first, second)
    if training:
        assert apart.pop("statistics") > 1e-6
    assert max(apart.values()) < 1e-10, apart
    for row in table(network, x.shape).rows if training else ():
        if isinstance(row.layer, BatchNorm):
            key, n = (row.location, "variance"), prod(row.input_shape) // row.layer.channels
            kept = row.layer.momentum * tensors[key]
            biased, unbiased = (each.statistics[key] - kept for each in (first, second))
            np.testing.assert_allclose(unbiased, biased * n / (n - 1), rtol=1e-10)
