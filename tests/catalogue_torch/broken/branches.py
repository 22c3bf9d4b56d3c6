"""Mistakes in blocks of ResNeXt whose layers stand side by side."""

import torch
from torch import nn

from tests.catalogue_torch.correct.branches import AggregatedBlock, SplitConv
from tests.catalogue_torch.correct.vision import Bottleneck, resnext50_32x4d


class SameHalfTwice(SplitConv):
    def forward(self, x):
        first, _ = x.chunk(2, dim=1)
        return torch.cat([conv(first) for conv in self.convs], dim=1)


class HalvesChanged(SplitConv):
    def forward(self, x):
        pieces = x.chunk(2, dim=1)[::-1]
        return torch.cat(
            [conv(piece) for conv, piece in zip(self.convs, pieces, strict=True)], dim=1
        )


class SharedHalves(SplitConv):
    """Both groups have the same weights."""

    def forward(self, x):
        return torch.cat([self.convs[0](piece) for piece in x.chunk(2, dim=1)], dim=1)


class OnePathWithoutReLU(AggregatedBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.paths[7].reduce[2] = nn.Identity()


class OnePathFrozen(AggregatedBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.paths[7].conv.weight.requires_grad_(False)


class EpsOfOnePath(AggregatedBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.paths[7].bn.eps = 1e-3


def _with_conv(make):
    net = resnext50_32x4d()
    blocks = [module for module in net.modules() if isinstance(module, Bottleneck)]
    blocks[8].conv2 = make(blocks[8].conv2, 2)  # stage 3, block 1
    return net


def same_half_twice():
    return _with_conv(SameHalfTwice)


def halves_changed():
    return _with_conv(HalvesChanged)


def shared_halves():
    return _with_conv(SharedHalves)


def one_path_without_relu():
    return resnext50_32x4d(special={(2, 1): OnePathWithoutReLU})


def one_path_frozen():
    return resnext50_32x4d(special={(2, 1): OnePathFrozen})


def eps_of_one_path():
    return resnext50_32x4d(special={(2, 1): EpsOfOnePath})
