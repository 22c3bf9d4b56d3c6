"""Pre-activation ResNet: norm and ReLU before each convolution, and once more at the end."""

import paddle.nn as nn
import paddle.nn.functional as F


class PreActBlock(nn.Layer):
    expansion = 1

    def __init__(self, cin, width, stride, activate=True):
        super().__init__()
        if activate:
            self.norm1 = nn.BatchNorm2D(cin)
        self.activate = activate
        self.conv1 = nn.Conv2D(cin, width, 3, stride, 1, bias_attr=False)
        self.norm2 = nn.BatchNorm2D(width)
        self.conv2 = nn.Conv2D(width, width, 3, 1, 1, bias_attr=False)
        if stride != 1 or cin != width:
            self.project = nn.Conv2D(cin, width, 1, stride, bias_attr=False)

    def forward(self, x):
        out = F.relu(self.norm1(x)) if self.activate else x
        shortcut = self.project(out) if hasattr(self, "project") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.norm2(out)))
        return out + shortcut


class PreActBottleneck(nn.Layer):
    expansion = 4

    def __init__(self, cin, width, stride, activate=True):
        super().__init__()
        if activate:
            self.norm1 = nn.BatchNorm2D(cin)
        self.activate = activate
        self.conv1 = nn.Conv2D(cin, width, 1, bias_attr=False)
        self.norm2 = nn.BatchNorm2D(width)
        self.conv2 = nn.Conv2D(width, width, 3, stride, 1, bias_attr=False)
        self.norm3 = nn.BatchNorm2D(width)
        self.conv3 = nn.Conv2D(width, 4 * width, 1, bias_attr=False)
        if stride != 1 or cin != 4 * width:
            self.project = nn.Conv2D(cin, 4 * width, 1, stride, bias_attr=False)

    def forward(self, x):
        out = F.relu(self.norm1(x)) if self.activate else x
        shortcut = self.project(out) if hasattr(self, "project") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.norm2(out)))
        out = self.conv3(F.relu(self.norm3(out)))
        return shortcut + out


class PreActResNet(nn.Layer):
    """`stem_norm` activates right after the first convolution instead of in the first block."""

    def __init__(self, block, counts, num_classes=1000, stem_norm=False, special=None):
        super().__init__()
        special = special or {}
        self.stem = nn.Conv2D(3, 64, 7, 2, 3, bias_attr=False)
        self.stem_norm = nn.BatchNorm2D(64) if stem_norm else None
        self.pool = nn.MaxPool2D(3, 2, 1)
        self.blocks = nn.LayerList()
        channels = 64
        for stage, count in enumerate(counts, start=1):
            width = 32 * 2**stage
            for index in range(count):
                kind = special.get((stage, index), block)
                stride = 2 if index == 0 and stage > 1 else 1
                first = stem_norm and stage == 1 and index == 0
                self.blocks.append(kind(channels, width, stride, activate=not first))
                channels = width * block.expansion
        self.norm = nn.BatchNorm2D(channels)
        self.head = nn.Linear(channels, num_classes)

    def features(self, x):
        x = self.stem(x)
        if self.stem_norm is not None:
            x = F.relu(self.stem_norm(x))
        x = self.pool(x)
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, x):
        x = F.relu(self.norm(self.features(x)))
        return self.head(F.adaptive_avg_pool2d(x, 1).squeeze(3).squeeze(2))


def resnet18_v2(net=PreActResNet, **kwargs):
    return net(PreActBlock, (2, 2, 2, 2), **kwargs)


def resnet50_v2(net=PreActResNet, **kwargs):
    return net(PreActBottleneck, (3, 4, 6, 3), **kwargs)


def resnet34_v2_stem_norm():
    return PreActResNet(PreActBlock, (3, 4, 6, 3), stem_norm=True)
