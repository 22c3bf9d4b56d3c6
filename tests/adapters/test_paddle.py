"""Paddle keeps the contract."""

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.paddle import ADAPTER  # noqa: E402


class TestContract(AdapterContract):
    adapter = ADAPTER


def test_gradients_that_the_network_holds_are_put_back():
    network = paddle.nn.Linear(3, 2)
    network(paddle.ones([1, 3])).sum().backward()
    network.bias.clear_gradient(False)
    images, cotangent = np.ones((2, 3), "float32"), np.ones((2, 2), "float32")
    step = ADAPTER.step(network, images, cotangent, 0)
    ADAPTER.descend(network, [[images]], cotangent, 0, "sgd", 0.1)
    assert [gradient.max() for gradient in step.gradients.values()] == [2, 2]
    assert network.weight.grad.numpy().tolist() == np.ones(network.weight.shape).tolist()
    assert network.bias.grad is None
