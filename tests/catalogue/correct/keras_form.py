"""The networks of keras.applications, written out: explicit zero padding, biases, softmax."""

import paddle.nn as nn
import paddle.nn.functional as F

EPSILON = 1.001e-5
MOMENTUM = 0.99


def norm(channels):
    return nn.BatchNorm2D(channels, momentum=MOMENTUM, epsilon=EPSILON)


class Block1(nn.Layer):
    """Stride on the first 1x1 convolution; every convolution has a bias."""

    def __init__(self, cin, filters, stride=1, conv_shortcut=True):
        super().__init__()
        self.shortcut = None
        if conv_shortcut:
            self.shortcut = nn.Sequential(nn.Conv2D(cin, 4 * filters, 1, stride), norm(4 * filters))
        self.branch = nn.Sequential(
            nn.Conv2D(cin, filters, 1, stride),
            norm(filters),
            nn.ReLU(),
            nn.Conv2D(filters, filters, 3, padding="SAME"),
            norm(filters),
            nn.ReLU(),
            nn.Conv2D(filters, 4 * filters, 1),
            norm(4 * filters),
        )

    def forward(self, x):
        shortcut = self.shortcut(x) if self.shortcut is not None else x
        return F.relu(shortcut + self.branch(x))


class Block2(nn.Layer):
    """Pre-activation; where an identity must shrink, a max pool of size 1 takes every second."""

    def __init__(self, cin, filters, stride=1, conv_shortcut=False):
        super().__init__()
        self.preact = nn.Sequential(norm(cin), nn.ReLU())
        self.project = nn.Conv2D(cin, 4 * filters, 1, stride) if conv_shortcut else None
        self.subsample = nn.MaxPool2D(1, stride) if stride > 1 else nn.Identity()
        self.branch = nn.Sequential(
            nn.Conv2D(cin, filters, 1, bias_attr=False),
            norm(filters),
            nn.ReLU(),
            nn.ZeroPad2D(1),
            nn.Conv2D(filters, filters, 3, stride, bias_attr=False),
            norm(filters),
            nn.ReLU(),
            nn.Conv2D(filters, 4 * filters, 1),
        )

    def forward(self, x):
        preact = self.preact(x)
        shortcut = self.subsample(x) if self.project is None else self.project(preact)
        return shortcut + self.branch(preact)


class KerasResNet(nn.Layer):
    def __init__(self, counts, preact=False, classes=1000):
        super().__init__()
        layers = [nn.ZeroPad2D(3), nn.Conv2D(3, 64, 7, 2)]
        if not preact:
            layers += [norm(64), nn.ReLU()]
        layers += [nn.ZeroPad2D(1), nn.MaxPool2D(3, 2)]
        channels = 64
        for stage, count in enumerate(counts):
            filters = 64 * 2**stage
            layers += (self.stack2 if preact else self.stack1)(channels, filters, count, stage)
            channels = 4 * filters
        if preact:
            layers += [norm(channels), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.predictions = nn.Linear(channels, classes)

    def stack1(self, cin, filters, count, stage):
        first = Block1(cin, filters, 1 if stage == 0 else 2)
        return [first] + [
            Block1(4 * filters, filters, conv_shortcut=False) for _ in range(count - 1)
        ]

    def stack2(self, cin, filters, count, stage):
        """The stride is on the last block of a stage, and the last stage has none."""
        inner = [Block2(4 * filters, filters) for _ in range(count - 2)]
        last = Block2(4 * filters, filters, 1 if stage == 3 else 2)
        return [Block2(cin, filters, conv_shortcut=True), *inner, last]

    def forward(self, x):
        return F.softmax(self.predictions(self.body(x).mean([2, 3])), axis=-1)


def resnet50_keras():
    return KerasResNet((3, 4, 6, 3))


def resnet50_keras_v2():
    return KerasResNet((3, 4, 6, 3), preact=True)
