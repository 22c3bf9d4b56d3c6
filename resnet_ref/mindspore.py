"""The reference network in MindSpore, built layer by layer from a spec.

``resnet18()`` to ``resnet152()`` build the usual ones; `build` takes any `ResNetSpec` and
`build_block` one residual unit. Weights are drawn as documented: convolutions from He et al.
2015, https://arxiv.org/abs/1502.01852, normal with variance 2 / fan out; norms at 1 and 0; the
classifier normal with deviation 0.01 (Goyal et al. 2017, section 5.1).

MindSpore keeps the share `momentum` of the old running statistic, as Paddle does, and moves the
running variance towards the unbiased one of the batch, as PyTorch does: n / (n - 1) as large, n
being the number of elements of a channel. On a CPU its convolutions and norms know float32 only.
"""

# MindSpore is not analysed: its classes and results are Any.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import Normal

from resnet_ref import layers, places
from resnet_ref.layout import Block as BlockLayout
from resnet_ref.layout import Network as NetworkLayout
from resnet_ref.layout import layout
from resnet_ref.spec import Head, ResNetSpec, Stem, spec

if TYPE_CHECKING:
    from typing_extensions import Unpack

LOWEST = -3.4028235e38
"""The least float32: what a maximum pads with."""


class Padded(nn.Cell):
    """A layer on an image that is padded first, its sides each by its own amount."""

    def __init__(self, layer: nn.Cell, padding: layers.Padding, value: float = 0.0) -> None:
        super().__init__()
        top, bottom, left, right = padding
        self.sides = (left, right, top, bottom)
        self.value = value
        self.layer = layer

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to what the layer makes of it."""
        return self.layer(ops.pad(x, self.sides, mode="constant", value=self.value))


class GlobalAvgPool(nn.Cell):
    """Mean over height and width."""

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return ops.mean(x, (2, 3), keep_dims=True)


class PadShortcut(nn.Cell):
    """Every `stride`-th pixel, with channels of zeros before and behind."""

    def __init__(self, layer: layers.PadShortcut) -> None:
        super().__init__()
        self.stride = layer.stride
        self.padding = (0, 0, 0, 0, layer.before, layer.after)

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, before + C + after, ceil(H / stride), ceil(W / stride))."""
        return ops.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


class SqueezeExcite(nn.Cell):
    """Scales each channel by a gate computed from the means of all."""

    def __init__(self, layer: layers.SqueezeExcite) -> None:
        super().__init__()
        self.squeeze = nn.Dense(layer.channels, layer.squeezed, has_bias=layer.bias)
        self.excite = nn.Dense(layer.squeezed, layer.channels, has_bias=layer.bias)

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        means = ops.mean(x, (2, 3))
        gate = ops.sigmoid(self.excite(ops.relu(self.squeeze(means))))
        return x * gate.expand_dims(2).expand_dims(3)


class Block(nn.Cell):
    """One residual unit: ``post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``."""

    def __init__(self, block: BlockLayout) -> None:
        super().__init__()
        self.description = block
        self.pre = _sequence(block.pre)
        self.branch = _sequence(block.branch)
        self.shortcut = _sequence(block.shortcut)
        self.post = _sequence(block.post)
        self.is_identity = not block.shortcut

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        p = self.pre(x)
        return self.post(self.branch(p) + (x if self.is_identity else self.shortcut(p)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Cell]]:
        """As `Network.named_places`, for a block alone."""
        yield from _paired(places.places(self.description), self._layers())

    def _layers(self) -> Iterator[nn.Cell]:
        for path in (self.pre, self.branch, self.shortcut, self.post):
            yield from path.cells()


class Network(nn.Cell):
    """A whole ResNet: stem, stages, head."""

    def __init__(self, network: NetworkLayout) -> None:
        super().__init__()
        self.description = network
        self.stem = _sequence(network.stem)
        self.stages = nn.SequentialCell(
            [nn.SequentialCell([*map(build_block, blocks)]) for blocks in network.stages]
        )
        self.head = _sequence(network.head)

    def construct(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, num_classes), or to the last feature map without a head."""
        return self.head(self.stages(self.stem(x)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Cell]]:
        """Location, description and cell of every layer, in the order of the tables.

        The order is that of `resnet_ref.places.places` and of the layers in
        `resnet_ref.derive`: stem; pre, branch, shortcut and post of each block; head.
        Together with `tensors` it addresses every tensor of the network.
        """
        yield from _paired(places.places(self.description), self._layers())

    def _layers(self) -> Iterator[nn.Cell]:
        yield from self.stem.cells()
        for stage in self.stages.cells():
            for block in stage.cells():
                yield from block._layers()
        yield from self.head.cells()


def build(spec: ResNetSpec | NetworkLayout) -> Network:
    """The network of `spec`, freshly initialised, in float32."""
    return Network(layout(spec) if isinstance(spec, ResNetSpec) else spec)


def build_block(block: BlockLayout) -> Block:
    """One residual unit, freshly initialised."""
    return Block(block)


def tensors(layer: nn.Cell) -> dict[str, Parameter]:
    """The tensors of a layer from `named_places`, by role (see `resnet_ref.places.slots`).

    The weight of a linear layer is of shape (out, in) here, not (in, out).
    """
    if isinstance(layer, Padded):
        return tensors(layer.layer)
    if isinstance(layer, SqueezeExcite):
        parts = {"squeeze": layer.squeeze, "excite": layer.excite}
        return {f"{part} {role}": t for part in parts for role, t in tensors(parts[part]).items()}
    if isinstance(layer, nn.BatchNorm2d):
        affine = {"weight": layer.gamma, "bias": layer.beta} if layer.gamma.requires_grad else {}
        return {**affine, "mean": layer.moving_mean, "variance": layer.moving_variance}
    found = {role: getattr(layer, role, None) for role in ("weight", "bias")}
    return {role: tensor for role, tensor in found.items() if isinstance(tensor, Parameter)}


def named_tensors(network: Network | Block) -> Iterator[tuple[places.Key, Parameter]]:
    """Every parameter and statistic of `network` under its (location, role), as `tensors` does."""
    for location, _, layer in network.named_places():
        for role, tensor in tensors(layer).items():
            yield (location, role), tensor


def _paired(
    described: Iterator[tuple[str, layers.Layer]], built: Iterator[nn.Cell]
) -> Iterator[tuple[str, layers.Layer, nn.Cell]]:
    for (location, description), layer in zip(described, built, strict=True):
        yield location, description, layer


def _sequence(described: tuple[layers.Layer, ...]) -> nn.SequentialCell:
    return nn.SequentialCell([*map(_layer, described)])


def _layer(layer: layers.Layer) -> nn.Cell:
    match layer:
        case layers.Conv():
            return _conv(layer)
        case layers.BatchNorm():
            return _norm(layer)
        case layers.Relu():
            return nn.ReLU()
        case layers.ZeroPad():
            return Padded(nn.Identity(), layer.padding)
        case layers.MaxPool():
            pool = nn.MaxPool2d(layer.kernel, layer.stride, "pad", ceil_mode=layer.ceil_mode)
            return Padded(pool, layer.padding, LOWEST) if any(layer.padding) else pool
        case layers.AvgPool():
            return _avg_pool(layer)
        case layers.GlobalAvgPool():
            return GlobalAvgPool()
        case layers.Flatten():
            return nn.Flatten()
        case layers.Linear():
            weight = Normal(0.01)
            return nn.Dense(layer.in_features, layer.out_features, weight, has_bias=layer.bias)
        case layers.Dropout():
            return nn.Dropout(p=layer.p)
        case layers.Softmax():
            return nn.LogSoftmax(1) if layer.log else nn.Softmax(1)
        case layers.PadShortcut():
            return PadShortcut(layer)
        case layers.SqueezeExcite():
            return SqueezeExcite(layer)


def _conv(layer: layers.Conv) -> nn.Conv2d:
    if layer.pad_mode != "zeros":
        raise ValueError(f"no documented ResNet pads with {layer.pad_mode!r}, only with zeros")
    fan_out = layer.out_channels * math.prod(layer.kernel)
    return nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel,
        layer.stride,
        "pad",
        layer.padding,
        layer.dilation,
        layer.groups,
        has_bias=layer.bias,
        weight_init=Normal(math.sqrt(2 / fan_out)),
    )


def _norm(layer: layers.BatchNorm) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(
        layer.channels,
        layer.eps,
        layer.momentum,  # the share kept
        layer.affine,
        use_batch_statistics=False if layer.statistics == "running" else None,
    )


def _avg_pool(layer: layers.AvgPool) -> nn.Cell:
    pool = nn.AvgPool2d(
        layer.kernel,
        layer.stride,
        "pad",
        ceil_mode=layer.ceil_mode,
        count_include_pad=layer.count_include_pad,
    )
    if not any(layer.padding):
        return pool
    if not layer.count_include_pad:
        raise ValueError("no documented ResNet leaves padding out of a mean")
    return Padded(pool, layer.padding)


class Form(TypedDict, total=False):
    """The keywords of the builders below, those of `resnet_ref.spec.spec`."""

    variant: str | None
    num_classes: int | None
    in_channels: int
    stem: Stem | None
    head: Head | None
    output_stride: int | None


def resnet18(**form: Unpack[Form]) -> Network:
    """ResNet-18 (He et al. 2016, table 1)."""
    return build(spec("resnet18", **form))


def resnet34(**form: Unpack[Form]) -> Network:
    """ResNet-34."""
    return build(spec("resnet34", **form))


def resnet50(**form: Unpack[Form]) -> Network:
    """ResNet-50, v1.5 unless `variant` says otherwise."""
    return build(spec("resnet50", **form))


def resnet101(**form: Unpack[Form]) -> Network:
    """ResNet-101."""
    return build(spec("resnet101", **form))


def resnet152(**form: Unpack[Form]) -> Network:
    """ResNet-152."""
    return build(spec("resnet152", **form))
