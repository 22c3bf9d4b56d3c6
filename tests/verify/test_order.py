"""Where elements lie after transposes, reshapes and means, against NumPy's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from resnet_verify.normalise.order import lies_as, reshaped, without
from resnet_verify.normalise.polynomial import order_of

sizes = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)


def gathered(array, order):
    """The array's elements in an order, by NumPy."""
    axes = [axis for group in order for axis in group]
    rest = [axis for axis in range(array.ndim) if axis not in axes]
    shape = [int(np.prod([array.shape[axis] for axis in group])) for group in order]
    return array.transpose(*axes, *rest).reshape(shape)


@given(sizes, st.data())
def test_a_reshape_is_followed_or_cuts_an_axis(shape, data):
    array = np.arange(np.prod(shape)).reshape(shape)
    axes = data.draw(st.permutations(range(len(shape))), label="transposed")
    order = tuple(order_of(shape)[axis] for axis in axes)
    turned = array.transpose(axes)
    cut = data.draw(st.integers(0, turned.ndim), label="joined from")
    wanted = (*turned.shape[:cut], -1) if cut < turned.ndim else turned.shape
    found = reshaped(order, shape.__getitem__, turned.reshape(wanted).shape)
    assert found is not None
    assert np.array_equal(gathered(array, found), turned.reshape(wanted))


def test_an_axis_that_is_cut_is_not_followed():
    assert reshaped(order_of((2, 6)), (2, 6).__getitem__, (3, 4)) is None


@given(sizes, st.data())
def test_a_mean_leaves_out_its_axes(shape, data):
    averaged = data.draw(st.sets(st.integers(0, len(shape) - 1), max_size=len(shape) - 1))
    for keep in (True, False):
        left = np.zeros(shape).mean(tuple(averaged), keepdims=keep)
        order = without(order_of(shape), averaged, keep=keep)
        assert lies_as(order, shape.__getitem__, left.shape)
        assert not {axis for group in order for axis in group} & averaged
