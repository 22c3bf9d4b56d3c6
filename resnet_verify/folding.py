"""Batch norms worked into the convolutions before them, as exporters do for inference.

In evaluation mode a norm is a scale and a shift for each channel, and so is one more factor of
the convolution's weights and its bias (Jacob et al. 2018, https://arxiv.org/abs/1712.05877,
equation 14). What a norm follows otherwise, an addition say, keeps it.
"""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import BatchNorm, Conv, Layer
from resnet_ref.layout import Block, Network
from resnet_ref.places import places

Path = tuple[Layer, ...]


def folded(network: Network) -> Network:
    """`network` with a convolution with bias for each convolution and the norm behind it."""
    stem, stages = network.stem, network.stages
    first = stages[0][0] if stages else None
    if first is not None and first.shortcut and isinstance(stem[-1], Conv):
        # The stem ends where the first block normalises it, and nothing else reads it.
        joined = _folded_path((stem[-1], *first.pre))
        stem = (*stem[:-1], joined[0])
        stages = ((replace(first, pre=joined[1:]), *stages[0][1:]), *stages[1:])
    return Network(
        _folded_path(stem),
        tuple(tuple(map(_folded_block, blocks)) for blocks in stages),
        _folded_path(network.head),
    )


def norm_count(network: Network) -> int:
    """How many batch norms there are."""
    return sum(isinstance(layer, BatchNorm) for _, layer in places(network))


def _folded_block(block: Block) -> Block:
    return Block(block.kind, *(_folded_path(layers) for _, layers in block.paths()))


def _folded_path(layers: Path) -> Path:
    found: list[Layer] = []
    for layer in layers:
        before = found[-1] if found else None
        if isinstance(layer, BatchNorm) and isinstance(before, Conv):
            found[-1] = replace(before, bias=True)
        else:
            found.append(layer)
    return tuple(found)
