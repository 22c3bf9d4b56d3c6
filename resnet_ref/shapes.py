"""The shape that one layer makes of another, and what that costs. No framework, no NumPy."""

from __future__ import annotations

import math
from typing import TypeAlias

from resnet_ref.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    PadShortcut,
    Pair,
    SqueezeExcite,
    ZeroPad,
)

Shape: TypeAlias = tuple[int, ...]


def window_count(
    size: int, padding: int, kernel: int, stride: int, dilation: int = 1, *, ceil: bool = False
) -> int:
    """Number of windows along one axis: ``floor((n + padding - d (k - 1) - 1) / s) + 1``.

    Args:
        size: pixels along the axis.
        padding: both sides together.
        kernel: pixels of the window.
        stride: pixels from one window to the next.
        dilation: pixels from one tap of the window to the next.
        ceil: round up, so that the last window may reach past the end.

    Raises:
        ValueError: not even one window fits.
    """
    span = size + padding - dilation * (kernel - 1) - 1
    count = (-(-span // stride) if ceil else span // stride) + 1
    if count < 1:
        reach = dilation * (kernel - 1) + 1
        raise ValueError(f"a window of {reach} does not fit into {size} pixels padded by {padding}")
    return count


def output_shape(layer: Layer, shape: Shape) -> Shape:
    """Shape that `layer` puts out for an input of `shape`.

    Raises:
        ValueError: the input has the wrong number of axes or channels, or is too small.
    """
    _expect_axes(layer, shape)
    match layer:
        case Conv():
            _expect_channels(layer.in_channels, shape[1])
            return (shape[0], layer.out_channels, *_windows(layer, shape, layer.dilation))
        case BatchNorm() | SqueezeExcite():
            _expect_channels(layer.channels, shape[1])
            return shape
        case MaxPool() | AvgPool():
            return (*shape[:2], *_windows(layer, shape))
        case ZeroPad(padding=(top, bottom, left, right)):
            return (*shape[:2], shape[2] + top + bottom, shape[3] + left + right)
        case GlobalAvgPool():
            return (*shape[:2], 1, 1)
        case Flatten():
            return (shape[0], math.prod(shape[1:]))
        case Linear():
            _expect_channels(layer.in_features, shape[1])
            return (shape[0], layer.out_features)
        case PadShortcut():
            kept = (-(-n // layer.stride) for n in shape[2:])
            return (shape[0], layer.before + shape[1] + layer.after, *kept)
        case _:
            return shape


def macs(layer: Layer, output: Shape) -> int:
    """Multiply-accumulates that `layer` spends on a batch whose output is of shape `output`.

    Those of convolutions and linear maps; norms, pools and additions are not counted.
    """
    match layer:
        case Conv():
            return math.prod(output) * layer.in_channels // layer.groups * math.prod(layer.kernel)
        case Linear():
            return math.prod(output) * layer.in_features
        case SqueezeExcite():
            return output[0] * 2 * layer.channels * layer.squeezed
        case _:
            return 0


def _windows(layer: Conv | MaxPool | AvgPool, shape: Shape, dilation: Pair = (1, 1)) -> Pair:
    top, bottom, left, right = layer.padding
    ceil = not isinstance(layer, Conv) and layer.ceil_mode
    height, width = (
        window_count(size, pad, kernel, stride, step, ceil=ceil)
        for size, pad, kernel, stride, step in zip(
            shape[2:],
            (top + bottom, left + right),
            layer.kernel,
            layer.stride,
            dilation,
            strict=True,
        )
    )
    return height, width


def _expect_axes(layer: Layer, shape: Shape) -> None:
    axes = {Conv: 4, BatchNorm: 4, MaxPool: 4, AvgPool: 4, GlobalAvgPool: 4, ZeroPad: 4, Flatten: 4,
            PadShortcut: 4, SqueezeExcite: 4, Linear: 2}.get(type(layer), len(shape))  # fmt: skip
    if len(shape) != axes:
        raise ValueError(f"takes an input of {axes} axes, not of shape {shape}")


def _expect_channels(expected: int, found: int) -> None:
    if found != expected:
        raise ValueError(f"takes {expected} channels, not {found}")
