"""What ONNX's sums, products and means mean."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from resnet_ref.layers import Add
from resnet_verify.adapters.onnx_meaning import (
    Convert,
    Meaning,
    Part,
    Source,
    plain,
    rounded,
    unknown,
)
from resnet_verify.adapters.onnx_reading import Call
from resnet_verify.graph import Einsum, Function, Identity, Matmul, Mean, Multiply, Scale


def _mean(call: Call) -> Meaning:
    axes = _reduced(call)
    if axes is None:
        return unknown(call)
    return (Mean(axes) if axes else Identity()), call.inputs[:1]


def _sum(call: Call) -> Meaning:
    """A sum is a mean times the number of its terms."""
    axes = _reduced(call)
    if axes is None:
        return unknown(call)
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
        return unknown(call)
    alpha, beta = call.attributes.get("alpha", 1.0), call.attributes.get("beta", 1.0)
    product: Meaning = Matmul(bool(call.attributes.get("transB", 0))), (image, weight)
    if alpha != 1:
        product = Scale(rounded(alpha)), [Part(*product, call.made)]
    if not bias:
        return product
    shift: Source = bias[0]
    if beta != 1:
        shift = Part(Scale(rounded(beta)), bias, call.shape(bias[0]))
    return Add(), [Part(*product, call.made), shift]


def _einsum(call: Call) -> Meaning:
    """A product of matrices by its own name, any other as it is written."""
    equation = call.attributes["equation"].replace(" ", "")
    terms, _, result = equation.partition("->")
    match [list(term) for term in terms.split(",")]:
        case [[i, j], [k, m]] if len({i, j, k, m}) == 3 and result == i + {k: m, m: k}.get(j, ""):
            return Matmul(transposed=j == m), call.inputs
        case [_, _] if result and "." not in equation:
            return Einsum(equation), call.inputs
        case _:
            return unknown(call)


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
    return (Scale(1 / number), call.inputs[:1]) if number else _function("divide")(call)


def _function(name: str) -> Convert:
    """A function of single elements; an operand that is one number is written as such."""

    def convert(call: Call) -> Meaning:
        numbers = tuple(call.number(position) for position in range(len(call.inputs)))
        read = zip(call.inputs, numbers, strict=True)
        return Function(name, numbers), [value for value, number in read if number is None]

    return convert


FUNCTIONS: Mapping[str, str] = {
    **{
        name: name.lower()
        for name in ("Abs", "Exp", "Log", "Sqrt", "Sign", "Where", "Reciprocal", "Greater", "Less")
    },
    "Max": "maximum",
    "Min": "minimum",
    "Pow": "power",
    "Not": "logical_not",
    "GreaterOrEqual": "greater_equal",
    "LessOrEqual": "less_equal",
}

ARITHMETIC: Mapping[str, Convert] = {
    "ReduceMean": _mean,
    "ReduceSum": _sum,
    "Gemm": _gemm,
    "MatMul": lambda call: (Matmul(), call.inputs),
    "Einsum": _einsum,
    **dict.fromkeys(("Add", "Sum"), _add),
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _divide,
    "Neg": plain(Scale(-1.0)),
    **{name: _function(meaning) for name, meaning in FUNCTIONS.items()},
}
