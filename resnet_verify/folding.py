"""Batch norms worked into the convolutions before them, as exporters do for inference.

In evaluation mode a norm is a scale and a shift for each channel, and so is one more factor of
the convolution's weights and its bias (Jacob et al. 2018, https://arxiv.org/abs/1712.05877,
equation 14). What a norm follows otherwise, an addition say, keeps it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from resnet_ref.layers import BatchNorm, Conv, Layer
from resnet_ref.layout import Block, Network
from resnet_ref.places import places

Path: TypeAlias = tuple[Layer, ...]


def folded(network: Network, *, bias: bool = True) -> Network:
    """`network` with one convolution for each convolution and the norm behind it.

    It has a bias, unless exporters left that out since it was zero, as it is in a network that
    has never been trained.
    """

    def path(layers: Path) -> Path:
        return _folded_path(layers, bias=bias)

    stem, stages = network.stem, network.stages
    first = stages[0][0] if stages else None
    if first is not None and first.shortcut and isinstance(stem[-1], Conv):
        # The stem ends where the first block normalises it, and nothing else reads it.
        joined = path((stem[-1], *first.pre))
        stem = (*stem[:-1], joined[0])
        stages = ((replace(first, pre=joined[1:]), *stages[0][1:]), *stages[1:])
    return Network(
        path(stem),
        tuple(
            tuple(
                Block(block.kind, *(path(layers) for _, layers in block.paths()))
                for block in blocks
            )
            for blocks in stages
        ),
        path(network.head),
    )


def norm_count(network: Network) -> int:
    """How many batch norms there are."""
    return sum(isinstance(layer, BatchNorm) for _, layer in places(network))


def _folded_path(layers: Path, *, bias: bool) -> Path:
    found: list[Layer] = []
    for layer in layers:
        before = found[-1] if found else None
        if isinstance(layer, BatchNorm) and isinstance(before, Conv):
            found[-1] = replace(before, bias=bias or before.bias)
        else:
            found.append(layer)
    return tuple(found)
