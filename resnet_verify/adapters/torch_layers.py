"""What PyTorch's layers mean: convolutions, norms, pools, activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from resnet_ref.layers import Add, Relu
from resnet_verify.adapters.torch_reading import (
    Convert,
    Meaning,
    Reading,
    around,
    pair,
    plain,
    unknown,
)
from resnet_verify.adapters.torch_recording import Call, Value
from resnet_verify.graph import (
    Activation,
    Constant,
    Dropout,
    Matmul,
    Other,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Softmax,
)


def _conv(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if given.get("transposed") or len(reading.shape(given["input"])) != 4:
        return unknown(call), call.inputs
    conv = RawConv(
        pair(given["stride"]), around(given["padding"]), pair(given["dilation"]), given["groups"]
    )
    return conv, call.inputs


def _norm(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if "no_training" in call.name or "no_update" in call.name:
        batch = False
    else:
        batch = bool(given.get("training", True))
    folded = _folded(given["input"], reading)
    if folded is not None:
        inputs = [folded, *(given[name] for name in ("weight", "bias") if given[name])]
        made = reading.intermediate(Other("instance_norm"), inputs, reading.shape(folded))
        return Reshape(), (made,)
    kept = round(1 - given["momentum"], 9)  # PyTorch's momentum is the share of the new
    norm = RawNorm(given["eps"], kept, "batch" if batch else "running")
    image, channels = given["input"], (reading.shape(given["input"])[1],)
    held = [given.get(name) for name in ("running_mean", "running_var", "weight", "bias")]
    present = held if held[2] or held[3] else held[:2]
    return norm, [
        image,
        *(value or reading.intermediate(Constant(None), (), channels) for value in present),
    ]


def _folded(image: Value, reading: Reading) -> Value | None:
    """The batch of which the images were put beside each other as if they were channels."""
    view = reading.made_by.get(image)
    if reading.shape(image)[0] != 1 or view is None or "view" not in view.name:
        return None
    return view.inputs[0]


def _max_pool(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if len(reading.shape(given["self"])) != 4 or pair(given["dilation"]) != (1, 1):
        return unknown(call), call.inputs
    kernel = pair(given["kernel_size"])
    stride = pair(given["stride"]) if given["stride"] else kernel
    return RawPool("max", kernel, stride, around(given["padding"]), given["ceil_mode"]), call.inputs


def _avg_pool(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if len(reading.shape(given["self"])) != 4 or given["divisor_override"]:
        return unknown(call), call.inputs
    kernel = pair(given["kernel_size"])
    stride = pair(given["stride"]) if given["stride"] else kernel
    counted = given["count_include_pad"]
    pool = RawPool("avg", kernel, stride, around(given["padding"]), given["ceil_mode"], counted)
    return pool, call.inputs


def _adaptive(kind: str) -> Callable[[Call, Reading], Meaning]:
    def convert(call: Call, reading: Reading) -> Meaning:
        size, none = pair(call.arguments["output_size"]), (0, 0, 0, 0)
        return RawPool(kind, size, (1, 1), none, adaptive=size), call.inputs

    return convert


def _linear(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    factors = (given["input"], given["weight"])
    if given.get("bias") is None:
        return Matmul(transposed=True), factors
    product = reading.intermediate(Matmul(transposed=True), factors, reading.made(call))
    return Add(), (product, given["bias"])


def _clip(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    low = given.get("min", given.get("min_val"))
    high = given.get("max", given.get("max_val"))
    if low == 0 and high in (None, inf):
        return Relu(), (given["self"],)
    words = "relu6" if (low, high) == (0, 6) else f"clip to [{low}, {high}]"
    limits = (-inf if low is None else low, inf if high is None else high)
    return Activation(words, limits), (given["self"],)


def _threshold(call: Call, reading: Reading) -> Meaning:
    limits = (call.arguments["threshold"], call.arguments["value"])
    return (Relu() if limits == (0, 0) else Activation("threshold")), call.inputs


def _softmax(call: Call, reading: Reading) -> Meaning:
    axis = call.arguments["dim"] % len(reading.shape(call.inputs[0]))
    return Softmax(axis, log="log" in call.name), call.inputs


def _dropout(call: Call, reading: Reading) -> Meaning:
    active = call.arguments.get("train") is not False
    return Dropout(call.arguments["p"], active), call.inputs


def _leaky(call: Call, reading: Reading) -> Meaning:
    slope = call.arguments["negative_slope"]
    return Activation("leaky_relu", (slope,)) if slope else Relu(), call.inputs[:1]


def _activation(call: Call, reading: Reading) -> Meaning:
    return Activation(call.name.strip("_")), call.inputs[:1]


LAYERS: Mapping[str, Convert] = {
    **dict.fromkeys(("convolution", "_convolution"), _conv),
    **dict.fromkeys(
        ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm", "_native_batch_norm_legit",
         "_native_batch_norm_legit_no_training", "_batch_norm_with_update",
         "_batch_norm_no_update"),
        _norm,
    ),
    **dict.fromkeys(("max_pool2d", "max_pool2d_with_indices"), _max_pool),
    "avg_pool2d": _avg_pool,
    **dict.fromkeys(("_adaptive_avg_pool2d", "adaptive_avg_pool2d"), _adaptive("avg")),
    "adaptive_max_pool2d": _adaptive("max"),
    "linear": _linear,
    "relu": plain(Relu()),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "hardtanh"), _clip),
    "threshold": _threshold,
    "leaky_relu": _leaky,
    **dict.fromkeys(
        ("_prelu_kernel", "rrelu_with_noise", "elu", "gelu", "silu", "mish",
         "sigmoid", "tanh", "hardswish", "hardsigmoid", "softplus", "softshrink", "hardshrink"),
        _activation,
    ),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
    "native_dropout": _dropout,
}  # fmt: skip
