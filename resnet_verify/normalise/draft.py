"""The graph while it is rewritten, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from resnet_verify.graph import Cast, Graph, Identity, Node, Reshape, Shape, Transpose

Numbers: TypeAlias = NDArray[np.float64]


STORED_KERNELS = ((0, 1, 2, 3), (3, 2, 0, 1), (2, 3, 0, 1), (0, 3, 1, 2), (3, 0, 1, 2))
"""Orders that bring kernels stored as OIHW, HWIO, HWOI, OHWI, IHWO to OIHW. Any other turns a
kernel around or takes its rows for its columns: there the order is the mistake."""


@dataclass(frozen=True)
class Gathered:
    """An image made of another one's pixels: which of them each of its own is.

    `indices` has shape (H, W) and counts the pixels of the value `source` row by row; `ZERO`
    stands for a zero, `UNKNOWN` for what is not known. `source` is None where all are such.
    """

    source: int | None
    indices: NDArray[np.int32]

    ZERO: ClassVar = -1
    UNKNOWN: ClassVar = -2


@dataclass(frozen=True)
class Curve:
    """A function of the elements of the value `root`, by what it makes of many numbers."""

    root: int
    heights: Numbers


@dataclass
class Draft:
    """The graph while it is rewritten: nodes so far by value, aliases, layouts, pixels."""

    graph: Graph
    nodes: dict[int, Node] = field(default_factory=dict)
    alias: dict[int, int] = field(default_factory=dict)
    channels_last: set[int] = field(default_factory=set)
    gathered: dict[int, Gathered] = field(default_factory=dict)
    curves: dict[int, Curve] = field(default_factory=dict)
    source_last: bool = False
    """Whether the channels of the first input of the node at hand stand last in memory."""

    def node(self, value: int) -> Node:
        """The rewritten node that makes `value`."""
        return self.nodes[self.alias.get(value, value)]

    def op(self, value: int) -> object:
        """What makes `value`."""
        return self.node(value).op

    def shape(self, value: int) -> Shape:
        """The shape of `value`, channels first; an axis put in for a 3-D operator is left out."""
        shape = self.graph.shapes[value]
        if len(shape) == 5 and 1 in shape[1:3]:
            detour = 2 if shape[2] == 1 else 1
            shape = shape[:detour] + shape[detour + 1 :]
        if value in self.channels_last and len(shape) == 4:
            return (shape[0], shape[3], shape[1], shape[2])
        return shape

    def is_param(self, value: int) -> bool:
        """Whether `value` is a parameter, or one put into another shape."""
        return self.param_source(value) is not None

    def param_source(self, value: int) -> int | None:
        """The parameter that `value` is a reshaping of, or the transposition of a matrix."""
        node = self._origin(value)[-1]
        return node.output if self.graph.param(node.output) is not None else None

    def is_turned(self, value: int) -> bool:
        """Whether `value` is the transposition of its `param_source`."""
        turns = [node for node in self._origin(value) if isinstance(node.op, Transpose)]
        return len(turns) % 2 == 1

    def kernel(self, value: int) -> tuple[int, tuple[int, ...]]:
        """What a convolution's weight is stored as, and the `Node.order` of its axes there.

        That is `value` itself where it is stored in no order that is in use.
        """
        order, source = [0, 1, 2, 3], value
        while isinstance(op := self.op(source), Transpose | Identity | Cast):
            if isinstance(op, Transpose):
                if len(op.order) != 4:
                    break
                order = [op.order[axis] for axis in order]
            source = self.node(source).inputs[0]
        if self.graph.param(source) is not None and tuple(order) in STORED_KERNELS:
            return source, () if order == [0, 1, 2, 3] else tuple(order)
        held = None if self.is_turned(value) else self.param_source(value)
        return (value if held is None else held), ()

    def _origin(self, value: int) -> list[Node]:
        """The nodes that give `value` another shape, and the one before them, last."""
        nodes = [self.node(value)]
        while isinstance(op := nodes[-1].op, Reshape | Identity | Cast) or op == Transpose((1, 0)):
            nodes.append(self.node(nodes[-1].inputs[0]))
        return nodes


Rewritten = Node | int | None


Rule = Callable[[Node, Draft], Rewritten]
