"""The layers that products of matrices and maxima over windows are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isclose

from resnet_ref.layers import NO_PADDING, Add, ZeroPad
from resnet_verify.graph import ROUNDED, Graph, Matmul, Mean, Node, RawConv, RawPool, Shape
from resnet_verify.normalise.linear import Axis, Linear


class ProductLayers:
    """Writes layers in place of values; `shapes` and `dtypes` are those of the values it adds."""

    def __init__(self, graph: Graph) -> None:
        self.shapes: dict[int, Shape] = {}
        self.dtypes: dict[int, str] = {}
        self._graph = graph
        self._fresh = graph.fresh

    def of(self, node: Node, linear: Linear) -> Iterator[Node]:
        """The layer that a value is made by, where its axes stand as a layer leaves them."""
        if not isclose(linear.factor, 1, rel_tol=ROUNDED) or linear.root in self._graph.held:
            return
        root = self._graph.shapes[linear.root]
        channel = linear.sizes.get("channel", 1)
        kept = tuple(axis for axis in linear.axes if axis)
        spatial = ("1", "2") if channel == 3 else ("2", "3")
        big = [part for part in spatial if linear.sizes.get(part, 1) > 1]
        batch: list[Axis] = [("0",)] if root[0] > 1 else []
        if not big:
            return
        if linear.largest:
            yield from self._largest_of_windows(node, linear, kept)
            return
        if linear.weight is None:
            if linear.summed == set(big) and kept == (*batch, ("1",)) and not _direct(node, linear):
                yield replace(node, op=Mean((2, 3)), inputs=(linear.root,))
            return
        biases = () if linear.bias is None else (linear.bias,)
        if linear.pooled is not None and not linear.scaled:
            return  # nothing stands between the mean and the product
        if linear.summed == set(big) and kept == (*batch, ("o",)):
            yield from self._pooled_first(node, linear, biases, root)
        rows, columns = ((part,) if part in big else () for part in spatial)
        order: list[Axis] = [batch[0] if batch else (), rows, columns]
        order.insert(channel, ("o",))
        if not (linear.summed or linear.in_first) and list(linear.axes) == order:
            w = linear.windows
            conv = RawConv(w.stride, w.padding, w.dilation, 1, channels_last=channel == 3)
            yield replace(node, op=conv, inputs=(linear.root, linear.weight, *biases))

    def _pooled_first(
        self, node: Node, linear: Linear, biases: tuple[int, ...], root: Shape
    ) -> Iterator[Node]:
        """The mean of what a linear map makes is the linear map of the mean."""
        assert linear.weight is not None
        channel = linear.sizes["channel"]
        spatial = (1, 2) if channel == 3 else (2, 3)
        pooled, product = linear.pooled, node.output
        if pooled is None:
            pooled = self._value((root[0], root[channel]), linear)
            yield Node(Mean(spatial), (linear.root,), pooled, node.origin)
        if biases:
            product = self._value((root[0], linear.sizes["o"]), linear)
        matmul = Matmul(transposed=not linear.in_first)
        yield Node(matmul, (pooled, linear.weight), product, node.origin)
        if biases:
            yield Node(Add(), (product, *biases), node.output, node.origin)

    def _largest_of_windows(
        self, node: Node, linear: Linear, kept: tuple[Axis, ...]
    ) -> Iterator[Node]:
        """Max pooling, of zeros around the map too, where the maxima lie as a map again."""
        w, root = linear.windows, linear.root
        own = tuple((part,) for part in "0123" if linear.sizes[part] > 1)
        inside = {part for part in ("k2", "k3") if linear.sizes[part] > 1}
        if kept != own or len(linear.axes) != 4 or linear.largest != inside:
            return
        if w.dilation != (1, 1):
            return
        if w.padding != NO_PADDING:
            top, bottom, left, right = w.padding
            batch, channels, rows, columns = self._graph.shapes[root]
            shape = (batch, channels, rows + top + bottom, columns + left + right)
            padded = self._value(shape, linear)
            yield Node(ZeroPad(w.padding), (root,), padded, node.origin)
            root = padded
        yield replace(node, op=RawPool("max", w.kernel, w.stride, NO_PADDING), inputs=(root,))

    def _value(self, shape: Shape, linear: Linear) -> int:
        value, self._fresh = self._fresh, self._fresh + 1
        self.shapes[value] = shape
        self.dtypes[value] = self._graph.dtypes.get(linear.root, "float32")
        return value


def _direct(node: Node, linear: Linear) -> bool:
    """Whether there is nothing to simplify: a mean of the map itself."""
    return isinstance(node.op, Mean) and node.inputs == (linear.root,)
