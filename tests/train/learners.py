"""Small networks in PyTorch that learn as they should, or in a way that no structure shows."""

import torch
from torch import nn

from resnet_ref.spec import spec
from resnet_ref.torch import build


def right():
    return build(spec("resnet20", "cifar-b"))


def frozen_block():
    network = right()
    for parameter in network.stages[2][1].parameters():
        parameter.requires_grad_(False)
    return network


def inverted_momentum():
    network = right()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.9
    return network


def slower_momentum():
    """PyTorch's 0.01 is the 0.99 of Keras: a convention, and no mistake."""
    network = right()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.01
    return network


class _Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient / 2


class _ScaledGradient(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = right()

    def forward(self, x):
        features = _Halved.apply(self.network.stages(self.network.stem(x)))
        return self.network.head(features)


def scaled_gradient():
    return _ScaledGradient()
