"""The ONNX reference against the oracle, run by onnxruntime and by ONNX's own evaluator."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from resnet_ref import layout, oracle, spec
from resnet_ref import onnx as reference
from resnet_ref.derive import table
from resnet_ref.layers import BatchNorm, Conv
from resnet_ref.layout import Network, single_block
from resnet_ref.places import places, slots
from tests.ref import forms
from tests.ref.sequences import SEQUENCES, sequence


def holding(network, tensors, dtype):
    """The model with `tensors`, rounded to `dtype`."""
    model = reference.build(network, dtype)
    for key, tensor in reference.named_tensors(model):
        tensor.CopyFrom(numpy_helper.from_array(tensors[key].astype(dtype), tensor.name))
    return model


def by_onnxruntime(network, tensors, x):
    """In float32: on a CPU it has no convolution in float64."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = holding(network, tensors, "float32").SerializeToString()
    session = onnxruntime.InferenceSession(model, options)
    return session.run(None, {reference.IMAGE: x.astype("float32")})[0]


def by_evaluator(network, tensors, x):
    model = holding(network, tensors, "float64")
    return ReferenceEvaluator(model).run(None, {reference.IMAGE: x})[0]


def by_oracle(network, tensors, x):
    return oracle.run(network, tensors, x, training=False).output


def distance(found, expected):
    assert found.shape == expected.shape
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def case(form):
    """Tensors and an image for `form`; eps as ONNX stores it, in float32 whatever the dtype."""
    form = replace(forms.small(form), eps=float(np.float32(form.eps)))
    return form, oracle.random_tensors(form, np.random.default_rng(3)), forms.image(form)


@pytest.mark.parametrize("name", forms.VARIANTS)
def test_every_form_in_float32(name):
    """A sum of K products rounds by 2**-24 sqrt(K), L convolutions by sqrt(L) times that.

    A softmax makes a relative error of what is an absolute one in its logits.
    """
    form, tensors, x = case(forms.VARIANTS[name])
    convs = [row.layer for row in table(form, x.shape).rows if isinstance(row.layer, Conv)]
    terms = max(conv.in_channels // conv.groups * math.prod(conv.kernel) for conv in convs)
    bound = 2**-24 * math.sqrt(terms * len(convs))
    if form.head == "softmax":
        bound *= np.abs(by_oracle(replace(form, head="classifier"), tensors, x)).max()
    assert distance(by_onnxruntime(form, tensors, x), by_oracle(form, tensors, x)) < bound


@pytest.mark.parametrize("name", list(forms.VARIANTS)[::3])
def test_forms_in_float64(name):
    form, tensors, x = case(forms.VARIANTS[name])
    assert distance(by_evaluator(form, tensors, x), by_oracle(form, tensors, x)) < 1e-13


@pytest.mark.parametrize("name", SEQUENCES)
def test_layers_in_float64(name):
    network, x = sequence(name)
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    found = by_evaluator(network, tensors, x)
    assert distance(found, by_oracle(network, tensors, x)) < 1e-12  # an eps rounded to float32


@pytest.mark.parametrize(("change", "least"), [({"strided_conv": 0}, 1e-2), ({"eps": 1e-3}, 1e-4)])
def test_a_difference_is_measured(change, least):
    """The measure itself: what these tests must not miss is above their bounds."""
    form, tensors, x = case(spec("resnet50", "v1.5"))
    other = replace(form, **change)
    assert distance(by_onnxruntime(form, tensors, x), by_oracle(other, tensors, x)) > least


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_a_block_alone(arch, stride):
    block = single_block(spec(arch), 64, 64, stride=stride)
    tensors = oracle.random_tensors(block, np.random.default_rng(3))
    x = np.random.default_rng(1).normal(size=(2, 64, 9, 7))
    found = by_onnxruntime(block, tensors, x)
    assert distance(found, by_oracle(block, tensors, x)) < 1e-6


@pytest.mark.parametrize("name", forms.VARIANTS)
def test_tensors_are_those_of_the_layout(name):
    form = forms.small(forms.VARIANTS[name])
    model = reference.build(form)
    onnx.checker.check_model(model, full_check=True)
    found = {key: tuple(tensor.dims) for key, tensor in reference.named_tensors(model)}
    assert found == {
        (where, slot.role): slot.shape
        for where, layer in places(layout(form))
        for slot in slots(layer)
    }


def test_initialisation_is_the_documented_one():
    model = reference.build(spec("resnet18"))
    drawn = {key: numpy_helper.to_array(t) for key, t in reference.named_tensors(model)}
    for where, layer in places(layout(spec("resnet18"))):
        if isinstance(layer, Conv):
            deviation = math.sqrt(2 / (layer.out_channels * math.prod(layer.kernel)))
            assert np.std(drawn[where, "weight"]) == pytest.approx(deviation, rel=0.05), where
        elif isinstance(layer, BatchNorm):
            assert (drawn[where, "weight"] == 1).all(), where
            assert (drawn[where, "variance"] == 1).all(), where
            assert not drawn[where, "bias"].any(), where


def test_the_seed_decides():
    first, same, other = (
        reference.build(spec("resnet20"), seed=seed).SerializeToString() for seed in (0, 0, 1)
    )
    assert first == same != other


def test_other_than_zero_padding_is_an_error():
    network = Network((Conv(3, 4, (3, 3), padding=(1, 1, 1, 1), pad_mode="reflect"),), (), ())
    with pytest.raises(ValueError, match="'reflect'"):
        reference.build(network)
