"""Networks to be timed: a ResNet-18, and the same one slowed down by a known amount."""

import time

import torch

from resnet_ref.torch import resnet18


class Slowed(torch.nn.Module):
    """Takes `by` more CPU time than the network within, forward pass for forward pass."""

    def __init__(self, network: torch.nn.Module, by: float) -> None:
        super().__init__()
        self.network = network
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the network within gives, later."""
        start = time.process_time()
        output = self.network(x)
        end = start + (time.process_time() - start) * (1 + self.by)
        while time.process_time() < end:
            pass
        return output


def slowed(by: float) -> torch.nn.Module:
    """A ResNet-18 that is slower by the fraction `by`."""
    return Slowed(resnet18(), by)
