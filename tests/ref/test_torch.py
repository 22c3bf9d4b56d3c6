"""The PyTorch reference as a network, and what is PyTorch's own about it."""

import pytest

pytest.importorskip("torch")

import torch

from resnet_ref import spec
from resnet_ref import torch as reference
from tests.ref import forms
from tests.ref.contract import NetworkContract
from tests.ref.in_torch import FRAMEWORK


class TestNetwork(NetworkContract):
    framework = FRAMEWORK


def test_the_classifier_is_kept_as_pytorch_does_and_addressed_as_all_do():
    network = reference.build(forms.small(spec("resnet18")))
    linear = network.head[-1]
    assert linear.weight.shape == (7, 48)
    weight = reference.tensors(linear)["weight"]
    assert weight.shape == (48, 7)
    with torch.no_grad():
        weight[3, 2] = 5.0
    assert network.state_dict()["head.2.weight"][2, 3] == 5.0


def test_a_network_is_built_in_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        network = reference.build(forms.small(spec("resnet18")))
    finally:
        torch.set_default_dtype(torch.float32)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
