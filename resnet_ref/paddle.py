"""The reference network in Paddle, built layer by layer from a spec.

``resnet18()`` to ``resnet152()`` build the usual ones; `build` takes any `ResNetSpec` and
`build_block` one residual unit. Weights are drawn as documented: convolutions from He et al.
2015, https://arxiv.org/abs/1502.01852, normal with variance 2 / fan out; norms at 1 and 0; the
classifier normal with deviation 0.01 (Goyal et al. 2017, section 5.1); their biases at 0.
Paddle moves the running variance towards the biased one of the batch, by which it normalises.
"""

# Paddle 2 has no types and Paddle 3 some: what it returns is Any to one and not to the other.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import paddle
from paddle import nn
from paddle.nn import functional as F

from resnet_ref import layers, places
from resnet_ref.layout import Block as BlockLayout
from resnet_ref.layout import Network as NetworkLayout
from resnet_ref.layout import layout
from resnet_ref.spec import ResNetSpec, spec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from resnet_ref.form import Form


class PadShortcut(nn.Layer):
    """Every `stride`-th pixel, with channels of zeros before and behind.

    Put together, for paddle.inference 3.3.1 takes the padding of channels for that of other axes.
    """

    def __init__(self, layer: layers.PadShortcut) -> None:
        super().__init__()
        self.stride, self.before, self.after = layer.stride, layer.before, layer.after

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, C, H, W) to (N, before + C + after, ceil(H / stride), ceil(W / stride))."""
        x = x[:, :, :: self.stride, :: self.stride]
        before, after = (paddle.zeros_like(x[:, :n]) for n in (self.before, self.after))
        return paddle.concat([before, x, after], 1)


class SqueezeExcite(nn.Layer):
    """Scales each channel by a gate computed from the means of all."""

    def __init__(self, layer: layers.SqueezeExcite) -> None:
        super().__init__()
        self.squeeze = _linear(layer.channels, layer.squeezed, layer.bias, std=None)
        self.excite = _linear(layer.squeezed, layer.channels, layer.bias, std=None)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, C, H, W) to the same shape."""
        means = F.adaptive_avg_pool2d(x, 1).flatten(1)
        gate = F.sigmoid(self.excite(F.relu(self.squeeze(means))))
        return x * gate.unsqueeze([2, 3])


class Block(nn.Layer):
    """One residual unit: ``post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``."""

    def __init__(self, block: BlockLayout) -> None:
        super().__init__()
        self.description = block
        self.pre = _sequence(block.pre)
        self.branch = _sequence(block.branch)
        self.shortcut = _sequence(block.shortcut)
        self.post = _sequence(block.post)
        self.is_identity = not block.shortcut

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        p = self.pre(x)
        return self.post(self.branch(p) + (x if self.is_identity else self.shortcut(p)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Layer]]:
        """As `Network.named_places`, for a block alone."""
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Layer]:
        for path in (self.pre, self.branch, self.shortcut, self.post):
            yield from path.children()


# Two names, so that paddle.summary prints the documented tables.
class BasicBlock(Block):
    """Two 3x3 convolutions."""


class BottleneckBlock(Block):
    """1x1, 3x3 and 1x1 convolutions."""


class Network(nn.Layer):
    """A whole ResNet: stem, stages, head."""

    def __init__(self, network: NetworkLayout) -> None:
        super().__init__()
        self.description = network
        self.stem = _sequence(network.stem)
        self.stages = nn.Sequential(
            *(nn.Sequential(*map(build_block, blocks)) for blocks in network.stages)
        )
        self.head = _sequence(network.head)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N, in_channels, H, W) to (N, num_classes), or to the last feature map without a head."""
        return self.head(self.stages(self.stem(x)))

    def named_places(self) -> Iterator[tuple[str, layers.Layer, nn.Layer]]:
        """Location, description and Paddle layer of every layer, in the order of the tables.

        The order is that of `resnet_ref.places.places` and of the layers in
        `resnet_ref.derive`: stem; pre, branch, shortcut and post of each block; head.
        Together with `tensors` it addresses every tensor of the network.
        """
        yield from places.paired(self.description, self._layers())

    def _layers(self) -> Iterator[nn.Layer]:
        yield from self.stem.children()
        for stage in self.stages.children():
            for block in stage.children():
                yield from block._layers()
        yield from self.head.children()


def build(spec: ResNetSpec | NetworkLayout) -> Network:
    """The network of `spec`, freshly initialised, in Paddle's default dtype."""
    return Network(layout(spec) if isinstance(spec, ResNetSpec) else spec)


def build_block(block: BlockLayout) -> Block:
    """One residual unit, freshly initialised."""
    return (BottleneckBlock if block.kind == "bottleneck" else BasicBlock)(block)


def tensors(layer: nn.Layer) -> dict[str, paddle.Tensor]:
    """The tensors of a layer from `named_places`, by role (see `resnet_ref.places.slots`)."""
    if isinstance(layer, SqueezeExcite):
        parts = {"squeeze": layer.squeeze, "excite": layer.excite}
        return {f"{part} {role}": t for part in parts for role, t in tensors(parts[part]).items()}
    roles = {"weight": "weight", "bias": "bias", "mean": "_mean", "variance": "_variance"}
    found = {role: getattr(layer, attribute, None) for role, attribute in roles.items()}
    return {role: tensor for role, tensor in found.items() if tensor is not None}


def named_tensors(network: Network | Block) -> Iterator[tuple[places.Key, paddle.Tensor]]:
    """Every parameter and buffer of `network` under its (location, role)."""
    for location, _, layer in network.named_places():
        for role, tensor in tensors(layer).items():
            yield (location, role), tensor


def _sequence(described: tuple[layers.Layer, ...]) -> nn.Sequential:
    return nn.Sequential(*map(_layer, described))


def _layer(layer: layers.Layer) -> nn.Layer:
    match layer:
        case layers.Conv():
            return _conv(layer)
        case layers.BatchNorm():
            return _norm(layer)
        case layers.Relu():
            return nn.ReLU()
        case layers.ZeroPad(padding=(top, bottom, left, right)):
            return nn.ZeroPad2D([left, right, top, bottom])
        case layers.MaxPool():
            return nn.MaxPool2D(
                layer.kernel, layer.stride, list(layer.padding), ceil_mode=layer.ceil_mode
            )
        case layers.AvgPool():
            return nn.AvgPool2D(
                layer.kernel,
                layer.stride,
                list(layer.padding),
                ceil_mode=layer.ceil_mode,
                exclusive=not layer.count_include_pad,
            )
        case layers.GlobalAvgPool():
            return nn.AdaptiveAvgPool2D(1)
        case layers.Flatten():
            return nn.Flatten()
        case layers.Linear():
            return _linear(layer.in_features, layer.out_features, layer.bias, std=0.01)
        case layers.Dropout():
            return nn.Dropout(layer.p)
        case layers.Softmax():
            return nn.LogSoftmax() if layer.log else nn.Softmax()
        case layers.PadShortcut():
            return PadShortcut(layer)
        case layers.SqueezeExcite():
            return SqueezeExcite(layer)


def _conv(layer: layers.Conv) -> nn.Conv2D:
    if layer.pad_mode != "zeros":
        raise ValueError(f"no documented ResNet pads with {layer.pad_mode!r}, only with zeros")
    fan_out = layer.out_channels * math.prod(layer.kernel)
    return nn.Conv2D(
        layer.in_channels,
        layer.out_channels,
        layer.kernel,
        layer.stride,
        list(layer.padding),
        layer.dilation,
        layer.groups,
        weight_attr=_normal(math.sqrt(2 / fan_out)),
        bias_attr=None if layer.bias else False,
    )


def _norm(layer: layers.BatchNorm) -> nn.BatchNorm2D:
    affine = None if layer.affine else False
    return nn.BatchNorm2D(
        layer.channels,
        layer.momentum,  # the share kept, as in Paddle
        layer.eps,
        weight_attr=affine,
        bias_attr=affine,
        use_global_stats=True if layer.statistics == "running" else None,
    )


def _linear(inward: int, out: int, bias: bool, *, std: float | None) -> nn.Linear:
    weight = None if std is None else _normal(std)
    return nn.Linear(inward, out, weight_attr=weight, bias_attr=None if bias else False)


def _normal(std: float) -> paddle.ParamAttr:
    return paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, std))


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
