"""Strides, paddings, kernels, dilations, groups and pools that are not the architecture's."""

import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import classic
from tests.catalogue.correct.classic import BasicBlock, Bottleneck, BottleneckV1


class StrideOnSecondConv(BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv2 = nn.Conv2D(planes, planes, 3, stride=stride, padding=1, bias_attr=False)


class StrideOnBoth(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv1 = nn.Conv2D(inplanes, planes, 1, stride=stride, bias_attr=False)
        if downsample is not None:
            downsample[0] = nn.Conv2D(inplanes, planes * 4, 1, stride=stride**2, bias_attr=False)


class StrideOnLast1x1(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv3 = nn.Conv2D(planes, planes * 4, 1, stride=stride, bias_attr=False)


class LastStageKeepsSize(classic.ResNet):
    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        if stage == 4:
            stride = 1
        return super()._make_layer(stage, block, planes, blocks, stride, dilate)


class FirstStageStrides(classic.ResNet):
    """No max pool; the first stage halves the map instead."""

    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        return super()._make_layer(stage, block, planes, blocks, 2, dilate)

    def forward_stem(self, x):
        return self.relu(self.bn1(self.conv1(x)))


class StemPadding2(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 64, 7, stride=2, padding=2, bias_attr=False)


class StemSame(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 64, 7, stride=2, padding="SAME", bias_attr=False)


class StemKernel5(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 64, 5, stride=2, padding=2, bias_attr=False)


class StemStride1(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.conv1 = nn.Conv2D(3, 64, 7, stride=1, padding=3, bias_attr=False)


class PoolWithoutPadding(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2D(3, stride=2)


class CeilPool(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2D(3, stride=2, ceil_mode=True)


class SamePool(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2D(3, stride=2, padding="SAME")


class Pool2x2(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.MaxPool2D(2, stride=2)


class AveragePoolStem(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.maxpool = nn.AvgPool2D(3, stride=2, padding=1)


class NoPool(classic.ResNet):
    def forward_stem(self, x):
        return self.relu(self.bn1(self.conv1(x)))


class PoolBeforeNorm(classic.ResNet):
    def forward_stem(self, x):
        return self.relu(self.bn1(self.maxpool(self.conv1(x))))


class SamePaddingBlock(BasicBlock):
    """TensorFlow's SAME: with a stride of 2 the padding falls on the right and bottom only."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv1 = nn.Conv2D(inplanes, planes, 3, stride=stride, padding="SAME", bias_attr=False)


class TopLeftPaddingBlock(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv2 = nn.Conv2D(planes, planes, 3, stride=stride, bias_attr=False)

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = F.pad(out, [2, 0, 2, 0])
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class ReflectBlock(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv2 = nn.Conv2D(
            planes, planes, 3, stride, padding=1, padding_mode="reflect", bias_attr=False
        )


class CircularBlock(BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv2 = nn.Conv2D(
            planes, planes, 3, padding=1, padding_mode="circular", bias_attr=False
        )


class DilatedBlock(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs | {"dilation": 2})


class GroupedBlock(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs | {"groups": 1})
        self.conv2 = nn.Conv2D(planes, planes, 3, stride, padding=1, groups=2, bias_attr=False)


class UngroupedBlock(Bottleneck):
    """The width of a ResNeXt block without its groups."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        width = self.conv1.weight.shape[0]
        self.conv2 = nn.Conv2D(width, width, 3, stride, padding=1, bias_attr=False)


class Kernel5Block(BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv1 = nn.Conv2D(inplanes, planes, 5, stride=stride, padding=2, bias_attr=False)


class Kernel1Block(Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        self.conv2 = nn.Conv2D(planes, planes, 1, stride=stride, bias_attr=False)


def v1_everywhere():
    return classic.resnet50(block=BottleneckV1)


def v15_everywhere():
    return classic.resnet50()


def v1_in_one_block():
    return classic.resnet50(special={(3, 0): BottleneckV1})


def v15_in_one_block():
    return classic.resnet50(block=BottleneckV1, special={(4, 0): Bottleneck})


def stride_on_second_conv():
    return classic.resnet18(special={(3, 0): StrideOnSecondConv})


def stride_on_second_conv_everywhere():
    return classic.resnet34(block=StrideOnSecondConv)


def stride_on_both():
    return classic.resnet50(special={(2, 0): StrideOnBoth})


def stride_on_last_1x1():
    return classic.resnet50(special={(2, 0): StrideOnLast1x1})


def last_stage_keeps_size():
    return classic.resnet18(LastStageKeepsSize)


def first_stage_strides():
    return classic.resnet18(FirstStageStrides)


def stem_padding_2():
    return classic.resnet50(StemPadding2)


def stem_same():
    return classic.resnet18(StemSame)


def stem_kernel_5():
    return classic.resnet18(StemKernel5)


def stem_stride_1():
    return classic.resnet34(StemStride1)


def pool_without_padding():
    return classic.resnet18(PoolWithoutPadding)


def ceil_pool():
    return classic.resnet50(CeilPool)


def same_pool():
    return classic.resnet34(SamePool)


def pool_2x2():
    return classic.resnet18(Pool2x2)


def average_pool_stem():
    return classic.resnet50(AveragePoolStem)


def no_pool():
    return classic.resnet18(NoPool)


def pool_before_norm():
    return classic.resnet18(PoolBeforeNorm)


def same_padding_block():
    return classic.resnet18(special={(4, 0): SamePaddingBlock})


def top_left_padding_block():
    return classic.resnet50(special={(3, 2): TopLeftPaddingBlock})


def reflect_padding_block():
    return classic.resnet50(special={(2, 1): ReflectBlock})


def circular_padding_everywhere():
    return classic.resnet18(block=CircularBlock)


def dilated_block():
    return classic.resnet50(special={(3, 2): DilatedBlock})


def grouped_block():
    return classic.resnet50(special={(2, 1): GroupedBlock})


def ungrouped_block():
    return classic.resnext50_32x4d(special={(4, 1): UngroupedBlock})


def kernel_5_block():
    return classic.resnet34(special={(2, 1): Kernel5Block})


def kernel_1_block():
    return classic.resnet50(special={(3, 4): Kernel1Block})
