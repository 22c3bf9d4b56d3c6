"""What PyTorch's functions of single elements mean."""

from __future__ import annotations

from collections.abc import Mapping

from resnet_verify.adapters.torch_reading import Convert, Meaning, Reading, is_number, unknown
from resnet_verify.adapters.torch_recording import Call, Value
from resnet_verify.graph import Function, Scale

# By PyTorch's name: NumPy's, and the arguments in NumPy's order.
MEANINGS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{name: (name, ("self",)) for name in
       ("abs", "exp", "log", "sqrt", "rsqrt", "reciprocal", "sign", "square", "logical_not")},
    **{name: (name, ("self", "other")) for name in ("minimum", "maximum")},
    "gt": ("greater", ("self", "other")),
    "ge": ("greater_equal", ("self", "other")),
    "lt": ("less", ("self", "other")),
    "le": ("less_equal", ("self", "other")),
    "pow": ("power", ("self", "exponent")),
    "where": ("where", ("condition", "self", "other")),
    "masked_fill": ("where", ("mask", "value", "self")),
}  # fmt: skip


def _function(call: Call, reading: Reading) -> Meaning:
    name, order = MEANINGS[call.name.removesuffix("_")]
    given = [call.arguments.get(argument) for argument in order]
    if not all(isinstance(each, Value) or is_number(each) for each in given):
        return unknown(call), call.inputs
    numbers = tuple(float(each) if is_number(each) else None for each in given)
    return Function(name, numbers), [each for each in given if isinstance(each, Value)]


FUNCTIONS: Mapping[str, Convert] = {
    **dict.fromkeys(MEANINGS, _function),
    "neg": lambda call, reading: (Scale(-1.0), call.inputs),
}
