"""What arithmetic makes of a map, channel by channel: polynomials of its elements.

Their coefficients are numbers per channel, made of parameters and of the mean and the mean
square of the map. In place of what they are made of stand random numbers, several of each, so
two ways to write a polynomial are the same if they agree for all of them. The numbers may be
negative and are complex, so that the root of a square is not taken for the number itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from resnet_ref.layers import Add
from resnet_verify.graph import (
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
    Shape,
    Sum,
    Variance,
)
from resnet_verify.normalise.layout import significant

Draws: TypeAlias = NDArray[np.complex128]

DRAWS = 5
HIGHEST = 2
"""The highest power of a map's elements that is followed: a variance is made of squares."""


@dataclass(frozen=True)
class Polynomial:
    """What a value is per channel: `terms` by the power of the elements of the map `root`.

    `params` and `measured` are what the terms are made of: parameters, and maps by their mean
    and mean square. `axis` is the map's axis of channels, where it is known.
    """

    terms: tuple[Draws, ...]
    root: int | None = None
    params: frozenset[int] = frozenset()
    measured: frozenset[int] = frozenset()
    axis: int | None = None


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
            fits = shape == self.graph.shapes[found.root] and not node.detached
        if fits:
            self.known[node.output] = found

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
        return Polynomial((_numbers(0), _numbers(1)), root=value)

    def _made(self, node: Node) -> Polynomial | None:
        given = [found for value in node.inputs if (found := self._of(value)) is not None]
        if len(given) < len(node.inputs):
            return None
        match node.op:
            case Parameter():
                return Polynomial((self._draw(),), params=frozenset({node.output}))
            case Constant(value) if value is not None:
                return Polynomial((_numbers(value),))
            case Identity() | Cast():
                return given[0]
            case Reshape() | Expand() | Detach() if given[0].root is None:
                return given[0]  # what a number lets no gradient through is seen in the gradients
            case Scale(factor, offset):
                return _sum(_scaled(given[0], factor), Polynomial((_numbers(offset),)))
            case Mean(axes):
                return self._measured(given[0], node.inputs[0], axes)
            case Sum(axes):
                shape = self.graph.shapes[node.inputs[0]]
                mean = self._measured(given[0], node.inputs[0], axes)
                return mean and _scaled(mean, prod(shape[axis] for axis in axes))
            case Variance(axes, correction):
                return self._measured(given[0], node.inputs[0], axes, correction)
            case Add() if len(given) == 2 and not self._is_bias(node):
                return _sum(*self._aligned(node, given))
            case Multiply() if len(given) == 2:
                return _product(*self._aligned(node, given))
            case Function(name, arguments):
                return self._function(name, arguments, self._aligned(node, given))
            case _:
                return None

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
        if all(each.root is None for each in given):
            return list(given)
        rank = len(self.graph.shapes[node.output])
        return [
            each if each.root is not None else _along(each, self.graph.shapes[value], rank)
            for each, value in zip(given, node.inputs, strict=True)
        ]

    def _measured(
        self, given: Polynomial, value: int, axes: tuple[int, ...], correction: float | None = None
    ) -> Polynomial | None:
        """A mean over all but the channels; with a `correction` the variance."""
        kept = [axis for axis in range(len(self.graph.shapes[value])) if axis not in axes]
        if given.root is None or len(kept) != 1 or given.axis not in (None, kept[0]):
            return None
        shape = self.graph.shapes[given.root]
        mean, variance = self.statistics(given.root)
        constant, slope, curve = (*given.terms, _numbers(0), _numbers(0))[: HIGHEST + 1]
        if correction is None:
            found = constant + slope * mean + curve * (variance + mean**2)
        elif curve.any():
            return None
        else:
            terms = prod(shape[axis] for axis in axes)
            found = slope**2 * variance * terms / (terms - correction)
        measured = given.measured | {given.root}
        return Polynomial((found,), None, given.params, measured, kept[0])

    def _function(
        self, name: str, arguments: Sequence[float | None], given: Sequence[Polynomial]
    ) -> Polynomial | None:
        rest = iter(given)
        operands = [Polynomial((_numbers(number),)) if number is not None else next(rest)
                    for number in arguments]  # fmt: skip
        match name, operands:
            case "subtract", [one, other]:
                return _sum(one, _scaled(other, -1.0))
            case "square", [one]:
                return _product(one, one)
            case "power", [one, other] if _is_constant(other) and (other.terms[0] == 2).all():
                return _product(one, one)
            case "divide", [one, other] if other.root is None:
                return _product(one, replace(other, terms=(1 / other.terms[0],)))
            case _ if name in OF_CONSTANTS and all(map(_is_constant, operands)):
                result = OF_CONSTANTS[name](*(each.terms[0].real for each in operands))
                return Polynomial((result.astype(np.complex128),))
            case _ if name in OF_NUMBERS and all(each.root is None for each in operands):
                return _joined(operands, (OF_NUMBERS[name](*(each.terms[0] for each in operands)),))
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
MISPLACED = -1
"""The axis of what was measured per channel and lies along another axis of the map."""


def _numbers(value: float) -> Draws:
    return np.full(DRAWS, value, np.complex128)


def _is_constant(one: Polynomial) -> bool:
    return one.root is None and not one.params and not one.measured


def _scaled(one: Polynomial, factor: float) -> Polynomial:
    return replace(one, terms=tuple(term * factor for term in one.terms))


def _along(number: Polynomial, shape: Shape, rank: int) -> Polynomial:
    """A number per channel with its axis in a result of `rank`; shapes align at their ends."""
    long = [rank - len(shape) + axis for axis, size in enumerate(shape) if size > 1]
    if not long or number.axis == long[0]:
        return number
    return replace(number, axis=long[0] if number.axis is None else MISPLACED)


def _sum(one: Polynomial, other: Polynomial) -> Polynomial | None:
    pairs = zip_longest(one.terms, other.terms, fillvalue=_numbers(0))
    return _joined((one, other), tuple(a + b for a, b in pairs))


def _product(one: Polynomial, other: Polynomial) -> Polynomial | None:
    terms = [_numbers(0) for _ in range(len(one.terms) + len(other.terms) - 1)]
    for i, a in enumerate(one.terms):
        for j, b in enumerate(other.terms):
            terms[i + j] = terms[i + j] + a * b
    return _joined((one, other), tuple(terms)) if len(terms) <= HIGHEST + 1 else None


def _joined(parts: Sequence[Polynomial], terms: tuple[Draws, ...]) -> Polynomial | None:
    """What is made of parts of one map that lie along one axis."""
    roots = {part.root for part in parts} - {None}
    axes = {part.axis for part in parts} - {None}
    if len(roots) > 1 or len(axes) > 1:
        return None
    return Polynomial(
        terms,
        next(iter(roots), None),
        frozenset().union(*(part.params for part in parts)),
        frozenset().union(*(part.measured for part in parts)),
        next(iter(axes), None),
    )
