"""The vocabulary: every operator that a documented ResNet is made of, as a frozen dataclass.

The same classes describe what the tables ask for (`resnet_ref.layout`) and what a capture
found, so that a comparison is a comparison of fields. Attributes are per image axis
(height, width); padding is (top, bottom, left, right).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]

NO_PADDING: Padding = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Conv:
    """2-D cross-correlation; weight of shape (out, in / groups, kernel height, kernel width)."""

    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False
    pad_mode: str = "zeros"


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation over (batch, height, width), with scale, shift and running statistics.

    `momentum` is the share of the old running statistic that is kept at each step (0.9):
    Paddle's and Keras' convention, one minus PyTorch's. `statistics` says what normalises:
    ``batch`` in training, ``running`` in evaluation.
    """

    channels: int
    eps: float = 1e-5
    momentum: float = 0.9
    affine: bool = True
    statistics: Literal["batch", "running"] = "batch"


@dataclass(frozen=True, slots=True)
class Relu:
    """max(x, 0)."""


@dataclass(frozen=True, slots=True)
class ZeroPad:
    """Zeros around the image."""

    padding: Padding


@dataclass(frozen=True, slots=True)
class MaxPool:
    """Maximum over a window; padding counts as minus infinity."""

    kernel: Pair
    stride: Pair
    padding: Padding = NO_PADDING
    ceil_mode: bool = False


@dataclass(frozen=True, slots=True)
class AvgPool:
    """Mean over a window; with `count_include_pad` the padding counts in the divisor."""

    kernel: Pair
    stride: Pair
    padding: Padding = NO_PADDING
    ceil_mode: bool = False
    count_include_pad: bool = False


@dataclass(frozen=True, slots=True)
class GlobalAvgPool:
    """Mean over height and width."""


@dataclass(frozen=True, slots=True)
class Flatten:
    """(N, C, 1, 1) to (N, C)."""


@dataclass(frozen=True, slots=True)
class Linear:
    """x @ W + b; `in_features` to `out_features`."""

    in_features: int
    out_features: int
    bias: bool = True


@dataclass(frozen=True, slots=True)
class Dropout:
    """In training zeroes elements with probability `p` and scales the rest by 1 / (1 - p)."""

    p: float


@dataclass(frozen=True, slots=True)
class Softmax:
    """Softmax over the classes; `log` for its logarithm."""

    log: bool = False


@dataclass(frozen=True, slots=True)
class PadShortcut:
    """Option A of He et al. 2016, section 3.3: subsample by `stride`, pad channels with zeros.

    `before` and `after` are the zero channels put in front of and behind the input's own.
    """

    stride: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class SqueezeExcite:
    """Hu et al. 2018, section 3: pool, Linear, ReLU, Linear, sigmoid, scale the channels."""

    channels: int
    squeezed: int
    bias: bool = True


@dataclass(frozen=True, slots=True)
class Add:
    """The sum of branch and shortcut."""


Layer: TypeAlias = (
    Conv
    | BatchNorm
    | Relu
    | ZeroPad
    | MaxPool
    | AvgPool
    | GlobalAvgPool
    | Flatten
    | Linear
    | Dropout
    | Softmax
    | PadShortcut
    | SqueezeExcite
)
"""What a documented network is a sequence of; `Add` stands between a block's two paths."""


def is_uneven(padding: Padding) -> bool:
    """Whether the amounts differ from side to side."""
    top, bottom, left, right = padding
    return top != bottom or left != right
