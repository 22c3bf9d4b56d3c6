"""What PyTorch's operators mean in the words of `resnet_verify.graph`: one table, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, prod
from typing import TypeGuard

import torch

from resnet_ref.layers import Add, Relu
from resnet_verify.adapters.torch_recording import OVERWRITTEN, Call, Recorder, Value
from resnet_verify.adapters.torch_regions import Region, region
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Constant,
    Detach,
    Dropout,
    Expand,
    Graph,
    Identity,
    Input,
    Matmul,
    Mean,
    Multiply,
    Node,
    Other,
    Pad,
    Param,
    Parameter,
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

Meaning = tuple[object, Sequence[Value]]
"""An operator, and the values that it reads."""


def to_graph(
    recorder: Recorder,
    image: torch.Tensor,
    outputs: Sequence[torch.Tensor],
    registered: Mapping[Param, torch.Tensor],
    training: bool,
) -> tuple[Graph, dict[int, int], dict[str, torch.Tensor]]:
    """The graph of a recorded forward pass of `image`.

    Returns:
        The graph; for each of its values the position of the call that makes it; and the
        tensors that are used, registered or not, by `Param.key`.
    """
    reading = Reading(recorder)
    results = tuple(recorder.value(tensor).number for tensor in outputs)
    reading.sources(image, registered)
    calls = list(recorder.calls())
    read = {value for call in calls for value in call.inputs}
    for call in calls:
        # Autograd detaches what it saves for the backward pass, and nobody reads that forwards.
        if call.name != "detach" or call.outputs[0] in read or call.outputs[0].number in results:
            reading.call(call)
    graph = Graph(
        tuple(reading.nodes), results, reading.shapes, reading.dtypes, training, tuple(registered)
    )
    positions = {call.outputs[0].number: position for position, call in enumerate(calls)}
    return graph, positions, reading.tensors


class Reading:
    """A recorded forward pass while it is read: the nodes so far.

    `tensors` holds what is used of the network's own, registered or not, by `Param.key`.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[int, Shape] = {}
        self.dtypes: dict[int, str] = {}
        self.made_by: dict[Value, Call] = {}
        self.tensors: dict[str, torch.Tensor] = {}
        self._recorder = recorder
        self._fresh = len(recorder.tensors)

    def shape(self, value: Value) -> Shape:
        """The shape of a value."""
        return self.shapes[value.number]

    def made(self, call: Call) -> Shape:
        """The shape of what a call puts out first."""
        return tuple(self.tensor(call.outputs[0]).shape)

    def tensor(self, value: Value) -> torch.Tensor:
        """The tensor whose value it was; it may hold another by now, but in the same layout."""
        return self._recorder.tensors[value]

    def sources(self, image: torch.Tensor, registered: Mapping[Param, torch.Tensor]) -> None:
        """Append nodes for what no operator made."""
        params = {id(tensor): param for param, tensor in registered.items()}
        for value, tensor in self._recorder.sources.items():
            if tensor is image:
                self._note(value, Input(), ())
                continue
            number = _the_number(tensor)
            param = params.get(id(tensor))
            if param is None and number is None and tensor.is_floating_point():
                param = _unregistered(value, tensor)
            if param:
                self._hold(value, param)
            else:
                self._note(value, Constant(number), ())

    def call(self, call: Call) -> None:
        """Append what a call means."""
        made = self.tensor(call.outputs[0])
        if isinstance(made, torch.nn.Parameter):  # one that the forward pass makes
            self._hold(call.outputs[0], _unregistered(call.outputs[0], made))
            return
        convert = OPERATORS.get(call.name) or OPERATORS.get(call.name.removesuffix("_"))
        self.made_by.update(dict.fromkeys(call.outputs, call))
        if convert is None:  # every output of an operator that is not known may matter
            for output in call.outputs:
                self._note(output, _other(call), call.inputs, call)
            return
        op, inputs = convert(call, self)
        self._note(call.outputs[0], op, inputs, call)

    def intermediate(self, op: object, inputs: Sequence[Value], shape: Shape) -> Value:
        """The value of an operator that PyTorch computes together with the next one."""
        value = Value(self._fresh)
        self._fresh += 1
        self.shapes[value.number] = shape
        self.dtypes[value.number] = self.dtypes[inputs[0].number] if inputs else "float32"
        self.nodes.append(Node(op, tuple(v.number for v in inputs), value.number))
        return value

    def _hold(self, value: Value, param: Param) -> None:
        self.tensors[param.key] = self.tensor(value)
        self._note(value, Parameter(param), ())

    def _note(
        self, value: Value, op: object, inputs: Iterable[Value], call: Call | None = None
    ) -> None:
        tensor = self.tensor(value)
        self.shapes[value.number] = tuple(tensor.shape)
        self.dtypes[value.number] = str(tensor.dtype).removeprefix("torch.")
        origin, detached = (call.origin, call.detached) if call else ("", False)
        numbers = tuple(each.number for each in inputs)
        self.nodes.append(Node(op, numbers, value.number, origin, detached))


def _unregistered(value: Value, tensor: torch.Tensor) -> Param:
    shape = tuple(tensor.shape)
    return Param(f"free:{value.number}", "", shape, tensor.requires_grad, registered=False)


def _the_number(tensor: torch.Tensor) -> float | None:
    """The one number that a tensor outside the network is filled with."""
    if tensor.requires_grad or tensor.ndim not in (0, 4) or tensor.is_complex():
        return None
    first = tensor.reshape(-1)[:1]
    return float(first) if tensor.numel() and bool((tensor == first).all()) else None


def _other(call: Call) -> Other:
    words = [
        f"{name}={value}"
        for name, value in call.arguments.items()
        if isinstance(value, int | float | str | list) and value not in ([], False)
    ]
    return Other(call.name.strip("_"), ", ".join(w for w in words if "Value(" not in w))


def _pair(values: Sequence[int] | int) -> tuple[int, int]:
    if isinstance(values, int):
        return (values, values)
    return (int(values[0]), int(values[-1]))


def _around(values: Sequence[int]) -> tuple[int, int, int, int]:
    rows, columns = _pair(values)
    return (rows, rows, columns, columns)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float)


def _conv(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if given.get("transposed") or len(reading.shape(given["input"])) != 4:
        return _other(call), call.inputs
    conv = RawConv(
        _pair(given["stride"]), _around(given["padding"]), _pair(given["dilation"]), given["groups"]
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
    if len(reading.shape(given["self"])) != 4 or _pair(given["dilation"]) != (1, 1):
        return _other(call), call.inputs
    kernel = _pair(given["kernel_size"])
    stride = _pair(given["stride"]) if given["stride"] else kernel
    return RawPool(
        "max", kernel, stride, _around(given["padding"]), given["ceil_mode"]
    ), call.inputs


def _avg_pool(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if len(reading.shape(given["self"])) != 4 or given["divisor_override"]:
        return _other(call), call.inputs
    kernel = _pair(given["kernel_size"])
    stride = _pair(given["stride"]) if given["stride"] else kernel
    counted = given["count_include_pad"]
    pool = RawPool("avg", kernel, stride, _around(given["padding"]), given["ceil_mode"], counted)
    return pool, call.inputs


def _adaptive(kind: str) -> Callable[[Call, Reading], Meaning]:
    def convert(call: Call, reading: Reading) -> Meaning:
        size, none = _pair(call.arguments["output_size"]), (0, 0, 0, 0)
        return RawPool(kind, size, (1, 1), none, adaptive=size), call.inputs

    return convert


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
    if _number(other):
        return Scale(1.0, float(other) * factor), (one,)
    if factor != 1:
        other = reading.intermediate(Scale(float(factor)), (other,), reading.shape(other))
    return Add(), (one, other)


def _multiply(call: Call, reading: Reading) -> Meaning:
    one, other = call.arguments["self"], call.arguments["other"]
    if _number(other):
        return Scale(float(other)), (one,)
    for value, noise in ((one, other), (other, one)):
        dropped = _dropped(noise, reading)
        if dropped is not None:
            return Dropout(dropped, active=True), (value,)
    return Multiply(), (one, other)


def _divide(call: Call, reading: Reading) -> Meaning:
    other = call.arguments["other"]
    if _number(other) and other and not call.arguments.get("rounding_mode"):
        return Scale(1 / other), (call.arguments["self"],)
    return _other(call), call.inputs


def _dropped(noise: Value, reading: Reading) -> float | None:
    """The share of zeros, where a value is drawn from a Bernoulli distribution."""
    call = reading.made_by.get(noise)
    while call is not None and call.name in ("div_", "div"):
        call = reading.made_by.get(call.arguments["self"])
    if call is None or call.name != "bernoulli_":
        return None
    kept = call.arguments.get("p")
    return round(1 - kept, 9) if _number(kept) else None


def _matmul(call: Call, reading: Reading) -> Meaning:
    """Of two matrices; a batch of one product is a product."""
    shapes = [reading.shape(value) for value in call.inputs]
    if any(len(shape) != 2 and shape[:-2] != (1,) for shape in shapes):
        return _other(call), call.inputs
    return Matmul(), call.inputs


def _addmm(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    if (given["beta"], given["alpha"]) != (1, 1):
        return _other(call), call.inputs
    factors = (given["mat1"], given["mat2"])
    product = reading.intermediate(Matmul(), factors, reading.made(call))
    return Add(), (product, given["self"])


def _linear(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    factors = (given["input"], given["weight"])
    if given.get("bias") is None:
        return Matmul(transposed=True), factors
    product = reading.intermediate(Matmul(transposed=True), factors, reading.made(call))
    return Add(), (product, given["bias"])


def _strided(call: Call, reading: Reading) -> Meaning:
    """It gives axes of length one other strides; whatever else it does is not known."""
    laid_out = [
        [pair for pair in zip(tensor.shape, tensor.stride(), strict=True) if pair[0] != 1]
        for tensor in map(reading.tensor, (call.inputs[0], call.outputs[0]))
    ]
    same = laid_out[0] == laid_out[1] and not call.arguments["storage_offset"]
    return (Reshape() if same else _other(call)), call.inputs


def _permute(call: Call, reading: Reading) -> Meaning:
    rank = len(reading.shape(call.inputs[0]))
    return Transpose(tuple(axis % rank for axis in call.arguments["dims"])), call.inputs


def _swap(call: Call, reading: Reading) -> Meaning:
    rank = len(reading.shape(call.inputs[0]))
    order = list(range(rank))
    one = call.arguments.get("dim0", 0) % max(rank, 1)
    other = call.arguments.get("dim1", 1) % max(rank, 1)
    if rank > 1:
        order[one], order[other] = order[other], order[one]
    return Transpose(tuple(order)), call.inputs


def _slice(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    size = reading.shape(given["self"])
    axis = given["dim"] % len(size)
    start, stop = (
        default if given[name] is None else min(max(given[name] % (1 << 62), 0), size[axis])
        if given[name] >= 0 else max(given[name] + size[axis], 0)
        for name, default in (("start", 0), ("end", size[axis]))
    )  # fmt: skip
    if (start, stop, given["step"]) == (0, size[axis], 1):
        return Identity(), (given["self"],)
    return Slice((axis,), (start,), (stop,), (given["step"],)), (given["self"],)


def _select(call: Call, reading: Reading) -> Meaning:
    """One place along an axis, which goes."""
    given, shape = call.arguments, reading.shape(call.arguments["self"])
    axis = given["dim"] % len(shape)
    start = given["index"] % shape[axis]
    if shape[axis] == 1:
        return Reshape(), (given["self"],)
    one = Slice((axis,), (start,), (start + 1,), (1,))
    thin = (*shape[:axis], 1, *shape[axis + 1 :])
    return Reshape(), (reading.intermediate(one, (given["self"],), thin),)


def _overwritten(call: Call, reading: Reading) -> Meaning:
    """A tensor, after another that lies in the same memory was written."""
    old, new = call.arguments["self"], call.arguments["other"]
    part = region(reading.tensor(new), reading.tensor(call.outputs[0]))
    if part is None:
        return _other(call), call.inputs
    if part.is_outside:
        return Identity(), (old,)
    if part.is_everything:
        starts = tuple(-start for start, _ in part.ranges)
        stops = tuple(start + size for start, size in zip(starts, part.size, strict=True))
        return Slice(tuple(range(len(starts))), starts, stops, (1,) * len(starts)), (new,)
    if part.axis is None:
        return _other(call), call.inputs
    return Concat(part.axis), _framed(old, new, part, part.axis, reading)


def _framed(old: Value, new: Value, part: Region, axis: int, reading: Reading) -> list[Value]:
    """What is left of `old` before and behind `new`, with `new` between."""
    size, (start, stop) = part.size, part.ranges[axis]
    pieces: list[Value] = []
    for a, z in ((0, start), (stop, size[axis])):
        if a < z:
            shape = (*size[:axis], z - a, *size[axis + 1 :])
            kept = Slice((axis,), (a,), (z,), (1,))
            pieces.append(reading.intermediate(kept, (old,), shape))
    pieces.insert(int(start > 0), new)
    return pieces


def _pad(mode: str) -> Callable[[Call, Reading], Meaning]:
    def convert(call: Call, reading: Reading) -> Meaning:
        rank, flat = len(reading.shape(call.inputs[0])), call.arguments.get("pad")
        flat = call.arguments["padding"] if flat is None else flat
        pairs = list(zip(flat[::2], flat[1::2], strict=True))[::-1]  # the last axis comes first
        amounts = ((0, 0),) * (rank - len(pairs)) + tuple(pairs)
        return Pad(amounts, mode, float(call.arguments.get("value") or 0.0)), call.inputs

    return convert


def _copy(call: Call, reading: Reading) -> Meaning:
    """`copy_`: what was there is forgotten."""
    target, source = call.arguments["self"], call.arguments["src"]
    same = reading.shape(target) == reading.shape(source)
    return (Identity() if same else Expand()), (source,)


def _cast(call: Call, reading: Reading) -> Meaning:
    dtype = call.arguments.get("dtype")
    if dtype is None:
        return Identity(), call.inputs
    return Cast(str(dtype).removeprefix("torch.")), call.inputs


def _clip(call: Call, reading: Reading) -> Meaning:
    given = call.arguments
    low = given.get("min", given.get("min_val"))
    high = given.get("max", given.get("max_val"))
    if low == 0 and high in (None, inf):
        return Relu(), (given["self"],)
    words = "relu6" if (low, high) == (0, 6) else f"clip to [{low}, {high}]"
    return Activation(words), call.inputs


def _threshold(call: Call, reading: Reading) -> Meaning:
    limits = (call.arguments["threshold"], call.arguments["value"])
    return (Relu() if limits == (0, 0) else Activation("threshold")), call.inputs


def _softmax(call: Call, reading: Reading) -> Meaning:
    axis = call.arguments["dim"] % len(reading.shape(call.inputs[0]))
    return Softmax(axis, log="log" in call.name), call.inputs


def _dropout(call: Call, reading: Reading) -> Meaning:
    active = call.arguments.get("train") is not False
    return Dropout(call.arguments["p"], active), call.inputs


def _concat(call: Call, reading: Reading) -> Meaning:
    return Concat(call.arguments["dim"] % len(reading.made(call))), call.inputs


def _filled(call: Call, reading: Reading) -> Meaning:
    name = call.name.removesuffix("_like").removeprefix("new_").rstrip("_")
    written = call.arguments.get("fill_value", call.arguments.get("value"))
    number = {"zeros": 0.0, "zero": 0.0, "ones": 1.0}.get(name, written)
    return Constant(float(number) if _number(number) else None), ()


def _activation(call: Call, reading: Reading) -> Meaning:
    return Activation(call.name.strip("_")), call.inputs[:1]


def _plain(op: object) -> Callable[[Call, Reading], Meaning]:
    return lambda call, reading: (op, call.inputs)


OPERATORS: Mapping[str, Callable[[Call, Reading], Meaning]] = {
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
    "mean": _mean,
    "sum": _sum,
    "relu": _plain(Relu()),
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max", "hardtanh"), _clip),
    "threshold": _threshold,
    **dict.fromkeys(
        ("leaky_relu", "_prelu_kernel", "rrelu_with_noise", "elu", "gelu", "silu", "mish",
         "sigmoid", "tanh", "hardswish", "hardsigmoid", "softplus", "softshrink", "hardshrink"),
        _activation,
    ),
    "add": _add,
    "sub": _subtract,
    "mul": _multiply,
    "div": _divide,
    **dict.fromkeys(("mm", "bmm", "matmul"), _matmul),
    "addmm": _addmm,
    "linear": _linear,
    "cat": _concat,
    "slice": _slice,
    "select": _select,
    OVERWRITTEN: _overwritten,
    "constant_pad_nd": _pad("constant"),
    "reflection_pad2d": _pad("reflect"),
    "replication_pad2d": _pad("replicate"),
    "permute": _permute,
    **dict.fromkeys(("transpose", "t"), _swap),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
    "native_dropout": _dropout,
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "_reshape_alias", "squeeze", "unsqueeze"),
        _plain(Reshape()),
    ),
    "as_strided": _strided,
    "expand": _plain(Expand()),
    **dict.fromkeys(("clone", "alias", "lift_fresh", "lift_fresh_copy"), _plain(Identity())),
    "copy_": _copy,
    "_to_copy": _cast,
    "detach": _plain(Detach()),
    **dict.fromkeys(
        ("zeros", "zeros_like", "new_zeros", "zero", "ones", "ones_like", "new_ones", "full",
         "full_like", "new_full", "fill", "empty", "empty_like", "new_empty", "empty_strided",
         "empty_permuted"),
        _filled,
    ),
}  # fmt: skip
