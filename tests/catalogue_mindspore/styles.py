"""Right networks in other styles."""

from itertools import pairwise

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, mint, nn, ops
from mindspore.common.initializer import HeNormal, Normal, initializer
from mindspore.ops import operations as P

from tests.catalogue_mindspore.classic import conv

# SequentialCell and nothing else: Dive into Deep Learning.


class Residual(nn.Cell):
    def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, 3, strides, pad_mode="pad", padding=1, has_bias=True
        )
        self.conv2 = nn.Conv2d(num_channels, num_channels, 3, padding=1, pad_mode="pad",
                               has_bias=True)  # fmt: skip
        self.conv3 = None
        if use_1x1conv:
            self.conv3 = nn.Conv2d(input_channels, num_channels, 1, strides, has_bias=True)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def construct(self, X):
        Y = ops.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3 is not None:
            X = self.conv3(X)
        return ops.relu(Y + X)


def resnet_block(input_channels, num_channels, num_residuals, first_block=False):
    blk = []
    for i in range(num_residuals):
        if i == 0 and not first_block:
            blk.append(Residual(input_channels, num_channels, use_1x1conv=True, strides=2))
        else:
            blk.append(Residual(num_channels, num_channels))
    return blk


def d2l_resnet18():
    b1 = nn.SequentialCell(
        nn.Conv2d(1, 64, 7, 2, pad_mode="pad", padding=3, has_bias=True),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, pad_mode="pad", padding=1),
    )
    stages = [
        nn.SequentialCell(*resnet_block(64, 64, 2, first_block=True)),
        nn.SequentialCell(*resnet_block(64, 128, 2)),
        nn.SequentialCell(*resnet_block(128, 256, 2)),
        nn.SequentialCell(*resnet_block(256, 512, 2)),
    ]
    return nn.SequentialCell(
        b1, *stages, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Dense(512, 10)
    )


# Parameters and functions, no layer objects; the weights in dictionaries.


class Functional(nn.Cell):
    def __init__(self, depths=(2, 2, 2, 2), num_classes=100):
        super().__init__()
        self.weights = ms.ParameterTuple(self._all(depths, num_classes))
        self.depths = depths

    def _all(self, depths, num_classes):
        yield from self._conv_bn("stem", 64, 3, 7)
        inner = 64
        for stage, depth in enumerate(depths):
            width = 64 * 2**stage
            for block in range(depth):
                name = f"s{stage}b{block}"
                yield from self._conv_bn(f"{name}.a", width, inner, 3)
                yield from self._conv_bn(f"{name}.b", width, width, 3)
                if inner != width:
                    yield from self._conv_bn(f"{name}.s", width, inner, 1)
                inner = width
        yield Parameter(initializer(Normal(0.01), (num_classes, inner)), "fc.weight")
        yield Parameter(initializer("zeros", (num_classes,)), "fc.bias")

    def _conv_bn(self, name, out, inner, kernel):
        yield Parameter(initializer(HeNormal(), (out, inner, kernel, kernel)), f"{name}.w")
        yield Parameter(initializer("ones", (out,)), f"{name}.gamma")
        yield Parameter(initializer("zeros", (out,)), f"{name}.beta")
        yield Parameter(initializer("zeros", (out,)), f"{name}.mean", requires_grad=False)
        yield Parameter(initializer("ones", (out,)), f"{name}.var", requires_grad=False)

    def construct(self, x):
        weights = iter(self.weights)

        def conv_bn(x, stride):
            w, gamma, beta, mean, var = (next(weights) for _ in range(5))
            x = ops.conv2d(x, w, stride=stride, pad_mode="pad", padding=w.shape[2] // 2)
            return ops.batch_norm(x, mean, var, gamma, beta, self.training, 0.1, 1e-5)

        x = ops.relu(conv_bn(x, 2))
        x = ops.max_pool2d(x, 3, 2, 1)
        for stage, depth in enumerate(self.depths):
            for block in range(depth):
                stride = 2 if stage and not block else 1
                y = conv_bn(ops.relu(conv_bn(x, stride)), 1)
                x = ops.relu(ops.add(y, conv_bn(x, stride) if stride == 2 else x))
        x = ops.flatten(ops.adaptive_avg_pool2d(x, 1))
        return ops.dense(x, next(weights), next(weights))


# The model zoo of MindSpore 1.x.


def _conv3x3(in_channel, out_channel, stride=1):
    weight = Tensor(np.random.normal(0, 0.05, (out_channel, in_channel, 3, 3)), ms.float32)
    return nn.Conv2d(in_channel, out_channel, kernel_size=3, stride=stride, padding=1,
                     pad_mode="pad", weight_init=weight)  # fmt: skip


def _conv1x1(in_channel, out_channel, stride=1):
    return nn.Conv2d(in_channel, out_channel, kernel_size=1, stride=stride, padding=0,
                     pad_mode="same", weight_init="XavierUniform")  # fmt: skip


def _bn(channel):
    return nn.BatchNorm2d(channel, eps=1e-5, momentum=0.9, gamma_init=1, beta_init=0,
                          moving_mean_init=0, moving_var_init=1)  # fmt: skip


class ZooBlock(nn.Cell):
    expansion = 4

    def __init__(self, in_channel, out_channel, stride=1):
        super().__init__()
        channel = out_channel // self.expansion
        self.conv1 = _conv1x1(in_channel, channel)
        self.bn1 = _bn(channel)
        self.conv2 = _conv3x3(channel, channel, stride)
        self.bn2 = _bn(channel)
        self.conv3 = _conv1x1(channel, out_channel)
        self.bn3 = _bn(out_channel)
        self.relu = P.ReLU()
        self.down_sample = stride != 1 or in_channel != out_channel
        self.down_sample_layer = None
        if self.down_sample:
            self.down_sample_layer = nn.SequentialCell(
                [_conv1x1(in_channel, out_channel, stride), _bn(out_channel)]
            )
        self.add = P.Add()

    def construct(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.down_sample:
            identity = self.down_sample_layer(identity)
        out = self.add(out, identity)
        return self.relu(out)


class ZooResNet(nn.Cell):
    def __init__(self, layer_nums, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, pad_mode="pad", padding=3)
        self.bn1 = _bn(64)
        self.relu = P.ReLU()
        self.pad = P.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.maxpool = P.MaxPool(kernel_size=3, strides=2, pad_mode="valid")
        channels, self.layers = 64, nn.CellList()
        for stage, count in enumerate(layer_nums):
            for index in range(count):
                stride = 2 if stage and not index else 1
                self.layers.append(ZooBlock(channels, 256 * 2**stage, stride))
                channels = 256 * 2**stage
        self.mean = P.ReduceMean(keep_dims=True)
        self.flatten = nn.Flatten()
        self.end_point = nn.Dense(channels, num_classes, has_bias=True)

    def construct(self, x):
        x = self.maxpool(self.pad(self.relu(self.bn1(self.conv1(x)))))
        for layer in self.layers:
            x = layer(x)
        return self.end_point(self.flatten(self.mean(x, (2, 3))))


def zoo_resnet50():
    return ZooResNet([3, 4, 6, 3], 10)


# What of the `mint` interface runs on a CPU, with one ReLU for all and blocks in a dictionary.


class MintBlock(nn.Cell):
    def __init__(self, inner, width, stride, act):
        super().__init__()
        self.body = nn.SequentialCell(
            conv(inner, width, 3, stride), nn.BatchNorm2d(width), act,
            conv(width, width, 3), nn.BatchNorm2d(width),
        )  # fmt: skip
        self.proj = nn.SequentialCell(mint.nn.Identity())
        if stride != 1:
            self.proj = nn.SequentialCell(conv(inner, width, 1, stride), nn.BatchNorm2d(width))
        self.act = act

    def construct(self, x):
        return self.act(mint.add(self.proj(x), self.body(x)))


class MintResNet(nn.Cell):
    def __init__(self, depths=(3, 4, 6, 3)):
        super().__init__()
        self.act = mint.nn.ReLU()
        self.conv = conv(3, 64, 7, 2)
        self.norm = nn.BatchNorm2d(64)
        blocks, inner = {}, 64
        for stage, depth in enumerate(depths):
            for index in range(depth):
                width = 64 * 2**stage
                stride = 1 if index or not stage else 2
                blocks[f"{stage}_{index}"] = MintBlock(inner, width, stride, self.act)
                inner = width
        self.blocks = nn.CellDict(blocks)
        self.classifier = mint.nn.Linear(inner, 1000)

    def construct(self, x):
        x = self.act(self.norm(self.conv(x)))
        x = ops.max_pool2d(ops.pad(x, (1, 1, 1, 1)), 3, 2)
        for block in self.blocks.values():
            x = block(x)
        return self.classifier(mint.mean(mint.flatten(x, 2), -1))


# ResNets for CIFAR, with "same" where it is the same, and shortcuts of option A.


class CifarBlock(nn.Cell):
    def __init__(self, inner, width):
        super().__init__()
        stride = width // inner
        self.conv1 = conv(inner, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3)  # pad_mode="same" unless told otherwise
        self.bn2 = nn.BatchNorm2d(width)
        self.extra = (width - inner) // 2

    def construct(self, x):
        y = self.bn2(self.conv2(ops.relu(self.bn1(self.conv1(x)))))
        if self.extra:
            # Not x[:, :, ::2, ::2], whose gradient MindSpore 2.10 cannot compute on a CPU.
            x = ops.strided_slice(x, (0, 0, 0, 0), x.shape, (1, 1, 2, 2))
            zeros = ops.zeros((x.shape[0], self.extra, *x.shape[2:]), x.dtype)
            x = ops.cat([zeros, x, zeros], 1)
        return ops.relu(y + x)


class CifarResNet(nn.Cell):
    def __init__(self, n, num_classes=10):
        super().__init__()
        self.stem = nn.SequentialCell(
            nn.Conv2d(3, 16, 3, pad_mode="same"), nn.BatchNorm2d(16), nn.ReLU()
        )
        widths = [16] * (n + 1) + [32] * n + [64] * n
        self.blocks = nn.SequentialCell([CifarBlock(*pair) for pair in pairwise(widths)])
        self.fc = nn.Dense(64, num_classes)

    def construct(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


def resnet20():
    return CifarResNet(3)


def resnet32():
    return CifarResNet(5, num_classes=100)
