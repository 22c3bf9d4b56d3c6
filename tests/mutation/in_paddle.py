"""Programs as Paddle networks, and mistakes in the vocabulary of Paddle."""

from __future__ import annotations

import random
import threading

import paddle
from paddle import nn
from paddle.nn import functional as F

from resnet_ref.layout import Network as Described
from resnet_ref.paddle import build as build_layers
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
    layers = _part(model, parent)._sub_layers
    layer = layers[child] if edit.op is None else _layer(edit.op)
    parts = [*map(_layer, edit.before), layer, *map(_layer, edit.behind)]
    layers[child] = nn.Sequential(*parts) if len(parts) > 1 else layer


def leaf(model, name):
    """The layer of that name that holds tensors."""
    found = _part(model, name)
    return found[0] if isinstance(found, nn.Sequential) else found


def _part(model, name):
    for part in filter(None, name.split(".")):
        model = getattr(model, part)
    return model


def _freeze(role):
    def fault(model, name, _amount):
        getattr(leaf(model, name), role).stop_gradient = True

    return fault


def _gradient_hook(role):
    def fault(model, name, amount):
        getattr(leaf(model, name), role).register_hook(lambda gradient: gradient * amount)

    return fault


def _gradient_forgotten(model, name, _amount):
    """Each forward pass throws away what backward passes have added up."""
    layer = leaf(model, name)

    def hook(_layer, _inputs):
        if paddle.in_dynamic_mode():
            layer.weight.clear_gradient(False)

    layer.register_forward_pre_hook(hook)


def _bound_to_the_original(model, name, _amount):
    """A function of the original's is what a copy calls."""
    layer = leaf(model, name)
    original = type(layer).forward
    layer.forward = lambda x: original(layer, x)


def _holding(make):
    def fault(model, name, _amount):
        leaf(model, name).held = make()

    return fault


def _initial(function):
    def fault(model, name, amount):
        weight = leaf(model, name).weight
        with paddle.no_grad():
            weight.set_value(function(weight, amount))

    return fault


def _with_nan(weight, _amount):
    return paddle.where(weight == weight.max(), paddle.full_like(weight, float("nan")), weight)


def _alike(weight, _amount):
    axis = 0 if weight.ndim == 4 else 1
    first = weight[:1] if axis == 0 else weight[:, :1]
    return first.expand(weight.shape)


def _unregistered(model, name, _amount):
    parent, _, child = name.rpartition(".")
    owner = _part(model, parent)
    object.__setattr__(owner, child, owner._sub_layers.pop(child))


def _weights_in_forward(function):
    """What happens to the weight at every call, in place."""

    def fault(model, name, amount):
        layer = leaf(model, name)

        def hook(_layer, _inputs):
            with paddle.no_grad():
                paddle.assign(function(layer.weight, amount), layer.weight)

        layer.register_forward_pre_hook(hook)

    return fault


def _weight_through(function):
    """The layer uses a weight computed from the one it holds."""

    def fault(model, name, amount):
        layer = leaf(model, name)

        def forward(x):
            weight = function(layer.weight, amount)
            if isinstance(layer, nn.Linear):
                return F.linear(x, weight, layer.bias)
            return F.conv2d(
                x, weight, layer.bias, layer._stride, layer._updated_padding, layer._dilation,
                layer._groups,
            )  # fmt: skip

        layer.forward = forward

    return fault


def _unsaved(model, name, _amount):
    leaf(model, name)._non_persistable_buffer_names_set.update(("_mean", "_variance"))


def _mode_stuck(model, name, amount):
    layer = leaf(model, name)
    original = type(layer).forward

    def forward(x):
        layer.training = bool(amount)
        return original(layer, x)

    layer.forward = forward


def _around(before=None, after=None):
    """A norm with something done to its running statistics around the forward pass."""

    def fault(model, name, _amount):
        layer = leaf(model, name)
        original, memory = type(layer).forward, {"calls": 0}

        def forward(x):
            memory["calls"] += layer.training
            held = layer._mean.clone(), layer._variance.clone()
            if before:
                before(layer, x, original)
            output = original(layer, x)
            if after:
                with paddle.no_grad():
                    after(layer, x, held, memory["calls"])
            return output

        layer.forward = forward

    return fault


def _reset(layer, _x, _original):
    if layer.training:
        paddle.assign(paddle.zeros_like(layer._mean), layer._mean)
        paddle.assign(paddle.ones_like(layer._variance), layer._variance)


def _moved_again(layer, x, original):
    if layer.training:
        original(layer, x)


def _moved_in_evaluation(layer, x, _held, _calls):
    if not layer.training:
        paddle.assign(0.9 * layer._mean + 0.1 * x.mean([0, 2, 3]), layer._mean)


def _put_back(layer, _x, held, _calls):
    if layer.training:
        paddle.assign(held[0], layer._mean)
        paddle.assign(held[1], layer._variance)


def _stopped(layer, x, held, calls):
    if calls > 4:
        _put_back(layer, x, held, calls)


FAULTS = {
    "freeze weight": _freeze("weight"),
    "freeze bias": _freeze("bias"),
    "weight gradient": _gradient_hook("weight"),
    "bias gradient": _gradient_hook("bias"),
    "gradient forgotten": _gradient_forgotten,
    "bound to the original": _bound_to_the_original,
    "holds a function": _holding(lambda: lambda: None),
    "holds a lock": _holding(threading.Lock),
    "constant": _initial(lambda weight, amount: paddle.full_like(weight, amount)),
    "scaled": _initial(lambda weight, amount: weight * amount),
    "nan": _initial(_with_nan),
    "same filters": _initial(_alike),
    "unregistered": _unregistered,
    "decays": _weights_in_forward(lambda weight, amount: weight * amount),
    "clamped": _weights_in_forward(lambda weight, amount: paddle.clip(weight, -amount, amount)),
    "standardised": _weight_through(
        lambda weight, _: (weight - weight.mean()) / (weight.std() + 1e-5)
    ),
    "rescaled": _weight_through(lambda weight, amount: weight * amount),
    "flipped": _weight_through(lambda weight, _: paddle.flip(weight, [2, 3])),
    "detached weight": _weight_through(lambda weight, _: weight.detach()),
    "unsaved": _unsaved,
    "mode": _mode_stuck,
    "statistics reset": _around(before=_reset),
    "statistics twice": _around(before=_moved_again),
    "statistics in evaluation": _around(after=_moved_in_evaluation),
    "statistics kept": _around(after=_put_back),
    "statistics stop": _around(after=_stopped),
}
