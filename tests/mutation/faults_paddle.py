"""What is done to the layers of a Paddle network once it is built."""

from __future__ import annotations

import threading

import paddle
from paddle import nn
from paddle.nn import functional as F


def leaf(model, name):
    """The layer of that name that holds tensors."""
    found = part(model, name)
    return found[0] if isinstance(found, nn.Sequential) else found


def part(model, name):
    for child in filter(None, name.split(".")):
        model = getattr(model, child)
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
    owner = part(model, parent)
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
    layer = leaf(model, name)
    for held in ("_mean", "_variance"):  # Paddle holds them as parameters
        value = paddle.to_tensor(layer._parameters.pop(held).numpy())
        layer.register_buffer(held, value, persistable=False)


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
