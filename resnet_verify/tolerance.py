"""How far two computations of the same function may lie apart, and why.

A bound is on ``||a - b|| / ||b||`` over a whole tensor, and on single elements against the
tensor's largest. Two networks that differ by a real mistake differ by 5e-3 and more with
randomised weights (an eps of 1e-3 is the least of those known).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

UNIT_ROUNDOFF = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "bfloat16": 2.0**-8,
    "float16": 2.0**-11,
}
# Rounding of a sum of k products grows as sqrt(k) u with random signs (Higham 2002, section
# 3.1); the longest sums have 4608 terms (3x3 x 512), and some 150 such layers follow each other:
# sqrt(4608 * 150) = 830. In training, normalising by the statistics of a few dozen pixels
# magnifies what comes in by up to ten times; a gradient passes twice as many layers.
GROWTH = {"evaluation": 830.0, "training": 16600.0, "gradient": 33200.0}
# A ReLU whose input rounds across zero lets a whole element's gradient pass or not: between two
# right networks with other kernels that made 3% of a tensor's gradient, on small batches.
# A gradient that is stopped, scaled or sent elsewhere is off by more than a third.
FLIPPED = {"float32": 0.1, "bfloat16": 0.3, "float16": 0.3}
ELEMENTWISE = 10.0
"""A single element may lie this many times further off than the tensor as a whole."""


@dataclass(frozen=True)
class Gap:
    """How far apart two arrays are, relative to the second."""

    norm: float
    worst: float

    def __str__(self) -> str:
        return (
            "another shape" if self is OF_OTHER_SHAPES else f"relative difference {self.norm:.2g}"
        )

    def exceeds(self, bound: float) -> bool:
        """Whether the arrays differ by more than rounding; NaN always does."""
        return not (self.norm <= bound and self.worst <= ELEMENTWISE * bound)


OF_OTHER_SHAPES = Gap(np.inf, np.inf)


def bound(dtype: str, kind: str, multiplier: float = 1.0) -> float:
    """The bound for `kind` of comparison ("evaluation", "training", "gradient") in `dtype`."""
    flips = FLIPPED.get(dtype, 0.0) if kind == "gradient" else 0.0
    return max(GROWTH[kind] * UNIT_ROUNDOFF[dtype], flips) * multiplier


def gap(found: Array, expected: Array, floor: float = 0.0) -> Gap:
    """Relative distance of two arrays; those of different shapes are infinitely far apart.

    `floor` is the size below which `expected` counts as noise: a gradient that is zero but
    for rounding, say, has no relative error worth the name.
    """
    if found.shape != expected.shape:
        return OF_OTHER_SHAPES
    kind = np.float32 if found.dtype == expected.dtype == np.float32 else np.float64
    a: Array = np.asarray(found, kind)
    b: Array = np.asarray(expected, kind)
    difference = a - b
    size = max(length(b), floor, np.finfo(np.float64).tiny)
    largest = max(float(np.abs(b).max(initial=0.0)), floor / max(b.size, 1) ** 0.5)
    largest = max(largest, np.finfo(np.float64).tiny)
    worst = float(np.abs(difference).max(initial=0.0)) / largest
    return Gap(length(difference) / size, worst)


def length(array: Array) -> float:
    """The Euclidean norm, which may exceed what the array's own type can square."""
    found = float(np.linalg.norm(array))
    return found if np.isfinite(found) else float(np.linalg.norm(array.astype(np.float64)))
