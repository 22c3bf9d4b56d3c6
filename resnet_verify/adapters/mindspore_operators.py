"""What MindSpore's operators mean in the words of `resnet_verify.graph`: one line each.

The same thing often has an older operator, with attributes, and a newer one, with arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from resnet_ref.layers import NO_PADDING, Add, Padding, Relu
from resnet_verify.adapters.mindspore_recording import Call, Value
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Constant,
    Detach,
    Dropout,
    Expand,
    Identity,
    Matmul,
    Mean,
    Multiply,
    Other,
    Pad,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Scale,
    Shape,
    Slice,
    Softmax,
    Transpose,
)

Shapes = Sequence[Shape]
"""Those of an operator's inputs, then that of its output."""
PADDING_MODES = {0: "PAD", 1: "SAME", 2: "VALID"}
"""As newer operators number them; older ones spell them out."""


def other(call: Call) -> Other:
    """An operator by its own name, with its attributes or plain arguments."""
    name = re.sub(r"(Ext|View|Scalar|V\d)+$", "", call.name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    shown = {key: value for key, value in call.attributes.items() if key not in IGNORED}
    words = [f"{key}={value}" for key, value in sorted(shown.items())]
    if not words:
        words = [str(argument) for argument in call.arguments if _is_plain(argument)]
    return Other(NAMES.get(name, name), ", ".join(words))


# Of use to the compiler, not to people.
IGNORED = ("input_names", "output_names", "side_effect_mem", "side_effect_hidden")
NAMES = {"sub": "subtract", "div": "divide", "divs": "divide", "real_div": "divide",
         "reverse": "flip", "select": "where", "setitem": "assignment to a part"}  # fmt: skip


def _is_plain(argument: Any) -> bool:
    if isinstance(argument, tuple):
        return all(map(_is_plain, argument))
    return argument is not None and not isinstance(argument, Value)


def _is_number(argument: Any) -> bool:
    return isinstance(argument, int | float)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    """Height and width, which stand last."""
    return (int(values[-2]), int(values[-1]))


def _rounded(value: float) -> float:
    """The number that was written: some are stored as float32, or as one minus it."""
    return float(f"{value:.6g}")


def _padding(mode: str, given: Sequence[int], size: Shape, kernel: Sequence[int],
             stride: Sequence[int], dilation: Sequence[int] = (1, 1)) -> Padding:  # fmt: skip
    """(top, bottom, left, right) in numbers: "same" depends on the size of the input."""
    if mode.upper() == "VALID":
        return NO_PADDING
    if mode.upper() == "PAD":
        return (int(given[-4]), int(given[-3]), int(given[-2]), int(given[-1]))
    amounts: list[int] = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        amounts += [total // 2, total - total // 2]
    return (amounts[0], amounts[1], amounts[2], amounts[3])


def _conv(call: Call, shapes: Shapes) -> RawConv | Other:
    a = call.attributes
    if a["data_format"] != "NCHW":
        return other(call)
    stride, dilation = _pair(a["stride"]), _pair(a["dilation"])
    padding = _padding(a["pad_mode"], a["pad"], shapes[0][2:], shapes[1][2:], stride, dilation)
    return RawConv(stride, padding, dilation, a["group"])


def _norm(call: Call, shapes: Shapes) -> RawNorm | Other:
    a = call.attributes
    if a["data_format"] != "NCHW":
        return other(call)
    # MindSpore's operator names the share that is replaced, its layer the one that is kept.
    kept = _rounded(1 - a["momentum"])
    return RawNorm(_rounded(a["epsilon"]), kept, "batch" if a["is_training"] else "running")


def _max_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    a = call.attributes
    if a.get("data_format", "NCHW") != "NCHW":
        return other(call)
    return _pool("max", _pair(a["kernel_size"]), _pair(a["strides"]), a["pad_mode"], shapes)


def _max_pool_with_argmax(call: Call, shapes: Shapes) -> RawPool:
    a = call.attributes
    kernel, stride = a["kernel_size"][:3], a["strides"][:3]  # (1, height, width, 1)
    return _pool("max", _pair(kernel), _pair(stride), a["pad_mode"], shapes)


def _padded_max_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    """Of images, or of volumes as deep as one image: so the layer pools where it pads."""
    a = call.attributes
    kernel, (top, left) = a.get("ksize") or a["kernel_size"], _pair(a["pads"])
    of_images = len(kernel) == 4 or (kernel[0], a["pads"][0]) == (1, 0)
    if set(a["dilation"]) != {1} or not of_images:
        return other(call)
    padding = (top, top, left, left)
    return RawPool("max", _pair(kernel), _pair(a["strides"]), padding, a["ceil_mode"])


def _avg_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    _, kernel, stride, mode, layout = call.arguments
    if layout:  # 0 is NCHW
        return other(call)
    return _pool("avg", _pair(kernel), _pair(stride), PADDING_MODES[mode], shapes)


def _pool(
    kind: str, kernel: tuple[int, int], stride: tuple[int, int], mode: str, shapes: Shapes
) -> RawPool:
    """Pooling that is "valid" or "same"; what "same" puts around the image does not count."""
    if mode.upper() == "SAME" and kernel == stride == (2, 2):
        return RawPool(kind, kernel, stride, NO_PADDING, ceil_mode=True)  # whatever the size
    return RawPool(kind, kernel, stride, _padding(mode, (), shapes[0][2:], kernel, stride))


def _avg_pool_3d(call: Call, shapes: Shapes) -> RawPool | Other:
    a = call.attributes
    kernel, stride, pad = a["kernel_size"], a["strides"], a["pad"]
    if set(kernel[:-2]) != {1} or any(pad[:2]) or a["divisor_override"]:
        return other(call)
    size = shapes[0][3:]
    padding = _padding(a["pad_mode"], pad, size, _pair(kernel), _pair(stride))
    counted = a["count_include_pad"]
    return RawPool("avg", _pair(kernel), _pair(stride), padding, a["ceil_mode"], counted)


def _adaptive(kind: str) -> Callable[[Call, Shapes], RawPool]:
    def convert(call: Call, shapes: Shapes) -> RawPool:
        asked = call.attributes.get("output_size") or call.arguments[1]
        size = _pair([n if n > 0 else whole for n, whole in
                      zip(asked, shapes[0][2:], strict=True)])  # fmt: skip
        return RawPool(kind, size, (1, 1), NO_PADDING, adaptive=size)

    return convert


def _add(call: Call, shapes: Shapes) -> Add | Scale | Other:
    x, y, *rest = call.arguments
    alpha = rest[0] if rest else 1
    if _is_number(y):
        return Scale(1.0, float(alpha * y))
    if _is_number(x):
        return Scale(float(alpha), float(x))
    return Add() if alpha == 1 else other(call)


def _subtract(call: Call, shapes: Shapes) -> Scale | Other:
    x, y, *rest = call.arguments
    alpha = rest[0] if rest else 1
    if _is_number(y):
        return Scale(1.0, float(-alpha * y))
    return Scale(float(-alpha), float(x)) if _is_number(x) else other(call)


def _multiply(call: Call, shapes: Shapes) -> Multiply | Scale:
    numbers = [argument for argument in call.arguments if _is_number(argument)]
    return Scale(_rounded(numbers[0])) if numbers else Multiply()


def _divide(call: Call, shapes: Shapes) -> Scale | Other:
    divisor = call.arguments[1]
    return Scale(_rounded(1 / divisor)) if _is_number(divisor) and divisor else other(call)


def _maximum(call: Call, shapes: Shapes) -> Relu | Other:
    return Relu() if 0 in [n for n in call.arguments if _is_number(n)] else other(call)


def _clamp(call: Call, shapes: Shapes) -> Relu | Activation:
    _, low, high = call.arguments
    return Relu() if low == 0 and high is None else Activation(f"clip to [{low}, {high}]")


def _matmul(call: Call, shapes: Shapes) -> Matmul | Other:
    first_turned, second_turned = (*call.arguments[2:], False, False)[:2]
    return other(call) if first_turned else Matmul(bool(second_turned))


def _mean(call: Call, shapes: Shapes) -> Mean:
    axes, rank = call.arguments[1], len(shapes[0])
    if axes is None or axes == ():
        return Mean(tuple(range(rank)))
    axes = axes if isinstance(axes, tuple | list) else (axes,)
    return Mean(tuple(sorted(axis % rank for axis in axes)))


def _softmax(call: Call, shapes: Shapes) -> Softmax:
    axis = call.arguments[1]
    axis = axis[0] if isinstance(axis, tuple | list) else axis
    return Softmax(axis % len(shapes[0]), call.name.startswith("Log"))


def _concat(call: Call, shapes: Shapes) -> Concat:
    return Concat(call.arguments[1] % len(shapes[0]))


def _transpose(call: Call, shapes: Shapes) -> Transpose:
    return Transpose(tuple(axis % len(shapes[0]) for axis in call.arguments[1]))


def _slice(call: Call, shapes: Shapes) -> Slice:
    _, starts, sizes = call.arguments
    stops = [n if size == -1 else a + size
             for a, size, n in zip(starts, sizes, shapes[0], strict=True)]  # fmt: skip
    return Slice(tuple(range(len(stops))), tuple(starts), tuple(stops), (1,) * len(stops))


def _strided_slice(call: Call, shapes: Shapes) -> Slice | Other:
    _, starts, stops, steps, *masks = call.arguments
    if any(masks):
        return other(call)
    return _sliced(list(map(slice, starts, stops, steps)), shapes[0])


def _getitem(call: Call, shapes: Shapes) -> Slice | Reshape | Other:
    """``x[...]`` with slices, whole numbers, None and an ellipsis; an index that is data is not."""
    index = call.arguments[1]
    index = list(index) if isinstance(index, tuple) else [index]
    if not all(i is None or i is Ellipsis or isinstance(i, int | slice) for i in index):
        return other(call)
    index = [slice(i, i + 1 or None) if isinstance(i, int) else i for i in index if i is not None]
    if Ellipsis in index:
        rest = len(shapes[0]) - len(index) + 1
        place = index.index(Ellipsis)
        index[place : place + 1] = [slice(None)] * rest
    sliced = _sliced(index, shapes[0])
    whole = sliced.stops == shapes[0][: len(index)] and not any(sliced.starts)
    return Reshape() if whole and set(sliced.steps) <= {1} else sliced


def _sliced(index: Sequence[slice], shape: Shape) -> Slice:
    ranges = [part.indices(n) for part, n in zip(index, shape, strict=False)]
    starts, stops, steps = zip(*ranges, strict=True) if ranges else ((), (), ())
    return Slice(tuple(range(len(ranges))), starts, stops, steps)


def _pad(call: Call, shapes: Shapes) -> Pad:
    return Pad(tuple(map(tuple, call.attributes["paddings"])))


def _pad_v3(call: Call, shapes: Shapes) -> Pad | Other:
    """Amounts for the last axis come first."""
    _, given, value = call.arguments
    if not call.attributes["paddings_contiguous"]:
        return other(call)
    pairs = list(zip(given[::2], given[1::2], strict=True))[::-1]
    untouched = ((0, 0),) * (len(shapes[0]) - len(pairs))
    return Pad((*untouched, *pairs), call.attributes["mode"], float(value or 0))


def _mirror_pad(call: Call, shapes: Shapes) -> Pad:
    return Pad(tuple(map(tuple, call.arguments[1])), call.attributes["mode"].lower())


def _dropout(call: Call, shapes: Shapes) -> Dropout:
    return Dropout(_rounded(1 - call.attributes["keep_prob"]), active=True)


def _tile(call: Call, shapes: Shapes) -> Identity | Other:
    return Identity() if set(call.arguments[1]) <= {1} else other(call)


def _plain(op: object) -> Callable[[Call, Shapes], object]:
    return lambda call, shapes: op


OPERATORS: Mapping[str, Callable[[Call, Shapes], object]] = {
    "Conv2D": _conv,
    "BatchNorm": _norm,
    "MaxPool": _max_pool,
    "MaxPoolWithArgmax": _max_pool_with_argmax,
    "MaxPoolWithArgmaxV2": _padded_max_pool,
    "MaxPool3DWithArgmax": _padded_max_pool,
    "AvgPool": _avg_pool,
    "AvgPool3D": _avg_pool_3d,
    "AdaptiveAvgPool2D": _adaptive("avg"),
    "AdaptiveMaxPool2D": _adaptive("max"),
    "ReLU": _plain(Relu()),
    **{name: _plain(Activation(word)) for name, word in {
        "ReLU6": "relu6", "PReLU": "prelu", "Elu": "elu", "CeLU": "celu", "SeLU": "selu",
        "GeLU": "gelu", "SiLU": "silu", "Mish": "mish", "Sigmoid": "sigmoid", "Tanh": "tanh",
        "HSwish": "hardswish", "HSigmoid": "hardsigmoid", "Softplus": "softplus",
        "Softsign": "softsign",
    }.items()},
    "ClampScalar": _clamp,
    "Maximum": _maximum,
    **dict.fromkeys(("Add", "AddExt"), _add),
    **dict.fromkeys(("AddN", "BiasAdd"), _plain(Add())),
    **dict.fromkeys(("Sub", "SubExt"), _subtract),
    **dict.fromkeys(("Mul", "Muls"), _multiply),
    **dict.fromkeys(("Div", "Divs", "RealDiv"), _divide),
    "Neg": _plain(Scale(-1.0)),
    **dict.fromkeys(("MatMul", "MatMulExt", "BatchMatMul"), _matmul),
    **dict.fromkeys(("ReduceMean", "MeanExt"), _mean),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    "Concat": _concat,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "getitem": _getitem,
    "Pad": _pad,
    "PadV3": _pad_v3,
    "MirrorPad": _mirror_pad,
    "Transpose": _transpose,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "ExpandDims"), _plain(Reshape())),
    "BroadcastTo": _plain(Expand()),
    "Tile": _tile,
    "Cast": _plain(Cast("")),
    "Dropout": _dropout,
    "Identity": _plain(Identity()),
    "StopGradient": _plain(Detach()),
    "ZerosLike": _plain(Constant(0.0)),
    "OnesLike": _plain(Constant(1.0)),
}  # fmt: skip

# The tensors that a node reads, where they are not all, or not in this order.
OPERANDS: Mapping[str, tuple[int, ...]] = {
    "BatchNorm": (0, 3, 4, 1, 2),
    **dict.fromkeys(("ZerosLike", "OnesLike"), ()),
}

# Where an operator that cuts a tensor into parts is told the axis.
SPLITS: Mapping[str, int] = {"Split": 1, "SplitTensor": 2, "SplitTensorView": 2, "SplitWithSize": 2}


def split_axis(call: Call) -> int:
    """The axis along which an operator of `SPLITS` cuts."""
    axis: int = call.arguments[SPLITS[call.name]]
    return axis
