"""What PyTorch's sums, products and means mean."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from resnet_ref.layers import Add
from resnet_verify.adapters.torch_reading import (
    Convert,
    ConvertEach,
    Meaning,
    Reading,
    is_number,
    plain,
    unknown,
)
from resnet_verify.adapters.torch_recording import Call, Value
from resnet_verify.graph import (
    Dropout,
    Function,
    Identity,
    Largest,
    Matmul,
    Mean,
    Multiply,
    Scale,
    Variance,
)


def _mean(call: Call, reading: Reading) -> Meaning:
    stacked = _stacked(call, reading)
    if stacked is not None:
        return Scale(1 / stacked[1]), (stacked[0],)
    return Mean(_axes(call, reading)), call.inputs


def _stacked(call: Call, reading: Reading) -> tuple[Value, int] | None:
    """(the sum of what was stacked along the axis of a mean or sum, how many they are)."""
    stack = reading.made_by.get(call.inputs[0])
    if stack is None or stack.name != "stack" or call.arguments.get("keepdim"):
        return None
    rank = len(reading.shape(call.inputs[0]))
    if _axes(call, reading) != (stack.arguments["dim"] % rank,):
        return None
    total, *others = stack.inputs
    for other in others:
        total = reading.intermediate(Add(), (total, other), reading.made(call))
    return total, len(stack.inputs)


def _sum(call: Call, reading: Reading) -> Meaning:
    """A sum is a mean times the number of its terms."""
    stacked = _stacked(call, reading)
    if stacked is not None:
        return Identity(), (stacked[0],)
    axes, shape = _axes(call, reading), reading.shape(call.inputs[0])
    terms = prod(shape[axis] for axis in axes)
    mean = reading.intermediate(Mean(axes), call.inputs, reading.made(call))
    return Scale(float(terms)), (mean,)


def _largest(call: Call, reading: Reading) -> Meaning:
    return Largest(_axes(call, reading)), call.inputs


def _variance(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    correction = given.get("correction", 1 if given.get("unbiased", True) else 0)
    return Variance(_axes(call, reading), 1.0 if correction is None else correction), call.inputs


def _deviation(call: Call, reading: Reading) -> Meaning:
    variance, inputs = _variance(call, reading)
    made = reading.made(call)
    return Function("sqrt", (None,)), (reading.intermediate(variance, inputs, made),)


def _addcmul(call: Call, reading: Reading) -> Meaning:
    start, *factors = call.inputs
    made = reading.made(call)
    product = reading.intermediate(Multiply(), factors, made)
    share = reading.intermediate(Scale(float(call.arguments["value"])), (product,), made)
    return Add(), (start, share)


def _lerp(call: Call, reading: Reading) -> Meaning:
    """One value and a share of its distance from another."""
    start, end = call.inputs
    made = reading.made(call)
    distance = reading.intermediate(Function("subtract", (None, None)), (end, start), made)
    share = reading.intermediate(Scale(call.arguments["weight"]), (distance,), made)
    return Add(), (start, share)


def _axes(call: Call, reading: Reading) -> tuple[int, ...]:
    rank = len(reading.shape(call.inputs[0]))
    axes = call.arguments.get("dim")
    if axes is None or axes == []:
        return tuple(range(rank))
    return tuple(sorted(axis % rank for axis in ([axes] if isinstance(axes, int) else axes)))


def _add(call: Call, reading: Reading) -> Meaning:
    return _sum_of(call, reading, call.arguments.get("alpha", 1))


def _subtract(call: Call, reading: Reading) -> Meaning:
    return _sum_of(call, reading, -call.arguments.get("alpha", 1))


def _sum_of(call: Call, reading: Reading, factor: float) -> Meaning:
    one, other = call.arguments["self"], call.arguments["other"]
    if is_number(other):
        return Scale(1.0, float(other) * factor), (one,)
    if factor != 1:
        other = reading.intermediate(Scale(float(factor)), (other,), reading.shape(other))
    return Add(), (one, other)


def _multiply(call: Call, reading: Reading) -> Meaning:
    one, other = call.arguments["self"], call.arguments["other"]
    if is_number(other):
        return Scale(float(other)), (one,)
    for value, noise in ((one, other), (other, one)):
        dropped = _dropped(noise, reading)
        if dropped is not None:
            return Dropout(dropped, active=True), (value,)
    return Multiply(), (one, other)


def _divide(call: Call, reading: Reading) -> Meaning:
    other = call.arguments["other"]
    if is_number(other) and other and not call.arguments.get("rounding_mode"):
        return Scale(1 / other), (call.arguments["self"],)
    if call.arguments.get("rounding_mode") or is_number(other):
        return unknown(call), call.inputs
    return Function("divide", (None, None)), call.inputs


def _dropped(noise: Value, reading: Reading) -> float | None:
    """The share of zeros, where a value is drawn from a Bernoulli distribution."""
    call = reading.made_by.get(noise)
    while call is not None and call.name in ("div_", "div"):
        call = reading.made_by.get(call.arguments["self"])
    if call is None or call.name != "bernoulli_":
        return None
    kept = call.arguments.get("p")
    return round(1 - kept, 9) if is_number(kept) else None


def _addmm(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if (given["beta"], given["alpha"]) != (1, 1):
        return unknown(call), call.inputs
    names = ("batch1", "batch2") if "batch1" in given else ("mat1", "mat2")
    factors = [given[name] for name in names]
    product = reading.intermediate(Matmul(), factors, reading.made(call))
    return Add(), (product, given["self"])


def _largest_and_where(call: Call, reading: Reading) -> list[Meaning]:
    """Along one axis, and the places there."""
    other: Meaning = unknown(call), call.inputs
    return [_largest(call, reading), other] if "dim" in call.arguments else [other]


ARITHMETIC: Mapping[str, Convert] = {
    "mean": _mean,
    "sum": _sum,
    "amax": _largest,
    "var": _variance,
    "std": _deviation,
    "lerp": _lerp,
    "addcmul": _addcmul,
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "div": _divide,
    **dict.fromkeys(("mm", "bmm", "matmul"), plain(Matmul())),
    **dict.fromkeys(("addmm", "baddbmm"), _addmm),
}

MOMENTS: Mapping[str, ConvertEach] = {
    "max": _largest_and_where,
    "var_mean": lambda call, reading: [_variance(call, reading), _mean(call, reading)],
    "std_mean": lambda call, reading: [_deviation(call, reading), _mean(call, reading)],
}
