"""ResNet without a single layer object: parameters made by hand, everything from functional."""

import paddle
import paddle.nn.functional as F
from paddle.nn import Layer
from paddle.nn.initializer import Constant, KaimingNormal

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class FunctionalResNet(Layer):
    """Every parameter carries a serial number for a name; `table` says which belong together."""

    def __init__(self, depth, classes=1000):
        super().__init__()
        self.bottleneck = depth >= 50
        self.table = {}
        self.serial = 0
        self.add_conv("stem", 3, 64, 7)
        channels = 64
        self.plan = []
        for stage, count in enumerate(DEPTHS[depth], start=1):
            width = 64 * 2 ** (stage - 1)
            out = width * 4 if self.bottleneck else width
            for index in range(count):
                stride = 2 if stage > 1 and index == 0 else 1
                place = (stage, index)
                self.add_block(place, channels, width, out, stride)
                self.plan.append((place, stride))
                channels = out
        self.w = self.create_parameter([channels, classes])
        self.b = self.create_parameter([classes], is_bias=True)

    def number(self):
        self.serial += 1
        return f"t{self.serial}"

    def add_conv(self, key, cin, cout, k):
        weight = self.create_parameter([cout, cin, k, k], default_initializer=KaimingNormal())
        gamma = self.create_parameter([cout], default_initializer=Constant(1.0))
        beta = self.create_parameter([cout], is_bias=True)
        names = [self.number() for _ in range(5)]
        for name, value in zip(names, (weight, gamma, beta), strict=False):
            self.add_parameter(name, value)
        self.register_buffer(names[3] + "_mean", paddle.zeros([cout]))
        self.register_buffer(names[4] + "_variance", paddle.ones([cout]))
        self.table[key] = [*names[:3], names[3] + "_mean", names[4] + "_variance"]

    def add_block(self, place, cin, width, cout, stride):
        if self.bottleneck:
            self.add_conv((place, "a"), cin, width, 1)
            self.add_conv((place, "b"), width, width, 3)
            self.add_conv((place, "c"), width, cout, 1)
        else:
            self.add_conv((place, "a"), cin, width, 3)
            self.add_conv((place, "b"), width, cout, 3)
        if stride != 1 or cin != cout:
            self.add_conv((place, "p"), cin, cout, 1)

    def conv(self, x, key, stride=1, pad=0):
        return F.conv2d(x, getattr(self, self.table[key][0]), stride=stride, padding=pad)

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        return F.batch_norm(x, mean, variance, gamma, beta, training=self.training)

    def conv_norm(self, x, key, stride=1, pad=0):
        return self.norm(self.conv(x, key, stride, pad), key)

    def branch(self, x, place, stride):
        if not self.bottleneck:
            y = F.relu(self.conv_norm(x, (place, "a"), stride, 1))
            return self.conv_norm(y, (place, "b"), 1, 1)
        y = F.relu(self.conv_norm(x, (place, "a")))
        y = F.relu(self.conv_norm(y, (place, "b"), stride, 1))
        return self.conv_norm(y, (place, "c"))

    def shortcut(self, x, place, stride):
        return self.conv_norm(x, (place, "p"), stride) if (place, "p") in self.table else x

    def block(self, x, place, stride):
        return F.relu(self.branch(x, place, stride) + self.shortcut(x, place, stride))

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(x, 3, 2, 1)

    def head(self, x):
        return paddle.matmul(F.adaptive_avg_pool2d(x, 1).flatten(1), self.w) + self.b

    def forward(self, x):
        x = self.stem(x)
        for place, stride in self.plan:
            x = self.block(x, place, stride)
        return self.head(x)


class ExplicitPadding(FunctionalResNet):
    """Pads with an operator of its own and convolves without padding."""

    def conv(self, x, key, stride=1, pad=0):
        if pad:
            x = F.pad(x, [pad, pad, pad, pad])
        return F.conv2d(x, getattr(self, self.table[key][0]), stride=stride)


class LargestOfColumns(FunctionalResNet):
    """Max pooling by the windows of the map as columns."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        batch, channels, *size = x.shape
        columns = F.unfold(x, 3, strides=2, paddings=1).reshape([batch, channels, 9, -1])
        return columns.max(2).reshape([batch, channels, *((n + 1) // 2 for n in size)])


class ZeroPaddedPool(FunctionalResNet):
    """Zeros around the map change no maximum: everything is at least zero after the ReLU."""

    def stem(self, x):
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(F.pad(x, [1, 1, 1, 1], value=0.0), 3, 2)


class MeanHead(FunctionalResNet):
    def head(self, x):
        return F.linear(paddle.mean(x, axis=[-2, -1]), self.w, self.b)


class ChannelsLastInside(FunctionalResNet):
    """Takes and returns what the others do, and is NHWC in between."""

    def conv(self, x, key, stride=1, pad=0):
        weight = getattr(self, self.table[key][0])
        return F.conv2d(x, weight, stride=stride, padding=pad, data_format="NHWC")

    def norm(self, x, key):
        _, gamma, beta, mean, variance = (getattr(self, name) for name in self.table[key])
        return F.batch_norm(
            x, mean, variance, gamma, beta, training=self.training, data_format="NHWC"
        )

    def stem(self, x):
        x = paddle.transpose(x, [0, 2, 3, 1])
        x = F.relu(self.conv_norm(x, "stem", 2, 3))
        return F.max_pool2d(x, 3, 2, 1, data_format="NHWC")

    def head(self, x):
        return F.linear(x.mean(axis=[1, 2]), self.w, self.b)


class TransposedBlocks(FunctionalResNet):
    """Keeps NHWC between blocks and turns to NCHW for every convolution."""

    def block(self, x, place, stride):
        x = x.transpose([0, 3, 1, 2])
        return super().block(x, place, stride).transpose([0, 2, 3, 1])

    def stem(self, x):
        return super().stem(x).transpose([0, 2, 3, 1])

    def head(self, x):
        return F.linear(x.mean([1, 2]), self.w, self.b)


class SpelledOutPadding(FunctionalResNet):
    def conv(self, x, key, stride=1, pad=0):
        weight = getattr(self, self.table[key][0])
        pads = [[0, 0], [0, 0], [pad, pad], [pad, pad]] if pad else "VALID"
        return F.conv2d(x, weight, None, (stride, stride), pads)


class SameWhereItCoincides(FunctionalResNet):
    """SAME for stride 1 only, where it is the symmetric padding."""

    def conv(self, x, key, stride=1, pad=0):
        padding = "SAME" if stride == 1 else [pad, pad, pad, pad]
        return F.conv2d(x, getattr(self, self.table[key][0]), stride=stride, padding=padding)


def resnet18():
    return FunctionalResNet(18)


def resnet34():
    return FunctionalResNet(34)


def resnet50():
    return FunctionalResNet(50)


def explicit_padding():
    return ExplicitPadding(50)


def largest_of_columns():
    return LargestOfColumns(18)


def zero_padded_pool():
    return ZeroPaddedPool(18)


def mean_head():
    return MeanHead(34)


def channels_last_inside():
    return ChannelsLastInside(18)


def transposed_blocks():
    return TransposedBlocks(18)


def spelled_out_padding():
    return SpelledOutPadding(50)


def same_where_it_coincides():
    return SameWhereItCoincides(18)
