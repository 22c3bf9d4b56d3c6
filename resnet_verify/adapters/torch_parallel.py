"""PyTorch in several processes: DistributedDataParallel over gloo, on the CPU."""

# PyTorch is not analysed: its base classes are Any.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from typing import Any

import torch
from torch import distributed

from resnet_verify.adapters.outputs import flatten
from resnet_verify.adapters.torch_capture import is_tensor

BROADCASTS = True
"""Before each pass all processes are given the first one's buffers (`broadcast_buffers`)."""


class Joined(torch.nn.Module):
    """All that a network puts out as one tensor (N, features), so that nothing is left unused."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Call the network."""
        outputs = [
            one for one in flatten(self.network(images), is_tensor) if one.is_floating_point()
        ]
        return torch.cat([one.reshape(len(images), -1) for one in outputs], 1)


def join() -> None:
    """Meet the other processes, where the environment says."""
    distributed.init_process_group("gloo")


def wrap(model: Any) -> Any:
    """The network as PyTorch's users train it in several processes."""
    return torch.nn.parallel.DistributedDataParallel(model)


def leave() -> None:
    """Wait for the others, and part."""
    distributed.barrier()
    distributed.destroy_process_group()
