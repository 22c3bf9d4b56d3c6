"""Right networks of other variants, heads and states."""

import mindspore as ms
from mindspore import nn, ops

from tests.catalogue_mindspore.classic import BasicBlock, Bottleneck, ResNet, conv

# Pre-activation, v2.


class PreActBlock(nn.Cell):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__()
        self.norms = nn.CellList([nn.BatchNorm2d(n) for n in (inplanes, planes, planes)])
        self.convs = nn.CellList(
            [
                conv(inplanes, planes, 1),
                conv(planes, planes, 3, stride),
                conv(planes, planes * 4, 1),
            ]
        )
        self.downsample = downsample

    def construct(self, x):
        shortcut = x
        for i, (norm, layer) in enumerate(zip(self.norms, self.convs, strict=True)):
            x = ops.relu(norm(x))
            if i == 0 and self.downsample is not None:
                shortcut = self.downsample(x)
            x = layer(x)
        return x + shortcut


class PreActResNet(ResNet):
    def __init__(self, layers):
        super().__init__(PreActBlock, layers)
        self.bn1 = None
        self.last = nn.BatchNorm2d(2048)

    def shortcut(self, planes, stride):
        if stride == 1 and self.inplanes == planes:
            return None
        return conv(self.inplanes, planes, 1, stride)

    def stem(self, x):
        # Not zeros and a "valid" pool: without a ReLU before it, they would count.
        return ops.max_pool2d(self.conv1(x), kernel_size=3, stride=2, padding=1)

    def head(self, x):
        return super().head(self.relu(self.last(x)))


def resnet50_v2():
    return PreActResNet([3, 4, 6, 3])


# Bag of tricks: a deep stem, and an average pool in front of a projection.


class BagOfTricks(ResNet):
    def __init__(self, layers):
        super().__init__(Bottleneck, layers)
        self.conv1 = nn.SequentialCell(
            conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU(),
            conv(32, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), conv(32, 64, 3),
        )  # fmt: skip
        self.max_pool = nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)

    def stem(self, x):
        return self.max_pool(self.relu(self.bn1(self.conv1(x))))

    def shortcut(self, planes, stride):
        if stride == 1 and self.inplanes == planes:
            return None
        projection = [conv(self.inplanes, planes, 1), nn.BatchNorm2d(planes)]
        if stride != 1:
            projection.insert(0, nn.AvgPool2d(2, stride, pad_mode="same"))
        return nn.SequentialCell(projection)


def resnet50_vd():
    return BagOfTricks([3, 4, 6, 3])


# Squeeze and excitation.


class SEBlock(BasicBlock):
    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64):
        super().__init__(inplanes, planes, stride, downsample)
        self.pool = ops.AdaptiveAvgPool2D(1)
        self.squeeze = nn.Dense(planes, planes // 16, activation="relu")
        self.excite = nn.Dense(planes // 16, planes, activation=nn.Sigmoid())

    def construct(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        gate = self.excite(self.squeeze(self.pool(out).view(out.shape[:2])))
        out = out * gate.reshape(out.shape[0], -1, 1, 1)
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


def se_resnet18():
    return ResNet(SEBlock, [2, 2, 2, 2])


# What comes out, and in what state the network comes.


class Backbone(ResNet):
    def __init__(self, block, layers):
        super().__init__(block, layers)
        del self.fc

    def construct(self, x):
        features, x = {}, self.stem(x)
        for index in (1, 2, 3, 4):
            x = getattr(self, f"layer{index}")(x)
            features[f"c{index + 1}"] = x
        return features


def backbone18():
    return Backbone(BasicBlock, [2, 2, 2, 2])


class Dilated(Backbone):
    """The last stage dilated instead of strided."""

    def _make_layer(self, stage, block, planes, count, stride=1):
        if stage < 4:
            return super()._make_layer(stage, block, planes, count, stride)
        blocks = super()._make_layer(stage, block, planes, count, 1)
        for _, cell in blocks.cells_and_names():
            if isinstance(cell, nn.Conv2d) and cell.kernel_size == (3, 3):
                cell.conv2d = ops.Conv2D(cell.out_channels, 3, pad_mode="pad", pad=2, dilation=2)
        return blocks


def dilated50():
    return Dilated(Bottleneck, [3, 4, 6, 3])


class Compiled(ResNet):
    @ms.jit
    def construct(self, x):
        return super().construct(x)


def compiled18():
    net = Compiled(BasicBlock, [2, 2, 2, 2], num_classes=7)
    net.set_train()
    return net


def wrapped34():
    """Within another cell, which puts out probabilities beside the logits."""

    class Classifier(nn.Cell):
        def __init__(self, backbone):
            super().__init__(auto_prefix=False)
            self.backbone = backbone
            self.softmax = nn.Softmax()

        def construct(self, x):
            logits = self.backbone(x)
            return logits, self.softmax(logits)

    return Classifier(ResNet(BasicBlock, [3, 4, 6, 3], num_classes=20))
