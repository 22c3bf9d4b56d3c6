"""Mistakes in the other forms: CIFAR, vd, SE, pre-activation, dilated, Dive into Deep Learning."""

from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import cifar, openmm, preact, sequential, timm_like, vision


class CifarWithPool(cifar.ResNet):
    """The max pool of the ImageNet stem."""

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.max_pool2d(out, 3, 2, 1)
        out = self.layer3(self.layer2(self.layer1(out)))
        return self.linear(out.mean((2, 3)))


class MixedOptions(cifar.BasicBlock):
    def __init__(self, in_planes, planes, stride=1, option="A"):
        super().__init__(in_planes, planes, stride, "B")


class HardSigmoidSE(timm_like.SEModule):
    def __init__(self, channels):
        super().__init__(channels)
        self.gate = nn.Hardsigmoid()


class NoReluSE(timm_like.SELayer):
    def __init__(self, channel, reduction=16):
        super().__init__(channel, reduction)
        self.fc[1] = nn.Identity()


class GateAfterAdd(timm_like.BasicBlock):
    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.act1(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x)) + shortcut
        return self.act2(self.se(x))


class AfterActivation(preact.PreActBlock):
    """Every block adds its activated input, not the input."""

    def forward(self, x):
        x = F.relu(self.bn1(x))
        shortcut = self.shortcut(x) if hasattr(self, "shortcut") else x
        return self.conv2(F.relu(self.bn2(self.conv1(x)))) + shortcut


class Activated(preact.PreActBlock):
    def forward(self, x):
        return F.relu(super().forward(x))


class ReluMissing(preact.PreActBlock):
    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        return self.conv2(self.bn2(self.conv1(out))) + shortcut


class NoLastRelu(sequential.Residual):
    def forward(self, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        return Y + X


def cifar_with_pool():
    return CifarWithPool([3, 3, 3])


def cifar_stem_without_padding():
    net = cifar.resnet20_b()
    net.conv1 = nn.Conv2d(3, 16, kernel_size=3, bias=False)
    return net


def mixed_options():
    return cifar.resnet20_a(special={(3, 0): MixedOptions})


def hard_sigmoid():
    net = timm_like.resnet18_se()
    net.layer3[1].se = HardSigmoidSE(256)
    return net


def se_without_relu():
    return timm_like.resnet18(attn_layer=NoReluSE)


def se_reduction_4():
    net = timm_like.seresnet18()
    net.layer2[1].se = timm_like.SELayer(128, reduction=4)
    return net


def se_missing():
    net = timm_like.seresnet18()
    net.layer3[1].se = None
    return net


def gate_after_add():
    return timm_like.seresnet18(special={(3, 1): GateAfterAdd})


def vd_projection_strides():
    net = openmm.resnet18_vd()
    net.layer3[0].downsample = nn.Sequential(
        nn.Conv2d(128, 256, 1, stride=2, bias=False), nn.BatchNorm2d(256)
    )
    return net


def vd_pool_counts_padding():
    """Its average rounds up and divides by four at the edge, too."""
    net = openmm.resnet18_vd()
    net.layer3[0].downsample[0] = nn.AvgPool2d(3, 2, padding=1)
    return net


def deep_stem_without_relu():
    net = timm_like.resnet18_deep_stem()
    net.conv1[2] = nn.Identity()
    return net


def deep_stem_strides_last():
    net = timm_like.resnet18_deep_stem()
    net.conv1[0].stride, net.conv1[6].stride = (1, 1), (2, 2)
    return net


def deep_stem_width_64():
    net = openmm.resnet18_vd()
    net.stem[1] = openmm.ConvModule(32, 64, 3, 1, 1)
    net.stem[2] = openmm.ConvModule(64, 64, 3, 1, 1)
    return net


def after_activation():
    return preact.PreActResNet(AfterActivation, [2, 2, 2, 2])


def activated():
    return preact.resnet18_v2(special={(2, 1): Activated})


def relu_missing():
    return preact.resnet18_v2(special={(3, 1): ReluMissing})


def undilated_block():
    net = timm_like.resnet18_os16()
    net.layer4[1].conv1 = vision.conv3x3(512, 512)
    return net


def d2l_without_relu():
    return sequential.d2l_resnet18(kind=NoLastRelu)


def d2l_last_pool():
    """The book's last pool replaced by one that leaves four values."""
    net = sequential.d2l_resnet18()
    net.net.last[0] = nn.AdaptiveAvgPool2d((2, 2))
    return net


def groups_in_vd():
    net = openmm.resnet18_vd()
    net.layer3[1].layers[1].conv = nn.Conv2d(256, 256, 3, padding=1, groups=32, bias=False)
    return net
