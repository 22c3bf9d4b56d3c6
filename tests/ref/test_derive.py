"""Derived shapes and totals against the documented tables."""

import subprocess
import sys
from dataclasses import replace

import pytest

from resnet_ref import layout, spec
from resnet_ref.derive import table
from resnet_ref.layers import AvgPool, Conv, Linear, MaxPool
from resnet_ref.layout import Network, single_block
from resnet_ref.places import places
from resnet_ref.shapes import output_shape, window_count
from tests.ref.tables import TOTALS, joined, lines, specs_of, summary_table

SUMMARIES = {
    "resnet50": lambda: table(spec("resnet50"), (1, 3, 224, 224)),
    "basic_block_64_128_stride2": lambda: table(
        single_block(spec("resnet18"), 64, 128, stride=2), (1, 64, 224, 224)
    ),
    "bottleneck_block_64_128_stride2": lambda: table(
        single_block(spec("resnet50"), 64, 128, stride=2), (1, 64, 224, 224)
    ),
}


@pytest.fixture(params=SUMMARIES)
def documented(request) -> str:
    return request.param


def test_rows_are_those_documented(documented):
    rows = [
        (row.name, joined(row.input_shape), joined(row.output_shape), row.params)
        for row in SUMMARIES[documented]().rows
    ]
    assert rows == summary_table(documented).rows


def test_totals_are_those_documented(documented):
    derived = SUMMARIES[documented]()
    by_layer = derived.splits()[1]
    found = {
        "total": str(derived.total),
        "trainable": str(by_layer.trainable),
        "non_trainable": str(by_layer.non_trainable),
        "input_mb": f"{derived.input_mb:.2f}",
        "forward_backward_mb": f"{derived.forward_backward_mb:.2f}",
        "params_mb": f"{derived.params_mb:.2f}",
        "total_mb": f"{derived.total_mb:.2f}",
    }
    assert found == summary_table(documented).totals


def test_resnet50_is_split_in_two_ways():
    by_tensor, by_layer = SUMMARIES["resnet50"]().splits()
    assert (by_tensor.trainable, by_tensor.non_trainable) == (25_557_032, 53_120)
    assert (by_layer.trainable, by_layer.non_trainable) == (25_503_912, 106_240)


@pytest.mark.parametrize(("form", "depth", "trainable", "total"), TOTALS)
def test_parameter_totals(form, depth, trainable, total):
    for form_spec in specs_of(form, depth):
        derived = table(form_spec, (1, form_spec.in_channels, 64, 64))
        assert (derived.trainable, derived.total) == (trainable, total), form_spec.variant


# He et al. 2016, table 1, gives 1.8, 3.6, 3.8, 7.6 and 11.3 billion for v1.
@pytest.mark.parametrize(
    ("arch", "billions"),
    [
        ("resnet18", 1.8),
        ("resnet34", 3.6),
        ("resnet50", 3.8),
        ("resnet101", 7.6),
        ("resnet152", 11.3),
    ],
)
def test_macs_are_those_of_the_paper(arch, billions):
    assert table(spec(arch, "v1"), (1, 3, 224, 224)).macs / 1e9 == pytest.approx(billions, abs=0.1)


def test_macs_grow_with_the_batch():
    one, five = (table(spec("resnet50", "se"), (n, 3, 64, 64)).macs for n in (1, 5))
    assert five == 5 * one


D2L_PLACES = {
    "b1 (7x7/2 conv, BN, ReLU, 3x3/2 max pool)": "stem",
    "b1 conv 7x7/2 pad 3 (floor of 48.5)": "stem, conv 0",
    "b1 max pool 3x3/2 pad 1 (floor of 24.5)": "stem, max pool 0",
    "b2": "stage 1",
    "b3": "stage 2",
    "b4": "stage 3",
    "b5": "stage 4",
    "AdaptiveAvgPool2d(1,1)": "head, global pool 0",
    "average pool 2x2": "head, global pool 0",
    "Flatten": "head, flatten 0",
    "Linear": "head",
}


@pytest.mark.parametrize(
    ("shape", "module", "documented_shape"),
    [row for row in lines("d2l_resnet18_shapes.tsv") if row[0][0] in "1m"],
)
def test_d2l_shapes(shape, module, documented_shape):
    batch, channels, *size = (int(n) for n in shape.replace("m", "7").split(","))
    form = spec("resnet18", "d2l", num_classes=10, in_channels=channels)
    found = table(form, (batch, channels, *size)).shape_after(D2L_PLACES[module])
    assert joined(found) == documented_shape.replace("m", "7")


def test_rows_name_the_places_of_the_layers_in_their_order():
    form = spec("resnet50", "v2")
    rows = [(row.location, row.layer) for row in table(form, (1, 3, 64, 64)).rows if row.layer]
    assert rows == list(places(layout(form)))
    assert ("stage 2, block 0, branch, conv 0", Conv(256, 128, (1, 1))) in rows


# Each row: size, padding on both sides together, kernel, stride, dilation, ceil, windows.
@pytest.mark.parametrize(
    ("size", "padding", "kernel", "stride", "dilation", "ceil", "count"),
    [
        (224, 6, 7, 2, 1, False, 112),
        (96, 6, 7, 2, 1, False, 48),
        (48, 2, 3, 2, 1, False, 24),
        (7, 0, 2, 2, 1, False, 3),
        (7, 0, 2, 2, 1, True, 4),
        (1, 0, 2, 2, 1, True, 1),
        (14, 4, 3, 1, 2, False, 14),
        (1, 0, 1, 2, 1, False, 1),
    ],
)
def test_window_count(size, padding, kernel, stride, dilation, ceil, count):
    assert window_count(size, padding, kernel, stride, dilation, ceil=ceil) == count


def test_a_window_that_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="a window of 5 does not fit into 2 pixels padded by 1"):
        window_count(2, 1, 3, 1, dilation=2)


@pytest.mark.parametrize("output_stride", [8, 16, 32])
@pytest.mark.parametrize("variant", ["v1.5", "vd", "v2"])
def test_output_stride_is_input_over_last_feature_map(variant, output_stride):
    form = spec("resnet50", variant, head="none", output_stride=output_stride)
    assert table(form, (2, 3, 224, 192)).output_shape == (
        2, 2048, 224 // output_stride, 192 // output_stride,
    )  # fmt: skip


WRONG_INPUTS = [
    ((1, 3, 224), r"the input shape is \(N, C, H, W\), four positive numbers, not \(1, 3, 224\)"),
    ((1, 3, 0, 224), "four positive numbers"),
    ((1, 4, 224, 224), "^stem, conv 0: takes 3 channels, not 4$"),
]


@pytest.mark.parametrize(("shape", "message"), WRONG_INPUTS)
def test_wrong_inputs_are_errors_that_say_where(shape, message):
    with pytest.raises(ValueError, match=message):
        table(spec("resnet50"), shape)


def test_too_small_an_input_says_where():
    network = Network((MaxPool((3, 3), (2, 2)),), (), ())
    with pytest.raises(ValueError, match=r"^stem, max pool 0: a window of 3 does not fit"):
        table(network, (1, 3, 2, 2))


def test_a_sum_of_different_shapes_says_where():
    form = layout(spec("resnet18"))
    block = replace(form.stages[1][0], shortcut=())
    broken = Network(form.stem, (form.stages[0], (block,)), ())
    message = (
        r"^stage 2, block 0: the branch puts out \(1, 128, 4, 4\), the shortcut \(1, 64, 8, 8\)$"
    )
    with pytest.raises(ValueError, match=message):
        table(broken, (1, 3, 32, 32))


@pytest.mark.parametrize(
    ("layer", "shape"), [(Conv(3, 4, (1, 1)), (1, 3)), (Linear(3, 4), (1, 3, 1, 1))]
)
def test_a_wrong_number_of_axes_is_an_error(layer, shape):
    with pytest.raises(ValueError, match="axes"):
        output_shape(layer, shape)


def test_ceil_mode_pools_round_up():
    pool = AvgPool((2, 2), (2, 2), ceil_mode=True)
    assert output_shape(pool, (1, 8, 7, 6)) == (1, 8, 4, 3)


def test_a_block_alone_must_divide():
    with pytest.raises(ValueError, match="multiple of 4 channels, not 130"):
        single_block(spec("resnet50"), 64, 130)


def test_a_place_that_is_not_there_is_an_error():
    derived = table(spec("resnet18"), (1, 3, 64, 64))
    with pytest.raises(ValueError, match="there is no 'stage 5'"):
        derived.shape_after("stage 5")


def test_deriving_imports_no_framework_and_no_numpy():
    code = (
        "import sys; from resnet_ref import spec; from resnet_ref.derive import table;"
        "table(spec('resnet50'), (1, 3, 64, 64));"
        "print([m for m in ('numpy', 'paddle', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
