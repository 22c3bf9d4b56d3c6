"""Programs as PyTorch networks, and mistakes in the vocabulary of PyTorch."""

from __future__ import annotations

import copy
import random
import threading

import torch
from torch import nn
from torch.nn import functional as F

from resnet_ref.layout import Network as Described
from resnet_ref.torch import build as build_layers
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


def leaf(model, name):
    """The layer of that name that holds tensors."""
    found = getattr(model, name) if hasattr(model, name) else model.get_submodule(name)
    return found[0] if isinstance(found, nn.Sequential) else found


def _freeze(role):
    def fault(model, name, _amount):
        getattr(leaf(model, name), role).requires_grad_(False)

    return fault


def _gradient_hook(role):
    def fault(model, name, amount):
        getattr(leaf(model, name), role).register_hook(lambda gradient: gradient * amount)

    return fault


def _accumulated_hook(model, name, amount):
    def hook(weight):
        weight.grad.mul_(amount)

    leaf(model, name).weight.register_post_accumulate_grad_hook(hook)


def _module_hook(model, name, amount):
    layer = leaf(model, name)
    layer.register_full_backward_hook(lambda _m, into, _out: tuple(g * amount for g in into))


def _gradient_forgotten(model, name, _amount):
    """Each forward pass throws away what backward passes have added up."""
    layer = leaf(model, name)

    def hook(_module, _inputs):
        layer.weight.grad = None

    layer.register_forward_pre_hook(hook)


def _bound_to_the_original(model, name, _amount):
    """A function of the original's is what a copy calls."""
    layer = leaf(model, name)
    original = type(layer).forward
    layer.forward = lambda x: original(layer, x)


def _copied_otherwise(model, name, amount):
    layer = leaf(model, name)

    def copied(memo):
        del layer.__dict__["__deepcopy__"]
        try:
            made = copy.deepcopy(layer, memo)
        finally:
            layer.__dict__["__deepcopy__"] = copied
        with torch.no_grad():
            made.weight.mul_(amount)
        return made

    layer.__dict__["__deepcopy__"] = copied


def _holding(make):
    def fault(model, name, _amount):
        leaf(model, name).held = make()

    return fault


def _initial(function):
    def fault(model, name, amount):
        with torch.no_grad():
            function(leaf(model, name).weight, amount)

    return fault


def _unregistered(model, name, _amount):
    parent, _, child = name.rpartition(".")
    owner = model.get_submodule(parent)
    object.__setattr__(owner, child, owner._modules.pop(child))


def _weights_in_forward(function):
    """What happens to the weight at every call, in place."""

    def fault(model, name, amount):
        layer = leaf(model, name)

        def hook(_module, _inputs):
            with torch.no_grad():
                function(layer.weight, amount)

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
            return layer._conv_forward(x, weight, layer.bias)

        layer.forward = forward

    return fault


def _unsaved(model, name, _amount):
    leaf(model, name)._non_persistent_buffers_set.update(("running_mean", "running_var"))


def _mode_stuck(model, name, amount):
    layer = leaf(model, name)
    layer.train(bool(amount))
    layer.train = lambda mode=True: layer


def _statistics_reset(model, name, _amount):
    layer = leaf(model, name)

    def hook(_module, _inputs):
        if layer.training:
            layer.reset_running_stats()

    layer.register_forward_pre_hook(hook)


def _statistics_twice(model, name, _amount):
    layer = leaf(model, name)

    def hook(_module, inputs):
        if layer.training:
            with torch.no_grad():
                F.batch_norm(
                    inputs[0], layer.running_mean, layer.running_var, None, None, True,
                    layer.momentum, layer.eps,
                )  # fmt: skip

    layer.register_forward_pre_hook(hook)


def _statistics_in_evaluation(model, name, _amount):
    layer = leaf(model, name)

    def hook(_module, inputs):
        if not layer.training:
            with torch.no_grad():
                layer.running_mean.lerp_(inputs[0].mean((0, 2, 3)), 0.1)

    layer.register_forward_hook(lambda module, inputs, _output: hook(module, inputs))


def _statistics_kept(model, name, _amount):
    """Training works on copies of the running statistics, which therefore never move."""
    layer = leaf(model, name)
    original = type(layer).forward

    def forward(x):
        mean, variance = layer.running_mean, layer.running_var
        held = mean.clone(), variance.clone()
        output = original(layer, x)
        if layer.training:
            with torch.no_grad():
                mean.copy_(held[0])
                variance.copy_(held[1])
        return output

    layer.forward = forward


def _statistics_once(model, name, _amount):
    """Running statistics move at the first training step after each change of mode only."""
    layer = leaf(model, name)
    original, calls = type(layer).forward, []

    def forward(x):
        held = layer.running_mean.clone(), layer.running_var.clone()
        output = original(layer, x)
        if layer.training:
            calls.append(1)
            if len(calls) > 4:
                with torch.no_grad():
                    layer.running_mean.copy_(held[0])
                    layer.running_var.copy_(held[1])
        return output

    layer.forward = forward


FAULTS = {
    "freeze weight": _freeze("weight"),
    "freeze bias": _freeze("bias"),
    "weight gradient": _gradient_hook("weight"),
    "bias gradient": _gradient_hook("bias"),
    "weight gradient once added": _accumulated_hook,
    "gradient of the input": _module_hook,
    "gradient forgotten": _gradient_forgotten,
    "bound to the original": _bound_to_the_original,
    "copied otherwise": _copied_otherwise,
    "holds a function": _holding(lambda: lambda: None),
    "holds a lock": _holding(threading.Lock),
    "constant": _initial(lambda weight, amount: weight.fill_(amount)),
    "scaled": _initial(lambda weight, amount: weight.mul_(amount)),
    "nan": _initial(lambda weight, _: weight.view(-1)[:1].fill_(float("nan"))),
    "same filters": _initial(lambda weight, _: weight.copy_(weight[:1].expand_as(weight))),
    "unregistered": _unregistered,
    "decays": _weights_in_forward(lambda weight, amount: weight.mul_(amount)),
    "clamped": _weights_in_forward(lambda weight, amount: weight.clamp_(-amount, amount)),
    "standardised": _weight_through(
        lambda weight, _: (weight - weight.mean()) / (weight.std() + 1e-5)
    ),
    "rescaled": _weight_through(lambda weight, amount: weight * amount),
    "flipped": _weight_through(lambda weight, _: torch.flip(weight, [2, 3])),
    "detached weight": _weight_through(lambda weight, _: weight.detach()),
    "transposed": _weight_through(lambda weight, _: weight.transpose(2, 3)),
    "unsaved": _unsaved,
    "mode": _mode_stuck,
    "statistics reset": _statistics_reset,
    "statistics twice": _statistics_twice,
    "statistics in evaluation": _statistics_in_evaluation,
    "statistics kept": _statistics_kept,
    "statistics stop": _statistics_once,
}
