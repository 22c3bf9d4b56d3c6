"""What PyTorch's operators mean that move, cut, fill and cast, and compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from resnet_verify.adapters.torch_reading import (
    Convert,
    ConvertEach,
    Meaning,
    Reading,
    around,
    is_number,
    pair,
    plain,
    unknown,
)
from resnet_verify.adapters.torch_recording import OVERWRITTEN, Call, Value
from resnet_verify.adapters.torch_regions import Region, region
from resnet_verify.graph import (
    Cast,
    Concat,
    Constant,
    Detach,
    Expand,
    Identity,
    Pad,
    Reshape,
    Slice,
    Transpose,
    Unfold,
    Windows,
    cuts,
)


def _strided(call: Call, reading: Reading) -> Meaning:
    """It gives axes of length one other strides; whatever else it does is not known."""
    laid_out = [
        [pair for pair in zip(tensor.shape, tensor.stride(), strict=True) if pair[0] != 1]
        for tensor in map(reading.tensor, (call.inputs[0], call.outputs[0]))
    ]
    same = laid_out[0] == laid_out[1] and not call.arguments["storage_offset"]
    return (Reshape() if same else unknown(call)), call.inputs


def _permute(call: Call, reading: Reading) -> Meaning:
    rank = len(reading.shape(call.inputs[0]))
    return Transpose(tuple(axis % rank for axis in call.arguments["dims"])), call.inputs


def _swap(call: Call, reading: Reading) -> Meaning:
    rank = len(reading.shape(call.inputs[0]))
    order = list(range(rank))
    one = call.arguments.get("dim0", 0) % max(rank, 1)
    other = call.arguments.get("dim1", 1) % max(rank, 1)
    if rank > 1:
        order[one], order[other] = order[other], order[one]
    return Transpose(tuple(order)), call.inputs


def _slice(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    size = reading.shape(given["self"])
    axis = given["dim"] % len(size)
    start, stop = (
        default if given[name] is None else min(max(given[name] % (1 << 62), 0), size[axis])
        if given[name] >= 0 else max(given[name] + size[axis], 0)
        for name, default in (("start", 0), ("end", size[axis]))
    )  # fmt: skip
    if (start, stop, given["step"]) == (0, size[axis], 1):
        return Identity(), (given["self"],)
    return Slice((axis,), (start,), (stop,), (given["step"],)), (given["self"],)


def _split(call: Call, reading: Reading) -> list[Meaning]:
    axis = call.arguments.get("dim", 0) % len(reading.shape(call.inputs[0]))
    sizes = [reading.tensor(output).shape[axis] for output in call.outputs]
    return [(cut, call.inputs) for cut in cuts(axis, sizes)]


def _unbind(call: Call, reading: Reading) -> list[Meaning]:
    """Slices of one place each, whose axis goes."""
    shape = reading.shape(call.inputs[0])
    axis = call.arguments.get("dim", 0) % len(shape)
    thin = (*shape[:axis], 1, *shape[axis + 1 :])
    places = cuts(axis, [1] * len(call.outputs))
    if len(call.outputs) == 1:
        return [(Reshape(), call.inputs)]
    return [(Reshape(), (reading.intermediate(cut, call.inputs, thin),)) for cut in places]


def _select(call: Call, reading: Reading) -> Meaning:
    """One place along an axis, which goes."""
    given, shape = call.arguments, reading.shape(call.arguments["self"])
    axis = given["dim"] % len(shape)
    start = given["index"] % shape[axis]
    if shape[axis] == 1:
        return Reshape(), (given["self"],)
    one = Slice((axis,), (start,), (start + 1,), (1,))
    thin = (*shape[:axis], 1, *shape[axis + 1 :])
    return Reshape(), (reading.intermediate(one, (given["self"],), thin),)


def _overwritten(call: Call, reading: Reading) -> Meaning:
    """A tensor, after another that lies in the same memory was written."""
    old, new = call.arguments["self"], call.arguments["other"]
    part = region(reading.tensor(new), reading.tensor(call.outputs[0]))
    if part is None:
        return unknown(call), call.inputs
    if part.is_outside:
        return Identity(), (old,)
    if part.is_everything:
        starts = tuple(-start for start, _ in part.ranges)
        stops = tuple(start + size for start, size in zip(starts, part.size, strict=True))
        return Slice(tuple(range(len(starts))), starts, stops, (1,) * len(starts)), (new,)
    if not part.axes:
        return unknown(call), call.inputs
    return Concat(part.axes[0]), _framed(old, new, part, part.axes, reading)


def _framed(old: Value, new: Value, part: Region, axes: list[int], reading: Reading) -> list[Value]:
    """What is left of `old` before and behind `new` along the first axis, `new` between.

    Along the other axes `new` is completed by what is left of `old` beside it.
    """
    axis, *others = axes
    start, stop = part.ranges[axis]
    if others:
        beside = _cut(old, axis, start, stop, reading)
        pieces = _framed(beside, new, part, others, reading)
        new = reading.intermediate(Concat(others[0]), pieces, reading.shape(beside))
    before = [_cut(old, axis, 0, start, reading)] if start else []
    size = part.size[axis]
    behind = [_cut(old, axis, stop, size, reading)] if stop < size else []
    return [*before, new, *behind]


def _cut(value: Value, axis: int, start: int, stop: int, reading: Reading) -> Value:
    size = reading.shape(value)
    shape = (*size[:axis], stop - start, *size[axis + 1 :])
    return reading.intermediate(Slice((axis,), (start,), (stop,), (1,)), (value,), shape)


def _columns(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    windows = Windows(
        pair(given["kernel_size"]), pair(given["stride"]), around(given["padding"]),
        pair(given["dilation"]),
    )  # fmt: skip
    return windows, call.inputs


def _unfold(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    axis = given["dimension"] % len(reading.shape(given["self"]))
    return Unfold(axis, given["size"], given["step"]), call.inputs


def _pad(mode: str) -> Callable[[Call, Reading], Meaning]:
    def convert(call: Call, reading: Reading) -> Meaning:
        rank, flat = len(reading.shape(call.inputs[0])), call.arguments.get("pad")
        flat = call.arguments["padding"] if flat is None else flat
        pairs = list(zip(flat[::2], flat[1::2], strict=True))[::-1]  # the last axis comes first
        amounts = ((0, 0),) * (rank - len(pairs)) + tuple(pairs)
        return Pad(amounts, mode, float(call.arguments.get("value") or 0.0)), call.inputs

    return convert


def _copy(call: Call, reading: Reading) -> Meaning:
    """`copy_`: what was there is forgotten."""
    target, source = call.arguments["self"], call.arguments["src"]
    same = reading.shape(target) == reading.shape(source)
    return (Identity() if same else Expand()), (source,)


def _cast(call: Call, reading: Reading) -> Meaning:
    dtype = call.arguments.get("dtype")
    if dtype is None:
        return Identity(), call.inputs
    return Cast(str(dtype).removeprefix("torch.")), call.inputs


def _concat(call: Call, reading: Reading) -> Meaning:
    return Concat(call.arguments["dim"] % len(reading.made(call))), call.inputs


def _filled(call: Call, reading: Reading) -> Meaning:
    name = call.name.removesuffix("_like").removeprefix("new_").rstrip("_")
    given = (call.arguments.get(key) for key in ("fill_value", "value", "s"))
    written = next((each for each in given if each is not None), None)
    number = {"zeros": 0.0, "zero": 0.0, "ones": 1.0}.get(name, written)
    return Constant(float(number) if is_number(number) else None), ()


LAYOUT: Mapping[str, Convert] = {
    "cat": _concat,
    "slice": _slice,
    "select": _select,
    OVERWRITTEN: _overwritten,
    "constant_pad_nd": _pad("constant"),
    "reflection_pad2d": _pad("reflect"),
    "replication_pad2d": _pad("replicate"),
    "im2col": _columns,
    "unfold": _unfold,
    "permute": _permute,
    **dict.fromkeys(("transpose", "t"), _swap),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "_reshape_alias", "squeeze", "unsqueeze"),
        plain(Reshape()),
    ),
    "as_strided": _strided,
    "expand": plain(Expand()),
    **dict.fromkeys(("clone", "alias", "lift_fresh", "lift_fresh_copy"), plain(Identity())),
    "copy_": _copy,
    "_to_copy": _cast,
    "detach": plain(Detach()),
    **dict.fromkeys(
        ("zeros", "zeros_like", "new_zeros", "zero", "ones", "ones_like", "new_ones", "full",
         "full_like", "new_full", "fill", "empty", "empty_like", "new_empty", "empty_strided",
         "empty_permuted", "scalar_tensor"),
        _filled,
    ),
}  # fmt: skip

PARTS: Mapping[str, ConvertEach] = {
    **dict.fromkeys(
        ("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"), _split
    ),
    "unbind": _unbind,
}
