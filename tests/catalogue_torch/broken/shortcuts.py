"""Projections that are missing, superfluous, or not a strided 1x1 convolution and a norm."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import cifar, functional, openmm, timm_like, vision


class ProjectionInEveryBlock(vision.BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        downsample = downsample or nn.Sequential(
            vision.conv1x1(inplanes, planes, stride), nn.BatchNorm2d(planes)
        )
        super().__init__(inplanes, planes, stride, downsample, **kwargs)


class ProjectionOfBranch(vision.BasicBlock):
    """Projects what the first convolution puts out."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, stride, downsample, **kwargs)
        if downsample is not None:
            self.downsample[0] = vision.conv1x1(planes, planes)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        identity = x if self.downsample is None else self.downsample(out)
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class OffsetSubsampling(cifar.BasicBlock):
    """Picks the odd pixels instead of the even ones."""

    def without_parameters(self, planes):
        return cifar.LambdaLayer(
            lambda x: F.pad(x[:, :, 1::2, 1::2], (0, 0, 0, 0, planes // 4, planes // 4))
        )


class Averaged(cifar.BasicBlock):
    def without_parameters(self, planes):
        return cifar.LambdaLayer(
            lambda x: F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, planes // 4, planes // 4))
        )


class Repeated(cifar.BasicBlock):
    """The old channels once more, where zeros belong."""

    def without_parameters(self, planes):
        return cifar.LambdaLayer(lambda x: x[:, :, ::2, ::2].repeat(1, 2, 1, 1))


class PoolAndPad(functional.FunctionalResNet):
    """Shortcuts without parameters in an ImageNet net."""

    def __init__(self, depth):
        super().__init__(depth)
        for name in [name for name in self.p if "_p_" in name]:
            del self.p[name]

    def shortcut(self, x, key, stride):
        if stride == 1:
            return x
        extra = x.shape[1]
        return F.pad(F.max_pool2d(x, 2), (0, 0, 0, 0, 0, extra))


def projection_without_norm():
    net = vision.resnet18()
    net.layer3[0].downsample = vision.conv1x1(128, 256, 2)
    return net


def no_projection_has_norm():
    net = openmm.resnet50_vb()
    for name in net.res_layers:
        first = getattr(net, name)[0]
        first.downsample = first.downsample[0]
    return net


def biased_projection():
    net = vision.resnet18()
    net.layer2[0].downsample[0] = nn.Conv2d(64, 128, 1, stride=2)
    return net


def projection_3x3():
    net = vision.resnet18()
    net.layer4[0].downsample[0] = vision.conv3x3(256, 512, 2)
    return net


def rectified_projection():
    net = timm_like.resnet18()
    net.layer3[0].downsample.append(nn.ReLU())
    return net


def projection_in_every_block():
    return vision.resnet18(block=ProjectionInEveryBlock)


def pooled_projection():
    """The shortcut of vd in a network that is not vd."""
    net = vision.resnet18()
    net.layer3[0].downsample = nn.Sequential(
        nn.AvgPool2d(2, 2), vision.conv1x1(128, 256), nn.BatchNorm2d(256)
    )
    return net


def projection_of_branch():
    return vision.resnet18(special={(2, 0): ProjectionOfBranch})


def one_projection_for_two():
    """The projection of stage 3 is computed by the norm of another."""
    net = vision.resnet18()
    net.layer3[0].downsample[1] = net.layer3[0].bn2
    return net


def offset_subsampling():
    return cifar.resnet20_a(block=OffsetSubsampling)


def averaged():
    return cifar.resnet20_a(block=Averaged)


def repeated():
    return cifar.resnet20_a(special={(3, 0): Repeated})


def pool_and_pad():
    return PoolAndPad(18)


class Interpolated(vision.BasicBlock):
    """Down and up again on an identity shortcut."""

    def forward(self, x):
        half = F.interpolate(x, scale_factor=0.5, mode="nearest")
        identity = F.interpolate(half, size=x.shape[2:], mode="nearest")
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out + identity)


def interpolated():
    return vision.resnet18(special={(2, 1): Interpolated})
