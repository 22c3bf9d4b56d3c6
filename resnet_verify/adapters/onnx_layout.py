"""What ONNX's operators mean that move, cut and cast, and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping

from resnet_verify.adapters.onnx_meaning import Convert, Meaning, Part, plain, unknown
from resnet_verify.adapters.onnx_reading import Call
from resnet_verify.graph import (
    Cast,
    Concat,
    Expand,
    Identity,
    Other,
    Pad,
    Reshape,
    Slice,
    Transpose,
)


def _slice(call: Call) -> Meaning:
    names = ("starts", "ends", "axes", "steps")
    if any(call.is_left_open(name, position) for position, name in enumerate(names, start=1)):
        return unknown(call)
    shape = call.shape(call.inputs[0])
    starts, ends = call.setting("starts", 1), call.setting("ends", 2)
    axes = [axis % len(shape) for axis in call.setting("axes", 3) or range(len(starts))]
    steps = call.setting("steps", 4) or [1] * len(axes)
    if any(step < 1 for step in steps):
        return Other("flip", f"along axes {axes}"), call.inputs[:1]
    sizes = [shape[axis] for axis in axes]
    begin, end = (
        tuple(_within(n, size) for n, size in zip(given, sizes, strict=True))
        for given in (starts, ends)
    )
    return Slice(tuple(axes), begin, end, tuple(steps)), call.inputs[:1]


def _within(limit: int, size: int) -> int:
    """A limit of a slice, counted from the front."""
    return min(max(limit + size if limit < 0 else limit, 0), size)


def _gather(call: Call) -> Meaning:
    """One place along an axis, which is taken out: ``x[:, :, 0]``."""
    index, shape = call.constant(1), call.shape(call.inputs[0])
    if index is None or index.ndim:
        return unknown(call)
    axis = call.attributes.get("axis", 0) % len(shape)
    place = int(index) % shape[axis]
    if shape[axis] == 1:
        return Reshape(), call.inputs[:1]
    cut = Slice((axis,), (place,), (place + 1,), (1,))
    return Reshape(), [Part(cut, call.inputs[:1], (*shape[:axis], 1, *shape[axis + 1 :]))]


def _pad(call: Call) -> Meaning:
    if call.is_left_open("pads", 1) or call.is_left_open("axes", 3):
        return unknown(call)
    rank = len(call.shape(call.inputs[0]))
    flat, axes = call.setting("pads", 1), call.setting("axes", 3) or list(range(rank))
    amounts = [(0, 0)] * rank
    for axis, before, after in zip(axes, flat[: len(axes)], flat[len(axes) :], strict=True):
        amounts[axis % rank] = (before, after)
    value = call.setting("value", 2, 0.0)
    mode = call.attributes.get("mode", "constant")
    modes = {"edge": "replicate", "wrap": "circular"}
    return Pad(tuple(amounts), modes.get(mode, mode), float(value)), call.inputs[:1]


def _transpose(call: Call) -> Meaning:
    rank = len(call.shape(call.inputs[0]))
    return Transpose(tuple(call.attributes.get("perm") or reversed(range(rank)))), call.inputs


def _concat(call: Call) -> Meaning:
    return Concat(call.attributes["axis"] % len(call.made)), call.inputs


def _cast(call: Call) -> Meaning:
    return Cast(call.values.dtypes[call.outputs[0]]), call.inputs[:1]


LAYOUT: Mapping[str, Convert] = {
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Transpose": _transpose,
    "Concat": _concat,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), plain(Reshape())),
    "Expand": plain(Expand()),
    **dict.fromkeys(("Cast", "CastLike"), _cast),
    "Identity": plain(Identity()),
}
