"""PyTorch's adapter keeps the contract; and what is PyTorch's own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.torch import ADAPTER  # noqa: E402


class TestContract(AdapterContract):
    adapter = ADAPTER


def test_gradients_that_the_network_holds_are_put_back():
    network = torch.nn.Linear(3, 2)
    network(torch.ones(1, 3)).sum().backward()
    network.bias.grad = None
    images, cotangent = np.ones((2, 3), "float32"), np.ones((2, 2), "float32")
    step = ADAPTER.step(network, images, cotangent, 0)
    ADAPTER.descend(network, [[images]], cotangent, 0, "sgd", 0.1)
    assert [gradient.max() for gradient in step.gradients.values()] == [2, 2]
    assert network.weight.grad.numpy().tolist() == np.ones(network.weight.shape).tolist()
    assert network.bias.grad is None


def test_lazy_layers_are_made_in_a_copy():
    network = torch.nn.Sequential(torch.nn.LazyConv2d(4, 3), torch.nn.LazyBatchNorm2d())
    ready = ADAPTER.ready(network)
    assert ready[0].weight.shape == (4, 3, 3, 3)
    assert torch.nn.parameter.is_lazy(network[0].weight)


def test_a_weight_that_is_changed_in_place_is_the_networks_own():
    class Decaying(torch.nn.Linear):
        def forward(self, x):
            with torch.no_grad():
                self.weight.mul_(0.5)
            return super().forward(x)

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), Decaying(16, 2))
    with ADAPTER.preserved():
        graph = ADAPTER.capture(network, (2, 3, 4, 4), training=False).graph
    params = [param for node in graph.nodes for param in graph.params_of(node)]
    assert all(param.registered for param in params)
