"""ResNeXt in the other ways of its paper, figure 3: layers side by side in place of wide ones."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct.classic import Bottleneck, resnext50_32x4d


class SplitConv(nn.Layer):
    """A grouped convolution as two, each of which reads its own half of the channels."""

    def __init__(self, width, stride):
        super().__init__()
        half = width // 2
        self.convs = nn.LayerList(
            nn.Conv2D(half, half, 3, stride, 1, groups=16, bias_attr=False) for _ in range(2)
        )

    def cut(self, x):
        return paddle.split(x, 2, axis=1)

    def forward(self, x):
        halves = self.cut(x)
        out = [conv(half) for conv, half in zip(self.convs, halves, strict=True)]
        return paddle.concat(out, axis=1)


class SlicedConv(SplitConv):
    def cut(self, x):
        half = x.shape[1] // 2
        return x[:, :half], x[:, half:]


class SplitBlock(Bottleneck):
    conv = SplitConv

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv2 = self.conv(self.conv2.weight.shape[0], self.stride)


class SlicedBlock(SplitBlock):
    conv = SlicedConv


class AggregatedBlock(nn.Layer):
    """Figure 3 a: the paths, each of them a narrow branch, are added up."""

    expansion = 4

    def __init__(
        self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, **kwargs
    ):
        super().__init__()
        width = int(planes * (base_width / 64.0))
        self.paths = nn.LayerList(
            nn.Sequential(
                nn.Conv2D(inplanes, width, 1, bias_attr=False),
                nn.BatchNorm2D(width),
                nn.ReLU(),
                nn.Conv2D(width, width, 3, stride, 1, bias_attr=False),
                nn.BatchNorm2D(width),
                nn.ReLU(),
                nn.Conv2D(width, planes * self.expansion, 1, bias_attr=False),
            )
            for _ in range(groups)
        )
        self.bn = nn.BatchNorm2D(planes * self.expansion)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.paths[0](x)
        for path in self.paths[1:]:
            out = out + path(x)
        return F.relu(self.bn(out) + identity)


def split_convs():
    return resnext50_32x4d(special={(1, 1): SplitBlock, (2, 0): SplitBlock, (3, 2): SlicedBlock})


def summed_paths():
    return resnext50_32x4d(special={(2, 1): AggregatedBlock})
