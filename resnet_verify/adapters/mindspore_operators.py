"""What MindSpore's operators mean in the words of `resnet_verify.graph`: one line each.

The same thing often has an older operator, with attributes, and a newer one, with arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from resnet_ref.layers import Add, Relu
from resnet_verify.adapters.mindspore_layers import (
    Shapes,
    adaptive,
    avg_pool,
    avg_pool_3d,
    conv,
    is_number,
    max_pool,
    max_pool_with_argmax,
    mirror_pad,
    norm,
    other,
    pad,
    pad_v3,
    padded_max_pool,
    rounded,
)
from resnet_verify.adapters.mindspore_recording import Call
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Constant,
    Detach,
    Dropout,
    Expand,
    Function,
    Identity,
    Matmul,
    Mean,
    Multiply,
    Other,
    Reshape,
    Scale,
    Shape,
    Slice,
    Softmax,
    Sum,
    Transpose,
)


def _add(call: Call, shapes: Shapes) -> Add | Scale | Other:
    x, y, *rest = call.arguments
    alpha = rest[0] if rest else 1
    if is_number(y):
        return Scale(1.0, float(alpha * y))
    if is_number(x):
        return Scale(float(alpha), float(x))
    return Add() if alpha == 1 else other(call)


def _subtract(call: Call, shapes: Shapes) -> Scale | Other:
    x, y, *rest = call.arguments
    alpha = rest[0] if rest else 1
    if is_number(y):
        return Scale(1.0, float(-alpha * y))
    return Scale(float(-alpha), float(x)) if is_number(x) else other(call)


def _multiply(call: Call, shapes: Shapes) -> Multiply | Scale:
    numbers = [argument for argument in call.arguments if is_number(argument)]
    return Scale(rounded(numbers[0])) if numbers else Multiply()


def _divide(call: Call, shapes: Shapes) -> Scale | Function | Other:
    divisor = call.arguments[1]
    if is_number(divisor) and divisor:
        return Scale(rounded(1 / divisor))
    return Function("divide", (None, None)) if len(call.inputs) == 2 else other(call)


def _function(name: str) -> Callable[[Call, Shapes], Function]:
    """A function of single elements."""

    def convert(call: Call, shapes: Shapes) -> Function:
        given = call.arguments
        return Function(name, tuple(float(each) if is_number(each) else None for each in given))

    return convert


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


def _sum(call: Call, shapes: Shapes) -> Sum:
    return Sum(_mean(call, shapes).axes)


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


def _dropout(call: Call, shapes: Shapes) -> Dropout:
    return Dropout(rounded(1 - call.attributes["keep_prob"]), active=True)


def _tile(call: Call, shapes: Shapes) -> Identity | Other:
    return Identity() if set(call.arguments[1]) <= {1} else other(call)


def _plain(op: object) -> Callable[[Call, Shapes], object]:
    return lambda call, shapes: op


OPERATORS: Mapping[str, Callable[[Call, Shapes], object]] = {
    "Conv2D": conv,
    "BatchNorm": norm,
    "MaxPool": max_pool,
    "MaxPoolWithArgmax": max_pool_with_argmax,
    "MaxPoolWithArgmaxV2": padded_max_pool,
    "MaxPool3DWithArgmax": padded_max_pool,
    "AvgPool": avg_pool,
    "AvgPool3D": avg_pool_3d,
    "AdaptiveAvgPool2D": adaptive("avg"),
    "AdaptiveMaxPool2D": adaptive("max"),
    "ReLU": _plain(Relu()),
    **{name: _plain(Activation(word)) for name, word in {
        "ReLU6": "relu6", "PReLU": "prelu", "Elu": "elu", "CeLU": "celu", "SeLU": "selu",
        "GeLU": "gelu", "SiLU": "silu", "Mish": "mish", "Sigmoid": "sigmoid", "Tanh": "tanh",
        "HSwish": "hardswish", "HSigmoid": "hardsigmoid", "Softplus": "softplus",
        "Softsign": "softsign",
    }.items()},
    "ClampScalar": _clamp,
    **{name: _function(meaning) for name, meaning in {
        "Abs": "abs", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Rsqrt": "rsqrt",
        "Square": "square", "Sign": "sign", "Reciprocal": "reciprocal", "Maximum": "maximum",
        "Minimum": "minimum", "Greater": "greater", "GreaterEqual": "greater_equal",
        "Less": "less", "LessEqual": "less_equal", "Select": "where", "Pow": "power",
        "LogicalNot": "logical_not",
    }.items()},
    **dict.fromkeys(("Add", "AddExt"), _add),
    **dict.fromkeys(("AddN", "BiasAdd"), _plain(Add())),
    **dict.fromkeys(("Sub", "SubExt"), _subtract),
    **dict.fromkeys(("Mul", "Muls"), _multiply),
    **dict.fromkeys(("Div", "Divs", "RealDiv"), _divide),
    "Neg": _plain(Scale(-1.0)),
    **dict.fromkeys(("MatMul", "MatMulExt", "BatchMatMul"), _matmul),
    **dict.fromkeys(("ReduceMean", "MeanExt"), _mean),
    **dict.fromkeys(("ReduceSum", "SumExt"), _sum),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    "Concat": _concat,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "getitem": _getitem,
    "Pad": pad,
    "PadV3": pad_v3,
    "MirrorPad": mirror_pad,
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
