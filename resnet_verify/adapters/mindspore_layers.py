"""What MindSpore's convolutions, norms, poolings and paddings mean, and operators by name.

Each function takes an operator as it ran, and the shapes of what it read and made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from resnet_ref.layers import NO_PADDING, Padding
from resnet_verify.adapters.mindspore_recording import Call, Value
from resnet_verify.graph import Other, Pad, RawConv, RawNorm, RawPool, Shape

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


def is_number(argument: Any) -> bool:
    """Whether an operator was given a plain number there."""
    return isinstance(argument, int | float)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    """Height and width, which stand last."""
    return (int(values[-2]), int(values[-1]))


def rounded(value: float) -> float:
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


def conv(call: Call, shapes: Shapes) -> RawConv | Other:
    """A convolution; a bias is added by another operator."""
    a = call.attributes
    if a["data_format"] != "NCHW":
        return other(call)
    stride, dilation = _pair(a["stride"]), _pair(a["dilation"])
    padding = _padding(a["pad_mode"], a["pad"], shapes[0][2:], shapes[1][2:], stride, dilation)
    return RawConv(stride, padding, dilation, a["group"])


def norm(call: Call, shapes: Shapes) -> RawNorm | Other:
    """A batch normalisation.

    The operator is told the share that is replaced, its layer the share that is kept.
    """
    a = call.attributes
    if a["data_format"] != "NCHW":
        return other(call)
    kept = rounded(1 - a["momentum"])
    return RawNorm(rounded(a["epsilon"]), kept, "batch" if a["is_training"] else "running")


def max_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    """A maximum over windows, "valid" or "same"."""
    a = call.attributes
    if a.get("data_format", "NCHW") != "NCHW":
        return other(call)
    return _pool("max", _pair(a["kernel_size"]), _pair(a["strides"]), a["pad_mode"], shapes)


def max_pool_with_argmax(call: Call, shapes: Shapes) -> RawPool:
    """The same where it also tells where the maxima are."""
    a = call.attributes
    kernel, stride = a["kernel_size"][:3], a["strides"][:3]  # (1, height, width, 1)
    return _pool("max", _pair(kernel), _pair(stride), a["pad_mode"], shapes)


def padded_max_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    """Of images, or of volumes as deep as one image: so the layer pools where it pads."""
    a = call.attributes
    kernel, (top, left) = a.get("ksize") or a["kernel_size"], _pair(a["pads"])
    of_images = len(kernel) == 4 or (kernel[0], a["pads"][0]) == (1, 0)
    if set(a["dilation"]) != {1} or not of_images:
        return other(call)
    padding = (top, top, left, left)
    return RawPool("max", _pair(kernel), _pair(a["strides"]), padding, a["ceil_mode"])


def avg_pool(call: Call, shapes: Shapes) -> RawPool | Other:
    """A mean over windows, "valid" or "same"."""
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


def avg_pool_3d(call: Call, shapes: Shapes) -> RawPool | Other:
    """A mean over windows of volumes as deep as one image: so the layer pools where it pads."""
    a = call.attributes
    kernel, stride, given = a["kernel_size"], a["strides"], a["pad"]
    if set(kernel[:-2]) != {1} or any(given[:2]) or a["divisor_override"]:
        return other(call)
    size = shapes[0][3:]
    padding = _padding(a["pad_mode"], given, size, _pair(kernel), _pair(stride))
    counted = a["count_include_pad"]
    return RawPool("avg", _pair(kernel), _pair(stride), padding, a["ceil_mode"], counted)


def adaptive(kind: str) -> Callable[[Call, Shapes], RawPool]:
    """Pooling to a size of output; -1 keeps the size of the input."""

    def convert(call: Call, shapes: Shapes) -> RawPool:
        asked = call.attributes.get("output_size") or call.arguments[1]
        size = _pair([n if n > 0 else whole for n, whole in
                      zip(asked, shapes[0][2:], strict=True)])  # fmt: skip
        return RawPool(kind, size, (1, 1), NO_PADDING, adaptive=size)

    return convert


def pad(call: Call, shapes: Shapes) -> Pad:
    """Zeros around any axis."""
    return Pad(tuple(map(tuple, call.attributes["paddings"])))


def pad_v3(call: Call, shapes: Shapes) -> Pad | Other:
    """Amounts for the last axis come first."""
    _, given, value = call.arguments
    if not call.attributes["paddings_contiguous"]:
        return other(call)
    pairs = list(zip(given[::2], given[1::2], strict=True))[::-1]
    untouched = ((0, 0),) * (len(shapes[0]) - len(pairs))
    return Pad((*untouched, *pairs), call.attributes["mode"], float(value or 0))


def mirror_pad(call: Call, shapes: Shapes) -> Pad:
    """Mirror images around any axis."""
    return Pad(tuple(map(tuple, call.arguments[1])), call.attributes["mode"].lower())
