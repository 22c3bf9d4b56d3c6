"""Forward and backward of each kind of layer in NumPy: what `resnet_ref.oracle` is made of.

Every function takes the input of a layer and returns a `Step`: the output and a function that
pulls a gradient back through the layer. Written for reading, not for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from resnet_ref.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Padding,
    PadShortcut,
    Pair,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.shapes import window_count

Array: TypeAlias = npt.NDArray[Any]
Tensors: TypeAlias = Mapping[str, Array]
Pull: TypeAlias = Callable[[Array], tuple[Array, dict[str, Array]]]


@dataclass(frozen=True, slots=True)
class Step:
    """What a layer did to its input.

    `pull` takes the gradient by the output to (gradient by the input, gradients by role);
    `updates` has the running statistics after the step, by role.
    """

    output: Array
    pull: Pull
    updates: dict[str, Array] = field(default_factory=dict)


def step(layer: Layer, tensors: Tensors, x: Array, *, training: bool) -> Step:
    """Run `layer`, whose tensors are given by role, on `x`."""
    match layer:
        case Conv():
            return _conv(layer, tensors, x)
        case BatchNorm():
            return _norm(layer, tensors, x, training=training)
        case Relu():
            positive = x > 0
            return Step(x * positive, lambda dy: (dy * positive, {}))
        case ZeroPad(padding=padding):
            return Step(_pad(x, padding), lambda dy: (_crop(dy, padding), {}))
        case MaxPool():
            return _max_pool(layer, x)
        case AvgPool():
            return _avg_pool(layer, x)
        case GlobalAvgPool():
            share = 1 / (x.shape[2] * x.shape[3])
            means = x.mean((2, 3), keepdims=True)
            return Step(means, lambda dy: (np.broadcast_to(dy * share, x.shape), {}))
        case Flatten():
            return Step(x.reshape(len(x), -1), lambda dy: (dy.reshape(x.shape), {}))
        case Linear():
            return _linear(tensors, x)
        case Dropout():
            if training:
                raise ValueError("the oracle draws no random numbers: no dropout in training")
            return Step(x, lambda dy: (dy, {}))
        case Softmax():
            return _softmax(layer, x)
        case PadShortcut():
            return _pad_shortcut(layer, x)
        case SqueezeExcite():
            return _squeeze_excite(tensors, x)


def _pad(x: Array, padding: Padding, value: float = 0.0) -> Array:
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def _crop(x: Array, padding: Padding) -> Array:
    top, bottom, left, right = padding
    return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]


def _windows(x: Array, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """Every window of a padded image: a view of shape (N, C, rows, columns, *kernel)."""
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
    strided: Array = views[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    return strided


def _unwindow(
    gradients: Array, shape: tuple[int, ...], stride: Pair, dilation: Pair = (1, 1)
) -> Array:
    """The transpose of `_windows`: adds each window's gradient up onto an image of `shape`."""
    image = np.zeros(shape, gradients.dtype)
    _, _, rows, columns, height, width = gradients.shape
    for i in range(height):
        for j in range(width):
            top, left = i * dilation[0], j * dilation[1]
            bottom, right = top + stride[0] * rows, left + stride[1] * columns
            image[:, :, top : bottom : stride[0], left : right : stride[1]] += gradients[..., i, j]
    return image


def _conv(layer: Conv, tensors: Tensors, x: Array) -> Step:
    if layer.pad_mode != "zeros":
        raise ValueError(f"no documented ResNet pads with {layer.pad_mode!r}, only with zeros")
    groups, kernel = layer.groups, layer.kernel
    padded = _pad(x, layer.padding)
    windows = _windows(padded, kernel, layer.stride, layer.dilation)
    n, _, rows, columns = windows.shape[:4]
    # One matrix product per group: (pixels, inputs x taps) @ (inputs x taps, outputs).
    taps = windows.reshape(n, groups, -1, rows, columns, *kernel).transpose(1, 0, 3, 4, 2, 5, 6)
    matrix = taps.reshape(groups, n * rows * columns, -1)
    weight = tensors["weight"].reshape(groups, layer.out_channels // groups, -1)
    product = matrix @ weight.transpose(0, 2, 1)
    y = product.reshape(groups, n, rows, columns, -1).transpose(1, 0, 4, 2, 3)
    y = y.reshape(n, layer.out_channels, rows, columns)
    if layer.bias:
        y = y + tensors["bias"][:, None, None]

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        by_group = dy.reshape(n, groups, -1, rows, columns).transpose(1, 0, 3, 4, 2)
        by_group = by_group.reshape(groups, n * rows * columns, -1)
        grads = {"weight": (by_group.transpose(0, 2, 1) @ matrix).reshape(tensors["weight"].shape)}
        if layer.bias:
            grads["bias"] = dy.sum((0, 2, 3))
        scattered = (by_group @ weight).reshape(taps.shape).transpose(1, 0, 4, 2, 3, 5, 6)
        scattered = scattered.reshape(windows.shape)
        image = _unwindow(scattered, padded.shape, layer.stride, layer.dilation)
        return _crop(image, layer.padding), grads

    return Step(y, pull)


def _norm(layer: BatchNorm, tensors: Tensors, x: Array, *, training: bool) -> Step:
    batch = training and layer.statistics == "batch"
    axes = (0, 2, 3)
    # The variance is the biased one, for the running statistic as well: Paddle's and Keras' way.
    mean = x.mean(axes) if batch else tensors["mean"]
    variance = x.var(axes) if batch else tensors["variance"]
    inverse = 1 / np.sqrt(variance + layer.eps)
    normal = (x - mean[:, None, None]) * inverse[:, None, None]
    scale = tensors["weight"] if layer.affine else np.ones(layer.channels, x.dtype)
    shift = tensors["bias"] if layer.affine else np.zeros(layer.channels, x.dtype)

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        grads = {"weight": (dy * normal).sum(axes), "bias": dy.sum(axes)}
        centred = dy
        if batch:  # mean and variance follow the input
            count = x.size // layer.channels
            along = normal * grads["weight"][:, None, None] + grads["bias"][:, None, None]
            centred = dy - along / count
        return centred * (scale * inverse)[:, None, None], grads if layer.affine else {}

    kept = layer.momentum
    updates = {
        "mean": kept * tensors["mean"] + (1 - kept) * mean,
        "variance": kept * tensors["variance"] + (1 - kept) * variance,
    }
    y = normal * scale[:, None, None] + shift[:, None, None]
    return Step(y, pull, updates if batch else {})


def _pool_padding(layer: MaxPool | AvgPool, x: Array) -> Padding:
    """The padding of a pool, with what the last window needs beyond it in ceil mode."""
    top, bottom, left, right = layer.padding
    beyond = []
    pads = (top + bottom, left + right)
    for size, pad, k, s in zip(x.shape[2:], pads, layer.kernel, layer.stride, strict=True):
        count = window_count(size, pad, k, s, ceil=layer.ceil_mode)
        beyond.append(max(0, (count - 1) * s + k - size - pad))
    return top, bottom + beyond[0], left, right + beyond[1]


def _max_pool(layer: MaxPool, x: Array) -> Step:
    padding = _pool_padding(layer, x)
    padded = _pad(x, padding, -np.inf)
    windows = _windows(padded, layer.kernel, layer.stride)
    flat = windows.reshape(*windows.shape[:4], -1)
    first = flat.argmax(-1)  # of equal maxima the first takes the gradient, as in the frameworks

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        chosen = np.arange(flat.shape[-1]) == first[..., None]
        scattered = (dy[..., None] * chosen).reshape(windows.shape)
        return _crop(_unwindow(scattered, padded.shape, layer.stride), padding), {}

    return Step(flat.max(-1), pull)


def _avg_pool(layer: AvgPool, x: Array) -> Step:
    padding = _pool_padding(layer, x)
    padded = _pad(x, padding)
    windows = _windows(padded, layer.kernel, layer.stride)
    # The divisor counts pixels, and padding where asked, but never what ceil mode adds.
    counted = np.ones((1, 1, *x.shape[2:]), x.dtype)
    beyond = padding
    if layer.count_include_pad:
        counted = _pad(counted, layer.padding, 1.0)
        beyond = (0, padding[1] - layer.padding[1], 0, padding[3] - layer.padding[3])
    divisor = _windows(_pad(counted, beyond), layer.kernel, layer.stride).sum((4, 5))

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        scattered = np.broadcast_to((dy / divisor)[..., None, None], windows.shape)
        return _crop(_unwindow(scattered, padded.shape, layer.stride), padding), {}

    return Step(windows.sum((4, 5)) / divisor, pull)


def _linear(tensors: Tensors, x: Array, prefix: str = "") -> Step:
    weight, bias = tensors[f"{prefix}weight"], tensors.get(f"{prefix}bias")
    y = x @ weight if bias is None else x @ weight + bias

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        grads = {f"{prefix}weight": x.T @ dy}
        if bias is not None:
            grads[f"{prefix}bias"] = dy.sum(0)
        return dy @ weight.T, grads

    return Step(y, pull)


def _softmax(layer: Softmax, x: Array) -> Step:
    shifted = x - x.max(1, keepdims=True)
    logarithm = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    y = np.exp(logarithm)
    if layer.log:
        return Step(logarithm, lambda dy: (dy - y * dy.sum(1, keepdims=True), {}))
    return Step(y, lambda dy: (y * (dy - (dy * y).sum(1, keepdims=True)), {}))


def _pad_shortcut(layer: PadShortcut, x: Array) -> Step:
    kept = x[:, :, :: layer.stride, :: layer.stride]
    y = np.pad(kept, ((0, 0), (layer.before, layer.after), (0, 0), (0, 0)))

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        dx = np.zeros_like(x)
        dx[:, :, :: layer.stride, :: layer.stride] = dy[:, layer.before :][:, : x.shape[1]]
        return dx, {}

    return Step(y, pull)


def _squeeze_excite(tensors: Tensors, x: Array) -> Step:
    squeeze = _linear(tensors, x.mean((2, 3)), "squeeze ")
    active = squeeze.output > 0
    excite = _linear(tensors, squeeze.output * active, "excite ")
    gate = 1 / (1 + np.exp(-excite.output))

    def pull(dy: Array) -> tuple[Array, dict[str, Array]]:
        through, excite_grads = excite.pull((dy * x).sum((2, 3)) * gate * (1 - gate))
        means, squeeze_grads = squeeze.pull(through * active)
        spread = means[..., None, None] / (x.shape[2] * x.shape[3])
        return dy * gate[..., None, None] + spread, squeeze_grads | excite_grads

    return Step(x * gate[..., None, None], pull)
