"""Paddle keeps the contract."""

import numpy as np
import pytest

paddle = pytest.importorskip("paddle")

from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.paddle import ADAPTER  # noqa: E402
from resnet_verify.probe import probe  # noqa: E402


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


def test_a_network_with_channels_last_is_not_traced_at_every_size_with_channels_first(monkeypatch):
    tried = []
    capture = type(ADAPTER).capture

    def counted(adapter, model, shape, training):
        tried.append(shape)
        return capture(adapter, model, shape, training)

    monkeypatch.setattr(type(ADAPTER), "capture", counted)
    network = paddle.nn.Sequential(
        paddle.nn.Conv2D(3, 8, 3, data_format="NHWC"),
        paddle.nn.AdaptiveAvgPool2D(1, data_format="NHWC"),
        paddle.nn.Flatten(),
        paddle.nn.Linear(8, 4),
    )
    with ADAPTER.preserved():
        found = probe(ADAPTER, network)
    assert found.channels_last
    assert tried[-1] == found.main_shape == (2, 224, 224, 3)
    if paddle.__version__.startswith("3"):  # the older one refuses while it traces
        assert tried == [(2, 3, 224, 224), (2, 224, 224, 3)]
