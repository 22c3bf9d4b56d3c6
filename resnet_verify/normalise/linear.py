"""Values that are linear in a map, and where the map's axes are among theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resnet_ref.layers import NO_PADDING
from resnet_verify.graph import Shape, Unfold, Windows
from resnet_verify.normalise.order import reshaped, without

Axis = tuple[str, ...]
"""The parts that an axis is made of, the slowest first; none where its length is one.

Those of a map are "0" to "3", those of its windows "k2" and "k3"; "o" are the rows of the
weights, and "*" is what is repeated.
"""


PIXELS = Windows((1, 1), (1, 1), NO_PADDING, (1, 1))


@dataclass(frozen=True)
class Linear:
    """A value that is `factor` times a product, sum or reordering of the value `root`."""

    root: int
    axes: tuple[Axis, ...]
    sizes: dict[str, int]
    weight: int | None = None
    in_first: bool = False
    """Whether the weights are a matrix (in, out)."""
    bias: int | None = None
    summed: frozenset[str] = frozenset()
    windows: Windows = PIXELS
    factor: float = 1.0
    pooled: int | None = None
    """The value that is the mean over the map, if it was made before the product with weights."""
    scaled: bool = False
    """Whether that mean was scaled since."""
    largest: frozenset[str] = frozenset()
    """The parts over which the largest was taken."""


def turned(linear: Linear) -> Linear:
    """The last two axes change places."""
    return replace(linear, axes=(*linear.axes[:-2], linear.axes[-1], linear.axes[-2]))


def regrouped(linear: Linear, made: Shape) -> Linear | None:
    """The same parts in the same order, on the axes of another shape."""
    if ("*",) in linear.axes:
        flat = [axis for axis in linear.axes if axis]
        wanted = [size for size in made if size > 1]
        if len(flat) != len(wanted):
            return None
        rest = iter(flat)
        return replace(linear, axes=tuple(next(rest) if size > 1 else () for size in made))
    axes = reshaped(linear.axes, linear.sizes.__getitem__, made)
    return replace(linear, axes=axes) if axes is not None else None


def spread(linear: Linear, made: Shape) -> Linear:
    """Axes of length one, or that are not there yet, are repeated."""
    padded: tuple[Axis, ...] = (*((),) * (len(made) - len(linear.axes)), *linear.axes)
    axes = tuple(
        axis or (("*",) if size > 1 else ()) for axis, size in zip(padded, made, strict=True)
    )
    return replace(linear, axes=axes)


def unfolded(linear: Linear, op: Unfold, made: Shape) -> Linear | None:
    """Windows along the rows or the columns of a map."""
    part = linear.axes[op.axis]
    if part not in (("2",), ("3",)):
        return None
    which = int(part[0]) - 2
    old = linear.windows
    kernel, stride = list(old.kernel), list(old.stride)
    kernel[which], stride[which] = op.size, op.step
    windows = replace(old, kernel=(kernel[0], kernel[1]), stride=(stride[0], stride[1]))
    sizes = {**linear.sizes, part[0]: made[op.axis], f"k{part[0]}": op.size}
    inner: Axis = (f"k{part[0]}",) if op.size > 1 else ()
    outer: Axis = part if made[op.axis] > 1 else ()
    axes = (*linear.axes[: op.axis], outer, *linear.axes[op.axis + 1 :], inner)
    return replace(linear, axes=axes, sizes=sizes, windows=windows)


def columns(linear: Linear, op: Windows) -> Linear | None:
    """The windows of a whole map."""
    if len(linear.axes) != 4:
        return None
    top, bottom, left, right = op.padding
    sizes = dict(linear.sizes)
    for part, k, s, d, around in zip(
        "23", op.kernel, op.stride, op.dilation, (top + bottom, left + right), strict=True
    ):
        sizes[part] = (sizes[part] + around - d * (k - 1) - 1) // s + 1
        sizes[f"k{part}"] = k
    parts = {part: (part,) if size > 1 else () for part, size in sizes.items()}
    axes = (parts["0"], (*parts["1"], *parts["k2"], *parts["k3"]), (*parts["2"], *parts["3"]))
    return replace(linear, axes=axes, sizes=sizes, windows=op)


def largest(linear: Linear, axes: tuple[int, ...], *, keep: bool) -> Linear | None:
    """The largest over `axes`, which are those of a map's windows."""
    parts = {part for axis in axes for part in linear.axes[axis]}
    untouched = linear.weight is None and not linear.summed and linear.factor == 1
    if not untouched or not parts <= {"k2", "k3"}:
        return None
    left = without(linear.axes, axes, keep=keep)
    return replace(linear, axes=left, largest=linear.largest | parts)


def averaged(linear: Linear, axes: tuple[int, ...], *, keep: bool) -> Linear | None:
    """The mean over `axes`, which stay with length one where they are kept."""
    parts = [part for axis in axes for part in linear.axes[axis]]
    if not set(parts) <= {"1", "2", "3"} or linear.windows.kernel != (1, 1):
        return None
    left = without(linear.axes, axes, keep=keep)
    return replace(linear, axes=left, summed=linear.summed | set(parts))
