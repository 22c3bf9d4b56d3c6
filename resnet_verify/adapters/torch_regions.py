"""Which part of a tensor another one is, where both lie in the same memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Region:
    """The part of a tensor of shape `size` that another covers: (start, stop) along each axis.

    Ranges may reach beyond the tensor, where the other does.
    """

    size: tuple[int, ...]
    ranges: tuple[tuple[int, int], ...]

    @property
    def is_outside(self) -> bool:
        """Whether no element is covered."""
        return any(a >= n or z <= 0 for n, (a, z) in self._axes())

    @property
    def is_everything(self) -> bool:
        """Whether every element is covered."""
        return all(a <= 0 and z >= n for n, (a, z) in self._axes())

    @property
    def axes(self) -> list[int]:
        """The axes along which less than everything is covered; none where it reaches beyond."""
        partial = [axis for axis, (n, part) in enumerate(self._axes()) if part != (0, n)]
        within = all(a >= 0 and z <= n for n, (a, z) in self._axes())
        return partial if within else []

    def _axes(self) -> list[tuple[int, tuple[int, int]]]:
        return list(zip(self.size, self.ranges, strict=True))


def region(part: torch.Tensor, whole: torch.Tensor) -> Region | None:
    """Where in `whole` the elements of `part` are; None where it takes every other, say."""
    if part.stride() != whole.stride() or 0 in whole.stride():
        return None
    starts = [b - a for a, b in zip(_corner(whole), _corner(part), strict=True)]
    ranges = tuple((a, a + n) for a, n in zip(starts, part.shape, strict=True))
    return Region(tuple(whole.shape), ranges)


def _corner(tensor: torch.Tensor) -> list[int]:
    """The coordinates of the first element in the memory that the tensor lies in."""
    corner, rest = [0] * tensor.ndim, tensor.storage_offset()
    for axis in sorted(range(tensor.ndim), key=tensor.stride, reverse=True):
        corner[axis], rest = divmod(rest, tensor.stride(axis))
    return corner
