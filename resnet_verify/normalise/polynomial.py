"""Polynomials of a map's elements, with numbers drawn for what their coefficients are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from resnet_verify.graph import Shape

Draws: TypeAlias = NDArray[np.complex128]
Order: TypeAlias = tuple[tuple[int, ...], ...]
"""The map's axes, by number, that lie along each of a value's: those longer than one."""

DRAWS = 5
HIGHEST = 2
"""The highest power of a map's elements that is followed: a variance is made of squares."""


@dataclass(frozen=True)
class Polynomial:
    """What a value is per channel: `terms` by the power of the elements of the map `root`.

    `order` says where these elements lie; where some axes are left out, it is averaged over them.
    `params` and `measured` are what the terms are made of: parameters, and maps by their mean
    and mean square. `axis` is the map's axis of channels, where it is known.
    """

    terms: tuple[Draws, ...]
    root: int | None = None
    order: Order = ()
    averaged: bool = False
    params: frozenset[int] = frozenset()
    measured: frozenset[int] = frozenset()
    axis: int | None = None


MISPLACED = -1
"""The axis of what was measured per channel and lies along another axis of the map."""


def numbers(value: float) -> Draws:
    """A number that is known."""
    return np.full(DRAWS, value, np.complex128)


def is_plain(one: Polynomial) -> bool:
    """Whether it is a map's elements as they are, in whatever order."""
    if one.root is None or one.averaged or one.params or one.measured or len(one.terms) != 2:
        return False
    return not one.terms[0].any() and bool((one.terms[1] == 1).all())


def is_constant(one: Polynomial) -> bool:
    """Whether it is a number that is known."""
    return one.root is None and not one.params and not one.measured


def scaled(one: Polynomial, factor: float) -> Polynomial:
    """A polynomial times a number."""
    return replace(one, terms=tuple(term * factor for term in one.terms))


def order_of(shape: Shape) -> Order:
    """A map's own order."""
    return tuple((axis,) if size > 1 else () for axis, size in enumerate(shape))


def along(number: Polynomial, shape: Shape, order: Order) -> Polynomial:
    """A number per channel with the map's axis that it lies along; shapes align at their ends."""
    long = [len(order) - len(shape) + axis for axis, size in enumerate(shape) if size > 1]
    if not long:
        return number
    axes = order[long[0]]
    axis = axes[0] if len(axes) == 1 else MISPLACED
    return replace(number, axis=axis if number.axis in (None, axis) else MISPLACED)


def added(one: Polynomial, other: Polynomial) -> Polynomial | None:
    """The sum, where they are of one map."""
    pairs = zip_longest(one.terms, other.terms, fillvalue=numbers(0))
    return joined((one, other), tuple(a + b for a, b in pairs))


def multiplied(one: Polynomial, other: Polynomial) -> Polynomial | None:
    """The product, where they are of one map and its power is followed."""
    if one.averaged and other.averaged:  # no mean of products
        return None
    terms = [numbers(0) for _ in range(len(one.terms) + len(other.terms) - 1)]
    for i, a in enumerate(one.terms):
        for j, b in enumerate(other.terms):
            terms[i + j] = terms[i + j] + a * b
    return joined((one, other), tuple(terms)) if len(terms) <= HIGHEST + 1 else None


def joined(parts: Sequence[Polynomial], terms: tuple[Draws, ...]) -> Polynomial | None:
    """What is made of parts of one map that lie along one axis."""
    maps = [part for part in parts if part.root is not None]
    axes = {part.axis for part in parts} - {None}
    if len({(part.root, part.order) for part in maps}) > 1 or len(axes) > 1:
        return None
    root, order, averaged = (
        (maps[0].root, maps[0].order, maps[0].averaged) if maps else (None, (), False)
    )
    return Polynomial(
        terms,
        root,
        order,
        averaged,
        frozenset().union(*(part.params for part in parts)),
        frozenset().union(*(part.measured for part in parts)),
        next(iter(axes), None),
    )
