"""The CIFAR nets: 6n + 2 layers, three stages, shortcuts without parameters (A) or with (B)."""

import paddle
import paddle.nn as nn
import paddle.nn.functional as F


class LambdaLayer(nn.Layer):
    def __init__(self, lambd):
        super().__init__()
        self.lambd = lambd

    def forward(self, x):
        return self.lambd(x)


class BasicBlock(nn.Layer):
    def __init__(self, in_planes, planes, stride=1, option="A"):
        super().__init__()
        self.conv1 = nn.Conv2D(in_planes, planes, 3, stride=stride, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(planes)
        self.conv2 = nn.Conv2D(planes, planes, 3, padding=1, bias_attr=False)
        self.bn2 = nn.BatchNorm2D(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = self.make_shortcut(in_planes, planes, stride, option)

    def make_shortcut(self, in_planes, planes, stride, option):
        if option == "A":
            pad = planes // 4
            return LambdaLayer(
                lambda x: F.pad(x[:, :, ::2, ::2], [0, 0, pad, pad, 0, 0, 0, 0], "constant", 0)
            )
        return nn.Sequential(
            nn.Conv2D(in_planes, planes, 1, stride=stride, bias_attr=False),
            nn.BatchNorm2D(planes),
        )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class PadAtTheEnd(BasicBlock):
    """All new channels after the old ones, by concatenation."""

    def make_shortcut(self, in_planes, planes, stride, option):
        def widen(x):
            x = F.avg_pool2d(x, 1, stride)
            return paddle.concat([x, paddle.zeros_like(x)], axis=1)

        return LambdaLayer(widen)


class ResNet(nn.Layer):
    def __init__(self, num_blocks, option="A", num_classes=10, block=BasicBlock, special=None):
        super().__init__()
        self.in_planes = 16
        self.special = special or {}
        self.conv1 = nn.Conv2D(3, 16, 3, stride=1, padding=1, bias_attr=False)
        self.bn1 = nn.BatchNorm2D(16)
        self.layer1 = self._make_layer(1, block, 16, num_blocks[0], 1, option)
        self.layer2 = self._make_layer(2, block, 32, num_blocks[1], 2, option)
        self.layer3 = self._make_layer(3, block, 64, num_blocks[2], 2, option)
        self.linear = nn.Linear(64, num_classes)

    def _make_layer(self, stage, block, planes, num_blocks, stride, option):
        layers = []
        for index, step in enumerate([stride] + [1] * (num_blocks - 1)):
            kind = self.special.get((stage, index), block)
            layers.append(kind(self.in_planes, planes, step, option))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.shape[3])
        out = out.reshape([out.shape[0], -1])
        return self.linear(out)


def resnet20_a(**kwargs):
    return ResNet([3, 3, 3], **kwargs)


def resnet20_b(**kwargs):
    return ResNet([3, 3, 3], "B", **kwargs)


def resnet20_pad_at_the_end():
    return ResNet([3, 3, 3], block=PadAtTheEnd)


def resnet56_a():
    return ResNet([9, 9, 9])


def resnet110_b():
    return ResNet([18, 18, 18], "B", num_classes=100)
