"""What Paddle's operators mean in the words of `resnet_verify.graph`: one table, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from resnet_ref.layers import Add, Relu
from resnet_verify.adapters.paddle_functions import FUNCTIONS
from resnet_verify.adapters.paddle_program import RawOp
from resnet_verify.graph import (
    Activation,
    Cast,
    Concat,
    Constant,
    Detach,
    Dropout,
    Einsum,
    Expand,
    Identity,
    Input,
    Largest,
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
    Sum,
    Transpose,
    Windows,
)

Shapes = Sequence[Shape]


def unknown(raw: RawOp, shapes: Shapes) -> Other:
    """An operator that nobody expected, with its attributes."""
    words = (f"{name}={value}" for name, value in sorted(raw.attributes.items()))
    return Other(raw.name, ", ".join(w for w in words if not w.startswith(("op_", "with_"))))


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return (int(values[0]), int(values[-1]))


def _padding(raw: RawOp, size: Shape, kernel: Sequence[int], dilation: Sequence[int]
             ) -> tuple[int, int, int, int]:  # fmt: skip
    """(top, bottom, left, right) in numbers: SAME depends on the size of the input."""
    algorithm = raw.attributes["padding_algorithm"]
    if algorithm == "VALID":
        return (0, 0, 0, 0)
    if algorithm == "SAME":
        amounts: list[int] = []
        strides = raw.attributes["strides"]
        for n, k, s, d in zip(size, kernel, strides, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            amounts += [total // 2, total - total // 2]
        return (amounts[0], amounts[1], amounts[2], amounts[3])
    given = [int(amount) for amount in raw.attributes["paddings"]]
    if len(given) == 2:
        return (given[0], given[0], given[1], given[1])
    return (given[0], given[1], given[2], given[3])


def _spatial(raw: RawOp, shape: Shape) -> Shape:
    return shape[1:3] if _channels_last(raw) else shape[2:4]


def _channels_last(raw: RawOp) -> bool:
    layout = raw.attributes.get("data_format") or raw.attributes.get("data_layout") or "NCHW"
    return str(layout) in ("NHWC", "NDHWC")


def _conv(raw: RawOp, shapes: Shapes) -> RawConv | Other:
    if len(shapes[0]) != 4:
        return unknown(raw, shapes)
    dilation = raw.attributes["dilations"]
    padding = _padding(raw, _spatial(raw, shapes[0]), shapes[1][2:], dilation)
    return RawConv(
        _pair(raw.attributes["strides"]),
        padding,
        _pair(dilation),
        raw.attributes["groups"],
        _channels_last(raw),
    )


def _pool(raw: RawOp, shapes: Shapes) -> RawPool | Other:
    if len(shapes[0]) != 4:
        return unknown(raw, shapes)
    size = _pair(raw.attributes.get("ksize") or raw.attributes["operand1"])
    spatial = _spatial(raw, shapes[0])
    adaptive: tuple[int, int] | None = size if raw.attributes["adaptive"] else None
    if raw.attributes["global_pooling"]:
        size, adaptive = _pair(spatial), (1, 1)
    return RawPool(
        raw.attributes["pooling_type"],
        size,
        _pair(raw.attributes["strides"]),
        _padding(raw, spatial, size, (1, 1)),
        raw.attributes["ceil_mode"],
        not raw.attributes["exclusive"],
        adaptive,
        _channels_last(raw),
    )


def _max_pool_with_index(raw: RawOp, shapes: Shapes) -> RawPool:
    given = _pair(raw.attributes["paddings"])
    size = _pair(raw.attributes.get("ksize") or raw.attributes["kernel_size"])
    return RawPool(
        "max",
        size,
        _pair(raw.attributes["strides"]),
        (given[0], given[0], given[1], given[1]),
        raw.attributes.get("ceil_mode", False),
        adaptive=size if raw.attributes["adaptive"] else None,
    )


def _norm(raw: RawOp, shapes: Shapes) -> RawNorm:
    running = raw.attributes["is_test"] or raw.attributes["use_global_stats"]
    if raw.attributes.get("trainable_statistics"):
        running = False
    return RawNorm(
        _rounded(raw.attributes["epsilon"]),
        _rounded(raw.attributes["momentum"]),
        "running" if running else "batch",
        _channels_last(raw),
    )


def _rounded(value: float) -> float:
    """The number that was written: attributes are stored as float32."""
    return float(f"{value:.6g}")


def _scale(raw: RawOp, shapes: Shapes) -> Scale:
    factor = raw.attributes.get("operand1", raw.attributes.get("scale", 1.0))
    offset = raw.attributes["bias"]
    if not raw.attributes["bias_after_scale"]:
        offset *= factor
    return Scale(_rounded(factor), _rounded(offset))


def _clip(raw: RawOp, shapes: Shapes) -> Relu | Activation:
    low = raw.attributes.get("operand1", raw.attributes.get("min"))
    high = raw.attributes.get("operand2", raw.attributes.get("max"))
    if low == 0 and high is not None and high >= 3e38:
        return Relu()
    return Activation(f"clip to [{low}, {high}]")


def _slice(raw: RawOp, shapes: Shapes) -> Slice | Other:
    axes = tuple(raw.attributes["axes"])
    starts = raw.attributes.get("starts", raw.attributes.get("operand1"))
    stops = raw.attributes.get("ends", raw.attributes.get("operand2"))
    steps = raw.attributes.get("strides", raw.attributes.get("operand3")) or [1] * len(axes)
    if starts is None or stops is None:
        return unknown(raw, shapes)
    size = [shapes[0][axis] for axis in axes]
    begin = tuple(s + n if s < 0 else s for s, n in zip(starts, size, strict=True))
    end = tuple(min(s + n if s < 0 else s, n) for s, n in zip(stops, size, strict=True))
    return Slice(axes, begin, end, tuple(steps))


def _pad3d(raw: RawOp, shapes: Shapes) -> Pad:
    given = raw.attributes.get("paddings") or raw.attributes["operand1"]
    left, right, top, bottom, front, back = (int(amount) for amount in given)
    spatial = ((front, back), (top, bottom), (left, right))
    none = ((0, 0),)
    amounts = none + spatial + none if _channels_last(raw) else none + none + spatial
    value = raw.attributes.get("pad_value", raw.attributes.get("value", 0.0))
    return Pad(amounts, raw.attributes["mode"], value, _channels_last(raw))


def _pad(raw: RawOp, shapes: Shapes) -> Pad:
    given = [int(amount) for amount in raw.attributes["paddings"]]
    value = raw.attributes.get("operand1", raw.attributes.get("pad_value", 0.0))
    return Pad(tuple(zip(given[::2], given[1::2], strict=True)), "constant", float(value))


def _matmul(raw: RawOp, shapes: Shapes) -> Matmul | Other:
    flipped = raw.attributes.get("transpose_x") or raw.attributes.get("trans_x")
    if flipped:
        return unknown(raw, shapes)
    return Matmul(bool(raw.attributes.get("transpose_y") or raw.attributes.get("trans_y")))


def _axes(raw: RawOp, shapes: Shapes) -> tuple[int, ...]:
    axes = raw.attributes.get("dim", raw.attributes.get("axis", raw.attributes.get("operand1")))
    rank = len(shapes[0])
    if not axes or raw.attributes.get("reduce_all"):
        return tuple(range(rank))
    return tuple(sorted(axis % rank for axis in axes))


def _dropout(raw: RawOp, shapes: Shapes) -> Dropout:
    p = raw.attributes.get("operand2", raw.attributes.get("operand1"))
    p = raw.attributes.get("dropout_prob", p)
    return Dropout(_rounded(p), not raw.attributes["is_test"])


def _softmax(raw: RawOp, shapes: Shapes) -> Softmax:
    return Softmax(raw.attributes["axis"] % len(shapes[0]), raw.name == "log_softmax")


def _concat(raw: RawOp, shapes: Shapes) -> Concat:
    axis = raw.attributes.get("axis")
    if axis is None:
        axis = next(v for k, v in raw.attributes.items() if k.startswith("operand"))
    return Concat(int(axis) % len(shapes[0]))


def _full(raw: RawOp, shapes: Shapes) -> Constant:
    value = raw.attributes.get("operand1", raw.attributes.get("value"))
    return Constant(float(value) if isinstance(value, int | float) else None)


def _activation(raw: RawOp, shapes: Shapes) -> Activation:
    return Activation(raw.name)


def _rectifier(raw: RawOp, shapes: Shapes) -> Relu | Activation:
    """An activation that is a ReLU where its numbers are those of one."""
    given = raw.attributes
    plain = {
        "leaky_relu": given.get("negative_slope", given.get("alpha")) == 0,
        "hardtanh": given.get("t_min") == 0 and given.get("t_max", 0) >= 3e38,
        "thresholded_relu": (given.get("threshold"), given.get("value", 0)) == (0, 0),
    }
    return Relu() if plain[raw.name] else Activation(raw.name)


def _windows(raw: RawOp, shapes: Shapes) -> Windows:
    top, left, bottom, right = raw.attributes["paddings"]
    return Windows(
        _pair(raw.attributes["kernel_sizes"]), _pair(raw.attributes["strides"]),
        (top, bottom, left, right), _pair(raw.attributes["dilations"]),
    )  # fmt: skip


def _einsum(raw: RawOp, shapes: Shapes) -> Einsum:
    return Einsum(raw.attributes["equation"].replace(" ", ""))


def _plain(op: object) -> Callable[[RawOp, Shapes], object]:
    return lambda raw, shapes: op


OPERATORS: Mapping[str, Callable[[RawOp, Shapes], object]] = {
    "data": _plain(Input()),
    "conv2d": _conv,
    "depthwise_conv2d": _conv,
    "batch_norm": _norm,
    "sync_batch_norm": _norm,
    "pool2d": _pool,
    "max_pool2d_with_index": _max_pool_with_index,
    "relu": _plain(Relu()),
    "clip": _clip,
    **dict.fromkeys(
        ("relu6", "prelu", "elu", "celu", "selu", "gelu", "silu", "swish", "mish",
         "sigmoid", "tanh", "hard_swish", "hardswish", "hard_sigmoid", "hardsigmoid", "softplus",
         "hard_tanh", "brelu", "rrelu", "softsign"),
        _activation,
    ),
    **dict.fromkeys(("leaky_relu", "hardtanh", "thresholded_relu"), _rectifier),
    **FUNCTIONS,
    "unfold": _windows,
    "einsum": _einsum,
    "add": _plain(Add()),
    "add_n": _plain(Add()),
    "multiply": _plain(Multiply()),
    "scale": _scale,
    "matmul": _matmul,
    "mean": lambda raw, shapes: Mean(_axes(raw, shapes)),
    "sum": lambda raw, shapes: Sum(_axes(raw, shapes)),
    **dict.fromkeys(("max", "amax"), lambda raw, shapes: Largest(_axes(raw, shapes))),
    "softmax": _softmax,
    "log_softmax": _softmax,
    "concat": _concat,
    "slice": _slice,
    "strided_slice": _slice,
    "pad3d": _pad3d,
    "pad": _pad,
    "transpose": lambda raw, shapes: Transpose(
        tuple(raw.attributes.get("perm") or raw.attributes["axis"])
    ),
    **dict.fromkeys(("reshape", "flatten", "squeeze", "unsqueeze"), _plain(Reshape())),
    **dict.fromkeys(("expand", "expand_as"), _plain(Expand())),
    "cast": lambda raw, shapes: Cast(str(raw.attributes.get("out_dtype", ""))),
    "dropout": _dropout,
    **dict.fromkeys(("assign", "assign_out", "share_data_copy", "share_var"), _plain(Identity())),
    "share_data": _plain(Detach()),
    "numel": lambda raw, shapes: Constant(float(prod(shapes[0]))),
    "full": _full,
    "full_int_array": _plain(Constant(None)),
    "full_like": _full,
}  # fmt: skip
