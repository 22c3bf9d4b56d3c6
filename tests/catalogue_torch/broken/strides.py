"""Strides, paddings, kernels, dilations, groups and pools that are not the architecture's."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import functional, openmm, timm_like, vision


class StrideOnSecondConv(vision.BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv2 = vision.conv3x3(planes, planes, stride)


class StrideOnLast1x1(vision.Bottleneck):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv3 = vision.conv1x1(planes, planes * 4, stride)


class SameLikeTensorFlow(functional.FunctionalResNet):
    """Ported: pads as TensorFlow's SAME does, on the right and below."""

    def conv(self, x, key, stride=1, pad=0):
        if stride == 2 and pad == 1:
            x, pad = F.pad(x, (0, 1, 0, 1)), 0
        return super().conv(x, key, stride, pad)


class PoolBeforeNorm(vision.ResNet):
    def stem(self, x):
        return self.relu(self.bn1(self.maxpool(self.conv1(x))))


def v1_for_v15():
    return vision.resnet50_v1()


def v1_in_one_block():
    return vision.resnet50(special={(3, 0): vision.BottleneckV1})


def stride_on_second_conv():
    return vision.resnet18(block=StrideOnSecondConv)


def stride_on_last_1x1():
    return vision.resnet50(special={(2, 0): StrideOnLast1x1})


def stride_on_both():
    net = vision.resnet18()
    net.layer2[0].conv2.stride = (2, 2)
    net.layer2[0].downsample[0].stride = (4, 4)
    return net


def last_stage_keeps_size():
    """The last stride taken out for larger maps, as in re-identification."""
    net = vision.resnet18()
    net.layer4[0].conv1.stride = (1, 1)
    net.layer4[0].downsample[0].stride = (1, 1)
    return net


def stem_padding_2():
    net = vision.resnet18()
    net.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=2, bias=False)
    return net


def small_stem_keeps_pool():
    """The 3x3 stem for small images, of stride 2: neither the one form nor the other."""
    net = vision.resnet18()
    net.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False)
    return net


def stem_stride_1():
    net = vision.resnet18()
    net.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=1, padding=3, bias=False)
    return net


def pool_without_padding():
    net = vision.resnet18()
    net.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
    return net


def ceil_pool():
    """From Caffe, whose pools round up."""
    net = vision.resnet18()
    net.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=0, ceil_mode=True)
    return net


def average_pool_stem():
    net = timm_like.resnet18()
    net.maxpool = nn.AvgPool2d(kernel_size=3, stride=2, padding=1)
    return net


def no_pool():
    net = vision.resnet18()
    net.maxpool = nn.Identity()
    return net


def pool_before_norm():
    return vision.resnet18(PoolBeforeNorm)


def same_like_tensorflow():
    return SameLikeTensorFlow(20)


def reflected_conv():
    net = vision.resnet18()
    net.layer2[1].conv2.padding_mode = "reflect"
    return net


def circular_conv():
    net = vision.resnet18()
    net.layer3[1].conv2 = nn.Conv2d(
        256, 256, kernel_size=3, padding=1, padding_mode="circular", bias=False
    )
    return net


def dilated_inside():
    net = vision.resnet18()
    net.layer3[1].conv2 = vision.conv3x3(256, 256, dilation=2)
    return net


def sixteen_groups():
    """A ResNeXt with 16 groups in one block."""
    net = vision.resnext50_32x4d()
    net.layer3[2].conv2 = vision.conv3x3(512, 512, groups=16)
    return net


def ungrouped():
    net = vision.resnext50_32x4d()
    net.layer2[1].conv2 = vision.conv3x3(256, 256)
    return net


def kernel_5():
    net = openmm.resnet18_vd()
    net.layer2[1].layers[0].conv = nn.Conv2d(128, 128, 5, padding=2, bias=False)
    return net


def depthwise():
    """Made light: depthwise and pointwise where one convolution was."""
    net = vision.resnet18()
    net.layer3[1].conv2 = nn.Sequential(
        vision.conv3x3(256, 256, groups=256), vision.conv1x1(256, 256)
    )
    return net


class BlurredPool(nn.Module):
    """Anti-aliased: a maximum without stride, then a blur with one."""

    def __init__(self, channels):
        super().__init__()
        ramp = torch.tensor([1.0, 2.0, 1.0])
        kernel = (ramp[:, None] * ramp[None, :]) / 16
        self.register_buffer("kernel", kernel.repeat(channels, 1, 1, 1))

    def forward(self, x):
        x = F.max_pool2d(x, 2, stride=1)
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(x, self.kernel, stride=2, groups=x.shape[1])


def blurred_pool():
    net = vision.resnet18()
    net.maxpool = BlurredPool(64)
    return net
