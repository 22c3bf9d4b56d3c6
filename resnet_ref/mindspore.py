"""The reference network in MindSpore, built layer by layer from a spec.

``resnet18()`` to ``resnet152()`` build the usual ones; `build` takes any `ResNetSpec` and
`build_block` one residual unit. Weights are drawn as documented: convolutions from He et al.
2015, https://arxiv.org/abs/1502.01852, normal with variance 2 / fan out; norms at 1 and 0; the
classifier normal with deviation 0.01 (Goyal et al. 2017, section 5.1); their biases at 0.

MindSpore keeps the share `momentum` of the old running statistic, as Paddle does, and moves the
running variance towards the unbiased one of the batch, as PyTorch does: n / (n - 1) as large, n
being the number of elements of a channel in the batch. It normalises by the biased one, like
every framework. On a CPU its convolutions and norms know float32 only. A fresh network is in
evaluation mode, as every cell is. PyNative and graph mode both run it.
"""

# MindSpore is not analysed: its classes and results are Any.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import mindspore
from mindspore import nn, ops
from mindspore.common.initializer import Normal

from resnet_ref import layers, places
from resnet_ref.layout import Block as BlockLayout
from resnet_ref.layout import Network as NetworkLayout
from resnet_ref.layout import layout
from resnet_ref.spec import ResNetSpec, spec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from resnet_ref.form import Form


class Padded(nn.Cell):
    """A pooling whose padding differs from side to side: put around the image before it."""

    def __init__(self, padding: layers.Padding, value: float, layer: nn.Cell) -> None:
        super().__init__()
        self.sides = _sides(padding)
        self.value = value
        self.layer = layer

    def construct(self, x: mindspore.Tensor) -> mindspore.Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        return self.layer(ops.pad(x, self.sides, value=self.value))


class PlainNorm(nn.BatchNorm2d):
    """A norm without scale and shift: MindSpore holds them all the same, at 1 and 0."""


class PadShortcut(nn.Cell):
    """Every `stride`-th pixel, with channels of zeros before and behind."""

    def __init__(self, layer: layers.PadShortcut) -> None:
        super().__init__()
        self.stride = layer.stride
        self.pad = nn.Pad(((0, 0), (layer.before, layer.after), (0, 0), (0, 0)))

    def construct(self, x: mindspore.Tensor) -> mindspore.Tensor:
        """(N, C, H, W) to (N, before + C + after, ceil(H / stride), ceil(W / stride))."""
        # Not x[:, :, ::stride, ::stride], which in 2.10 has no gradient where sizes are odd.
        strides = (1, 1, self.stride, self.stride)
        return self.pad(ops.strided_slice(x, (0, 0, 0, 0), x.shape, strides))


class SqueezeExcite(nn.Cell):
    """Scales each channel by a gate computed from the means of all."""

    def __init__(self, layer: layers.SqueezeExcite) -> None:
        super().__init__()
        self.squeeze = nn.Dense(layer.channels, layer.squeezed, has_bias=layer.bias)
        self.excite = nn.Dense(layer.squeezed, layer.channels, has_bias=layer.bias)

    def construct(self, x: mindspore.Tensor) -> mindspore.Tensor:
        """(N, C, H, W) to the same shape."""
        gate = ops.sigmoid(self.excite(ops.relu(self.squeeze(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


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

    def construct(self, x: mindspore.Tensor) -> mindspore.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        p = self.pre(x)
        return self.post(self.branch(p) + (x if self.is_identity else self.shortcut(p)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Cell]]:
        """As `Network.named_places`, for a block alone."""
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Cell]:
        for path in (self.pre, self.branch, self.shortcut, self.post):
            yield from path.cell_list


# Two names, so that a printed network tells them apart.
class BasicBlock(Block):
    """Two 3x3 convolutions."""


class BottleneckBlock(Block):
    """1x1, 3x3 and 1x1 convolutions."""


class Network(nn.Cell):
    """A whole ResNet: stem, stages, head."""

    def __init__(self, network: NetworkLayout) -> None:
        super().__init__()
        self.description = network
        self.stem = _sequence(network.stem)
        self.stages = nn.SequentialCell(
            [
                nn.SequentialCell([build_block(block) for block in blocks])
                for blocks in network.stages
            ]
        )
        self.head = _sequence(network.head)

    def construct(self, x: mindspore.Tensor) -> mindspore.Tensor:
        """(N, in_channels, H, W) to (N, num_classes), or to the last feature map without a head."""
        return self.head(self.stages(self.stem(x)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Cell]]:
        """Location, description and cell of every layer, in the order of the tables.

        The order is that of `resnet_ref.places.places` and of the layers in
        `resnet_ref.derive`: stem; pre, branch, shortcut and post of each block; head.
        Together with `tensors` it addresses every tensor of the network.
        """
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Cell]:
        yield from self.stem.cell_list
        for stage in self.stages.cell_list:
            for block in stage.cell_list:
                yield from block._layers()
        yield from self.head.cell_list


def build(spec: ResNetSpec | NetworkLayout) -> Network:
    """The network of `spec`, freshly initialised, in float32."""
    return Network(layout(spec) if isinstance(spec, ResNetSpec) else spec)


def build_block(block: BlockLayout) -> Block:
    """One residual unit, freshly initialised."""
    return (BottleneckBlock if block.kind == "bottleneck" else BasicBlock)(block)


def tensors(layer: nn.Cell) -> dict[str, mindspore.Parameter]:
    """The tensors of a layer from `named_places`, by role (see `resnet_ref.places.slots`).

    The weight of a linear layer comes as MindSpore keeps it, (out, in).
    """
    if isinstance(layer, SqueezeExcite):
        parts = {"squeeze": layer.squeeze, "excite": layer.excite}
        return {f"{part} {role}": t for part in parts for role, t in tensors(parts[part]).items()}
    roles = {"weight": "weight", "bias": "bias"}
    if isinstance(layer, nn.BatchNorm2d):
        roles = {} if isinstance(layer, PlainNorm) else {"weight": "gamma", "bias": "beta"}
        roles |= {"mean": "moving_mean", "variance": "moving_variance"}
    found = {role: getattr(layer, attribute, None) for role, attribute in roles.items()}
    return {role: tensor for role, tensor in found.items() if tensor is not None}


def named_tensors(network: Network | Block) -> Iterator[tuple[places.Key, mindspore.Parameter]]:
    """Every parameter and buffer of `network` under its (location, role)."""
    for location, _, layer in network.named_places():
        for role, tensor in tensors(layer).items():
            yield (location, role), tensor


def _sequence(described: tuple[layers.Layer, ...]) -> nn.SequentialCell:
    return nn.SequentialCell([*map(_layer, described)])


def _layer(layer: layers.Layer) -> nn.Cell:
    match layer:
        case layers.MaxPool() | layers.AvgPool() if layers.is_uneven(layer.padding):
            return _padded(layer)
        case layers.Conv():
            return _conv(layer)
        case layers.BatchNorm():
            return _norm(layer)
        case layers.Relu():
            return nn.ReLU()
        case layers.ZeroPad():
            return nn.ZeroPad2d(_sides(layer.padding))
        case layers.MaxPool():
            sides = layer.padding[::2]
            return nn.MaxPool2d(layer.kernel, layer.stride, "pad", sides, ceil_mode=layer.ceil_mode)
        case layers.AvgPool():
            sides, counted = layer.padding[::2], layer.count_include_pad
            return nn.AvgPool2d(layer.kernel, layer.stride, "pad", sides, layer.ceil_mode, counted)
        case layers.GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Linear():
            return nn.Dense(
                layer.in_features, layer.out_features, Normal(0.01), "zeros", layer.bias
            )
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
        layer.bias,
        Normal(math.sqrt(2 / fan_out)),
        "zeros",
    )


def _norm(layer: layers.BatchNorm) -> nn.BatchNorm2d:
    return (nn.BatchNorm2d if layer.affine else PlainNorm)(
        layer.channels,
        layer.eps,
        layer.momentum,  # the share kept, as in MindSpore
        layer.affine,
        use_batch_statistics=False if layer.statistics == "running" else None,
    )


def _padded(layer: layers.MaxPool | layers.AvgPool) -> nn.Cell:
    if isinstance(layer, layers.AvgPool) and not layer.count_include_pad:
        raise ValueError("a mean that leaves out padding which differs from side to side")
    value = -math.inf if isinstance(layer, layers.MaxPool) else 0.0
    return Padded(layer.padding, value, _layer(replace(layer, padding=layers.NO_PADDING)))


def _sides(padding: layers.Padding) -> tuple[int, int, int, int]:
    """(left, right, top, bottom), as `mindspore.ops.pad` takes them."""
    top, bottom, left, right = padding
    return (left, right, top, bottom)


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
