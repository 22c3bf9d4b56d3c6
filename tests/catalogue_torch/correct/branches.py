"""ResNeXt in the other ways of its paper, figure 3: layers side by side in place of wide ones."""

import torch
from torch import nn

from tests.catalogue_torch.correct.vision import Bottleneck, conv1x1, conv3x3, resnext50_32x4d


class SplitConv(nn.Module):
    """A grouped convolution as several, each of which reads its own part of the channels."""

    def __init__(self, conv, parts):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(
                conv.in_channels // parts,
                conv.out_channels // parts,
                3,
                conv.stride,
                1,
                groups=conv.groups // parts,
                bias=False,
            )
            for _ in range(parts)
        )

    def forward(self, x):
        pieces = x.chunk(len(self.convs), dim=1)
        return torch.cat(
            [conv(piece) for conv, piece in zip(self.convs, pieces, strict=True)], dim=1
        )


class SlicedConv(SplitConv):
    def forward(self, x):
        width = x.shape[1] // len(self.convs)
        out = [conv(x[:, i * width : (i + 1) * width]) for i, conv in enumerate(self.convs)]
        return torch.cat(out, dim=1)


class Path(nn.Module):
    """One of the narrow branches that a block of ResNeXt is made of."""

    def __init__(self, inplanes, width, stride, planes):
        super().__init__()
        self.reduce = nn.Sequential(conv1x1(inplanes, width), nn.BatchNorm2d(width), nn.ReLU(True))
        self.conv = conv3x3(width, width, stride)
        self.bn = nn.BatchNorm2d(width)
        self.expand = conv1x1(width, planes) if planes else nn.Identity()

    def forward(self, x):
        return self.expand(torch.relu(self.bn(self.conv(self.reduce(x)))))


class AggregatedBlock(nn.Module):
    """Figure 3 a: what the paths put out is added up."""

    expansion = 4
    expanded = True

    def __init__(
        self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, **kwargs
    ):
        super().__init__()
        width, last = int(planes * (base_width / 64.0)), planes * self.expansion
        self.paths = nn.ModuleList(
            Path(inplanes, width, stride, last if self.expanded else 0) for _ in range(groups)
        )
        self.expand = nn.Identity() if self.expanded else conv1x1(width * groups, last)
        self.bn = nn.BatchNorm2d(last)
        self.downsample = downsample

    def gather(self, paths):
        return sum(paths)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.gather([path(x) for path in self.paths])
        return torch.relu(self.bn(self.expand(out)) + identity)


class StackedBlock(AggregatedBlock):
    def gather(self, paths):
        return torch.stack(paths).sum(0)


class ConcatenatedBlock(AggregatedBlock):
    """Figure 3 b: what the paths put out is put side by side."""

    expanded = False

    def gather(self, paths):
        return torch.cat(paths, dim=1)


def with_convs(make, parts=2):
    """A ResNeXt-50 whose grouped convolutions are made anew."""
    net = resnext50_32x4d()
    for module in net.modules():
        if isinstance(module, Bottleneck):
            module.conv2 = make(module.conv2, parts)
    return net


def split_convs():
    return with_convs(SplitConv)


def sliced_convs():
    return with_convs(SlicedConv, 4)


def paths_in_three_ways():
    special = {(1, 0): AggregatedBlock, (2, 1): ConcatenatedBlock, (4, 2): StackedBlock}
    return resnext50_32x4d(special=special)
