"""Where the layers of a network are, in words, and which tensors each of them holds.

A location such as ``stage 2, block 0, branch, conv 0`` names one layer of a `Network`; with a
role such as ``weight`` it names one tensor. The framework networks, the NumPy oracle and
the derived tables all go through a network in the one order that `places` gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

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
    PadShortcut,
    Relu,
    Softmax,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.layout import Block, Network

Key: TypeAlias = tuple[str, str]
"""(location, role): the name of one tensor."""

Built = TypeVar("Built")

WORDS: dict[type[Layer], str] = {
    Conv: "conv",
    BatchNorm: "norm",
    Relu: "relu",
    ZeroPad: "pad",
    MaxPool: "max pool",
    AvgPool: "avg pool",
    GlobalAvgPool: "global pool",
    Flatten: "flatten",
    Linear: "linear",
    Dropout: "dropout",
    Softmax: "softmax",
    PadShortcut: "padded shortcut",
    SqueezeExcite: "squeeze-excite",
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that a layer holds: its role, shape, and whether training moves it."""

    role: str
    shape: tuple[int, ...]
    trainable: bool = True


def path_places(path: str, layers: tuple[Layer, ...]) -> Iterator[tuple[str, Layer]]:
    """Location and description of each layer of one path ("stem", or "stage 1, block 0, branch").

    A layer is counted among its own kind, from 0: ``stem, conv 0``, ``stem, norm 0``.
    """
    seen: Counter[str] = Counter()
    for layer in layers:
        word = WORDS[type(layer)]
        yield f"{path}, {word} {seen[word]}", layer
        seen[word] += 1


def block_places(block: Block, where: str = "") -> Iterator[tuple[str, Layer]]:
    """Location and description of each layer of `block`: pre, branch, shortcut, post.

    `where` is the block's own location ("stage 2, block 0"), empty for a block alone.
    """
    for path, layers in block.paths():
        yield from path_places(f"{where}, {path}" if where else path, layers)


def named_blocks(network: Network) -> Iterator[tuple[str, Block]]:
    """Location ("stage 2, block 0") and description of each block; stages from 1, blocks from 0."""
    for stage, blocks in enumerate(network.stages, start=1):
        for index, block in enumerate(blocks):
            yield f"stage {stage}, block {index}", block


def places(network: Network | Block) -> Iterator[tuple[str, Layer]]:
    """Location and description of each layer: the stem's, each block's, the head's."""
    if isinstance(network, Block):
        yield from block_places(network)
        return
    yield from path_places("stem", network.stem)
    for where, block in named_blocks(network):
        yield from block_places(block, where)
    yield from path_places("head", network.head)


def paired(network: Network | Block, built: Iterable[Built]) -> Iterator[tuple[str, Layer, Built]]:
    """Location, description and built layer of each layer; `built` comes in the order of `places`.

    Raises:
        ValueError: there are more of the one than of the other.
    """
    for (location, layer), each in zip(places(network), built, strict=True):
        yield location, layer, each


def slots(layer: Layer) -> tuple[Slot, ...]:
    """The tensors of `layer`, trainable ones first.

    Roles are ``weight``, ``bias``, and for a norm also the buffers ``mean`` and ``variance``;
    a squeeze-excite has ``squeeze weight`` and so on. The weight of a linear map is of
    shape (in, out).
    """
    match layer:
        case Conv():
            weight = (layer.out_channels, layer.in_channels // layer.groups, *layer.kernel)
            return _affine("", weight, layer.out_channels, bias=layer.bias)
        case Linear():
            return _affine(
                "", (layer.in_features, layer.out_features), layer.out_features, bias=layer.bias
            )
        case BatchNorm():
            shape = (layer.channels,)
            buffers = Slot("mean", shape, trainable=False), Slot("variance", shape, trainable=False)
            return (*(_affine("", shape, layer.channels) if layer.affine else ()), *buffers)
        case SqueezeExcite():
            inward = (layer.channels, layer.squeezed)
            return (
                *_affine("squeeze ", inward, layer.squeezed, bias=layer.bias),
                *_affine("excite ", inward[::-1], layer.channels, bias=layer.bias),
            )
        case _:
            return ()


def _affine(
    prefix: str, weight: tuple[int, ...], out: int, *, bias: bool = True
) -> tuple[Slot, ...]:
    return (Slot(f"{prefix}weight", weight), *((Slot(f"{prefix}bias", (out,)),) if bias else ()))
