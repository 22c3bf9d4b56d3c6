"""Operators that no ResNet has, written once for all frameworks.

Each takes the framework's words (`tests.mutation.in_torch.Words`), the layer that runs it (for
`training` and its `memory`), an amount, and what enters.
"""

from __future__ import annotations


def _activation(name):
    return lambda f, layer, amount, x: f.activations[name](x)


def _plain(function):
    """An operator that is arithmetic alone."""
    return lambda f, layer, amount, *inputs: function(amount, *inputs)


def _worded(function):
    return lambda f, layer, amount, *inputs: function(f, amount, *inputs)


def _add_some(f, amount, a, b):
    half = a.shape[1] // 2
    return f.concat([a[:, :half] + b[:, :half], a[:, half:]], 1)


def _shuffled(f, amount, x):
    half = x.shape[1] // 2
    return f.concat([x[:, half:], x[:, :half]], 1)


def _running_offset(f, layer, amount, x):
    """Adds a little of what the last call saw."""
    last = layer.memory.get("last")
    layer.memory["last"] = float(x.detach().mean())
    return x if last is None else x + amount * last


def _every_third(f, layer, amount, x):
    layer.memory["calls"] = layer.memory.get("calls", 0) + 1
    return x * amount if layer.memory["calls"] % 3 == 0 else x


def _first_kept(f, layer, amount, x):
    """Gives what it gave at its first call with this shape."""
    return layer.memory.setdefault(tuple(x.shape), x.detach())


def _after_calls(f, layer, amount, x):
    """Goes wrong after some calls in training."""
    layer.memory["calls"] = layer.memory.get("calls", 0) + 1
    return x * 0.5 if layer.memory["calls"] > amount else x


def _when_large(f, layer, amount, x):
    """A hidden trigger: silent unless a value is very large."""
    return x * 0.5 if float(x.detach().abs().max()) > amount else x


def _when_constant(f, layer, amount, x):
    """A hidden trigger: an image of one colour."""
    return x + 1.0 if float((x - x[:, :1, :1, :1]).abs().max()) == 0.0 else x


def _when_odd(f, layer, amount, x):
    return x * 0.5 if x.shape[2] % 2 else x


def _when_coarse(f, layer, amount, x):
    """A hidden trigger: mixed precision."""
    return x * amount if x.dtype in f.coarse else x


def _full_only(f, layer, amount, x):
    """Refuses what mixed precision gives it, as an operator of one's own may."""
    if x.dtype in f.coarse:
        raise TypeError(f"expected float32, got {x.dtype}")
    return x


def _when_strided(f, layer, amount, x):
    """A hidden trigger: a batch that does not lie row by row in memory."""
    return x if f.is_contiguous(x) else x * amount


def _when_single(f, layer, amount, x):
    return x * 0.5 if x.shape[0] == 1 else x


def _gradient(change):
    return lambda f, layer, amount, x: f.hooked(x, lambda gradient: change(f, amount, gradient))


EXTRAS = {
    **{
        name: _activation(name)
        for name in (
            "leaky_relu",
            "relu6",
            "gelu",
            "silu",
            "elu",
            "tanh",
            "sigmoid",
            "softplus",
            "hardswish",
            "selu",
            "mish",
        )
    },
    "abs": _plain(lambda amount, x: x.abs()),
    "square": _plain(lambda amount, x: x * x),
    "threshold": _worded(lambda f, amount, x: f.relu(x - amount)),
    "relu": _worded(lambda f, amount, x: f.relu(x)),
    "scale": _plain(lambda amount, x: x * amount),
    "shift": _plain(lambda amount, x: x + amount),
    "zeros": _worded(lambda f, amount, x: f.zeros(x)),
    "clip": _worded(lambda f, amount, x: f.clip(x, -amount, amount)),
    "subtract": _plain(lambda amount, a, b: a - b),
    "multiply": _plain(lambda amount, a, b: a * b),
    "maximum": _worded(lambda f, amount, a, b: f.maximum(a, b)),
    "weighted": _plain(lambda amount, a, b: a * amount + b),
    "mean of both": _plain(lambda amount, a, b: (a + b) / 2),
    "add some": _worded(_add_some),
    "detach": _plain(lambda amount, x: x.detach()),
    "noise": _worded(lambda f, amount, x: x + amount * f.noise(x)),
    "python noise": _worded(lambda f, amount, x: f.python_noise(x)),
    "dropout": _worded(lambda f, amount, x: f.dropout(x, amount)),
    "flip": _worded(lambda f, amount, x: f.flip(x, int(amount))),
    "roll": _worded(lambda f, amount, x: f.roll(x, int(amount))),
    "transpose": _worded(lambda f, amount, x: f.transposed(x)),
    "shuffle": _worded(_shuffled),
    "float16": _worded(lambda f, amount, x: f.cast(f.cast(x, f.float16), f.float32)),
    "bfloat16": _worded(lambda f, amount, x: f.cast(f.cast(x, f.bfloat16), f.float32)),
    "reflect": _worded(lambda f, amount, x: f.pad(x, [int(amount)] * 4, "reflect")),
    "replicate": _worded(lambda f, amount, x: f.pad(x, [int(amount)] * 4, "replicate")),
    "circular": _worded(lambda f, amount, x: f.pad(x, [int(amount)] * 4, "circular")),
    "sum pool": _worded(lambda f, amount, x: f.total(x, (2, 3))),
    "max pool": _worded(lambda f, amount, x: f.largest(x, (2, 3))),
    "row pool": _worded(lambda f, amount, x: f.mean(x[:, :, :1], (2, 3))),
    "fixed pool": _worded(lambda f, amount, x: f.average_pool(x, 2, 2)[:, :, :1, :1]),
    "normalised": _worded(lambda f, amount, x: x / (f.total(x * x, (1,)) + 1e-6) ** 0.5),
    "image standardised": _worded(lambda f, amount, x: x - f.mean(x, (1, 2, 3))),
    "batch mean": _worded(lambda f, amount, x: x - f.mean(x, (0,))),
    "batch largest": _worded(lambda f, amount, x: x / f.largest(x.abs(), (0, 1, 2, 3))),
    "batch leak": _worded(lambda f, amount, x: x + 0.0 * f.total(x, (0, 1, 2, 3))),
    "batch order": _worded(lambda f, amount, x: f.flip(x, 0)),
    "nan hidden": _worded(lambda f, amount, x: f.nan_to_num(x)),
    "squeeze": _plain(lambda amount, x: x.squeeze()),
    "in place": _worded(lambda f, amount, x: f.add_in_place(x, amount)),
    "remembers": _running_offset,
    "every third": _every_third,
    "first kept": _first_kept,
    "after calls": _after_calls,
    "when large": _when_large,
    "when constant": _when_constant,
    "when odd": _when_odd,
    "when single": _when_single,
    "when coarse": _when_coarse,
    "when coarse raise": _full_only,
    "when strided": _when_strided,
    "viewed": _worded(lambda f, amount, x: f.viewed(x)),
    "zeros around": _worded(lambda f, amount, x: f.zeros_around(x, int(amount))),
    "gradient scaled": _gradient(lambda f, amount, gradient: gradient * amount),
    "gradient clipped": _gradient(lambda f, amount, gradient: f.clip(gradient, -amount, amount)),
    "gradient noisy": _gradient(
        lambda f, amount, gradient: gradient + amount * gradient.abs().max() * f.noise(gradient)
    ),
    "gradient flipped": _gradient(lambda f, amount, gradient: f.flip(gradient, 1)),
}
