"""Batch norms worked into the convolutions before them, as exporters do for inference.

In evaluation mode a norm is a scale and a shift for each channel, and so is one more factor of
the convolution's weights and its bias (Jacob et al. 2018, https://arxiv.org/abs/1712.05877,
equation 14). What a norm follows otherwise, an addition say, keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from resnet_ref.layers import BatchNorm, Conv, Layer
from resnet_ref.layout import Block, Network
from resnet_ref.places import named_blocks, path_places, places

Path: TypeAlias = tuple[Layer, ...]


@dataclass(frozen=True)
class Folding:
    """Which norms are folded: all that directly follow a convolution, but for those `kept`.

    `kept` are the locations of convolutions. The others get a bias, unless exporters left that
    out since it was zero, as it is in a network that has never been trained.
    """

    bias: bool = True
    kept: frozenset[str] = frozenset()

    def of(self, network: Network) -> Network:
        """`network` with one convolution for each convolution and the norm behind it."""
        stem, blocks = self._path("stem", network.stem), dict(named_blocks(network))
        first = next(iter(blocks.values()), None)
        if first is not None and first.shortcut and isinstance(stem[-1], Conv):
            # The stem ends where the first block normalises it, and nothing else reads it.
            joined = self._path("stem", (*stem, *first.pre))
            stem, rest = joined[: len(stem)], joined[len(stem) :]
            blocks[next(iter(blocks))] = replace(first, pre=rest)
        done = iter([self._block(where, block) for where, block in blocks.items()])
        return Network(
            stem,
            tuple(tuple(next(done) for _ in stage) for stage in network.stages),
            self._path("head", network.head),
        )

    def _block(self, where: str, block: Block) -> Block:
        paths = (self._path(f"{where}, {name}", layers) for name, layers in block.paths())
        return Block(block.kind, *paths)

    def _path(self, where: str, layers: Path) -> Path:
        found: list[tuple[str, Layer]] = []
        for location, layer in path_places(where, layers):
            before, conv = found[-1] if found else ("", None)
            if isinstance(layer, BatchNorm) and isinstance(conv, Conv) and before not in self.kept:
                found[-1] = (before, replace(conv, bias=self.bias or conv.bias))
            else:
                found.append((location, layer))
        return tuple(layer for _, layer in found)


def norm_count(network: Network) -> int:
    """How many batch norms there are."""
    return sum(isinstance(layer, BatchNorm) for _, layer in places(network))
