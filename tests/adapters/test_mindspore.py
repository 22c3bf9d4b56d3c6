"""MindSpore's adapter keeps the contract; and what is MindSpore's own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

mindspore = pytest.importorskip("mindspore")

from mindspore import Parameter, Tensor, mint, nn, ops  # noqa: E402

from resnet_verify.adapters import CaptureError  # noqa: E402
from resnet_verify.adapters.contract import AdapterContract  # noqa: E402
from resnet_verify.adapters.mindspore import ADAPTER  # noqa: E402
from resnet_verify.graph import Constant, Function, Scale  # noqa: E402
from resnet_verify.graph import Parameter as Held  # noqa: E402
from tests.adapters.mindspore_networks import SHAPE, Net, captured, operators  # noqa: E402

ROOT = Path(__file__).parents[2]
EXP = Function("exp", (None,))


class TestContract(AdapterContract):
    adapter = ADAPTER


def test_a_part_that_is_assigned_is_seen():
    def cleared(x):
        y = ops.exp(x)
        y[:, :2] = 0.0
        return y

    assert [op.name for op in operators(captured(cleared))] == ["exp", "assignment to a part"]


def test_gradients_that_are_switched_off_are_seen():
    def partly(x):
        with mindspore._no_grad():
            y = ops.exp(x)
        return ops.log(y)

    nodes = {node.op.name: node for node in captured(partly).graph.nodes
             if isinstance(node.op, Function)}  # fmt: skip
    assert nodes["exp"].detached
    assert not nodes["log"].detached


def held(capture):
    return [node.op.param for node in capture.graph.nodes if isinstance(node.op, Held)]


def test_what_is_not_registered_is_seen_and_can_be_read_and_written():
    hidden = [nn.Conv2d(8, 4, 1), mint.nn.Linear(6, 3)]
    net = Net(lambda x: hidden[1](hidden[0](x)))
    capture = ADAPTER.capture(net, SHAPE, training=True)
    params = held(capture)
    assert [(p.shape, p.registered, p.trainable) for p in params] == [
        ((4, 8, 1, 1), False, True), ((3, 6), False, True), ((3,), False, True)
    ]  # fmt: skip
    key = params[0].key
    ADAPTER.write(net, capture, {key: np.full((4, 8, 1, 1), 2, np.float32)})
    assert (hidden[0].weight.asnumpy() == 2).all()
    assert (ADAPTER.read(net, capture, [key])[key] == 2).all()
    assert held(ADAPTER.capture(net, SHAPE, training=True))[0].key == key


def test_a_frozen_parameter_and_a_plain_tensor_are_not_trainable():
    conv, mask = nn.Conv2d(8, 8, 1), Tensor(np.arange(8, dtype=np.float32).reshape(8, 1, 1) + 1)
    conv.weight.requires_grad = False
    capture = captured(lambda x: conv(x) * mask, conv=conv)
    assert {(p.name, p.trainable, p.registered) for p in held(capture)} == {
        ("conv.weight", False, True), ("", False, False)
    }  # fmt: skip


def test_a_tensor_of_one_number_is_a_constant():
    capture = captured(lambda x: x * ops.zeros((8, 1, 1)) + Tensor(np.full((6,), 3, np.float32)))
    constants = [node.op.value for node in capture.graph.nodes if isinstance(node.op, Constant)]
    assert constants == [0.0, 3.0]


def test_a_network_that_leaves_mindspore_cannot_be_captured():
    with pytest.raises(CaptureError, match="not computed from the input"):
        captured(lambda x: ops.exp(Tensor(np.sin(x.asnumpy()))))


def test_an_error_is_told_in_one_line():
    with pytest.raises(CaptureError) as caught:
        captured(lambda x: ops.matmul(x, x))
    assert "\n" not in str(caught.value)
    assert "MatMul" in str(caught.value)


class Compiled(Net):
    @mindspore.jit
    def construct(self, x):
        return self.function(x) + 1


class Traced(Net):
    @mindspore.jit(capture_mode="trace")
    def construct(self, x):
        return self.function(x) + 1


class Interpreted(Net):
    @mindspore.jit(capture_mode="bytecode")
    def construct(self, x):
        return self.function(x) + 1


@pytest.mark.parametrize("network", [Compiled, Traced, Interpreted])
@pytest.mark.parametrize("mode", [mindspore.GRAPH_MODE, mindspore.PYNATIVE_MODE])
def test_compiled_networks_are_captured_as_they_are_written(network, mode):
    net, before = network(ops.exp), mindspore.get_context("mode")
    mindspore.set_context(mode=mode)
    try:
        assert operators(ADAPTER.capture(net, SHAPE, training=True)) == [EXP, Scale(1.0, 1.0)]
        ADAPTER.forward(net, np.zeros(SHAPE, np.float32))
        assert mindspore.get_context("mode") == mode
    finally:
        mindspore.set_context(mode=before)
    assert "MS_JIT" not in os.environ
    assert "construct" not in vars(net)


def test_what_jit_makes_of_a_network_is_that_network():
    net = Net(ops.exp)
    assert ADAPTER.owns(mindspore.jit(net))
    assert ADAPTER.ready(mindspore.jit(net)) is net


class Counting(Net):
    def __init__(self, function):
        super().__init__(function)
        self.count = Parameter(Tensor(3, mindspore.int32), requires_grad=False)

    def construct(self, x):
        ops.assign_add(self.count, Tensor(1, mindspore.int32))
        return self.function(x)


def test_capturing_puts_back_what_the_network_counts():
    net = Counting(ops.exp)
    assert operators(ADAPTER.capture(net, SHAPE, training=True)) == [EXP]
    assert net.count.asnumpy() == 3
    ADAPTER.forward(net, np.zeros(SHAPE, np.float32))
    assert net.count.asnumpy() == 4
    assert ADAPTER.params(net) == ()


def test_a_step_that_fails_leaves_nothing_behind():
    def overwriting(x):
        x[:, 0] = 0.0
        return net.conv(x)

    net = Net(overwriting, conv=nn.Conv2d(8, 4, 1))
    batch, cotangent = np.ones(SHAPE, np.float32), np.ones((2, 4, 9, 6), np.float32)
    with pytest.raises(RuntimeError):
        ADAPTER.step(net, batch, cotangent, 0)
    weight = {param.key: np.ones(param.shape, np.float32) for param in ADAPTER.params(net)}
    ADAPTER.write(net, None, weight)
    assert (net.conv.weight.asnumpy() == 1).all()


def test_values_within_are_those_of_the_operators():
    conv = nn.Conv2d(8, 4, 3, pad_mode="same")
    net = Net(lambda x: ops.relu(conv(x)).transpose(0, 2, 3, 1).mean((1, 2)), conv=conv)
    capture = ADAPTER.capture(net, SHAPE, training=False)
    batch = np.random.default_rng(1).standard_normal(SHAPE, np.float32)
    nodes = [node for node in capture.graph.nodes if node.inputs]
    convolved, activated, turned, mean = capture.run(batch, [node.output for node in nodes])
    np.testing.assert_array_equal(convolved, conv(Tensor(batch)).asnumpy())
    np.testing.assert_array_equal(activated, np.maximum(convolved, 0))
    np.testing.assert_array_equal(turned, activated.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(mean, turned.mean((1, 2)), rtol=1e-5)


def test_the_seed_is_put_back():
    mindspore.set_seed(17)
    state = mindspore.get_rng_state().asnumpy()
    with ADAPTER.preserved():
        ADAPTER.seed(3)
        assert mindspore.get_seed() == 3
    assert mindspore.get_seed() == 17
    np.testing.assert_array_equal(mindspore.get_rng_state().asnumpy(), state)


@pytest.mark.parametrize("how", ["parameters", "computation"])
def test_half_precision_is_judged_in_float32(how):
    net = Net(ops.exp, conv=nn.Conv2d(8, 4, 1))
    if how == "parameters":
        net.conv.weight.set_dtype(mindspore.float16)
    else:
        net.to_float(mindspore.float16)
    ready = ADAPTER.ready(net)
    assert ready is not net
    assert ADAPTER.dtype(ready) == "float32"
    assert ADAPTER.forward(ready, np.zeros(SHAPE, np.float32))[0].dtype == np.float32
    assert (ADAPTER.dtype(net) == "float16") == (how == "parameters")
    assert ADAPTER.ready(ready) is ready


NETWORK = """
import mindspore
from mindspore import nn, ops

class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def construct(self, x):
        return self.conv(x) + 1.0

mindspore.set_context(mode=mindspore.GRAPH_MODE)
"""


def test_nothing_is_written_or_said(tmp_path):
    (tmp_path / "net.py").write_text(NETWORK)
    command = [sys.executable, "-m", "resnet_verify.cli", "check", "net.py:Net"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert "this is no documented ResNet" in done.stdout
    assert done.stderr == "resnet-verify: judging net.py:Net\n"
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
