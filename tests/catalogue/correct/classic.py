"""ResNet the way torchvision and paddle.vision write it, and harmless habits seen on top of it."""

import paddle
import paddle.nn as nn


class BasicBlock(nn.Layer):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__()
        self.conv1 = nn.Conv2D(inplanes, planes, 3, stride=stride, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(planes)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2D(planes, planes, 3, padding=1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        return self.relu(out)


class Bottleneck(nn.Layer):
    """Stride on the 3x3 convolution (v1.5)."""

    expansion = 4

    def __init__(
        self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1
    ):
        super().__init__()
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = nn.Conv2D(inplanes, width, 1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(width)
        self.conv2 = nn.Conv2D(
            width, width, 3, stride, dilation, dilation=dilation, groups=groups, bias_attr=False
        )
        self.bn2 = nn.BatchNorm2D(width)
        self.conv3 = nn.Conv2D(width, planes * self.expansion, 1, bias_attr=False)
        self.bn3 = nn.BatchNorm2D(planes * self.expansion)
        self.relu = nn.ReLU()
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        identity = x

        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))

        if self.downsample is not None:
            identity = self.downsample(x)

        out += identity
        return self.relu(out)


class BottleneckV1(Bottleneck):
    """Stride on the first 1x1 convolution, as in the first paper."""

    def __init__(self, inplanes, planes, stride=1, downsample=None, **kwargs):
        super().__init__(inplanes, planes, 1, downsample, **kwargs)
        self.conv1 = nn.Conv2D(inplanes, planes, 1, stride=stride, bias_attr=False)


class ResNet(nn.Layer):
    """`special` maps (stage, block) to the class used in that one place."""

    def __init__(
        self,
        block,
        layers,
        num_classes=1000,
        in_channels=3,
        groups=1,
        width_per_group=64,
        replace_stride_with_dilation=(False, False, False),
        special=None,
    ):
        super().__init__()
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group
        self.special = special or {}
        self.conv1 = nn.Conv2D(in_channels, 64, 7, stride=2, padding=3, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)
        dilate = replace_stride_with_dilation
        self.layer1 = self._make_layer(1, block, 64, layers[0])
        self.layer2 = self._make_layer(2, block, 128, layers[1], stride=2, dilate=dilate[0])
        self.layer3 = self._make_layer(3, block, 256, layers[2], stride=2, dilate=dilate[1])
        self.layer4 = self._make_layer(4, block, 512, layers[3], stride=2, dilate=dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2D((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)

    def _make_downsample(self, stage, inplanes, outplanes, stride):
        return nn.Sequential(
            nn.Conv2D(inplanes, outplanes, 1, stride=stride, bias_attr=False),
            nn.BatchNorm2D(outplanes),
        )

    def _needs_downsample(self, stage, inplanes, outplanes, stride):
        return stride != 1 or inplanes != outplanes

    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        previous_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        outplanes = planes * block.expansion
        downsample = None
        if self._needs_downsample(stage, self.inplanes, outplanes, stride):
            downsample = self._make_downsample(stage, self.inplanes, outplanes, stride)

        layers = []
        for index in range(blocks):
            kind = self.special.get((stage, index), block)
            layers.append(
                kind(
                    self.inplanes,
                    planes,
                    stride if index == 0 else 1,
                    downsample if index == 0 else None,
                    groups=self.groups,
                    base_width=self.base_width,
                    dilation=previous_dilation if index == 0 else self.dilation,
                )
            )
            self.inplanes = outplanes
        return nn.Sequential(*layers)

    def forward_stem(self, x):
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def forward_stages(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def forward_head(self, x):
        x = self.avgpool(x)
        x = paddle.flatten(x, 1)
        return self.fc(x)

    def forward(self, x):
        return self.forward_head(self.forward_stages(self.forward_stem(x)))


def resnet18(net=ResNet, block=BasicBlock, **kwargs):
    return net(block, [2, 2, 2, 2], **kwargs)


def resnet34(net=ResNet, block=BasicBlock, **kwargs):
    return net(block, [3, 4, 6, 3], **kwargs)


def resnet50(net=ResNet, block=Bottleneck, **kwargs):
    return net(block, [3, 4, 6, 3], **kwargs)


def resnet101():
    return ResNet(Bottleneck, [3, 4, 23, 3])


def resnet50_v1(net=ResNet, **kwargs):
    return resnet50(net, BottleneckV1, **kwargs)


def resnext50_32x4d(**kwargs):
    return resnet50(groups=32, width_per_group=4, **kwargs)


def wide_resnet50_2(**kwargs):
    return resnet50(width_per_group=128, **kwargs)


def ten_classes():
    return resnet50(num_classes=10)


def one_class():
    return resnet18(num_classes=1)


def imagenet22k_classes():
    return resnet18(num_classes=21841)


def grey_input():
    return resnet18(in_channels=1)


def four_channels():
    return resnet50(in_channels=4, num_classes=17)


def dilated_os16():
    return resnet50(replace_stride_with_dilation=(False, False, True))


def dilated_os8():
    return resnet50(replace_stride_with_dilation=(False, True, True))


class DilatedFromTheFirstBlock(ResNet):
    """As PaddleSeg: the first block of a dilated stage is dilated like the others."""

    def _make_layer(self, stage, block, planes, blocks, stride=1, dilate=False):
        if dilate:
            self.dilation *= stride
            stride = 1
        return super()._make_layer(stage, block, planes, blocks, stride)


def dilated_os8_seg():
    return resnet50(DilatedFromTheFirstBlock, replace_stride_with_dilation=(False, True, True))


# How the residual is added


class AddMethodBlock(BasicBlock):
    def forward(self, x):
        residual = x.clone()
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            residual = self.downsample(x)
        return self.relu(residual.add(out))


class InplaceAddBlock(BasicBlock):
    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out.add_(x if self.downsample is None else self.downsample(x))
        return nn.functional.relu_(out)


class AddNBlock(Bottleneck):
    def forward(self, x):
        residual = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(paddle.add_n([self.bn3(self.conv3(out)), residual]))


class ShortcutReLUBlock(BasicBlock):
    """Rectifies the identity again: it is the output of a ReLU already."""

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = self.relu(x) if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


def add_method():
    return resnet18(block=AddMethodBlock)


def inplace_add():
    return resnet34(block=InplaceAddBlock)


def add_n():
    return resnet50(block=AddNBlock)


def relu_on_identity_shortcut():
    return resnet18(block=ShortcutReLUBlock)


# How the head pools and flattens


class MeanPool(ResNet):
    def forward_head(self, x):
        return self.fc(x.mean([2, 3]))


class ReshapeHead(ResNet):
    def forward_head(self, x):
        x = nn.functional.adaptive_avg_pool2d(x, 1)
        x = x.reshape([x.shape[0], -1])
        return self.fc(x)


class FixedPool(ResNet):
    """Only right for 224x224, as were many heads of the time."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.avgpool = nn.AvgPool2D(7, stride=1)


class Conv1x1Head(ResNet):
    def __init__(self, block, layers, num_classes=1000, **kwargs):
        super().__init__(block, layers, num_classes, **kwargs)
        self.fc = nn.Conv2D(512 * block.expansion, num_classes, 1)

    def forward_head(self, x):
        return self.fc(self.avgpool(x)).squeeze([2, 3])


class MapOfClasses(Conv1x1Head):
    """A map of classes first, of which the mean is taken."""

    def forward_head(self, x):
        return self.avgpool(self.fc(x)).flatten(1)


def mean_pool():
    return resnet18(MeanPool)


def reshape_as_flatten():
    return resnet34(ReshapeHead)


def fixed_pool():
    return resnet50(FixedPool)


def map_of_classes():
    return resnet18(MapOfClasses)


def conv1x1_head():
    return resnet50(Conv1x1Head)
