"""A rule about images that are put together from parts of one image: padding, by its own name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.graph import Concat, Constant, Node, Pad, Shape, Slice
from resnet_verify.normalise.draft import Draft, Gathered, Rewritten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.int32]

MODES = {"circular": "wrap", "reflect": "reflect", "replicate": "edge", "constant": "constant"}
"""The frameworks' names of the ways to pad, and NumPy's."""


def padding_rule(node: Node, draft: Draft) -> Rewritten:
    """Pieces of an image put around it are a padding, whatever way they were cut and joined.

    Each pixel is followed to where it comes from; where that is what a way of padding gives,
    the pieces are that padding.
    """
    if not isinstance(node.op, Slice | Concat) or len(draft.graph.shapes[node.output]) != 4:
        return None
    found = _followed(node, draft)
    if found is None:
        return None
    draft.gathered[node.output] = found
    if isinstance(node.op, Slice) or found.source is None:
        return None
    pad = _as_padding(found.indices, draft.graph.shapes[found.source], _axes(draft))
    return replace(node, op=pad, inputs=(found.source,)) if pad else None


def _axes(draft: Draft) -> tuple[int, int]:
    return (1, 2) if draft.source_last else (2, 3)


def _followed(node: Node, draft: Draft) -> Gathered | None:
    """Where the pixels of a piece, or of pieces side by side, come from."""
    axes = _axes(draft)
    if isinstance(node.op, Slice):
        if not set(node.op.axes) <= set(axes):
            return None
        whole = _known(node.inputs[0], draft)
        cut = [slice(None), slice(None)]
        op = node.op
        for axis, *limits in zip(op.axes, op.starts, op.stops, op.steps, strict=True):
            cut[axes.index(axis)] = slice(*limits)
        return replace(whole, indices=whole.indices[tuple(cut)])
    assert isinstance(node.op, Concat)  # the rule asks for no other
    images = all(len(draft.graph.shapes[value]) == 4 for value in node.inputs)
    if node.op.axis not in axes or not images:
        return None
    pieces = [_known(value, draft) for value in node.inputs]
    sources = {piece.source for piece in pieces} - {None}
    if len(sources) > 1:
        return None
    joined = np.concatenate([piece.indices for piece in pieces], axes.index(node.op.axis))
    return Gathered(next(iter(sources), None), joined)


def _known(value: int, draft: Draft) -> Gathered:
    """Where the pixels of a value come from: from itself, unless more is known."""
    if value in draft.gathered:
        return draft.gathered[value]
    size = tuple(draft.graph.shapes[value][axis] for axis in _axes(draft))
    op = draft.op(value)
    if isinstance(op, Constant):
        held = Gathered.ZERO if op.value == 0 else Gathered.UNKNOWN
        return Gathered(None, np.full(size, held, np.int32))
    return Gathered(value, np.arange(size[0] * size[1], dtype=np.int32).reshape(size))


def _as_padding(indices: Indices, inner: Shape, axes: tuple[int, int]) -> Pad | None:
    """The padding of an image of shape `inner` that gives these pixels; None if there is none."""
    size = tuple(inner[axis] for axis in axes)
    whole = np.arange(size[0] * size[1], dtype=np.int32).reshape(size)
    more = [after - before for after, before in zip(indices.shape, size, strict=True)]
    if min(more) < 0 or max(more) == 0:
        return None
    for corner in np.argwhere(indices == 0):
        around = [(int(a), n - int(a)) for a, n in zip(corner, more, strict=True)]
        if min(map(min, around)) < 0:
            continue
        for mode, numpys in MODES.items():
            zeros = {"constant_values": Gathered.ZERO} if mode == "constant" else {}
            if np.array_equal(np.pad(whole, around, numpys, **zeros), indices):  # type: ignore[call-overload]
                amounts = [(0, 0)] * len(inner)
                amounts[axes[0]], amounts[axes[1]] = around
                return Pad(tuple(amounts), mode)
    return None
