"""ResNet the way PaddleClas writes it: one class for convolution, norm and activation.

The norm is the old `paddle.nn.BatchNorm`, which takes the activation as an argument. The same
classes give the vb, vc and vd forms.
"""

import paddle
import paddle.nn as nn
from paddle import ParamAttr
from paddle.nn.initializer import KaimingNormal, Uniform

LAYERS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}


class ConvBNLayer(nn.Layer):
    def __init__(
        self, num_channels, num_filters, filter_size, stride=1, groups=1, is_vd_mode=False, act=None
    ):
        super().__init__()
        self.is_vd_mode = is_vd_mode
        self._pool2d_avg = nn.AvgPool2D(kernel_size=2, stride=2, padding=0, ceil_mode=True)
        self._conv = nn.Conv2D(
            in_channels=num_channels,
            out_channels=num_filters,
            kernel_size=filter_size,
            stride=stride if not is_vd_mode else 1,
            padding=(filter_size - 1) // 2,
            groups=groups,
            weight_attr=ParamAttr(initializer=KaimingNormal()),
            bias_attr=False,
        )
        self._batch_norm = nn.BatchNorm(num_filters, act=act)

    def forward(self, inputs):
        if self.is_vd_mode:
            inputs = self._pool2d_avg(inputs)
        return self._batch_norm(self._conv(inputs))


class BottleneckBlock(nn.Layer):
    def __init__(self, num_channels, num_filters, stride, shortcut=True, pool_shortcut=False):
        super().__init__()
        self.conv0 = ConvBNLayer(num_channels, num_filters, 1, act="relu")
        self.conv1 = ConvBNLayer(num_filters, num_filters, 3, stride=stride, act="relu")
        self.conv2 = ConvBNLayer(num_filters, num_filters * 4, 1, act=None)
        if not shortcut:
            self.short = self.make_short(num_channels, num_filters * 4, stride, pool_shortcut)
        self.shortcut = shortcut

    def make_short(self, num_channels, num_filters, stride, pool_shortcut):
        return ConvBNLayer(num_channels, num_filters, 1, stride=stride, is_vd_mode=pool_shortcut)

    def forward(self, inputs):
        y = self.conv0(inputs)
        conv1 = self.conv1(y)
        conv2 = self.conv2(conv1)
        short = inputs if self.shortcut else self.short(inputs)
        y = paddle.add(x=short, y=conv2)
        return nn.functional.relu(y)


class BasicBlock(nn.Layer):
    def __init__(self, num_channels, num_filters, stride, shortcut=True, pool_shortcut=False):
        super().__init__()
        self.stride = stride
        self.conv0 = ConvBNLayer(num_channels, num_filters, 3, stride=stride, act="relu")
        self.conv1 = ConvBNLayer(num_filters, num_filters, 3, act=None)
        if not shortcut:
            self.short = self.make_short(num_channels, num_filters, stride, pool_shortcut)
        self.shortcut = shortcut

    def make_short(self, num_channels, num_filters, stride, pool_shortcut):
        return ConvBNLayer(num_channels, num_filters, 1, stride=stride, is_vd_mode=pool_shortcut)

    def forward(self, inputs):
        y = self.conv0(inputs)
        conv1 = self.conv1(y)
        short = inputs if self.shortcut else self.short(inputs)
        y = paddle.add(x=short, y=conv1)
        return nn.functional.relu(y)


class ResNet(nn.Layer):
    def __init__(self, layers=50, version="vb", class_dim=1000, special=None):
        super().__init__()
        block_class = BottleneckBlock if layers >= 50 else BasicBlock
        expansion = 4 if layers >= 50 else 1
        special = special or {}
        if version in ("vc", "vd"):
            self.stem = nn.Sequential(
                ConvBNLayer(3, 32, 3, stride=2, act="relu"),
                ConvBNLayer(32, 32, 3, act="relu"),
                ConvBNLayer(32, 64, 3, act="relu"),
            )
        else:
            self.stem = ConvBNLayer(3, 64, 7, stride=2, act="relu")
        self.pool2d_max = nn.MaxPool2D(kernel_size=3, stride=2, padding=1)

        self.block_list = []
        num_channels = 64
        for block, depth in enumerate(LAYERS[layers]):
            shortcut = False
            for i in range(depth):
                kind = special.get((block + 1, i), block_class)
                num_filters = 64 * 2**block
                bottleneck_block = self.add_sublayer(
                    f"bb_{block}_{i}",
                    kind(
                        num_channels,
                        num_filters,
                        stride=2 if i == 0 and block != 0 else 1,
                        shortcut=shortcut,
                        pool_shortcut=version == "vd" and i == 0 and block != 0,
                    ),
                )
                num_channels = num_filters * expansion
                self.block_list.append(bottleneck_block)
                shortcut = True

        self.pool2d_avg = nn.AdaptiveAvgPool2D(1)
        self.pool2d_avg_channels = num_channels
        stdv = 1.0 / num_channels**0.5
        self.out = nn.Linear(
            num_channels, class_dim, weight_attr=ParamAttr(initializer=Uniform(-stdv, stdv))
        )

    def forward(self, inputs):
        y = self.stem(inputs)
        y = self.pool2d_max(y)
        for block in self.block_list:
            y = block(y)
        y = self.pool2d_avg(y)
        y = paddle.reshape(y, shape=[-1, self.pool2d_avg_channels])
        return self.out(y)


def resnet18_vb(**kwargs):
    return ResNet(18, **kwargs)


def resnet34_vb(**kwargs):
    return ResNet(34, **kwargs)


def resnet50(**kwargs):
    return ResNet(50, **kwargs)


def resnet50_vc():
    return ResNet(50, "vc")


def resnet18_vd(**kwargs):
    return ResNet(18, "vd", **kwargs)


def resnet50_vd(**kwargs):
    return ResNet(50, "vd", **kwargs)
