"""What ONNX's operators mean in the words of `resnet_verify.graph`: one table, one line each.

The semantics are those of https://onnx.ai/onnx/operators, opsets 9 to 20 and later ones as
far as they are the same. What the table does not know is an `Other`, under its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import TypeAlias

from resnet_ref.layers import Add, Relu
from resnet_verify.adapters.onnx_reading import Call
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
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


@dataclass(frozen=True)
class Part:
    """What an operator of ONNX computes on the way; its value has no name."""

    op: object
    inputs: Sequence[Source]
    shape: Shape


Source: TypeAlias = "str | Part"
Meaning: TypeAlias = tuple[object, Sequence[Source]]
"""An operator, and the values that it reads."""

LARGEST = 3e38
"""A limit from here on limits no float32."""
IN_WORDS = 8
"""Of a list of numbers, this many are told."""
PLAIN = (int, float, str, list)


def meaning(call: Call) -> Meaning:
    """What a call means; an operator that is not in the table is an `Other`."""
    return OPERATORS.get(call.name, other)(call)


def other(call: Call) -> Meaning:
    """The operator under its own name; its attributes, and what else it is told, in words."""
    told = {
        **{name: value for name, value in call.attributes.items() if isinstance(value, PLAIN)},
        **{name: array.tolist() for name, array in call.settings() if array.size <= IN_WORDS},
    }
    words = (
        f"{name}={value[:IN_WORDS] if isinstance(value, list) else value}"
        for name, value in sorted(told.items())
    )
    read = [name for name in call.inputs if name and name not in call.values.constants]
    return Other(call.name, ", ".join(words)), read


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return (int(values[0]), int(values[1]))


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


def _is_image(call: Call) -> bool:
    return len(call.shape(call.inputs[0])) == 4


def _conv(call: Call) -> Meaning:
    if not _is_image(call):
        return other(call)
    conv = RawConv(
        _pair(call.attributes.get("strides") or (1, 1)),
        _padding(call, call.shape(call.inputs[1])[2:]),
        _pair(call.attributes.get("dilations") or (1, 1)),
        call.attributes.get("group", 1),
    )
    return conv, [name for name in call.inputs if name]


def _norm(call: Call) -> Meaning:
    # Before opset 14 the mode was told by the number of outputs, before 9 by their being there.
    training = call.attributes.get("training_mode", 0) or (
        call.opset < 14 and len(list(filter(None, call.outputs))) > 1
    )
    if call.attributes.get("spatial", 1) != 1:
        return other(call)
    image, scale, shift, mean, variance = call.inputs
    norm = RawNorm(
        _rounded(call.attributes.get("epsilon", 1e-5)),
        _rounded(call.attributes.get("momentum", 0.9)),
        "batch" if training else "running",
    )
    return norm, (image, mean, variance, scale, shift)


def _rounded(value: float) -> float:
    """The number that was written: attributes are stored as float32."""
    return float(f"{value:.6g}")


def _pool(kind: str) -> Callable[[Call], Meaning]:
    def convert(call: Call) -> Meaning:
        kernel = call.attributes["kernel_shape"]
        dilated = any(each != 1 for each in call.attributes.get("dilations") or ())
        if not _is_image(call) or dilated:
            return other(call)
        pool = RawPool(
            kind,
            _pair(kernel),
            _pair(call.attributes.get("strides") or (1, 1)),
            _padding(call, kernel),
            bool(call.attributes.get("ceil_mode", 0)),
            bool(call.attributes.get("count_include_pad", 0)),
        )
        return pool, call.inputs

    return convert


def _global_pool(kind: str) -> Callable[[Call], Meaning]:
    def convert(call: Call) -> Meaning:
        if not _is_image(call):
            return other(call)
        return RawPool(kind, (1, 1), (1, 1), (0, 0, 0, 0), adaptive=(1, 1)), call.inputs

    return convert


def _mean(call: Call) -> Meaning:
    axes = _reduced(call)
    if axes is None:
        return other(call)
    return (Mean(axes) if axes else Identity()), call.inputs[:1]


def _sum(call: Call) -> Meaning:
    """A sum is a mean times the number of its terms."""
    axes = _reduced(call)
    if axes is None:
        return other(call)
    terms = prod(call.shape(call.inputs[0])[axis] for axis in axes)
    return Scale(float(terms)), [Part(Mean(axes), call.inputs[:1], call.made)]


def _reduced(call: Call) -> tuple[int, ...] | None:
    """The axes that are reduced, which may be none; None where they are not known."""
    rank = len(call.shape(call.inputs[0]))
    if call.is_left_open("axes", 1):
        return None
    axes = call.setting("axes", 1) or []
    if not axes and not call.attributes.get("noop_with_empty_axes", 0):
        axes = range(rank)
    return tuple(sorted(axis % rank for axis in axes))


def _gemm(call: Call) -> Meaning:
    """A product of matrices and a sum, each with a factor of its own."""
    image, weight, *bias = [name for name in call.inputs if name]
    if call.attributes.get("transA", 0):
        return other(call)
    alpha, beta = call.attributes.get("alpha", 1.0), call.attributes.get("beta", 1.0)
    product: Meaning = Matmul(bool(call.attributes.get("transB", 0))), (image, weight)
    if alpha != 1:
        product = Scale(_rounded(alpha)), [Part(*product, call.made)]
    if not bias:
        return product
    shift: Source = bias[0]
    if beta != 1:
        shift = Part(Scale(_rounded(beta)), bias, call.shape(bias[0]))
    return Add(), [Part(*product, call.made), shift]


def _einsum(call: Call) -> Meaning:
    """A product of matrices."""
    terms, _, result = call.attributes["equation"].replace(" ", "").partition("->")
    match [list(term) for term in terms.split(",")]:
        case [[i, j], [k, m]] if len({i, j, k, m}) == 3 and result == i + {k: m, m: k}.get(j, ""):
            return Matmul(transposed=j == m), call.inputs
        case _:
            return other(call)


def _matmul(call: Call) -> Meaning:
    if any(len(call.shape(name)) != 2 for name in call.inputs):
        return other(call)
    return Matmul(), call.inputs


def _number_beside(call: Call) -> tuple[str, float] | None:
    """(the other operand, the number) where one operand of two is a plain number."""
    for position, beside in ((1, 0), (0, 1)):
        number, value = call.number(position), call.inputs[beside]
        if number is not None and call.shape(value) == call.made:
            return value, number
    return None


def _add(call: Call) -> Meaning:
    found = _number_beside(call) if len(call.inputs) == 2 else None
    return (Scale(1.0, found[1]), found[:1]) if found else (Add(), call.inputs)


def _subtract(call: Call) -> Meaning:
    found = _number_beside(call)
    if found is None:
        minuend, subtrahend = call.inputs
        return Add(), [minuend, Part(Scale(-1.0), [subtrahend], call.shape(subtrahend))]
    value, number = found
    return (Scale(1.0, -number) if value == call.inputs[0] else Scale(-1.0, number)), (value,)


def _multiply(call: Call) -> Meaning:
    found = _number_beside(call)
    return (Scale(found[1]), found[:1]) if found else (Multiply(), call.inputs)


def _divide(call: Call) -> Meaning:
    number = call.number(1)
    return (Scale(1 / number), call.inputs[:1]) if number else other(call)


def _clip(call: Call) -> Meaning:
    if call.is_left_open("min", 1) or call.is_left_open("max", 2):
        return other(call)
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


def _slice(call: Call) -> Meaning:
    names = ("starts", "ends", "axes", "steps")
    if any(call.is_left_open(name, position) for position, name in enumerate(names, start=1)):
        return other(call)
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
        return other(call)
    axis = call.attributes.get("axis", 0) % len(shape)
    place = int(index) % shape[axis]
    if shape[axis] == 1:
        return Reshape(), call.inputs[:1]
    cut = Slice((axis,), (place,), (place + 1,), (1,))
    return Reshape(), [Part(cut, call.inputs[:1], (*shape[:axis], 1, *shape[axis + 1 :]))]


def _pad(call: Call) -> Meaning:
    if call.is_left_open("pads", 1) or call.is_left_open("axes", 3):
        return other(call)
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


def _dropout(call: Call) -> Meaning:
    """It drops in training mode only, which no opset but from 12 on knows."""
    ratio = call.setting("ratio", 1, 0.5)
    active = call.is_left_open("training_mode", 2) or bool(call.setting("training_mode", 2, False))
    return Dropout(float(ratio), active), call.inputs[:1]


def _cast(call: Call) -> Meaning:
    return Cast(call.values.dtypes[call.outputs[0]]), call.inputs[:1]


def _activation(call: Call) -> Meaning:
    return Activation(ACTIVATIONS[call.name]), call.inputs[:1]


def _plain(op: object) -> Callable[[Call], Meaning]:
    return lambda call: (op, call.inputs[:1])


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

OPERATORS: Mapping[str, Callable[[Call], Meaning]] = {
    "Conv": _conv,
    "BatchNormalization": _norm,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "GlobalMaxPool": _global_pool("max"),
    "GlobalAveragePool": _global_pool("avg"),
    "ReduceMean": _mean,
    "ReduceSum": _sum,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Einsum": _einsum,
    "Relu": _plain(Relu()),
    "Clip": _clip,
    "Max": lambda call: (Other("maximum"), call.inputs),
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(("Add", "Sum"), _add),
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "Neg": _plain(Scale(-1.0)),
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Log": lambda call: (Other("log"), call.inputs),
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Transpose": _transpose,
    "Concat": _concat,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _plain(Reshape())),
    "Expand": _plain(Expand()),
    **dict.fromkeys(("Cast", "CastLike"), _cast),
    "Dropout": _dropout,
    "Identity": _plain(Identity()),
}  # fmt: skip
