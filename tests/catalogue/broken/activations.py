"""Activations that are missing, moved, doubled or of the wrong kind."""

import paddle.nn as nn
import paddle.nn.functional as F

from tests.catalogue.correct import classic
from tests.catalogue.correct.classic import BasicBlock, Bottleneck


class ReluBeforeAdd(Bottleneck):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.relu(self.bn3(self.conv3(out)))
        return out + identity


class NoFinalRelu(BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return out + identity


class NoInnerRelu(BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn1(self.conv1(x))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class ReluThenNorm(Bottleneck):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.relu(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + identity)


class ReluOnBothAddends(BasicBlock):
    """The branch is rectified before the sum, and the sum again."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.relu(out + identity)


class LeakyBlock(BasicBlock):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.relu = nn.LeakyReLU(0.1)


class GeluBlock(Bottleneck):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.relu = nn.GELU()


class StemWithoutRelu(classic.ResNet):
    def forward_stem(self, x):
        return self.maxpool(self.bn1(self.conv1(x)))


class StemWithoutNormAndRelu(classic.ResNet):
    def forward_stem(self, x):
        return self.maxpool(self.conv1(x))


class Relu6Everywhere(classic.ResNet):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for layer in self.sublayers(include_self=True):
            if hasattr(layer, "relu"):
                layer.relu = nn.ReLU6()


def relu_before_add():
    return classic.resnet50(special={(3, 1): ReluBeforeAdd})


def relu_before_add_everywhere():
    return classic.resnet50(block=ReluBeforeAdd)


def no_final_relu():
    return classic.resnet34(special={(2, 2): NoFinalRelu})


def no_inner_relu():
    return classic.resnet18(special={(3, 1): NoInnerRelu})


def relu_then_norm():
    return classic.resnet50(special={(2, 3): ReluThenNorm})


def branch_rectified():
    return classic.resnet34(block=ReluOnBothAddends)


def leaky_relu():
    return classic.resnet18(special={(4, 1): LeakyBlock})


def gelu_everywhere():
    return classic.resnet50(block=GeluBlock)


def relu6_everywhere():
    return classic.resnet18(Relu6Everywhere)


def stem_without_relu():
    return classic.resnet18(StemWithoutRelu)


def stem_without_norm_and_relu():
    return classic.resnet50(StemWithoutNormAndRelu)
