"""ResNet the way torchvision writes it; the base of most of the others."""

from functools import partial

import torch
from torch import nn


def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
    """3x3 convolution with padding"""
    return nn.Conv2d(
        in_planes,
        out_planes,
        kernel_size=3,
        stride=stride,
        padding=dilation,
        groups=groups,
        bias=False,
        dilation=dilation,
    )


def conv1x1(in_planes, out_planes, stride=1):
    """1x1 convolution"""
    return nn.Conv2d(in_planes, out_planes, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        groups=1,
        base_width=64,
        dilation=1,
        norm_layer=nn.BatchNorm2d,
    ):
        super().__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        out = self.relu(out)

        return out


class Bottleneck(nn.Module):
    # torchvision puts the stride on the 3x3 convolution: "ResNet V1.5"
    expansion = 4

    def __init__(
        self,
        inplanes,
        planes,
        stride=1,
        downsample=None,
        groups=1,
        base_width=64,
        dilation=1,
        norm_layer=nn.BatchNorm2d,
    ):
        super().__init__()
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu(out)

        out = self.conv3(out)
        out = self.bn3(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        out = self.relu(out)

        return out


class BottleneckV1(Bottleneck):
    """The stride on the first 1x1, as in the paper and in Caffe."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv1 = conv1x1(inplanes, planes, stride)


class ResNet(nn.Module):
    """`special` maps (stage, block) to the class used in that one place."""

    def __init__(
        self,
        block,
        layers,
        num_classes=1000,
        in_channels=3,
        zero_init_residual=False,
        groups=1,
        width_per_group=64,
        replace_stride_with_dilation=(False, False, False),
        norm_layer=nn.BatchNorm2d,
        special=None,
    ):
        super().__init__()
        self._norm_layer = norm_layer
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        kinds = [
            [(special or {}).get((stage, index), block) for index in range(count)]
            for stage, count in enumerate(layers, start=1)
        ]
        dilate = replace_stride_with_dilation
        self.layer1 = self._make_layer(kinds[0], 64)
        self.layer2 = self._make_layer(kinds[1], 128, stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(kinds[2], 256, stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(kinds[3], 512, stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)

        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Bottleneck):
                    nn.init.constant_(m.bn3.weight, 0)
                elif isinstance(m, BasicBlock):
                    nn.init.constant_(m.bn2.weight, 0)

    def _make_downsample(self, outplanes, stride):
        return nn.Sequential(conv1x1(self.inplanes, outplanes, stride), self._norm_layer(outplanes))

    def _make_layer(self, kinds, planes, stride=1, dilate=False):
        downsample = None
        outplanes = planes * kinds[0].expansion
        previous_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        if stride != 1 or self.inplanes != outplanes:
            downsample = self._make_downsample(outplanes, stride)

        layers = []
        for index, kind in enumerate(kinds):
            layers.append(
                kind(
                    self.inplanes,
                    planes,
                    stride if index == 0 else 1,
                    downsample if index == 0 else None,
                    groups=self.groups,
                    base_width=self.base_width,
                    dilation=previous_dilation if index == 0 else self.dilation,
                    norm_layer=self._norm_layer,
                )
            )
            self.inplanes = outplanes
        return nn.Sequential(*layers)

    def stem(self, x):
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def stages(self, x):
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        return x

    def head(self, x):
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)

    def forward(self, x):
        return self.head(self.stages(self.stem(x)))


def resnet18(net=ResNet, block=BasicBlock, **kwargs):
    return net(block, [2, 2, 2, 2], **kwargs)


def resnet34(net=ResNet, block=BasicBlock, **kwargs):
    return net(block, [3, 4, 6, 3], **kwargs)


def resnet50(net=ResNet, block=Bottleneck, **kwargs):
    return net(block, [3, 4, 6, 3], **kwargs)


def resnet50_v1():
    return resnet50(block=BottleneckV1)


def resnext50_32x4d(**kwargs):
    return resnet50(groups=32, width_per_group=4, **kwargs)


def grey_input():
    return resnet18(in_channels=1)


def zero_init_residual():
    return resnet18(zero_init_residual=True)


def dilated_os8():
    return resnet50(replace_stride_with_dilation=[False, True, True])


def momentum_of_a_hundredth():
    """Keeps 99 per cent of the running statistics: unusual, and no mistake."""
    return resnet18(norm_layer=partial(nn.BatchNorm2d, momentum=0.01))


# What people do to such a network after they have built it


def ten_classes():
    net = resnet18()
    net.fc = nn.Linear(net.fc.in_features, 10)
    return net


def cifar_stem():
    """For 32x32 images: a 3x3 stem that does not stride, and no pool."""
    net = resnet18(num_classes=10)
    net.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


def without_classifier():
    net = resnet34()
    net.fc = nn.Identity()
    return net


def backbone_of_children():
    """Everything but pool and classifier, the way it is cut off everywhere."""
    return nn.Sequential(*list(resnet34().children())[:-2])


def children_and_new_head():
    body = list(resnet18().children())[:-2]
    return nn.Sequential(*body, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(512, 1000))
