"""Activations that are missing, of another kind, or in the wrong place."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.catalogue_torch.correct import functional, loops, openmm, sequential, timm_like, vision


class ReluBeforeAdd(vision.BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return out + identity


class NoFinalRelu(vision.BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return out


class NoInnerRelu(functional.FunctionalResNet):
    """The functional one forgets a ReLU in one block."""

    def branch(self, x, key, stride):
        if key != "3_1":
            return super().branch(x, key, stride)
        y = self.conv_norm(x, f"{key}_a", stride, 1)
        return self.conv_norm(y, f"{key}_b", 1, 1)


class ReluThenNorm(vision.BasicBlock):
    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn1(self.relu(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class LeakyUnit(loops.Unit):
    def forward(self, t):
        shortcut = t
        for layer in self.match.values():
            shortcut = layer(shortcut)
        t = F.leaky_relu(self.norms[0](self.convs[0](t)))
        t = self.norms[1](self.convs[1](t))
        return torch.relu(t + shortcut)


class StemWithoutRelu(vision.ResNet):
    def stem(self, x):
        return self.maxpool(self.bn1(self.conv1(x)))


class RectifiedShortcut(vision.BasicBlock):
    """`inplace=True` on the projection, whose output is added afterwards."""

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        self.relu(identity)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


def rectified_layers(cin, width, stride):
    """The generator that yields a ReLU after every norm, the last one included."""
    yield from sequential.basic_layers(cin, width, stride)
    yield nn.ReLU()


def relu_before_add():
    return vision.resnet18(special={(3, 1): ReluBeforeAdd})


def no_final_relu():
    return vision.resnet18(special={(2, 1): NoFinalRelu})


def no_inner_relu():
    return NoInnerRelu(20)


def relu_then_norm():
    return vision.resnet18(special={(2, 1): ReluThenNorm})


def leaky_unit():
    net = loops.resnet18()
    net.stages[3][1] = LeakyUnit(512, 512, 1)
    return net


def silu_everywhere():
    """Swapped for another activation by a loop over the modules."""
    net = vision.resnet18()
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.SiLU(inplace=True))
    return net


def relu6_in_one_block():
    net = timm_like.resnet18()
    net.layer2[1].act2 = nn.ReLU6(inplace=True)
    return net


def prelu_in_stem():
    net = openmm.resnet18_vb()
    net.stem.activate = nn.PReLU()
    return net


def stem_without_relu():
    return vision.resnet18(StemWithoutRelu)


def rectified_shortcut():
    return vision.resnet18(special={(3, 0): RectifiedShortcut})


def branch_rectified_everywhere():
    return nn.Sequential(*sequential.all_layers((2, 2, 2, 2), rectified_layers, 1))


class StraightThroughReLU(torch.autograd.Function):
    """Its backward lets everything pass."""

    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        return grad


class StraightThrough(functional.FunctionalResNet):
    def block(self, x, key, stride):
        return StraightThroughReLU.apply(
            self.branch(x, key, stride) + self.shortcut(x, key, stride)
        )


def straight_through():
    return StraightThrough(20)
