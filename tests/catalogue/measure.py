"""What the tests of the catalogue measure on two networks that hold the same weights."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import paddle

no_grad, seed = paddle.no_grad, paddle.seed


def batch(entry, seed=0):
    values = np.random.default_rng(seed).standard_normal(entry.input_shape)
    return paddle.to_tensor(values.astype(getattr(entry, "dtype", "float32")))


def first_array(output):
    """The first tensor in whatever a network returned, as an array."""
    while not hasattr(output, "numpy"):
        if isinstance(output, dict):
            output = next(iter(output.values()))
        elif isinstance(output, (tuple, list)):
            output = output[0]
        else:
            output = next(iter(vars(output).values()))
    return output.numpy()


def tensors(net):
    """Parameters and buffers in order of registration, running statistics beside their norm."""
    return list(net.state_dict().values())


def state_shapes(net):
    return [tuple(tensor.shape) for tensor in tensors(net)]


def running_statistics(net):
    named = net.state_dict().items()
    return [t.numpy() for name, t in named if "_mean" in name or "_variance" in name]


def randomise(net, seed=0):
    """Give every tensor values that hide no mistake: no zero shift, no unit or positive scale."""
    draw = np.random.default_rng(seed)
    pool = draw.standard_normal(1_000_003, dtype="float32")
    for name, tensor in net.state_dict().items():
        shape = tuple(tensor.shape)
        if name.endswith("_variance"):
            value = draw.uniform(0.5, 2.0, shape)
        elif len(shape) > 1:
            fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
            value = np.resize(np.roll(pool, draw.integers(1_000_000)), shape)
            value *= (1.5 / fan_in) ** 0.5
        elif name.endswith("weight"):
            value = draw.uniform(0.5, 1.5, shape) * np.where(draw.random(shape) < 0.2, -1, 1)
        else:
            value = draw.uniform(-0.5, 0.5, shape)
        tensor.set_value(value.astype(tensor.numpy().dtype))


@contextmanager
def cheap_initialisation():
    """Spare the random numbers of networks whose parameters are about to be set anyway."""
    paddle.nn.initializer.set_global_initializer(paddle.nn.initializer.Constant(0.5))
    try:
        yield
    finally:
        paddle.nn.initializer.set_global_initializer(None)


def copy_state(source, destination):
    """Copy by order of registration; the shapes must be the same, one by one."""
    assert state_shapes(source) == state_shapes(destination)
    for a, b in zip(tensors(source), tensors(destination), strict=True):
        b.set_value(a.numpy())


def load_state(net, other):
    net.set_state_dict(other.state_dict())


def gradients(net, x):
    """Gradients of a fixed scalar of the output, by parameter; None where there is none."""
    net.train()
    output = net(x)
    while isinstance(output, (tuple, list)):
        output = output[0]
    weights = np.random.default_rng(5).standard_normal(output.shape)
    (output * paddle.to_tensor(weights.astype(output.numpy().dtype))).sum().backward()
    return [None if p.grad is None else p.grad.numpy() for p in net.parameters()]
