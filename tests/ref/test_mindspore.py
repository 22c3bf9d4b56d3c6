"""The MindSpore reference as a network, and what is MindSpore's own about it."""

import numpy as np
import pytest

pytest.importorskip("mindspore")

import mindspore

from resnet_ref import layout, oracle, spec
from resnet_ref import mindspore as reference
from tests.ref import forms, parity
from tests.ref.contract import NetworkContract
from tests.ref.in_mindspore import FRAMEWORK


class TestNetwork(NetworkContract):
    framework = FRAMEWORK


@pytest.fixture
def graph_mode(tmp_path, monkeypatch):
    before = mindspore.get_context("mode")
    monkeypatch.chdir(tmp_path)  # where a failure is dumped
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    yield
    mindspore.set_context(mode=before)


@pytest.mark.usefixtures("graph_mode")
@pytest.mark.parametrize(
    ("arch", "variant"), [("resnet20", "cifar-a"), ("resnet50", "vd"), ("resnet18", "se")]
)
def test_graph_mode_computes_the_same(arch, variant, training):
    network = layout(forms.small(spec(arch, variant)))
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    x = forms.image(forms.small(spec(arch, variant)))
    compiled = parity.run(FRAMEWORK, network, tensors, x, training=training)
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    eager = parity.run(FRAMEWORK, network, tensors, x, training=training)
    assert max(parity.distances(compiled, eager).values()) < 1e-5


def test_a_fresh_network_is_in_evaluation_mode():
    network = reference.build(forms.small(spec("resnet18")))
    assert not any(cell.training for _, cell in network.cells_and_names())
