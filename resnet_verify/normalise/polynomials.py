"""What arithmetic makes of a map, channel by channel: polynomials of its elements.

The elements may lie in another order, or be averaged over some axes first and others later.

Their coefficients are numbers per channel, made of parameters and of the mean and the mean
square of the map. In place of what they are made of stand random numbers, several of each, so
two ways to write a polynomial are the same if they agree for all of them. The numbers may be
negative and are complex, so that the root of a square is not taken for the number itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isclose, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_ref.layers import Add
from resnet_verify.graph import (
    ROUNDED,
    Cast,
    Constant,
    Detach,
    Expand,
    Function,
    Graph,
    Identity,
    Mean,
    Multiply,
    Node,
    Parameter,
    Reshape,
    Scale,
    Sum,
    Transpose,
    Variance,
)
from resnet_verify.normalise.layout import significant
from resnet_verify.normalise.order import lies_as, reshaped, without
from resnet_verify.normalise.polynomial import (
    DRAWS,
    HIGHEST,
    Draws,
    Order,
    Polynomial,
    added,
    along,
    is_constant,
    is_plain,
    joined,
    multiplied,
    numbers,
    order_of,
    scaled,
)


def followed(graph: Graph) -> Polynomials:
    """The polynomials of a graph, in execution order."""
    found = Polynomials(graph)
    for node in graph.nodes:
        found.follow(node)
    return found


class Polynomials:
    """Every value of a graph that is a polynomial, and the numbers drawn for what makes them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[int, Polynomial] = {}
        self.plain: dict[tuple[int | None, Order], int] = {}
        self._random = np.random.default_rng(0)
        self._statistics: dict[int, tuple[Draws, Draws]] = {}

    def follow(self, node: Node) -> None:
        """Note what a node makes, if it is known of what."""
        shape = self.graph.shapes.get(node.output, ())
        found = self._made(node)
        if found is None:
            return
        if found.root is None:
            fits = len(significant(shape)) < 2
        else:
            sizes = self.graph.shapes[found.root]
            fits = lies_as(found.order, sizes.__getitem__, shape) and not node.detached
        if fits:
            self.known[node.output] = found
            if is_plain(found):
                self.plain.setdefault((found.root, found.order), node.output)

    def source(self, made: Polynomial) -> int | None:
        """The value that holds the map's own elements where the polynomial's lie."""
        if made.root is not None and made.order == order_of(self.graph.shapes[made.root]):
            return made.root
        return self.plain.get((made.root, made.order))

    def statistics(self, root: int) -> tuple[Draws, Draws]:
        """The mean and the variance of a map."""
        if root not in self._statistics:
            self._statistics[root] = self._draw(), np.asarray(abs(self._draw()), np.complex128)
        return self._statistics[root]

    def _draw(self) -> Draws:
        sizes = self._random.uniform(0.5, 1.5, DRAWS)
        return np.asarray(sizes * self._random.choice([-1, 1], DRAWS), np.complex128)

    def _of(self, value: int) -> Polynomial | None:
        """A map that is made of nothing known is a polynomial of itself."""
        if value in self.known:
            return self.known[value]
        if len(self.graph.shapes.get(value, ())) != 4:
            return None
        order = order_of(self.graph.shapes[value])
        return Polynomial((numbers(0), numbers(1)), root=value, order=order)

    def _made(self, node: Node) -> Polynomial | None:
        given = [found for value in node.inputs if (found := self._of(value)) is not None]
        if len(given) < len(node.inputs):
            return None
        match node.op:
            case Parameter():
                return Polynomial((self._draw(),), params=frozenset({node.output}))
            case Constant(value) if value is not None:
                return Polynomial((numbers(value),))
            case Identity() | Cast():
                return given[0]
            case Reshape() | Expand() | Detach() | Transpose() if given[0].root is None:
                return given[0]  # what a number lets no gradient through is seen in the gradients
            case Reshape() | Transpose() as moved:
                return self._moved(moved, given[0], node)
            case Scale(factor, offset):
                exact = self._exact(factor, node.inputs[0])
                return added(scaled(given[0], exact), Polynomial((numbers(offset),)))
            case Mean(axes):
                return self._measured(given[0], node, axes)
            case Sum(axes):
                shape = self.graph.shapes[node.inputs[0]]
                mean = self._measured(given[0], node, axes)
                return mean and scaled(mean, prod(shape[axis] for axis in axes))
            case Variance(axes, correction):
                return self._measured(given[0], node, axes, correction)
            case Add() if len(given) == 2 and not self._is_bias(node):
                return added(*self._aligned(node, given))
            case Multiply() if len(given) == 2:
                return multiplied(*self._aligned(node, given))
            case Function(name, arguments):
                return self._function(name, arguments, self._aligned(node, given))
            case _:
                return None

    def _exact(self, factor: float, value: int) -> float:
        """One over the number of terms of a sum, of which some adapters keep few digits."""
        terms = 1
        while isinstance(op := (made := self.graph.producers[value]).op, Sum):
            value = made.inputs[0]
            terms *= prod(self.graph.shapes[value][axis] for axis in op.axes)
        rounded = terms > 1 and isclose(factor * terms, 1, rel_tol=ROUNDED)
        return 1 / terms if rounded else factor

    def _is_bias(self, node: Node) -> bool:
        """Whether a parameter is added to a map as it is: then the sum is a map of its own."""
        return any(value not in self.known for value in node.inputs) and any(
            self._is_param(value) for value in node.inputs
        )

    def _is_param(self, value: int) -> bool:
        node = self.graph.producers[value]
        while isinstance(node.op, Reshape | Expand | Identity):
            node = self.graph.producers[node.inputs[0]]
        return isinstance(node.op, Parameter)

    def _aligned(self, node: Node, given: Sequence[Polynomial]) -> list[Polynomial]:
        """The operands, numbers per channel with the axis of the result that they lie along."""
        orders = [each.order for each in given if each.root is not None]
        if not orders:
            return list(given)
        rank = len(self.graph.shapes[node.output])
        order = ((),) * (rank - len(orders[0])) + orders[0]
        return [
            each if each.root is not None else along(each, self.graph.shapes[value], order)
            for each, value in zip(given, node.inputs, strict=True)
        ]

    def _moved(self, op: Reshape | Transpose, given: Polynomial, node: Node) -> Polynomial | None:
        """The same elements in another order."""
        assert given.root is not None
        if isinstance(op, Transpose):
            return replace(given, order=tuple(given.order[axis] for axis in op.order))
        sizes, shape = self.graph.shapes[given.root], self.graph.shapes[node.output]
        order = reshaped(given.order, sizes.__getitem__, shape)
        return replace(given, order=order) if order is not None else None

    def _measured(
        self, given: Polynomial, node: Node, axes: tuple[int, ...], correction: float | None = None
    ) -> Polynomial | None:
        """A mean, over all but the channels or over some axes; with a `correction` the variance."""
        keep = len(self.graph.shapes[node.output]) == len(given.order)
        order = without(given.order, axes, keep=keep)
        kept = [axis for group in order for axis in group]
        if given.root is None or not kept or given.axis not in (None, *kept):
            return None
        shape = self.graph.shapes[node.inputs[0]]
        mean, variance = self.statistics(given.root)
        constant, slope, curve = (*given.terms, numbers(0), numbers(0))[: HIGHEST + 1]
        if correction is None and len(kept) > 1:
            return replace(given, order=order, averaged=True)
        if correction is None:
            found = constant + slope * mean + curve * (variance + mean**2)
        elif curve.any() or given.averaged or len(kept) > 1:
            return None
        else:
            terms = prod(shape[axis] for axis in axes)
            found = slope**2 * variance * terms / (terms - correction)
        measured = given.measured | {given.root}
        return Polynomial((found,), params=given.params, measured=measured, axis=kept[0])

    def _function(
        self, name: str, arguments: Sequence[float | None], given: Sequence[Polynomial]
    ) -> Polynomial | None:
        rest = iter(given)
        operands = [Polynomial((numbers(number),)) if number is not None else next(rest)
                    for number in arguments]  # fmt: skip
        match name, operands:
            case "subtract", [one, other]:
                return added(one, scaled(other, -1.0))
            case "square", [one]:
                return multiplied(one, one)
            case "power", [one, other] if is_constant(other) and (other.terms[0] == 2).all():
                return multiplied(one, one)
            case "divide", [one, other] if other.root is None:
                return multiplied(one, replace(other, terms=(1 / other.terms[0],)))
            case _ if name in OF_CONSTANTS and all(map(is_constant, operands)):
                result = OF_CONSTANTS[name](*(each.terms[0].real for each in operands))
                return Polynomial((result.astype(np.complex128),))
            case _ if name in OF_NUMBERS and all(each.root is None for each in operands):
                return joined(operands, (OF_NUMBERS[name](*(each.terms[0] for each in operands)),))
            case _:
                return None


OF_CONSTANTS: Mapping[str, Callable[..., NDArray[Any]]] = {
    "maximum": np.maximum,
    "greater": np.greater,
    "where": lambda test, one, other: np.choose(test != 0, [other, one]),
}
OF_NUMBERS: Mapping[str, Callable[..., Draws]] = {
    "power": np.power,
    "sqrt": np.sqrt,
    "reciprocal": np.reciprocal,
    "rsqrt": lambda number: 1 / np.sqrt(number),
}
