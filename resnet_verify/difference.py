"""One deviation of a network from its form, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Aspect: TypeAlias = Literal[
    "form",
    "blocks",
    "unused",
    "operand",
    "addition",
    "projection",
    "layer",
    "norm",
    "activation",
    "pool",
    "head",
    "operator",
    "kernel",
    "width",
    "groups",
    "stride",
    "dilation",
    "padding",
    "bias",
    "affine",
    "eps",
    "statistics",
    "momentum",
    "sharing",
    "detached",
    "frozen",
]
"""What a difference is about, from causes to consequences."""

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)


@dataclass(frozen=True)
class Difference:
    """Where in the form, what was expected there, what was found, and that in one sentence.

    `value` is the target's value at the spot, `place` the target's own name for it: a
    parameter's path, or a source line.
    """

    aspect: Aspect
    where: str
    expected: str
    found: str
    message: str
    value: int | None = None
    place: str = ""
