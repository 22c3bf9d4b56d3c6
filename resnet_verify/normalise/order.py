"""Where the parts of a map lie after transposes, reshapes and sums over some axes.

An order names, for each axis of a value, the parts that lie along it, the slowest first; none where
its length is one. What the parts are, axes by number or by name, is for those who follow them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import TypeAlias, TypeVar

from resnet_verify.graph import Shape

Part = TypeVar("Part")
Sizes: TypeAlias = Callable[[Part], int]


def reshaped(
    order: Sequence[tuple[Part, ...]], size_of: Sizes[Part], shape: Shape
) -> tuple[tuple[Part, ...], ...] | None:
    """The order after a reshape to `shape`; None where it cuts a part."""
    rest = [part for axis in order for part in axis]
    found = []
    for size in shape:
        axis: tuple[Part, ...] = ()
        while rest and prod(map(size_of, axis)) < size:
            axis = (*axis, rest.pop(0))
        found.append(axis)
    return tuple(found) if not rest and lies_as(found, size_of, shape) else None


def lies_as(order: Sequence[tuple[Part, ...]], size_of: Sizes[Part], shape: Shape) -> bool:
    """Whether a value of that shape can hold the parts in that order."""
    return tuple(prod(map(size_of, axis)) for axis in order) == shape


def without(
    order: Sequence[tuple[Part, ...]], axes: Collection[int], *, keep: bool
) -> tuple[tuple[Part, ...], ...]:
    """The order after a sum over a value's axes, which stay with length one where they are kept."""
    return tuple(() if i in axes else axis for i, axis in enumerate(order) if keep or i not in axes)
