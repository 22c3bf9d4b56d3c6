"""PyTorch behind `tests.ref.parity.Framework`."""

import numpy as np
import torch

from resnet_ref import torch as reference
from resnet_ref.layout import Block
from tests.ref.parity import Outcome, is_statistic


class Torch:
    reference = reference
    precision = "float64"
    unbiased = True
    float32_attributes = False

    def seed(self, seed):
        torch.manual_seed(seed)

    def build(self, network, dtype):
        build = reference.build_block if isinstance(network, Block) else reference.build
        return build(network).to(getattr(torch, dtype))

    def undrawn(self):
        return torch.device("meta")

    def write(self, built, tensors):
        with torch.no_grad():
            for key, tensor in reference.named_tensors(built):
                tensor.copy_(torch.from_numpy(tensors[key]))

    def read(self, built):
        return {key: tensor.detach().numpy() for key, tensor in reference.named_tensors(built)}

    def registered(self, built):
        counters = [each for each in built.buffers() if each.dtype == torch.int64]
        buffers = [each for each in built.buffers() if all(each is not c for c in counters)]
        tensors = (*built.parameters(), *buffers)
        return [(tensor.numel(), tensor.requires_grad) for tensor in tensors]

    def step(self, built, x, along, *, training):
        image = self._like(built, x).requires_grad_()
        output = self._backward(built, image, along, training)
        gradients = {
            key: self._gradient(tensor)
            for key, tensor in reference.named_tensors(built)
            if not is_statistic(key)
        }
        statistics = {k: array for k, array in self.read(built).items() if is_statistic(k)}
        return Outcome(output.detach().numpy(), statistics, image.grad.numpy(), gradients)

    def descend(self, built, x, along, descent):
        optimiser = torch.optim.SGD(
            built.parameters(),
            descent.rate,
            momentum=descent.momentum,
            weight_decay=descent.decay,
        )
        for _ in range(descent.steps):
            optimiser.zero_grad()
            self._backward(built, self._like(built, x), along, training=True)
            optimiser.step()

    def _backward(self, built, image, along, training):
        built.train(training)
        output = built(image)
        (output * self._like(built, along)).sum().backward()
        return output

    def _like(self, built, array):
        dtype = next((parameter.dtype for parameter in built.parameters()), torch.float64)
        return torch.from_numpy(np.ascontiguousarray(array)).to(dtype)

    def _gradient(self, tensor):
        """Of the weight of a linear layer, too, which is a view."""
        return tensor.grad.numpy() if tensor._base is None else tensor._base.grad.numpy().T


FRAMEWORK = Torch()
