"""Padding that is put together by hand is padding, by its own name."""

from __future__ import annotations

import numpy as np
import pytest

from resnet_ref.layers import ZeroPad
from resnet_verify.graph import Concat, Constant, Graph, Input, Node, Pad, Slice
from resnet_verify.normalise import normalise

SHAPE = (2, 3, 5, 4)


def cut(axis, start, stop, step=1):
    return Slice((axis,), (start,), (stop,), (step,))


def normalised(*nodes):
    """The last operator of a graph of (operator, inputs), the image being value 0."""
    listed = [Node(Input(), (), 0)]
    listed += [Node(op, inputs, number) for number, (op, inputs) in enumerate(nodes, start=1)]
    shapes = {0: SHAPE}
    for node in listed[1:]:
        shapes[node.output] = made(node, shapes)
    last = listed[-1].output
    dtypes = dict.fromkeys(shapes, "float32")
    graph = normalise(Graph(tuple(listed), (last,), shapes, dtypes, False, ()))
    return graph.producers[last]


def made(node, shapes):
    if isinstance(node.op, Constant):
        return (2, 3, 1, 4)
    given = [np.empty(shapes[value]) for value in node.inputs]
    if isinstance(node.op, Concat):
        return np.concatenate(given, node.op.axis).shape
    taken = [slice(None)] * 4
    for axis, *limits in zip(node.op.axes, node.op.starts, node.op.stops, node.op.steps,
                             strict=True):  # fmt: skip
        taken[axis] = slice(*limits)
    return given[0][tuple(taken)].shape


@pytest.mark.parametrize(
    ("above", "below", "mode"),
    [((4, 5), (0, 1), "circular"), ((1, 2), (3, 4), "reflect"), ((0, 1), (4, 5), "replicate")],
)
def test_rows_of_the_image_around_it(above, below, mode):
    found = normalised(
        (cut(2, *above), (0,)), (cut(2, *below), (0,)), (Concat(2), (1, 0, 2)),
    )  # fmt: skip
    assert found.op == Pad(((0, 0), (0, 0), (1, 1), (0, 0)), mode)
    assert found.inputs == (0,)


def test_rows_then_columns_are_one_padding():
    found = normalised(
        (cut(2, 4, 5), (0,)), (Concat(2), (1, 0)),
        (cut(3, 2, 4), (2,)), (Concat(3), (3, 2)),
    )  # fmt: skip
    assert found.op == Pad(((0, 0), (0, 0), (1, 0), (2, 0)), "circular")
    assert found.inputs == (0,)


def test_zeros_around_the_image():
    found = normalised((Constant(0.0), ()), (Concat(2), (1, 0, 1)))
    assert found.op == ZeroPad((1, 1, 0, 0))


@pytest.mark.parametrize("value", [1.0, None])
def test_other_numbers_around_it_are_none(value):
    found = normalised((Constant(value), ()), (Concat(2), (1, 0)))
    assert found.op == Concat(2)


def test_the_image_beside_itself_in_another_order_is_none():
    found = normalised(
        (cut(2, 0, 2), (0,)), (cut(2, 2, 5), (0,)), (Concat(2), (2, 1)),
    )  # fmt: skip
    assert found.op == Concat(2)


def test_other_channels_are_none():
    found = normalised((cut(1, 0, 1), (0,)), (Concat(1), (0, 1)))
    assert found.op == Concat(1)
