"""Operators that stand in another order than documented, and compute the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from resnet_ref.layers import GlobalAvgPool, MaxPool, Relu
from resnet_verify.graph import Graph, Shape
from resnet_verify.normalise.layers import as_linear, is_pointwise


def in_documented_order(graph: Graph) -> Graph:
    """Averages before the classifier, and activations before the pooling, as documented.

    A 1x1 convolution that is averaged is a linear layer of what it reads, averaged. The largest
    of what is rectified is the largest, rectified.
    """
    readers = Counter([*graph.outputs, *(value for node in graph.nodes for value in node.inputs)])
    nodes = {node.output: node for node in graph.nodes}
    shapes, dtypes, between = dict(graph.shapes), dict(graph.dtypes), graph.fresh
    for node in graph.nodes:
        first = nodes.get(node.inputs[0]) if isinstance(node.op, GlobalAvgPool | Relu) else None
        if first is None or readers[first.output] != 1 or first.detached:
            continue
        if isinstance(node.op, GlobalAvgPool) and is_pointwise(first.op, (1, 1)):
            made: Shape = (*shapes[first.inputs[0]][:2], 1, 1)
            first = as_linear(first)
        elif isinstance(node.op, Relu) and _takes_largest(first.op):
            made = shapes[first.inputs[0]]
        else:
            continue
        image = first.inputs[0]
        shapes[between], dtypes[between] = made, dtypes.get(image, "float32")
        # In the order in which they run: the second takes the place of the first.
        nodes[first.output] = replace(node, inputs=(image,), output=between)
        nodes[node.output] = replace(first, inputs=(between, *first.inputs[1:]), output=node.output)
        between += 1
    return replace(graph, nodes=tuple(nodes.values()), shapes=shapes, dtypes=dtypes)


def _takes_largest(op: object) -> bool:
    """Whether it is a max pooling, and no mere subsampling."""
    return isinstance(op, MaxPool) and op.kernel != (1, 1)
