"""Networks with one mistake each."""

import mindspore as ms
from mindspore import nn, ops

from tests.catalogue_mindspore.classic import (
    BasicBlock,
    Bottleneck,
    ResNet,
    conv,
    resnet18,
    resnet34,
    resnet50,
)


def normed(inner, out, kernel, stride=1, **options):
    return nn.SequentialCell(conv(inner, out, kernel, stride, **options), nn.BatchNorm2d(out))


# Blocks


class ReluAfterEveryNorm(Bottleneck):
    def construct(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(self.bn3(self.conv3(out))) + identity


class NoLastRelu(BasicBlock):
    def construct(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return out + (x if self.downsample is None else self.downsample(x))


class NoInnerRelu(BasicBlock):
    def construct(self, x):
        out = self.bn2(self.conv2(self.bn1(self.conv1(x))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class BranchOnly(BasicBlock):
    def construct(self, x):
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


class SharedNorm(Bottleneck):
    def __init__(self, *args):
        super().__init__(*args)
        self.bn2 = self.bn1


class StoppedShortcut(BasicBlock):
    def construct(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + ops.stop_gradient(x))


class HalvedSum(BasicBlock):
    def construct(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu((out + x) / 2)


class StrideOnSecond(BasicBlock):
    def __init__(self, inplanes, planes, stride, *rest):
        super().__init__(inplanes, planes, 1, *rest)
        self.conv2 = conv(planes, planes, 3, stride)
        self.conv2.weight.name = "second.weight"


class StrideOnFirst(Bottleneck):
    def __init__(self, inplanes, planes, stride, *rest):
        super().__init__(inplanes, planes, 1, *rest)
        self.conv1.conv2d = ops.Conv2D(planes, 1, pad_mode="valid", stride=stride)


class SamePadding(BasicBlock):
    """MindSpore's default: a stride of 2 pads below and on the right only."""

    def __init__(self, inplanes, planes, stride, *rest):
        super().__init__(inplanes, planes, stride, *rest)
        self.conv1.conv2d = ops.Conv2D(planes, 3, pad_mode="same", stride=stride)


class NotRegistered(BasicBlock):
    """The second convolution in a plain list: no optimiser and no checkpoint knows of it."""

    def __init__(self, inplanes, planes, stride, *rest):
        super().__init__(inplanes, planes, stride, *rest)
        del self.conv2
        self.hidden = [conv(planes, planes, 3)]

    def construct(self, x):
        out = self.bn2(self.hidden[0](self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class NarrowBottleneck(Bottleneck):
    def __init__(self, inplanes, planes, stride, downsample, groups, base_width):
        super().__init__(inplanes, planes, stride, downsample, groups, base_width=32)


class LeakyBlock(BasicBlock):
    def __init__(self, *args):
        super().__init__(*args)
        self.relu = nn.LeakyReLU(0.1)


class HalfPrecisionBlock(BasicBlock):
    def construct(self, x):
        return super().construct(x.astype(ms.float16).astype(ms.float32))


class MaximumOfBoth(BasicBlock):
    def construct(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(ops.maximum(out, x))


class FirstChannelsCleared(BasicBlock):
    def construct(self, x):
        out = super().construct(x)
        out[:, :8] = 0.0
        return out


class GradientSwitchedOff(BasicBlock):
    def construct(self, x):
        with ms._no_grad():
            out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + x)


# Networks


class SoftmaxHead(ResNet):
    def head(self, x):
        return ops.softmax(super().head(x), -1)


class MaxPooledHead(ResNet):
    def head(self, x):
        return self.fc(self.flatten(ops.adaptive_max_pool2d(x, (1, 1))))


class NoMaxPool(ResNet):
    def stem(self, x):
        return self.relu(self.bn1(self.conv1(x)))


class SamePool(ResNet):
    """As the networks of mindcv have it."""

    def __init__(self, *args):
        super().__init__(*args)
        self.max_pool = nn.MaxPool2d(kernel_size=3, stride=2, pad_mode="same")

    def stem(self, x):
        return self.max_pool(self.relu(self.bn1(self.conv1(x))))


class FlippedInput(ResNet):
    def stem(self, x):
        return super().stem(ops.flip(x, (3,)))


class WideProjection(ResNet):
    def shortcut(self, planes, stride):
        if stride == 1 and self.inplanes == planes:
            return None
        return normed(self.inplanes, planes, 3, stride)


class PlainProjection(ResNet):
    def shortcut(self, planes, stride):
        if stride == 1 and self.inplanes == planes:
            return None
        return conv(self.inplanes, planes, 1, stride)


def each_norm(net, change):
    for _, cell in net.cells_and_names():
        if isinstance(cell, nn.BatchNorm2d):
            change(cell)
    return net


def eps_of_tensorflow():
    def change(norm):
        norm.bn_train = ops.BatchNorm(is_training=True, epsilon=1e-3, momentum=0.1)
        norm.bn_infer = ops.BatchNorm(is_training=False, epsilon=1e-3)

    return each_norm(resnet50(), change)


def momentum_of_pytorch():
    """0.1 is the share that MindSpore keeps."""

    def change(norm):
        norm.bn_train = ops.BatchNorm(is_training=True, epsilon=1e-5, momentum=0.9)

    return each_norm(resnet18(), change)


def never_in_training():
    return each_norm(resnet34(), lambda norm: setattr(norm, "use_batch_statistics", False))


def always_in_training():
    return each_norm(resnet18(), lambda norm: setattr(norm, "use_batch_statistics", True))


def frozen_stage():
    net = resnet50()
    for param in net.layer2.trainable_params():
        param.requires_grad = False
    return net


def last_stage_keeps_size():
    net = resnet18()
    block = net.layer4[0]
    block.conv1.conv2d = ops.Conv2D(512, 3, pad_mode="pad", pad=1)
    block.downsample[0].conv2d = ops.Conv2D(512, 1, pad_mode="valid")
    return net


def biased_stem():
    net = resnet34()
    net.conv1 = conv(3, 64, 7, 2, has_bias=True)
    net.conv1.update_parameters_name("stem.")
    return net


def names_collide():
    """A layer replaced after the network was made keeps the name that it was born with."""
    net = resnet18()
    for block in (net.layer1[0], net.layer2[0]):
        width = block.conv2.in_channels
        block.conv2 = conv(width, width, 3)
    return net


def special(build, place, block):
    return lambda: build(special={place: block})
