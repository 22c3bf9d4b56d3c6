"""The oracle against plain loops and finite differences: nothing here trusts a framework."""

import itertools

import numpy as np
import pytest

from resnet_ref import layout, oracle, spec
from resnet_ref.layers import AvgPool, BatchNorm, Conv, MaxPool
from resnet_ref.layout import Network, single_block
from resnet_ref.shapes import output_shape
from tests.ref import forms
from tests.ref.sequences import SEQUENCES, sequence


class Scalar:
    """<cotangent, output> of a network as a function of input and tensors, with its gradients."""

    def __init__(self, network, x, *, training):
        rng = np.random.default_rng(11)
        self.network, self.x, self.training = network, x, training
        self.tensors = oracle.random_tensors(network, rng)
        done = oracle.run(network, self.tensors, x, training=training)
        self.cotangent = rng.normal(size=done.output.shape)
        input_gradient, gradients = done.pull(self.cotangent)
        self.gradients = {"input": input_gradient, **gradients}
        # The rounding of a difference is that of the output: errors are measured against this.
        self.norm = np.sqrt(sum((g**2).sum() for g in self.gradients.values()))

    def error(self, keys, step=1e-6) -> float:
        """How far gradient and central difference are apart along a random direction in `keys`."""
        rng = np.random.default_rng(13)
        along = {key: rng.normal(size=self.gradients[key].shape) for key in keys}
        length = np.sqrt(sum((v**2).sum() for v in along.values()))
        slope = (self._at(along, step / length) - self._at(along, -step / length)) / (2 * step)
        derived = sum((self.gradients[key] * v).sum() for key, v in along.items()) / length
        return abs(slope - derived) / self.norm

    def _at(self, along, step) -> float:
        moved = {key: t + step * along.get(key, 0.0) for key, t in self.tensors.items()}
        x = self.x + step * along.get("input", 0.0)
        done = oracle.run(self.network, moved, x, training=self.training)
        return (done.output * self.cotangent).sum()


def assert_gradients_are_slopes(network, x, *, training):
    """The gradient by the input and by each tensor, one by one."""
    scalar = Scalar(network, x, training=training)
    slots = list(oracle.named_slots(network))
    trained = {(where, slot.role): slot.shape for where, slot in slots if slot.trainable}
    shapes = {key: gradient.shape for key, gradient in scalar.gradients.items()}
    assert shapes == {"input": x.shape, **trained}
    for key in shapes:
        assert scalar.error([key]) < 1e-7, key


@pytest.mark.parametrize("name", SEQUENCES)
def test_layer_gradients_are_slopes(name, training):
    assert_gradients_are_slopes(*sequence(name), training=training)


@pytest.mark.parametrize(
    ("arch", "variant"),
    [("resnet18", "d2l"), ("resnet50", "v1.5"), ("resnet50", "vd"), ("resnet50", "v2"),
     ("resnet50", "se"), ("resnet50", "keras-v2"), ("resnet20", "cifar-a")],
)  # fmt: skip
def test_block_gradients_are_slopes(arch, variant, training):
    block = single_block(spec(arch, variant), 16, 32, stride=2)
    x = np.random.default_rng(2).normal(size=(2, 16, 7, 5))
    assert_gradients_are_slopes(block, x, training=training)


@pytest.mark.parametrize("name", list(forms.VARIANTS)[::4])
def test_network_gradients_are_slopes(name, training):
    """By the input, and by all tensors at once; even so small a step takes a few ReLUs across 0."""
    form = forms.small(forms.VARIANTS[name])
    x = np.random.default_rng(2).normal(size=(2, form.in_channels, 37, 33))
    scalar = Scalar(layout(form), x, training=training)
    assert scalar.error(["input"]) < 1e-5
    assert scalar.error([key for key in scalar.gradients if key != "input"]) < 1e-5


@pytest.mark.parametrize("name", SEQUENCES)
def test_shapes_are_those_derived(name, training):
    network, x = sequence(name)
    tensors = oracle.random_tensors(network, np.random.default_rng(0))
    expected = x.shape
    for layer in network.stem:
        expected = output_shape(layer, expected)
    assert oracle.run(network, tensors, x, training=training).output.shape == expected


@pytest.mark.parametrize("name", SEQUENCES)
def test_float32_stays_float32(name, training):
    network, x = sequence(name)
    tensors = oracle.random_tensors(network, np.random.default_rng(0))
    narrow = {key: tensor.astype("float32") for key, tensor in tensors.items()}
    done = oracle.run(network, narrow, x.astype("float32"), training=training)
    input_gradient, gradients = done.pull(np.ones_like(done.output))
    arrays = (done.output, input_gradient, *gradients.values(), *done.statistics.values())
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


def windows(layer, shape):
    """For each output pixel its index and its taps: (u, v, row, column) on the unpadded image."""
    _, _, rows, columns = output_shape(layer, shape)
    dilation = getattr(layer, "dilation", (1, 1))
    taps = list(itertools.product(range(layer.kernel[0]), range(layer.kernel[1])))
    for i, j in itertools.product(range(rows), range(columns)):
        top = i * layer.stride[0] - layer.padding[0]
        left = j * layer.stride[1] - layer.padding[2]
        yield i, j, [(u, v, top + u * dilation[0], left + v * dilation[1]) for u, v in taps]


def looped(layer, tensors, x):
    """A convolution or pool, tap by tap."""
    y = np.zeros(output_shape(layer, x.shape))
    _, _, height, width = x.shape
    for i, j, taps in windows(layer, x.shape):
        inside = [(u, v, r, c) for u, v, r, c in taps if 0 <= r < height and 0 <= c < width]
        pixels = [x[:, :, r, c] for _, _, r, c in inside]
        if isinstance(layer, MaxPool):
            y[:, :, i, j] = np.max(pixels, axis=0)
        elif isinstance(layer, AvgPool):
            _, bottom, _, right = layer.padding
            padded = [t for t in taps if t[2] < height + bottom and t[3] < width + right]
            counted = padded if layer.count_include_pad else inside
            y[:, :, i, j] = np.sum(pixels, axis=0) / len(counted)
        else:
            weight, each = tensors["weight"], layer.out_channels // layer.groups
            fan = layer.in_channels // layer.groups
            for out, (u, v, r, c) in itertools.product(range(layer.out_channels), inside):
                first = out // each * fan
                y[:, out, i, j] += x[:, first : first + fan, r, c] @ weight[out, :, u, v]
    bias = tensors.get("bias")
    return y if bias is None else y + bias[:, None, None]


@pytest.mark.parametrize("name", [n for n in SEQUENCES if n.startswith(("conv", "max", "avg"))])
def test_windows_are_those_of_plain_loops(name):
    network, x = sequence(name)
    tensors = oracle.random_tensors(network, np.random.default_rng(0))
    found = oracle.run(network, tensors, x, training=False).output
    by_role = {role: tensor for (_, role), tensor in tensors.items()}
    np.testing.assert_allclose(found, looped(network.stem[0], by_role, x), rtol=1e-13, atol=1e-13)


def test_training_norm_normalises_and_keeps_its_share_of_the_old_statistics():
    network = Network((BatchNorm(3, eps=0.0, momentum=0.8),), (), ())
    x = np.random.default_rng(4).normal(2.0, 3.0, size=(4, 3, 5, 6))
    old = {"weight": np.full(3, 2.0), "bias": np.full(3, 7.0), "mean": np.full(3, 10.0),
           "variance": np.full(3, 20.0)}  # fmt: skip
    tensors = {("stem, norm 0", role): tensor for role, tensor in old.items()}
    done = oracle.run(network, tensors, x, training=True)
    np.testing.assert_allclose(done.output.mean((0, 2, 3)), 7.0)
    np.testing.assert_allclose(done.output.std((0, 2, 3)), 2.0)
    moved = {role: tensor for (_, role), tensor in done.statistics.items()}
    np.testing.assert_allclose(moved["mean"], 0.8 * 10 + 0.2 * x.mean((0, 2, 3)))
    np.testing.assert_allclose(moved["variance"], 0.8 * 20 + 0.2 * x.var((0, 2, 3)))


def test_evaluation_moves_no_statistics():
    network, x = sequence("norm")
    tensors = oracle.random_tensors(network, np.random.default_rng(0))
    assert oracle.run(network, tensors, x, training=False).statistics == {}


def test_a_missing_tensor_is_an_error():
    network, x = sequence("conv")
    with pytest.raises(KeyError, match="stem, conv 0"):
        oracle.run(network, {}, x, training=False)


def test_other_than_zero_padding_is_an_error():
    network = Network((Conv(3, 4, (3, 3), padding=(1, 1, 1, 1), pad_mode="reflect"),), (), ())
    tensors = oracle.random_tensors(network, np.random.default_rng(0))
    with pytest.raises(ValueError, match="'reflect'"):
        oracle.run(network, tensors, np.zeros((1, 3, 4, 4)), training=False)
