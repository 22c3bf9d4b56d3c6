"""Programs as PyTorch networks."""

from __future__ import annotations

import random

import torch
from torch import nn
from torch.nn import functional as F

from resnet_ref.layout import Network as Described
from resnet_ref.torch import build as build_layers
from tests.mutation.faults_torch import FAULTS
from tests.mutation.interpreter import ExtraForward, Interpreter
from tests.mutation.program import Extra


class Words:
    """What `EXTRAS` are written in."""

    relu, sigmoid, softmax = F.relu, torch.sigmoid, F.softmax
    activations = {  # noqa: RUF012
        "leaky_relu": F.leaky_relu, "relu6": F.relu6, "gelu": F.gelu, "silu": F.silu,
        "elu": F.elu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": F.softplus,
        "hardswish": F.hardswish, "selu": F.selu, "mish": F.mish,
    }  # fmt: skip
    clip, maximum, where, concat = torch.clamp, torch.maximum, torch.where, torch.cat
    zeros = torch.zeros_like
    float16, bfloat16, float32 = torch.float16, torch.bfloat16, torch.float32
    coarse = (torch.float16, torch.bfloat16)

    @staticmethod
    def cast(x, dtype):
        return x.to(dtype)

    @staticmethod
    def noise(x):
        return torch.randn_like(x)

    @staticmethod
    def python_noise(x):
        return x * (1 + 0.1 * random.random())

    @staticmethod
    def dropout(x, p):
        return F.dropout(x, p, training=True)

    @staticmethod
    def pad(x, amounts, mode):
        return F.pad(x, amounts, mode=mode)

    @staticmethod
    def flip(x, axis):
        return torch.flip(x, [axis])

    @staticmethod
    def roll(x, axis):
        return torch.roll(x, 1, axis)

    @staticmethod
    def transposed(x):
        return x.transpose(2, 3)

    @staticmethod
    def nan_to_num(x):
        return torch.nan_to_num(x)

    @staticmethod
    def total(x, axes, keep=True):
        return x.sum(dim=axes, keepdim=keep)

    @staticmethod
    def mean(x, axes):
        return x.mean(dim=axes, keepdim=True)

    @staticmethod
    def largest(x, axes):
        return x.amax(dim=axes, keepdim=True)

    @staticmethod
    def average_pool(x, kernel, stride):
        return F.avg_pool2d(x, kernel, stride)

    @staticmethod
    def add_in_place(x, amount):
        with torch.no_grad():
            x.add_(amount)
        return x

    @staticmethod
    def is_contiguous(x):
        return x.is_contiguous()

    @staticmethod
    def viewed(x):
        return x.view(x.shape[0], -1).view(x.shape)

    @staticmethod
    def zeros_around(x, amount):
        batch, channels, height, width = x.shape
        around = x.new_zeros(batch, channels, height + 2 * amount, width + 2 * amount)
        around[:, :, amount:-amount, amount:-amount] = x
        return around

    @staticmethod
    def hooked(x, function):
        """`x`, whose gradient goes through `function`."""
        if x.requires_grad:
            x = x * 1.0
            x.register_hook(function)
        return x


class ExtraLayer(ExtraForward, nn.Module):
    def __init__(self, op):
        super().__init__()
        self.take(op, Words)


class OtherNorm(nn.Module):
    """The norms that are no batch norms."""

    def __init__(self, op):
        super().__init__()
        kinds = {
            "group_norm": lambda c: nn.GroupNorm(8, c),
            "layer_norm": lambda c: nn.GroupNorm(1, c),
            "instance_norm": lambda c: nn.InstanceNorm2d(c, affine=True),
        }
        self.norm = kinds[op.name](op.channels)

    def forward(self, x):
        return self.norm(x)


class Net(Interpreter, nn.Module):
    def __init__(self, program):
        super().__init__()
        self.take(program, self.add_module, _layer, FAULTS)


def _layer(op):
    if isinstance(op, Extra):
        return OtherNorm(op) if op.name.endswith("_norm") and op.channels else ExtraLayer(op)
    return build_layers(Described((op,), (), ())).stem


def build(program):
    """The network of a program, freshly initialised."""
    return Net(program)


def edit_layer(model, name, edit):
    """Do to the layer of that name what a `tests.mutation.elsewhere.Edit` says."""
    parent, _, child = name.rpartition(".")
    layers = model.get_submodule(parent)._modules
    layer = layers[child] if edit.op is None else _layer(edit.op)
    parts = [*map(_layer, edit.before), layer, *map(_layer, edit.behind)]
    layers[child] = nn.Sequential(*parts) if len(parts) > 1 else layer
