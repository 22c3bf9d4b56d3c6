"""The way of torchvision, in MindSpore: explicit padding, `nn.Pad` before a "valid" max pool."""

from mindspore import nn, ops


def conv(in_planes, out_planes, kernel, stride=1, **options):
    options = {"pad_mode": "pad", "padding": kernel // 2, **options}
    return nn.Conv2d(in_planes, out_planes, kernel, stride, **options)


class BasicBlock(nn.Cell):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__()
        self.conv1 = conv(inplanes, planes, 3, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU()
        self.conv2 = conv(planes, planes, 3)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def construct(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Cell):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__()
        width = int(planes * base_width / 64) * groups
        self.conv1 = conv(inplanes, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride, group=groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, planes * self.expansion, 1)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU()
        self.downsample = downsample

    def construct(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Cell):
    """`special` puts another block, made by a function of the usual arguments, in one place."""

    def __init__(self, block, layers, num_classes=1000, groups=1, base_width=64, special=None):
        super().__init__()
        self.inplanes, self.groups, self.base_width = 64, groups, base_width
        self.special = special or {}
        self.conv1 = conv(3, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.pad = nn.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.max_pool = nn.MaxPool2d(kernel_size=3, stride=2, pad_mode="valid")
        self.layer1 = self._make_layer(1, block, 64, layers[0])
        self.layer2 = self._make_layer(2, block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(3, block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(4, block, 512, layers[3], stride=2)
        self.flatten = nn.Flatten()
        self.fc = nn.Dense(512 * block.expansion, num_classes)

    def _make_layer(self, stage, block, planes, count, stride=1):
        blocks = []
        for index in range(count):
            step = stride if index == 0 else 1
            make = self.special.get((stage, index), block)
            shortcut = self.shortcut(planes * block.expansion, step)
            blocks.append(make(self.inplanes, planes, step, shortcut, self.groups, self.base_width))
            self.inplanes = planes * block.expansion
        return nn.SequentialCell(blocks)

    def shortcut(self, planes, stride):
        if stride == 1 and self.inplanes == planes:
            return None
        return nn.SequentialCell(conv(self.inplanes, planes, 1, stride), nn.BatchNorm2d(planes))

    def stem(self, x):
        return self.max_pool(self.pad(self.relu(self.bn1(self.conv1(x)))))

    def stages(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def head(self, x):
        return self.fc(self.flatten(ops.mean(x, (2, 3), True)))

    def construct(self, x):
        return self.head(self.stages(self.stem(x)))


def resnet18(**options):
    return ResNet(BasicBlock, [2, 2, 2, 2], **options)


def resnet34(**options):
    return ResNet(BasicBlock, [3, 4, 6, 3], **options)


def resnet50(**options):
    return ResNet(Bottleneck, [3, 4, 6, 3], **options)


def resnext50():
    return resnet50(groups=32, base_width=4)


def wide_resnet50():
    return resnet50(base_width=128)
