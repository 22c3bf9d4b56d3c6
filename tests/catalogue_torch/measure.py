"""What the tests of the catalogue measure on two networks that hold the same weights."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import torch

no_grad, seed = torch.no_grad, torch.manual_seed
INITIALISERS = ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_")


def batch(entry, seed=0):
    values = np.random.default_rng(seed).standard_normal(entry.input_shape)
    return torch.tensor(values, dtype=getattr(torch, getattr(entry, "dtype", "float32")))


def first_tensor(output):
    """The first tensor in whatever a network returned."""
    while not isinstance(output, torch.Tensor):
        if isinstance(output, dict):
            output = next(iter(output.values()))
        elif isinstance(output, tuple | list):
            output = output[0]
        else:
            output = next(iter(vars(output).values()))
    return output


def first_array(output):
    return first_tensor(output).detach().double().numpy()


def tensors(net):
    """Parameters and buffers in order of registration, counters left out."""
    named = net.state_dict(keep_vars=True).items()
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


def running_statistics(net):
    found = tensors(net).items()
    return [t.detach().numpy() for name, t in found if name.endswith(("mean", "var"))]


@torch.no_grad()
def randomise(net, seed=0):
    """Give every tensor values that hide no mistake: no zero shift, no unit or positive scale."""
    draw = torch.Generator().manual_seed(seed)
    for name, tensor in tensors(net).items():
        if name.endswith("var"):
            tensor.uniform_(0.5, 2.0, generator=draw)
        elif tensor.ndim > 1:
            fan_in = tensor[0].numel()
            tensor.normal_(0, (1.5 / fan_in) ** 0.5, generator=draw)
        elif name.endswith("weight"):
            tensor.uniform_(0.5, 1.5, generator=draw)
            tensor[torch.rand(tensor.shape, generator=draw) < 0.2] *= -1
        else:
            tensor.uniform_(-0.5, 0.5, generator=draw)


@contextmanager
def cheap_initialisation():
    """Spare the random numbers of networks whose parameters are about to be set anyway."""
    init = torch.nn.init
    kept = {name: getattr(init, name) for name in INITIALISERS}
    for name in kept:
        setattr(init, name, lambda tensor, *args, **kwargs: init.constant_(tensor, 0.5))
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(init, name, function)


@torch.no_grad()
def copy_state(source, destination):
    """Copy by order of registration; the shapes must be the same, one by one."""
    given, taken = tensors(source).values(), tensors(destination).values()
    assert [t.shape for t in given] == [t.shape for t in taken]
    for a, b in zip(given, taken, strict=True):
        b.copy_(a)


def load_state(net, other):
    net.load_state_dict(other.state_dict())


def gradients(net, x):
    """Gradients of a fixed scalar of the output, by parameter; None where there is none."""
    net.train()
    output = first_tensor(net(x.clone()))
    weights = np.random.default_rng(5).standard_normal(tuple(output.shape))
    (output * torch.tensor(weights, dtype=output.dtype)).sum().backward()
    return [None if p.grad is None else p.grad.numpy() for p in net.parameters()]
