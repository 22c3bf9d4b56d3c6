"""The Paddle reference as a network: its layers, totals, initialisation and factories."""

import math
import re

import numpy as np
import paddle
import pytest

from resnet_ref import layout, spec
from resnet_ref import paddle as reference
from resnet_ref.derive import table
from resnet_ref.layers import BatchNorm, Conv
from resnet_ref.layout import Network, single_block
from resnet_ref.places import places, slots
from tests.ref import forms
from tests.ref.tables import TOTALS, joined, specs_of, summary_table


@pytest.fixture
def summarised(capsys):
    """Prints paddle.summary and reads it back: (name, input, output, params) rows."""

    def read(network, shape):
        paddle.summary(network, shape)
        row = re.compile(r"^\s*(\w+-\d+)\s+\[\[(.*?)\]\]\s+\[(.*?)\]\s+([\d,]+)\s*$", re.M)
        return [
            (name, *(s.replace(" ", "") for s in shapes), int(params.replace(",", "")))
            for name, *shapes, params in row.findall(capsys.readouterr().out)
        ]

    with paddle.utils.unique_name.guard():  # names are numbered through a whole process
        yield read


def test_paddle_summarises_resnet50_as_documented(summarised):
    assert summarised(reference.resnet50(), (1, 3, 224, 224)) == summary_table("resnet50").rows


@pytest.mark.parametrize(("arch", "kind"), [("resnet18", "basic"), ("resnet50", "bottleneck")])
def test_paddle_summarises_blocks_as_documented(summarised, arch, kind):
    block = reference.build_block(single_block(spec(arch), 64, 128, stride=2))
    rows = summarised(block, (1, 64, 224, 224))
    assert rows == summary_table(f"{kind}_block_64_128_stride2").rows


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, form in forms.VARIANTS.items()
        if not form.squeeze_excite and form.arch != "resnet34"
    ],
)
def test_derived_rows_are_those_that_paddle_summarises(name, summarised):
    form = forms.small(forms.VARIANTS[name])  # SE is one row here and five layers there
    shape = (1, form.in_channels, 61, 37)
    derived = [
        (row.name, joined(row.input_shape), joined(row.output_shape), row.params)
        for row in table(form, shape).rows
    ]
    assert summarised(reference.build(form), shape) == derived


# The others of 50 layers and more take seconds to initialise; test_derive has them all.
LARGE = [("v1, v1.5", "50"), ("v1, v1.5", "152"), ("keras v2", "50"), ("resnext 32x4d", "50")]


@pytest.mark.parametrize(
    ("form", "depth", "trainable", "total"),
    [row for row in TOTALS if int(row[1]) < 50 or row[:2] in LARGE],
)
def test_parameter_totals(form, depth, trainable, total):
    network = reference.build(specs_of(form, depth)[0])
    assert sum(p.size for p in network.parameters()) == total
    trained = {id(p) for p in network.parameters() if not p.stop_gradient}
    assert sum(p.size for p in network.parameters() if id(p) in trained) == trainable


@pytest.mark.parametrize("name", forms.VARIANTS)
def test_places_are_those_of_the_layout(name):
    form = forms.small(forms.VARIANTS[name])
    network = reference.build(form)
    named = list(network.named_places())
    assert [(where, described) for where, described, _ in named] == list(places(layout(form)))
    for where, described, layer in named:
        shapes = {role: tuple(t.shape) for role, t in reference.tensors(layer).items()}
        assert shapes == {slot.role: slot.shape for slot in slots(described)}, where
    addressed = {id(tensor) for _, tensor in reference.named_tensors(network)}
    assert addressed == {id(tensor) for tensor in network.state_dict().values()}


def test_initialisation_is_the_documented_one():
    paddle.seed(0)
    for where, described, layer in reference.resnet18().named_places():
        weight = layer.weight.numpy() if hasattr(layer, "weight") else None
        if isinstance(described, Conv):
            fan_out = described.out_channels * math.prod(described.kernel)
            assert np.std(weight) == pytest.approx(math.sqrt(2 / fan_out), rel=0.05), where
        elif isinstance(described, BatchNorm):
            assert (weight == 1).all(), where
            assert not layer.bias.numpy().any(), where


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_factories_take_the_form_by_keyword(depth):
    factory = getattr(reference, f"resnet{depth}")
    network = factory(variant="vd", num_classes=7, in_channels=1, stem="cifar", head="none")
    asked = spec(f"resnet{depth}", "vd", num_classes=7, in_channels=1, stem="cifar", head="none")
    assert network.description == layout(asked)
    network.eval()
    assert network(paddle.zeros([2, 1, 9, 8])).shape == [2, asked.expansion * 512, 2, 1]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"variant": "v3"}, "unknown variant 'v3'"),
        ({"head": "hat"}, "unknown head 'hat'"),
        ({"stem": "leaf"}, "unknown stem 'leaf'"),
        ({"output_stride": 64}, "unknown output stride 64; known: 32, 16, 8"),
        ({"in_channels": 0}, "counted from 1, not 0"),
    ],
)
def test_an_unknown_form_is_an_error(form, message):
    with pytest.raises(ValueError, match=message):
        reference.resnet50(**form)


def test_other_than_zero_padding_is_an_error():
    network = Network((Conv(3, 4, (3, 3), padding=(1, 1, 1, 1), pad_mode="reflect"),), (), ())
    with pytest.raises(ValueError, match="'reflect'"):
        reference.build(network)
