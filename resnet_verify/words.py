"""Operators in words, for people: ``conv 3x3, 64 -> 128, stride 2, padding 1``."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

from resnet_ref.layers import (
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Function,
    Largest,
    Other,
    Scale,
    Slice,
    Transpose,
)


def size(pair: tuple[int, int]) -> str:
    """(3, 3) as ``3x3``."""
    return f"{pair[0]}x{pair[1]}"


def per_axis(values: tuple[int, ...]) -> str:
    """One number where all are the same, all of them otherwise."""
    return str(values[0]) if len(set(values)) == 1 else str(values)


def padding(values: tuple[int, int, int, int]) -> str:
    """Padding as one number, or by side."""
    if len(set(values)) == 1:
        return str(values[0])
    top, bottom, left, right = values
    same = ", as SAME pads" if (bottom - top, right - left) == (1, 1) else ""
    return f"top {top}, bottom {bottom}, left {left}, right {right}{same}"


def describe(op: object) -> str:
    """What an operator is, with the attributes that matter."""
    match op:
        case Conv():
            return _conv(op)
        case BatchNorm():
            return f"batch norm of {op.channels} channels"
        case Relu():
            return "ReLU"
        case Add():
            return "addition"
        case MaxPool(kernel=(1, 1)):
            return f"subsampling by {per_axis(op.stride)}"
        case MaxPool() | AvgPool():
            kind = "max" if isinstance(op, MaxPool) else "average"
            ceil = ", sizes rounded up" if op.ceil_mode else ""
            return (
                f"{kind} pool {size(op.kernel)}, stride {per_axis(op.stride)}, "
                f"padding {padding(op.padding)}{ceil}"
            )
        case GlobalAvgPool():
            return "global average pool"
        case Linear():
            return f"linear {op.in_features} -> {op.out_features}{_biased(op.bias)}"
        case Softmax():
            return "log_softmax" if op.log else "softmax"
        case PadShortcut():
            return f"subsampling by {op.stride} with {op.before + op.after} zero channels"
        case SqueezeExcite():
            return f"squeeze-excite {op.channels} -> {op.squeezed}{_biased(op.bias)}"
        case ZeroPad():
            return f"zero padding {padding(op.padding)}"
        case _:
            return _unexpected(op)


def _conv(op: Conv) -> str:
    words = [
        f"conv {size(op.kernel)}, {op.in_channels} -> {op.out_channels}",
        f"stride {per_axis(op.stride)}",
        f"padding {padding(op.padding)}",
    ]
    if op.pad_mode != "zeros":
        words[-1] += f" ({op.pad_mode})"
    if op.dilation != (1, 1):
        words.append(f"dilation {per_axis(op.dilation)}")
    if op.groups != 1:
        words.append(f"{op.groups} groups")
    return ", ".join(words) + _biased(op.bias)


def _biased(bias: bool) -> str:
    return ", with bias" if bias else ", no bias"


def _unexpected(op: object) -> str:
    match op:
        case Activation(name):
            return f"activation {name}"
        case Largest(axes):
            return f"maximum over axes {list(axes)}"
        case Dropout(p):
            return f"dropout with p = {p:g}"
        case Cast(dtype):
            return f"cast to {dtype}" if dtype else "cast"
        case Concat(axis):
            return f"concatenation along axis {axis}"
        case Scale(factor, 0.0):
            return f"scale by {factor:g}"
        case Scale(factor, offset):
            return f"scale by {factor:g} plus {offset:g}"
        case Slice(axes, starts, stops):
            cuts = ", ".join(f"[{a}:{z}]" for a, z in zip(starts, stops, strict=True))
            return f"slice {cuts} along axes {list(axes)}"
        case Transpose(order):
            return f"transposition to {list(order)}"
        case Function(name, arguments):
            numbers = ", ".join(f"{number:g}" for number in arguments if number is not None)
            return f"operator {name}" + (f" ({numbers})" if numbers else "")
        case Other(name, attributes):
            return f"operator {name}" + (f" ({attributes[:80]})" if attributes else "")
        case _:
            return _by_fields(op)


def _by_fields(op: object) -> str:
    if not is_dataclass(op):
        return str(op)
    given = ", ".join(f"{field.name} {getattr(op, field.name)}" for field in fields(op))
    name = type(op).__name__.lower()
    return f"{name} ({given})" if given else name
