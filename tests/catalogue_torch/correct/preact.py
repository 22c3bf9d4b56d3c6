"""Pre-activation ResNet: norm and ReLU before each convolution, and once more at the end."""

from collections import OrderedDict

from torch import nn
from torch.nn import functional as F


class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, kernel_size=1, stride=stride, bias=False)
            )

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out += shortcut
        return out


class PreActBottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, kernel_size=1, bias=False)
        if stride != 1 or in_planes != 4 * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, 4 * planes, kernel_size=1, stride=stride, bias=False)
            )

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.conv3(F.relu(self.bn3(out)))
        out += shortcut
        return out


class PreActResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=1000, special=None):
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False),
                pool=nn.MaxPool2d(3, stride=2, padding=1),
            )
        )
        planes_before = 64
        stages = []
        for stage, count in enumerate(num_blocks, start=1):
            blocks = OrderedDict()
            for index in range(count):
                kind = (special or {}).get((stage, index), block)
                stride = 2 if index == 0 and stage > 1 else 1
                blocks[f"unit{index + 1:02d}"] = kind(planes_before, 32 << stage, stride)
                planes_before = (32 << stage) * block.expansion
            stages.append((f"block{stage}", nn.Sequential(blocks)))
        self.body = nn.Sequential(OrderedDict(stages))
        self.norm = nn.BatchNorm2d(planes_before)
        self.classifier = nn.Linear(planes_before, num_classes)

    def last(self, x):
        return F.relu(self.norm(x))

    def forward(self, x):
        x = self.last(self.body(self.stem(x)))
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


def resnet18_v2(**kwargs):
    return PreActResNet(PreActBlock, [2, 2, 2, 2], **kwargs)


def resnet50_v2(**kwargs):
    return PreActResNet(PreActBottleneck, [3, 4, 6, 3], **kwargs)
