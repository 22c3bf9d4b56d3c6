"""Convolutions, linear maps and means that are written as products of matrices and sums.

A convolution is a product of its windows with its weights, whatever order the axes are brought
into before and after. So for every value that is linear in a map the axes are followed: which
of them are the map's rows and columns, what was summed over, which weights are the factor.
Where they stand as a convolution, or a mean over the map, leaves them, the value is that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isclose, prod

from resnet_ref.layers import Add
from resnet_verify.graph import (
    ROUNDED,
    Cast,
    Einsum,
    Expand,
    Graph,
    Identity,
    Largest,
    Matmul,
    Mean,
    Node,
    Reshape,
    Scale,
    Shape,
    Sum,
    Transpose,
    Unfold,
    Windows,
)
from resnet_verify.normalise.linear import (
    Axis,
    Linear,
    averaged,
    columns,
    largest,
    regrouped,
    spread,
    turned,
    unfolded,
)
from resnet_verify.normalise.product_layers import ProductLayers


def with_products_found(graph: Graph) -> Graph:
    """`graph` with a layer in place of what computes one by products, sums and reorderings."""
    finder = _Finder(graph)
    nodes = [found for node in graph.nodes for found in finder.read(node)]
    if not finder.found:
        return graph
    used = graph.reachable(graph.outputs)
    rewritten = replace(graph, nodes=tuple(nodes), shapes={**graph.shapes, **finder.layers.shapes},
                        dtypes={**graph.dtypes, **finder.layers.dtypes})  # fmt: skip
    # A step on the way that nothing else reads is no part of the network any more.
    unused = [n.output for n in graph.nodes if n.output not in used and not _is_a_view(n.op)]
    still_read = rewritten.reachable((*graph.outputs, *unused))
    kept = (node for node in nodes if node.output in still_read or not node.inputs)
    return replace(rewritten, nodes=tuple(kept))


def _is_a_view(op: object) -> bool:
    """Whether an operator computes nothing."""
    return isinstance(op, Identity | Transpose | Reshape | Expand | Unfold)


class _Finder:
    """Follows the axes through a graph, node by node."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.found = 0
        self.layers = ProductLayers(graph)
        self._linear: dict[int, Linear] = {}

    def read(self, node: Node) -> Iterator[Node]:
        """What stands in the place of `node`."""
        linear = None if node.detached else self._followed(node)
        if linear is not None:
            self._linear[node.output] = linear
            layer = list(self.layers.of(node, linear))
            if layer:
                self.found += 1
                if linear.pooled is None:
                    del self._linear[node.output]
                yield from layer
                return
        yield node

    def _shape(self, value: int) -> Shape:
        return self.graph.shapes[value]

    def _of(self, value: int) -> Linear | None:
        """How a value is made; of itself where it is a map or a parameter."""
        if value in self._linear:
            return self._linear[value]
        shape = self._shape(value)
        if len(shape) != 4 and value not in self.graph.held:
            return None
        names = [str(axis) for axis in range(len(shape))]
        axes = tuple((name,) if size > 1 else () for name, size in zip(names, shape, strict=True))
        return Linear(value, axes, dict(zip(names, shape, strict=True)))

    def _followed(self, node: Node) -> Linear | None:
        given = [self._of(value) for value in node.inputs]
        if not given or any(each is None for each in given):
            return None
        one, *others = (each for each in given if each is not None)
        made = self._shape(node.output)
        if one.largest and not isinstance(node.op, Largest | Identity | Transpose | Reshape):
            return None
        match node.op:
            case Identity() | Cast():
                return one if self._same_type(node) else None
            case Largest(axes):
                return largest(one, axes, keep=len(made) == len(one.axes))
            case Transpose(order):
                return replace(one, axes=tuple(one.axes[axis] for axis in order))
            case Reshape():
                return regrouped(one, made)
            case Expand():
                return spread(one, made)
            case Unfold() if one.weight is None and not one.summed:
                return unfolded(one, node.op, made)
            case Windows() if one.root == node.inputs[0]:
                return columns(one, node.op)
            case Mean(axes):
                return self._averaged(
                    averaged(one, axes, keep=len(made) == len(one.axes)), node.output
                )
            case Sum(axes):
                return _summed(one, axes, keep=len(made) == len(one.axes))
            case Scale(factor, 0.0) if one.bias is None:
                return replace(one, factor=one.factor * factor, scaled=one.pooled is not None)
            case Matmul(transposed) if len(others) == 1:
                return self._product(one, turned(others[0]) if transposed else others[0], made)
            case Add() if len(others) == 1:
                return self._shifted(*node.inputs)
            case Einsum(equation) if len(others) == 1:
                return self._einsum(equation, one, others[0])
            case _:
                return None

    def _averaged(self, linear: Linear | None, value: int) -> Linear | None:
        """The same, knowing that it is the mean over the whole map, if it is."""
        if (
            linear is None
            or linear.weight is not None
            or not isclose(linear.factor, 1, rel_tol=ROUNDED)
        ):
            return linear
        rows_and_columns = {part for part in "23" if self._shape(linear.root)[int(part)] > 1}
        return replace(linear, pooled=value) if linear.summed == rows_and_columns else linear

    def _same_type(self, node: Node) -> bool:
        dtypes = self.graph.dtypes
        return dtypes.get(node.inputs[0]) == dtypes.get(node.output)

    def _product(self, one: Linear, other: Linear, made: Shape) -> Linear | None:
        """A product of matrices: the last axis of one and the last but one of the other go."""
        if len(one.axes) < 2 or len(other.axes) < 2:
            return None
        summed = one.axes[-1], other.axes[-2]
        weights = other if other.root in self.graph.held else one
        if any(axis not in ((), ("*",)) for axis in weights.axes[:-2]):
            return None  # other weights for each of several products
        if weights is other:
            axes = (*one.axes[:-1], other.axes[-1])
            return self._weighed(one, other, *summed, axes, len(axes) - 1)
        missing = len(made) - len(other.axes)
        axes = (*((),) * missing, *other.axes[:-2], one.axes[-2], other.axes[-1])
        return self._weighed(other, one, *summed[::-1], axes, len(axes) - 2)

    def _weighed(self, image: Linear, held: Linear, of_image: Axis, of_held: Axis,
                 axes: Sequence[Axis], rows: int) -> Linear | None:  # fmt: skip
        """`image` with `held` for its weights, where both are summed over like parts.

        `axes` are those of the product; which of them is the weights' own, `rows` tells.
        """
        plain = held.weight is None and not held.summed and held.factor == 1
        if image.weight is not None or image.root in self.graph.held or not plain:
            return None
        channel = next((part for part in of_image if part in "13"), None)
        if channel is None or self.graph.param(held.root) is None:
            return None
        if channel == "3" and image.windows.kernel != (1, 1):
            return None
        names = {channel: "1", "k2": "2", "k3": "3"}  # of the weights' axes
        in_first = (axes[rows], of_held) == (("1",), ("0",))
        alike = tuple(names.get(part, part) for part in of_image) == of_held
        if not in_first and not (alike and axes[rows] in (("0",), ())):
            return None
        sizes = {**image.sizes, "o": held.sizes["1" if in_first else "0"], "channel": int(channel)}
        renamed = tuple(("o",) if i == rows else axis for i, axis in enumerate(axes))
        return replace(image, axes=renamed, sizes=sizes, weight=held.root, in_first=in_first)

    def _shifted(self, first: int, second: int) -> Linear | None:
        """A bias is added, for each of the rows of the weights."""
        for value, other in ((first, second), (second, first)):
            linear, bias = self._of(value), self._of(other)
            if linear is None or bias is None or linear.weight is None or linear.bias is not None:
                continue
            behind = [axis for axis in bias.axes if axis]
            lies = linear.axes[-len(bias.axes) :] if bias.axes else ()
            fits = [axis for axis, own in zip(lies, bias.axes, strict=True) if own] == [("o",)]
            held = self.graph.param(bias.root)
            if (
                len(behind) == 1
                and fits
                and held is not None
                and isclose(linear.factor, 1, rel_tol=ROUNDED)
            ):
                return replace(linear, bias=bias.root, factor=1.0)
        return None

    def _einsum(self, equation: str, one: Linear, other: Linear) -> Linear | None:
        """By letters; what stands in neither factor alone nor in the result is summed."""
        terms, _, result = equation.partition("->")
        left, right = terms.split(",")
        if other.root not in self.graph.held:
            left, right, one, other = right, left, other, one
        common = [letter for letter in right if letter in left and letter not in result]
        rows = [letter for letter in right if letter not in left]
        if (
            len(rows) != 1
            or rows[0] not in result
            or set(left) - set(result) - set(common)
            or len(set(right)) != len(right)
        ):
            return self._summed_first(left, right, result, one, other)
        named = dict(zip(left, one.axes, strict=True))
        of_image = tuple(part for letter in common for part in named[letter])
        of_weights = dict(zip(right, other.axes, strict=True))
        of_held = tuple(part for letter in common for part in of_weights[letter])
        axes = tuple({**of_weights, **named}[letter] for letter in result)
        return self._weighed(one, other, of_image, of_held, axes, result.index(rows[0]))

    def _summed_first(
        self, left: str, right: str, result: str, one: Linear, other: Linear
    ) -> Linear | None:
        """What only the map has is summed over before the product, which is the same."""
        alone = [i for i, letter in enumerate(left) if letter not in right + result]
        if not alone:
            return None
        rest = "".join(letter for letter in left if letter in right + result)
        summed = _summed(one, tuple(alone), keep=False)
        if summed is None:
            return None
        return self._einsum(f"{rest},{right}->{result}", summed, other)


def _summed(linear: Linear, axes: tuple[int, ...], *, keep: bool) -> Linear | None:
    """A sum is a mean times the number of its terms."""
    terms = prod(linear.sizes[part] for axis in axes for part in linear.axes[axis] if part != "*")
    mean = averaged(linear, axes, keep=keep)
    return None if mean is None or linear.bias else replace(mean, factor=mean.factor * terms)
