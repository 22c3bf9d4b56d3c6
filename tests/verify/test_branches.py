"""Layers side by side are one layer, whose parameters lie in several tensors."""

from __future__ import annotations

import numpy as np

from resnet_ref.layers import Add, Conv, Relu
from resnet_verify.graph import (
    Concat,
    Graph,
    Input,
    Node,
    Other,
    Param,
    Parameter,
    RawConv,
    Slice,
)
from resnet_verify.normalise import normalise
from resnet_verify.transplant import Held

IMAGE = (2, 8, 6, 6)
SAME = RawConv((1, 1), (1, 1, 1, 1), (1, 1), 1)
POINTS = RawConv((1, 1), (0, 0, 0, 0), (1, 1), 1)


class Drawing:
    """A graph while it is drawn, node by node."""

    def __init__(self):
        self.nodes = [Node(Input(), (), 0)]
        self.shapes = {0: IMAGE}

    def add(self, op, *inputs, shape):
        number = len(self.nodes)
        self.nodes.append(Node(op, inputs, number))
        self.shapes[number] = shape
        return number

    def conv(self, op, value, out, side=3, name=None):
        batch, channels, *size = self.shapes[value]
        shape = (out, channels, side, side)
        name = name or f"{len(self.nodes)}.weight"
        weight = self.add(Parameter(Param(name, name, shape, trainable=True)), shape=shape)
        return self.add(op, value, weight, shape=(batch, out, *size))

    def half(self, start, stop, value=0):
        batch, _, *size = self.shapes[value]
        cut = Slice((1,), (start,), (stop,), (1,))
        return self.add(cut, value, shape=(batch, stop - start, *size))

    def relu(self, value):
        return self.add(Relu(), value, shape=self.shapes[value])

    def joined(self, *values):
        channels = sum(self.shapes[value][1] for value in values)
        return self.add(Concat(1), *values, shape=(2, channels, *IMAGE[2:]))

    def normalised(self):
        """The operators in the order in which they are done, and the graph."""
        last = len(self.nodes) - 1
        graph = normalise(Graph(tuple(self.nodes), (last,), self.shapes))
        ops = [node.op for node in graph.nodes if not isinstance(node.op, Parameter | Input)]
        return [op for op in ops if op not in (Concat(0), Concat(1))], graph


def conv(channels, out, side, groups=1, **others):
    padding = (side // 2,) * 4
    return Conv(channels, out, (side, side), (1, 1), padding, (1, 1), groups, bias=False, **others)


def test_convolutions_of_parts_of_the_channels_are_a_grouped_one():
    net = Drawing()
    net.joined(net.conv(SAME, net.half(0, 4), 6), net.conv(SAME, net.half(4, 8), 6))
    ops, graph = net.normalised()
    assert ops == [conv(8, 12, 3, groups=2)]
    weight = graph.producers[graph.outputs[0]].inputs[1]
    assert [param.shape for param in graph.parts(weight)] == [(6, 4, 3, 3)] * 2


def test_paths_that_are_added_up_are_three_layers():
    net = Drawing()
    paths = []
    for _ in range(3):
        inner = net.relu(net.conv(POINTS, 0, 2, side=1))
        paths.append(net.conv(POINTS, net.relu(net.conv(SAME, inner, 2)), 8, side=1))
    total = paths[0]
    for path in (*paths[1:], 0):  # the image is the shortcut
        total = net.add(Add(), total, path, shape=IMAGE)
    ops, _ = net.normalised()
    assert ops == [conv(8, 6, 1), Relu(), conv(6, 6, 3, groups=3), Relu(), conv(6, 8, 1), Add()]


def test_a_sum_of_a_branch_and_a_projection_stays_one():
    net = Drawing()
    inner = net.relu(net.conv(POINTS, 0, 8, side=1))
    branch, projection = net.conv(POINTS, inner, 8, side=1), net.conv(POINTS, 0, 8, side=1)
    net.add(Add(), branch, projection, shape=IMAGE)
    ops, _ = net.normalised()
    assert ops == [conv(8, 8, 1), Relu(), conv(8, 8, 1), conv(8, 8, 1), Add()]


def test_what_others_read_is_not_joined():
    net = Drawing()
    one, other = net.conv(SAME, net.half(0, 4), 4), net.conv(SAME, net.half(4, 8), 4)
    both = net.joined(one, other)
    net.add(Add(), both, net.joined(one, one), shape=IMAGE)
    ops, _ = net.normalised()
    assert ops.count(conv(4, 4, 3)) == 2


def test_halves_in_another_order_are_named():
    net = Drawing()
    net.joined(net.conv(SAME, net.half(4, 8), 4), net.conv(SAME, net.half(0, 4), 4))
    ops, _ = net.normalised()
    assert ops == [Other("another choice of channels", "4 to 7, 0 to 3"), conv(8, 8, 3, groups=2)]


def test_a_relu_in_some_branches_only_is_named():
    net = Drawing()
    one, other = net.conv(SAME, net.half(0, 4), 4), net.conv(SAME, net.half(4, 8), 4)
    net.joined(net.relu(one), other)
    ops, _ = net.normalised()
    assert ops == [conv(8, 8, 3, groups=2), Other("1 of 2 branches activated")]


def test_the_odd_one_of_several_settings_is_shown():
    net = Drawing()
    wide = RawConv((1, 1), (2, 2, 2, 2), (2, 2), 1)
    quarters = [net.half(start, start + 2) for start in range(0, 8, 2)]
    net.joined(*(net.conv(wide if i == 1 else SAME, part, 2) for i, part in enumerate(quarters)))
    (op,), _ = net.normalised()
    assert (op.dilation, op.groups) == ((2, 2), 4)


def test_a_tensor_in_parts_is_read_and_written_whole():
    parts = tuple(Param(key, key, (2, 3, 1, 1), trainable=True) for key in "ab")
    for axis, shape in ((0, (4, 3, 1, 1)), (1, (2, 6, 1, 1))):
        held = Held(parts, shape, axis=axis)
        whole = np.arange(12.0).reshape(shape)
        assert np.array_equal(held.canonical(held.stored(whole)), whole)
        assert held.whole({"a": np.zeros((2, 3, 1, 1)), "b": None}) is None
