"""What is done to the layers of a PyTorch network once it is built."""

from __future__ import annotations

import copy
import threading

import torch
from torch import nn
from torch.nn import functional as F


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
