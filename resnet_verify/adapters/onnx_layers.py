"""What ONNX's layers mean: convolutions, norms, pools, activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, prod

from resnet_ref.layers import Relu
from resnet_verify.adapters.onnx_meaning import (
    Convert,
    Meaning,
    is_image,
    pair,
    plain,
    rounded,
    unknown,
)
from resnet_verify.adapters.onnx_reading import Call
from resnet_verify.graph import Activation, Dropout, Other, RawConv, RawNorm, RawPool, Softmax

LARGEST = 3e38
"""A limit from here on limits no float32."""


def _padding(call: Call, kernel: Sequence[int]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) in numbers: what is padded automatically depends on the size."""
    automatic = call.attributes.get("auto_pad", "NOTSET")
    if automatic == "NOTSET":
        top, left, bottom, right = call.attributes.get("pads") or (0, 0, 0, 0)
        return (top, bottom, left, right)
    if automatic == "VALID":
        return (0, 0, 0, 0)
    strides = call.attributes.get("strides") or (1, 1)
    dilations = call.attributes.get("dilations") or (1, 1)
    around: list[int] = []
    sizes = call.shape(call.inputs[0])[2:]
    for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        total = max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        less, more = total // 2, total - total // 2
        around += [more, less] if automatic == "SAME_LOWER" else [less, more]
    return (around[0], around[1], around[2], around[3])


def _conv(call: Call) -> Meaning:
    if not is_image(call):
        return unknown(call)
    conv = RawConv(
        pair(call.attributes.get("strides") or (1, 1)),
        _padding(call, call.shape(call.inputs[1])[2:]),
        pair(call.attributes.get("dilations") or (1, 1)),
        call.attributes.get("group", 1),
    )
    return conv, [name for name in call.inputs if name]


def _norm(call: Call) -> Meaning:
    # Before opset 14 the mode was told by the number of outputs, before 9 by their being there.
    training = call.attributes.get("training_mode", 0) or (
        call.opset < 14 and len(list(filter(None, call.outputs))) > 1
    )
    if call.attributes.get("spatial", 1) != 1:
        return unknown(call)
    image, scale, shift, mean, variance = call.inputs
    norm = RawNorm(
        rounded(call.attributes.get("epsilon", 1e-5)),
        rounded(call.attributes.get("momentum", 0.9)),
        "batch" if training else "running",
    )
    return norm, (image, mean, variance, scale, shift)


def _pool(kind: str) -> Convert:
    def convert(call: Call) -> Meaning:
        kernel = call.attributes["kernel_shape"]
        dilated = any(each != 1 for each in call.attributes.get("dilations") or ())
        if not is_image(call) or dilated:
            return unknown(call)
        pool = RawPool(
            kind,
            pair(kernel),
            pair(call.attributes.get("strides") or (1, 1)),
            _padding(call, kernel),
            bool(call.attributes.get("ceil_mode", 0)),
            bool(call.attributes.get("count_include_pad", 0)),
        )
        return pool, call.inputs

    return convert


def _global_pool(kind: str) -> Convert:
    def convert(call: Call) -> Meaning:
        if not is_image(call):
            return unknown(call)
        return RawPool(kind, (1, 1), (1, 1), (0, 0, 0, 0), adaptive=(1, 1)), call.inputs

    return convert


def _clip(call: Call) -> Meaning:
    if call.is_left_open("min", 1) or call.is_left_open("max", 2):
        return unknown(call)
    low, high = call.setting("min", 1, -inf), call.setting("max", 2, inf)
    if low == 0 and high >= LARGEST:
        return Relu(), call.inputs[:1]
    words = "relu6" if (low, high) == (0, 6) else f"clip to [{low:g}, {high:g}]"
    return Activation(words), call.inputs[:1]


def _softmax(call: Call) -> Meaning:
    """Before opset 13 over all axes from `axis` on, taken as one."""
    shape, log = call.shape(call.inputs[0]), call.name == "LogSoftmax"
    axis = call.attributes.get("axis", 1 if call.opset < 13 else -1) % len(shape)
    if call.opset < 13 and prod(shape[axis:]) != shape[axis]:
        return Other(call.name, f"over all axes from {axis} on"), call.inputs
    return Softmax(axis, log), call.inputs


def _dropout(call: Call) -> Meaning:
    """It drops in training mode only, which no opset but from 12 on knows."""
    ratio = call.setting("ratio", 1, 0.5)
    active = call.is_left_open("training_mode", 2) or bool(call.setting("training_mode", 2, False))
    return Dropout(float(ratio), active), call.inputs[:1]


def _activation(call: Call) -> Meaning:
    return Activation(ACTIVATIONS[call.name]), call.inputs[:1]


ACTIVATIONS: Mapping[str, str] = {
    "LeakyRelu": "leaky_relu",
    "PRelu": "prelu",
    "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish",
    "ThresholdedRelu": "thresholded_relu",
    **{
        name: name.lower()
        for name in ("Sigmoid", "Tanh", "Elu", "Celu", "Selu", "Gelu", "Mish", "Swish", "Softplus",
                     "Softsign")
    },
}  # fmt: skip

LAYERS: Mapping[str, Convert] = {
    "Conv": _conv,
    "BatchNormalization": _norm,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "GlobalMaxPool": _global_pool("max"),
    "GlobalAveragePool": _global_pool("avg"),
    "Relu": plain(Relu()),
    "Clip": _clip,
    **dict.fromkeys(ACTIVATIONS, _activation),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Dropout": _dropout,
}
