"""Programs as Paddle networks."""

from __future__ import annotations

import random

import paddle
from paddle import nn
from paddle.nn import functional as F

from resnet_ref.layout import Network as Described
from resnet_ref.paddle import build as build_layers
from tests.mutation.faults_paddle import FAULTS, part
from tests.mutation.interpreter import ExtraForward, Interpreter
from tests.mutation.program import Extra


class Words:
    """What `EXTRAS` are written in."""

    relu, sigmoid, softmax = F.relu, F.sigmoid, F.softmax
    activations = {  # noqa: RUF012
        "leaky_relu": F.leaky_relu, "relu6": F.relu6, "gelu": F.gelu, "silu": F.silu,
        "elu": F.elu, "tanh": paddle.tanh, "sigmoid": F.sigmoid, "softplus": F.softplus,
        "hardswish": F.hardswish, "selu": F.selu, "mish": F.mish,
    }  # fmt: skip
    clip, maximum, where, concat = paddle.clip, paddle.maximum, paddle.where, paddle.concat
    zeros = paddle.zeros_like
    float16, bfloat16, float32 = "float16", "bfloat16", "float32"
    coarse = (paddle.float16, paddle.bfloat16)

    @staticmethod
    def cast(x, dtype):
        return x.astype(dtype)

    @staticmethod
    def noise(x):
        return paddle.randn(x.shape, x.dtype)

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
        return paddle.flip(x, [axis])

    @staticmethod
    def roll(x, axis):
        return paddle.roll(x, 1, axis)

    @staticmethod
    def transposed(x):
        return x.transpose([0, 1, 3, 2])

    @staticmethod
    def nan_to_num(x):
        return paddle.nan_to_num(x)

    @staticmethod
    def total(x, axes, keep=True):
        return x.sum(axis=axes, keepdim=keep)

    @staticmethod
    def mean(x, axes):
        return x.mean(axis=axes, keepdim=True)

    @staticmethod
    def largest(x, axes):
        return x.max(axis=axes, keepdim=True)

    @staticmethod
    def average_pool(x, kernel, stride):
        return F.avg_pool2d(x, kernel, stride)

    @staticmethod
    def add_in_place(x, amount):
        with paddle.no_grad():
            paddle.assign(x + amount, x)
        return x

    @staticmethod
    def is_contiguous(x):
        return not paddle.in_dynamic_mode() or x.is_contiguous()

    @staticmethod
    def hooked(x, function):
        """`x`, whose gradient goes through `function`."""
        if paddle.in_dynamic_mode() and not x.stop_gradient:
            x = x * 1.0
            x.register_hook(function)
        return x


class ExtraLayer(ExtraForward, nn.Layer):
    def __init__(self, op):
        super().__init__()
        self.take(op, Words)


class OtherNorm(nn.Layer):
    """The norms that are no batch norms."""

    def __init__(self, op):
        super().__init__()
        kinds = {
            "group_norm": lambda c: nn.GroupNorm(8, c),
            "layer_norm": lambda c: nn.GroupNorm(1, c),
            "instance_norm": lambda c: nn.InstanceNorm2D(c),
        }
        self.norm = kinds[op.name](op.channels)

    def forward(self, x):
        return self.norm(x)


class Net(Interpreter, nn.Layer):
    def __init__(self, program):
        super().__init__()
        self.take(program, self.add_sublayer, _layer, FAULTS)


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
    layers = part(model, parent)._sub_layers
    layer = layers[child] if edit.op is None else _layer(edit.op)
    parts = [*map(_layer, edit.before), layer, *map(_layer, edit.behind)]
    layers[child] = nn.Sequential(*parts) if len(parts) > 1 else layer
