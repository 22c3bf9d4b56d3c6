"""Small networks in PyTorch that two processes train as one does, or otherwise."""

import os

import torch
from torch import distributed, nn
from torch.distributed.nn.functional import all_reduce

from resnet_ref.spec import spec
from resnet_ref.torch import build


def right():
    return build(spec("resnet20", "cifar-b"))


class _Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = right()

    def forward(self, images):
        return self.network(images)


def unused():
    network = _Wrapped()
    network.auxiliary = nn.Linear(64, 10)
    return network


class _ByRank(_Wrapped):
    def forward(self, images):
        return self.network(images) * (1 + int(os.environ.get("RANK", "0")))


def by_rank():
    return _ByRank()


class _Unregistered(_Wrapped):
    """A convolution in a plain list: each process draws its own, and keeps it."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.Conv2d(3, 3, 1)]

    def forward(self, images):
        return self.network(self.hidden[0](images))


def unregistered():
    return _Unregistered()


class _Thawed(_Wrapped):
    """What is frozen while the network is wrapped is not exchanged when it is not any more."""

    def __init__(self):
        super().__init__()
        self.network.stem.requires_grad_(False)

    def forward(self, images):
        self.network.stem.requires_grad_(True)
        return self.network(images)


def thawed():
    return _Thawed()


def own_statistics():
    network = right()
    network._ddp_params_and_buffers_to_ignore = [name for name, _ in network.named_buffers()]
    return network


def hidden_statistics():
    """Statistics that are plain attributes: the first process's are never sent."""
    network = right()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for name in ("running_mean", "running_var"):
                statistic = getattr(layer, name)
                delattr(layer, name)
                setattr(layer, name, statistic)
    return network


class _SharedNorm(nn.Module):
    """A batch norm over the images of all processes."""

    def __init__(self, of, differentiated):
        super().__init__()
        self.of, self.differentiated = of, differentiated

    def _mean(self, values):
        mean = values.mean((0, 2, 3))
        if not distributed.is_initialized():
            return mean
        if self.differentiated:
            return all_reduce(mean) / distributed.get_world_size()
        shared = mean.detach().clone()
        distributed.all_reduce(shared)
        return mean + (shared / distributed.get_world_size() - mean).detach()

    def forward(self, x):
        of = self.of
        if not self.training:
            return of(x)
        mean = self._mean(x)
        variance = self._mean((x - mean[:, None, None]) ** 2)
        with torch.no_grad():
            of.running_mean.lerp_(mean, of.momentum)
            of.running_var.lerp_(variance, of.momentum)
        scale = of.weight * (variance + of.eps).rsqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + of.bias[:, None, None]


def _with_shared_norms(differentiated):
    network = right()
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, _SharedNorm(child, differentiated))
    return network


def shared_norms():
    return _with_shared_norms(differentiated=True)


def shared_norms_without_their_gradient():
    return _with_shared_norms(differentiated=False)


class _Waiting(_Wrapped):
    """The first process waits for what the other one never sends."""

    def forward(self, images):
        if distributed.is_initialized() and distributed.get_rank() == 0:
            distributed.recv(torch.zeros(1))
        return self.network(images)


def waiting():
    return _Waiting()
