"""Functions of single elements: what a chain of them computes is found out by numbers.

ReLU can be written with a comparison, a mask, an absolute value or a minimum. All of these are
functions of one number, and two of those are the same if they agree everywhere. No limit other
than zero is let in, so that agreeing on `GRID` is agreeing everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from resnet_ref.layers import Add, Relu
from resnet_verify.graph import (
    Activation,
    Cast,
    Constant,
    Expand,
    Function,
    Multiply,
    Node,
    Reshape,
    Scale,
)
from resnet_verify.normalise.draft import Curve, Draft, Numbers, Rewritten

_STEPS = np.logspace(-8, 30, 153)
GRID: Numbers = np.concatenate([-_STEPS[::-1], [0.0], _STEPS])


def _sigmoid(x: Numbers) -> Numbers:
    falling = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, falling, 1) / (1 + falling))


FUNCTIONS: Mapping[str, Callable[..., Numbers]] = {
    **{name: getattr(np, name) for name in (
        "abs", "exp", "log", "sqrt", "square", "reciprocal", "sign", "greater", "greater_equal",
        "less", "less_equal", "where", "minimum", "maximum", "divide", "subtract",
        "logical_not", "power",
    )},
    "rsqrt": lambda x: 1 / np.sqrt(x),
}  # fmt: skip
BRANCHING = ("greater", "greater_equal", "less", "less_equal", "minimum", "maximum")
KNOWN: Sequence[tuple[object, Numbers]] = (
    (Relu(), np.maximum(GRID, 0)),
    (Activation("sigmoid"), _sigmoid(GRID)),
    (Activation("silu"), GRID * _sigmoid(GRID)),
)


def function_rule(node: Node, draft: Draft) -> Rewritten:
    """What computes a known function of one value, in whatever steps, is that function."""
    curve = None if node.detached else _curve(node, draft)
    if curve is None:
        return None
    draft.curves[node.output] = curve
    if _alike(curve.heights, GRID):
        return curve.root
    for op, heights in KNOWN:
        if op != node.op and _alike(curve.heights, heights):
            return replace(node, op=op, inputs=(curve.root,))
    return None


def _alike(one: Numbers, other: Numbers) -> bool:
    return bool(np.allclose(one, other, rtol=1e-6, atol=0))


def _curve(node: Node, draft: Draft) -> Curve | None:
    """The curve of what `node` makes, where it is a function of one value's elements."""
    given = [_of_input(value, draft) for value in node.inputs]
    roots = {curve.root for curve in given if isinstance(curve, Curve)}
    if len(roots) != 1 or any(curve is None for curve in given):
        return None
    (root,) = roots
    if draft.shape(root) != draft.shape(node.output):
        return None
    heights = [each.heights if isinstance(each, Curve) else np.float64(each or 0) for each in given]
    with np.errstate(all="ignore"):
        found = _evaluate(node, heights, draft)
    return None if found is None else Curve(root, found)


def _of_input(value: int, draft: Draft) -> Curve | float | None:
    """The curve of an operand, or the number that it is filled with."""
    node = draft.node(value)
    while isinstance(node.op, Expand | Reshape):
        filling = draft.node(node.inputs[0])
        if not isinstance(filling.op, Constant | Expand | Reshape):
            break
        node = filling
    if isinstance(node.op, Constant):
        return node.op.value
    return draft.curves.get(node.output) or Curve(node.output, GRID)


def _evaluate(node: Node, given: Sequence[Numbers | np.float64], draft: Draft) -> Numbers | None:
    op = node.op
    match op:
        case Scale(factor, offset):
            return np.asarray(factor * given[0] + offset)
        case Multiply():
            return np.asarray(given[0] * given[1])
        case Add() if len(given) == 2:
            return np.asarray(given[0] + given[1])
        case Cast() if draft.graph.dtypes.get(node.inputs[0]) == "bool":
            return np.asarray(given[0])
        case Function(name, arguments) if name in FUNCTIONS:
            rest = iter(given)
            values = [next(rest) if number is None else number for number in arguments]
            if name in BRANCHING and not _limits_are_zero(values):
                return None
            return np.asarray(FUNCTIONS[name](*values), float)
        case Activation(name, numbers):
            return _activated(name, numbers, given[0])
        case _:
            return None


def _activated(name: str, numbers: Sequence[float], x: Numbers | np.float64) -> Numbers | None:
    if name == "sigmoid":
        return _sigmoid(np.asarray(x))
    if name.startswith("clip") and numbers and _limits_are_zero(numbers):
        low, high = numbers
        return np.asarray(np.minimum(np.maximum(x, low), high))
    if name == "leaky_relu" and numbers:
        return np.where(np.less(x, 0), np.multiply(numbers[0], x), x)
    return None


def _limits_are_zero(values: Sequence[Numbers | np.float64 | float]) -> bool:
    return {value for value in values if isinstance(value, int | float)} <= {0.0, inf, -inf}
