"""The Paddle reference as a network, and how paddle.summary prints it."""

import re

import pytest

pytest.importorskip("paddle")

import paddle

from resnet_ref import paddle as reference
from resnet_ref import spec
from resnet_ref.derive import table
from resnet_ref.layout import single_block
from tests.ref import forms
from tests.ref.contract import NetworkContract
from tests.ref.in_paddle import FRAMEWORK
from tests.ref.tables import joined, summary_table


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


class TestNetwork(NetworkContract):
    framework = FRAMEWORK
