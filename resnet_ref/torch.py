"""The reference network in PyTorch, built layer by layer from a spec.

``resnet18()`` to ``resnet152()`` build the usual ones; `build` takes any `ResNetSpec` and
`build_block` one residual unit. Weights are drawn as documented: convolutions from He et al.
2015, https://arxiv.org/abs/1502.01852, normal with variance 2 / fan out; norms at 1 and 0; the
classifier normal with deviation 0.01 (Goyal et al. 2017, section 5.1); their biases at 0.

PyTorch normalises by the biased variance of the batch, like every framework, but moves the
running variance towards the unbiased one: n / (n - 1) as large, n being the number of elements
of a channel in the batch. Paddle and the oracle keep the biased one.
"""

# PyTorch is not analysed: its classes and results are Any.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn
from torch.nn import functional as F

from resnet_ref import layers, places
from resnet_ref.layout import Block as BlockLayout
from resnet_ref.layout import Network as NetworkLayout
from resnet_ref.layout import layout
from resnet_ref.spec import ResNetSpec, spec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from resnet_ref.form import Form


Drawn = TypeVar("Drawn", nn.Conv2d, nn.Linear)


class Padded(nn.Module):
    """A layer whose padding differs from side to side: put around the image before it."""

    def __init__(self, padding: layers.Padding, value: float, layer: nn.Module) -> None:
        super().__init__()
        self.sides = _sides(padding)
        self.value = value
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        return self.layer(F.pad(x, self.sides, value=self.value))


class FrozenStatistics(nn.BatchNorm2d):
    """A batch norm that normalises by its running statistics, in training too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same shape."""
        mean, variance = self.running_mean, self.running_var
        return F.batch_norm(x, mean, variance, self.weight, self.bias, False, 0.0, self.eps)


class PadShortcut(nn.Module):
    """Every `stride`-th pixel, with channels of zeros before and behind."""

    def __init__(self, layer: layers.PadShortcut) -> None:
        super().__init__()
        self.stride = layer.stride
        self.padding = (0, 0, 0, 0, layer.before, layer.after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, before + C + after, ceil(H / stride), ceil(W / stride))."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the means of all."""

    def __init__(self, layer: layers.SqueezeExcite) -> None:
        super().__init__()
        self.squeeze = nn.Linear(layer.channels, layer.squeezed, layer.bias)
        self.excite = nn.Linear(layer.squeezed, layer.channels, layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to the same shape."""
        means = F.adaptive_avg_pool2d(x, 1).flatten(1)
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(means))))
        return x * gate[:, :, None, None]


class Block(nn.Module):
    """One residual unit: ``post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``."""

    def __init__(self, block: BlockLayout) -> None:
        super().__init__()
        self.description = block
        self.pre = _sequence(block.pre)
        self.branch = _sequence(block.branch)
        self.shortcut = _sequence(block.shortcut)
        self.post = _sequence(block.post)
        self.is_identity = not block.shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        p = self.pre(x)
        return self.post(self.branch(p) + (x if self.is_identity else self.shortcut(p)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Module]]:
        """As `Network.named_places`, for a block alone."""
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Module]:
        for path in (self.pre, self.branch, self.shortcut, self.post):
            yield from path.children()


# Two names, so that a printed network tells them apart.
class BasicBlock(Block):
    """Two 3x3 convolutions."""


class BottleneckBlock(Block):
    """1x1, 3x3 and 1x1 convolutions."""


class Network(nn.Module):
    """A whole ResNet: stem, stages, head."""

    def __init__(self, network: NetworkLayout) -> None:
        super().__init__()
        self.description = network
        self.stem = _sequence(network.stem)
        self.stages = nn.Sequential(
            *(nn.Sequential(*map(build_block, blocks)) for blocks in network.stages)
        )
        self.head = _sequence(network.head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in_channels, H, W) to (N, num_classes), or to the last feature map without a head."""
        return self.head(self.stages(self.stem(x)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Module]]:
        """Location, description and module of every layer, in the order of the tables.

        The order is that of `resnet_ref.places.places` and of the layers in
        `resnet_ref.derive`: stem; pre, branch, shortcut and post of each block; head.
        Together with `tensors` it addresses every tensor of the network.
        """
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Module]:
        yield from self.stem.children()
        for stage in self.stages.children():
            for block in stage.children():
                yield from block._layers()
        yield from self.head.children()


def build(spec: ResNetSpec | NetworkLayout) -> Network:
    """The network of `spec`, freshly initialised, in PyTorch's default dtype and device."""
    return Network(layout(spec) if isinstance(spec, ResNetSpec) else spec)


def build_block(block: BlockLayout) -> Block:
    """One residual unit, freshly initialised."""
    return (BottleneckBlock if block.kind == "bottleneck" else BasicBlock)(block)


def tensors(layer: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a layer from `named_places`, by role (see `resnet_ref.places.slots`).

    The weight of a linear layer comes as a view of shape (in, out): writing into it, without
    gradients, writes the parameter, which PyTorch keeps as (out, in).
    """
    if isinstance(layer, Padded):
        return tensors(layer.layer)
    if isinstance(layer, SqueezeExcite):
        parts = {"squeeze": layer.squeeze, "excite": layer.excite}
        return {f"{part} {role}": t for part in parts for role, t in tensors(parts[part]).items()}
    roles = {"weight": "weight", "bias": "bias", "mean": "running_mean", "variance": "running_var"}
    found = {role: getattr(layer, attribute, None) for role, attribute in roles.items()}
    held = {role: tensor for role, tensor in found.items() if tensor is not None}
    return {**held, "weight": held["weight"].t()} if isinstance(layer, nn.Linear) else held


def named_tensors(network: Network | Block) -> Iterator[tuple[places.Key, torch.Tensor]]:
    """Every parameter and buffer of `network` under its (location, role), as `tensors` gives it."""
    for location, _, layer in network.named_places():
        for role, tensor in tensors(layer).items():
            yield (location, role), tensor


def _sequence(described: tuple[layers.Layer, ...]) -> nn.Sequential:
    return nn.Sequential(*map(_layer, described))


def _layer(layer: layers.Layer) -> nn.Module:
    match layer:
        case layers.Conv() | layers.MaxPool() | layers.AvgPool() if layers.is_uneven(layer.padding):
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
            return nn.MaxPool2d(layer.kernel, layer.stride, sides, ceil_mode=layer.ceil_mode)
        case layers.AvgPool():
            sides, counted = layer.padding[::2], layer.count_include_pad
            return nn.AvgPool2d(layer.kernel, layer.stride, sides, layer.ceil_mode, counted)
        case layers.GlobalAvgPool():
            return nn.AdaptiveAvgPool2d(1)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Linear():
            return _drawn(nn.Linear(layer.in_features, layer.out_features, layer.bias), 0.01)
        case layers.Dropout():
            return nn.Dropout(layer.p)
        case layers.Softmax():
            return nn.LogSoftmax(1) if layer.log else nn.Softmax(1)
        case layers.PadShortcut():
            return PadShortcut(layer)
        case layers.SqueezeExcite():
            return SqueezeExcite(layer)


def _conv(layer: layers.Conv) -> nn.Conv2d:
    if layer.pad_mode != "zeros":
        raise ValueError(f"no documented ResNet pads with {layer.pad_mode!r}, only with zeros")
    conv = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel,
        layer.stride,
        layer.padding[::2],
        layer.dilation,
        layer.groups,
        layer.bias,
    )
    fan_out = layer.out_channels * math.prod(layer.kernel)
    return _drawn(conv, math.sqrt(2 / fan_out))


def _norm(layer: layers.BatchNorm) -> nn.BatchNorm2d:
    kind = FrozenStatistics if layer.statistics == "running" else nn.BatchNorm2d
    # PyTorch's momentum is the share of the new.
    return kind(layer.channels, layer.eps, 1 - layer.momentum, layer.affine)


def _padded(layer: layers.Conv | layers.MaxPool | layers.AvgPool) -> nn.Module:
    if isinstance(layer, layers.AvgPool) and not layer.count_include_pad:
        raise ValueError("a mean that leaves out padding which differs from side to side")
    value = -math.inf if isinstance(layer, layers.MaxPool) else 0.0
    return Padded(layer.padding, value, _layer(replace(layer, padding=layers.NO_PADDING)))


def _drawn(layer: Drawn, std: float) -> Drawn:
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _sides(padding: layers.Padding) -> tuple[int, int, int, int]:
    """(left, right, top, bottom), as `torch.nn.functional.pad` takes them."""
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
