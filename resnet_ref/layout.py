"""From a spec to the network it denotes: the sequence of layers of stem, blocks and head.

`layout(spec)` is the single place that knows how a form is put together. Everything else
(shapes and totals, the NumPy oracle, the framework networks, the comparison with a target)
reads the `Network` it returns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from resnet_ref.layers import (
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Padding,
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.spec import ResNetSpec

SE_REDUCTION = 16  # Hu et al. 2018, section 6.1


@dataclass(frozen=True)
class Block:
    """One residual unit: ``y = post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``.

    `pre` is empty but for pre-activation blocks whose projection takes the activated input
    (He et al. 2016b, section 4.1). An empty `shortcut` is the identity.
    """

    kind: str
    pre: tuple[Layer, ...]
    branch: tuple[Layer, ...]
    shortcut: tuple[Layer, ...]
    post: tuple[Layer, ...]

    def paths(self) -> Iterator[tuple[str, tuple[Layer, ...]]]:
        """Name and layers of each part, in the order of the documented tables."""
        yield "pre", self.pre
        yield "branch", self.branch
        yield "shortcut", self.shortcut
        yield "post", self.post


@dataclass(frozen=True)
class Network:
    """A whole ResNet as sequences of layers."""

    stem: tuple[Layer, ...]
    stages: tuple[tuple[Block, ...], ...]
    head: tuple[Layer, ...]


def layout(spec: ResNetSpec) -> Network:
    """The network that `spec` denotes, layer by layer."""
    stages: list[tuple[Block, ...]] = []
    channels = spec.widths[0]
    for stage in range(len(spec.depths)):
        blocks = tuple(_blocks(spec, stage, channels))
        channels = spec.widths[stage] * spec.expansion
        stages.append(blocks)
    return Network(_stem(spec), tuple(stages), _head(spec, channels))


def single_block(
    spec: ResNetSpec, in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1
) -> Block:
    """One residual unit of the form `spec`, alone: as inside a stage, not at the stem.

    Raises:
        ValueError: a bottleneck cannot put out `out_channels`, which is 4 times its width.
    """
    width, rest = divmod(out_channels, spec.expansion)
    if rest or not width:
        raise ValueError(
            f"a {spec.block} block puts out a multiple of {spec.expansion} channels, "
            f"not {out_channels}"
        )
    alone = replace(spec, widths=(width,))
    return _block(alone, in_channels, 0, stride, (dilation, dilation), opening=False)


def _conv(spec: ResNetSpec, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1,
          dilation: int = 1, groups: int = 1, bias: bool | None = None) -> Conv:  # fmt: skip
    """A convolution that keeps the size but for its stride, with the bias that the form has."""
    pad = dilation * (kernel - 1) // 2
    return Conv(
        in_channels,
        out_channels,
        (kernel, kernel),
        (stride, stride),
        _square(pad),
        (dilation, dilation),
        groups,
        spec.conv_bias == "all" if bias is None else bias,
    )


def _square(pad: int) -> Padding:
    return (pad, pad, pad, pad)


def _norm(spec: ResNetSpec, channels: int) -> BatchNorm:
    return BatchNorm(channels, spec.eps, spec.momentum)


def _stem(spec: ResNetSpec) -> tuple[Layer, ...]:
    width = spec.widths[0]
    activated = (_norm(spec, width), Relu()) if spec.stem_norm else ()
    pool = MaxPool((3, 3), (2, 2), _square(1))
    if spec.stem == "cifar":
        return (_conv(spec, spec.in_channels, width, 3), *activated)
    if spec.stem == "deep":
        half = width // 2
        return (
            _conv(spec, spec.in_channels, half, 3, stride=2),
            _norm(spec, half),
            Relu(),
            _conv(spec, half, half, 3),
            _norm(spec, half),
            Relu(),
            _conv(spec, half, width, 3),
            *activated,
            pool,
        )
    bias = spec.conv_bias != "none"
    return (
        _conv(spec, spec.in_channels, width, 7, stride=2, bias=bias),
        *activated,
        *((ZeroPad(_square(1)),) if spec.conv_bias == "keras-v2" else ()),
        MaxPool((3, 3), (2, 2)) if spec.conv_bias == "keras-v2" else pool,
    )


def _head(spec: ResNetSpec, channels: int) -> tuple[Layer, ...]:
    features = (_norm(spec, channels), Relu()) if spec.preactivation else ()
    if spec.head == "none":
        return features
    dropout = (Dropout(spec.dropout),) if spec.dropout else ()
    linear = Linear(channels, spec.num_classes)
    classifier = (*features, GlobalAvgPool(), Flatten(), *dropout, linear)
    if spec.head == "classifier":
        return classifier
    return (*classifier, Softmax(log=spec.head == "log_softmax"))


def _blocks(spec: ResNetSpec, stage: int, in_channels: int) -> Iterator[Block]:
    """The blocks of one stage; a stage past the output stride dilates instead of striding."""
    count = spec.depths[stage]
    stride, before, dilation = _stride_and_dilations(spec, stage)
    out_channels = spec.widths[stage] * spec.expansion
    strided = 0 if spec.strided_block == "first" else count - 1
    if spec.strided_block == "last":
        stride = 2 if stage + 1 < len(spec.depths) else 1
    for index in range(count):
        first = before if index == 0 and not spec.dilated_first else dilation
        yield _block(
            spec,
            in_channels if index == 0 else out_channels,
            stage,
            stride if index == strided else 1,
            (first, dilation),
            opening=index == 0,
        )


def _stride_and_dilations(spec: ResNetSpec, stage: int) -> tuple[int, int, int]:
    """(stride, dilation of the stage before, dilation of this stage)."""
    undilated = len(spec.depths) - (spec.native_stride // spec.output_stride).bit_length() + 1
    if stage < undilated:
        return (1 if stage == 0 else 2), 1, 1
    return 1, 2 ** (stage - undilated), 2 ** (stage - undilated + 1)


def _block(spec: ResNetSpec, in_channels: int, stage: int, stride: int,
           dilations: tuple[int, int], *, opening: bool) -> Block:  # fmt: skip
    width = spec.widths[stage]
    out_channels = width * spec.expansion
    projects = in_channels != out_channels or (stride != 1 and spec.strided_block == "first")
    projects = projects or (spec.project_first and opening and stage == 0)
    convs = _branch_convs(spec, in_channels, width, stride, dilations)
    if projects:
        shortcut = _projection(spec, in_channels, out_channels, stride)
    elif stride != 1:
        shortcut = (MaxPool((1, 1), (stride, stride)),)  # keras-v2 subsamples an identity
    else:
        shortcut = ()
    if spec.preactivation:
        return _preactivation_block(spec, stage, opening, convs, shortcut, projects)
    return Block(spec.block, (), _branch(spec, convs), shortcut, (Relu(),))


def _branch(spec: ResNetSpec, convs: tuple[Conv, ...]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for conv in convs:
        layers += [conv, _norm(spec, conv.out_channels), Relu()]
    layers.pop()  # the last activation follows the addition
    if spec.squeeze_excite:
        channels = convs[-1].out_channels
        layers.append(SqueezeExcite(channels, channels // SE_REDUCTION))
    return tuple(layers)


def _preactivation_block(spec: ResNetSpec, stage: int, opening: bool, convs: tuple[Conv, ...],
                         shortcut: tuple[Layer, ...], projects: bool) -> Block:  # fmt: skip
    activation: tuple[Layer, ...] = (_norm(spec, convs[0].in_channels), Relu())
    if stage == 0 and opening and spec.stem_norm and not spec.activated_twice:
        activation = ()  # the stem has done it
    layers: list[Layer] = [convs[0]]
    for conv in convs[1:]:
        layers += [_norm(spec, conv.in_channels), Relu(), conv]
    if projects:
        return Block(spec.block, activation, tuple(layers), shortcut, ())
    return Block(spec.block, (), (*activation, *layers), shortcut, ())


def _branch_convs(spec: ResNetSpec, in_channels: int, width: int, stride: int,
                  dilations: tuple[int, int]) -> tuple[Conv, ...]:  # fmt: skip
    first, dilation = dilations
    if spec.block == "basic":
        return (
            _conv(spec, in_channels, width, 3, stride=stride, dilation=first),
            _conv(spec, width, width, 3, dilation=dilation),
        )
    inner = spec.inner_width(width)
    strides = [1, 1, 1]
    strides[spec.strided_conv] = stride
    ends = spec.conv_bias != "none"
    return (
        _conv(spec, in_channels, inner, 1, stride=strides[0]),
        _conv(spec, inner, inner, 3, stride=strides[1], dilation=first, groups=spec.groups),
        _conv(spec, inner, width * 4, 1, bias=ends),
    )


def _projection(
    spec: ResNetSpec, in_channels: int, out_channels: int, stride: int
) -> tuple[Layer, ...]:
    if spec.projection == "pad":
        extra = out_channels - in_channels
        return (PadShortcut(stride, extra // 2, extra - extra // 2),)
    bias = spec.conv_bias != "none"
    norm = (_norm(spec, out_channels),) if spec.projection.endswith("norm") else ()
    if spec.projection == "pool-conv-norm" and stride != 1:
        # Rounds up, as the branch's padded 3x3 convolution does on odd sizes.
        pool = AvgPool((2, 2), (stride, stride), ceil_mode=True)
        return (pool, _conv(spec, in_channels, out_channels, 1, bias=bias), *norm)
    return (_conv(spec, in_channels, out_channels, 1, stride=stride, bias=bias), *norm)
