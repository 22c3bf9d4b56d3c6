"""The CIFAR nets: 6n + 2 layers, three stages, shortcuts without parameters (A) or with (B)."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn import init


def _weights_init(m):
    if isinstance(m, (nn.Linear, nn.Conv2d)):
        init.kaiming_normal_(m.weight)


class LambdaLayer(nn.Module):
    def __init__(self, lambd):
        super().__init__()
        self.lambd = lambd

    def forward(self, x):
        return self.lambd(x)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1, option="A"):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            if option == "A":
                self.shortcut = self.without_parameters(planes)
            else:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False),
                    nn.BatchNorm2d(planes),
                )

    def without_parameters(self, planes):
        return LambdaLayer(
            lambda x: F.pad(
                x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4), "constant", 0
            )
        )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        out = F.relu(out)
        return out


class ResNet(nn.Module):
    def __init__(self, num_blocks, option="A", num_classes=10, block=BasicBlock, special=None):
        super().__init__()
        self.in_planes = 16
        self.special = special or {}
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._make_layer(1, block, 16, num_blocks[0], 1, option)
        self.layer2 = self._make_layer(2, block, 32, num_blocks[1], 2, option)
        self.layer3 = self._make_layer(3, block, 64, num_blocks[2], 2, option)
        self.linear = nn.Linear(64, num_classes)
        self.apply(_weights_init)

    def _make_layer(self, stage, block, planes, num_blocks, stride, option):
        layers = []
        for index, step in enumerate([stride] + [1] * (num_blocks - 1)):
            kind = self.special.get((stage, index), block)
            layers.append(kind(self.in_planes, planes, step, option))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def stem(self, x):
        return F.relu(self.bn1(self.conv1(x)))

    def stages(self, x):
        out = self.layer1(x)
        out = self.layer2(out)
        return self.layer3(out)

    def head(self, x):
        out = F.avg_pool2d(x, x.size()[3])
        out = out.view(out.size(0), -1)
        return self.linear(out)

    def forward(self, x):
        return self.head(self.stages(self.stem(x)))


# Other ways to subsample and to add zero channels


class DownsampleA(nn.Module):
    """Average pooling over single pixels picks every second one; the rest is times zero."""

    def __init__(self, stride):
        super().__init__()
        self.avg = nn.AvgPool2d(kernel_size=1, stride=stride)

    def forward(self, x):
        x = self.avg(x)
        return torch.cat((x, x.mul(0)), 1)


class ZerosBehind(BasicBlock):
    def without_parameters(self, planes):
        return DownsampleA(2)


class ZerosAroundBlock(BasicBlock):
    """Zeros on both sides, made anew with the type and the device of the map."""

    def without_parameters(self, planes):
        def widen(x):
            x = F.max_pool2d(x, 1, 2)
            zeros = x.new_zeros(x.size(0), planes // 4, x.size(2), x.size(3))
            return torch.cat([zeros, x, zeros], dim=1)

        return LambdaLayer(widen)


class FilledIn(BasicBlock):
    """An empty map of the new size, into which the old one is written."""

    def without_parameters(self, planes):
        def widen(x):
            n, c, h, w = x.shape
            out = torch.zeros(n, planes, (h + 1) // 2, (w + 1) // 2, dtype=x.dtype)
            out[:, :c] = x[:, :, ::2, ::2]
            return out

        return LambdaLayer(widen)


class PadFirst(BasicBlock):
    """Channels first, then pixels, and nn.ConstantPad3d for the channels."""

    def without_parameters(self, planes):
        extra = planes // 4
        return nn.Sequential(nn.ConstantPad3d((0, 0, 0, 0, extra, extra), 0.0), nn.MaxPool2d(1, 2))


def resnet20_a(net=ResNet, **kwargs):
    return net([3, 3, 3], **kwargs)


def resnet20_b(net=ResNet, **kwargs):
    return net([3, 3, 3], "B", **kwargs)


def resnet56_a():
    return ResNet([9, 9, 9])


def zeros_behind():
    return resnet20_a(block=ZerosBehind)


def zeros_around():
    return resnet20_a(block=ZerosAroundBlock)


def filled_in():
    return resnet20_a(block=FilledIn)


def pad_first():
    return resnet20_a(block=PadFirst)
