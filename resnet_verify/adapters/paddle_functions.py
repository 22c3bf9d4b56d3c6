"""What Paddle's functions of single elements mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from resnet_verify.adapters.paddle_program import RawOp
from resnet_verify.graph import Function, Other, Shape


def _function(name: str, count: int) -> Callable[[RawOp, Sequence[Shape]], Function]:
    return lambda raw, shapes: Function(name, (None,) * count)


def _power(raw: RawOp, shapes: Sequence[Shape]) -> Function | Other:
    exponent = raw.attributes.get("y", raw.attributes.get("factor"))
    if not isinstance(exponent, int | float):
        return Other("pow")
    return Function("power", (None, float(f"{exponent:.6g}")))


FUNCTIONS: Mapping[str, Callable[[RawOp, Sequence[Shape]], object]] = {
    **{name: _function(name, 1) for name in
       ("abs", "exp", "log", "sqrt", "rsqrt", "square", "sign", "reciprocal", "logical_not")},
    **{name: _function(name, 2) for name in
       ("maximum", "minimum", "divide", "subtract", "greater_equal", "less_equal")},
    "greater_than": _function("greater", 2),
    "less_than": _function("less", 2),
    "where": _function("where", 3),
    "pow": _power,
    "elementwise_pow": _function("power", 2),
}  # fmt: skip
