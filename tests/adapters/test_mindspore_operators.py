"""What MindSpore's operators mean, however they are called."""

import numpy as np
import pytest

mindspore = pytest.importorskip("mindspore")

from mindspore import Parameter, Tensor, mint, nn, ops  # noqa: E402

from resnet_ref.layers import Add, Relu  # noqa: E402
from resnet_verify.graph import (  # noqa: E402
    Activation,
    Cast,
    Concat,
    Detach,
    Dropout,
    Expand,
    Function,
    Identity,
    Matmul,
    Mean,
    Multiply,
    Other,
    Pad,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Scale,
    Slice,
    Softmax,
    Transpose,
)
from tests.adapters.mindspore_networks import captured, operators  # noqa: E402

MATRIX = Parameter(Tensor(np.eye(6, dtype=np.float32)))
ONE_OPERATOR = {
    "x + x": Add(),
    "ops.add(x, x)": Add(),
    "mint.add(x, x)": Add(),
    "mint.add(x, x, alpha=2)": Other("add", "2"),
    "ops.addn([x, x])": Add(),
    "sum([x, x])": Add(),
    "x + 1": Scale(1.0, 1.0),
    "1 - x": Scale(-1.0, 1.0),
    "x - 2": Scale(1.0, -2.0),
    "3 * x": Scale(3.0),
    "x / 2": Scale(0.5),
    "-x": Scale(-1.0),
    "x - x": Other("subtract", "1"),
    "x * x": Multiply(),
    "ops.maximum(x, 0)": Function("maximum", (None, 0.0)),
    "ops.clamp(x, min=0)": Relu(),
    "ops.clamp(x, 0, 6)": Activation("clip to [0, 6]"),
    "mint.nn.functional.relu(x)": Relu(),
    "nn.ReLU6()(x)": Activation("relu6"),
    "nn.GELU()(x)": Activation("gelu"),
    "x.sigmoid()": Activation("sigmoid"),
    "ops.mean(x, (2, 3))": Mean((2, 3)),
    "x.mean((-1, -2), True)": Mean((2, 3)),
    "mint.mean(x, 2)": Mean((2,)),
    "x.mean()": Mean((0, 1, 2, 3)),
    "ops.softmax(x, 1)": Softmax(1),
    "nn.LogSoftmax(-1)(x)": Softmax(3, log=True),
    "nn.Flatten()(x)": Reshape(),
    "mint.flatten(x, 1)": Reshape(),
    "x.reshape(2, -1)": Reshape(),
    "x.view(2, -1)": Reshape(),
    "x.expand_dims(1)": Reshape(),
    "x[None]": Reshape(),
    "x.transpose(0, 2, 3, 1)": Transpose((0, 2, 3, 1)),
    "ops.permute(x, (0, -2, -1, 1))": Transpose((0, 2, 3, 1)),
    "x[:, :, ::2, ::2]": Slice((0, 1, 2, 3), (0, 0, 0, 0), (2, 8, 9, 6), (1, 1, 2, 2)),
    "x[..., 1:-1]": Slice((0, 1, 2, 3), (0, 0, 0, 1), (2, 8, 9, 5), (1, 1, 1, 1)),
    "x[:, 3]": Slice((0, 1), (0, 3), (2, 4), (1, 1)),
    "ops.split(x, 4, 1)[1]": Slice((1,), (4,), (8,), (1,)),
    "mint.split(x, 3, 2)[2]": Slice((2,), (6,), (9,), (1,)),
    "ops.strided_slice(x, (0, 0, 0, 0), x.shape, (1, 1, 2, 2))":
        Slice((0, 1, 2, 3), (0, 0, 0, 0), (2, 8, 9, 6), (1, 1, 2, 2)),
    "x.narrow(1, 2, 3)": Slice((0, 1, 2, 3), (0, 2, 0, 0), (2, 5, 9, 6), (1, 1, 1, 1)),
    "ops.cat((x, x), 1)": Concat(1),
    "ops.cat([x, x], -1)": Concat(3),
    "ops.Concat(1)([x, x])": Concat(1),
    "nn.Pad(((0, 0), (0, 0), (1, 2), (3, 4)))(x)": Pad(((0, 0), (0, 0), (1, 2), (3, 4))),
    "ops.pad(x, (3, 4, 1, 2))": Pad(((0, 0), (0, 0), (1, 2), (3, 4))),
    "ops.pad(x, (1, 1), value=2.0)": Pad(((0, 0),) * 3 + ((1, 1),), value=2.0),
    "nn.ReflectionPad2d(1)(x)": Pad(((0, 0), (0, 0), (1, 1), (1, 1)), "reflect"),
    "x.astype(mindspore.float16)": Cast("float16"),
    "ops.stop_gradient(x)": Detach(),
    "ops.dropout(x, 0.25)": Dropout(0.25, active=True),
    "ops.broadcast_to(x, (2, 8, 9, 6))": Expand(),
    "ops.Identity()(x)": Identity(),
    "ops.flip(x, (3,))": Other("flip", "(3,)"),
    "ops.matmul(x, MATRIX)": Matmul(),
    "ops.dense(x, MATRIX)": Matmul(transposed=True),
    "nn.MaxPool2d(3, 2, pad_mode='valid')(x)": RawPool("max", (3, 3), (2, 2), (0, 0, 0, 0)),
    "nn.MaxPool2d(3, 2, pad_mode='same')(x)": RawPool("max", (3, 3), (2, 2), (1, 1, 0, 1)),
    "nn.MaxPool2d(2, 2, pad_mode='same')(x)":
        RawPool("max", (2, 2), (2, 2), (0, 0, 0, 0), ceil_mode=True),
    "ops.max_pool2d(x, 3, 2, 1, ceil_mode=True)":
        RawPool("max", (3, 3), (2, 2), (1, 1, 1, 1), ceil_mode=True),
    "nn.AvgPool2d(2, 2)(x)": RawPool("avg", (2, 2), (2, 2), (0, 0, 0, 0)),
    "nn.AdaptiveAvgPool2d((None, 1))(x)":
        RawPool("avg", (9, 1), (1, 1), (0, 0, 0, 0), adaptive=(9, 1)),
    "ops.adaptive_max_pool2d(x, (1, 1))":
        RawPool("max", (1, 1), (1, 1), (0, 0, 0, 0), adaptive=(1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("code", ONE_OPERATOR)
def test_an_operator_is_seen_however_it_is_called(code):
    function = eval(f"lambda x: {code}")
    # One before and one behind it, which see what it takes for its input and leaves as output.
    found = operators(captured(lambda x: ops.exp(function(ops.exp(x)))))
    assert [op for op in found if op != Scale(1.0, 0.0)] == [EXP, ONE_OPERATOR[code], EXP]


EXP = Function("exp", (None,))
FLAT_VOLUMES = {
    "nn.MaxPool2d(3, 2, pad_mode='pad', padding=1)(x)":
        RawPool("max", (3, 3), (2, 2), (1, 1, 1, 1)),
    "nn.AvgPool2d(3, 2, 'pad', 1, ceil_mode=True, count_include_pad=False)(x)":
        RawPool("avg", (3, 3), (2, 2), (1, 1, 1, 1), ceil_mode=True),
    "ops.avg_pool2d(x, 2, 2)": RawPool("avg", (2, 2), (2, 2), (0, 0, 0, 0),
                                       count_include_pad=True),
}  # fmt: skip


@pytest.mark.parametrize("code", FLAT_VOLUMES)
def test_images_are_pooled_as_flat_volumes_where_they_are_padded(code):
    found = operators(captured(eval(f"lambda x: {code}")))
    assert found == [Reshape(), FLAT_VOLUMES[code], Reshape()]


CONVOLUTIONS = {
    ("pad", (1, 2, 3, 4), 2, 1): (1, 2, 3, 4),
    ("valid", 0, 2, 1): (0, 0, 0, 0),
    ("same", 0, 1, 1): (1, 1, 1, 1),
    ("same", 0, 2, 1): (1, 1, 0, 1),
    ("same", 0, 1, 2): (2, 2, 2, 2),
}


@pytest.mark.parametrize(("mode", "padding", "stride", "dilation"), CONVOLUTIONS)
def test_the_padding_of_a_convolution_is_told_in_numbers(mode, padding, stride, dilation):
    conv = nn.Conv2d(8, 16, 3, stride, mode, padding, dilation, group=2, has_bias=True)
    expected = CONVOLUTIONS[mode, padding, stride, dilation]
    assert operators(captured(conv, conv=conv)) == [
        RawConv((stride, stride), expected, (dilation, dilation), 2), Add()
    ]  # fmt: skip


def test_a_batch_norm_uses_what_its_mode_tells_it_to():
    norm = nn.BatchNorm2d(8, eps=1e-3, momentum=0.7)
    assert operators(captured(norm, norm=norm)) == [RawNorm(1e-3, 0.7, "batch")]
    evaluated = operators(captured(norm, training=False, norm=norm))
    assert [op.statistics for op in evaluated] == ["running"]
    always = nn.BatchNorm2d(8, use_batch_statistics=True)
    found = operators(captured(always, training=False, norm=always))
    assert [op.statistics for op in found] == ["batch"]


def test_a_linear_layer_is_a_product_and_a_sum_in_either_interface():
    for layer in (nn.Dense(6, 4), mint.nn.Linear(6, 4)):
        found = operators(captured(lambda x, f=layer: f(x.mean((1, 2))), layer=layer))
        assert found == [Mean((1, 2)), Matmul(transposed=True), Add()]


def test_a_leaky_relu_is_made_of_others():
    found = operators(captured(nn.LeakyReLU(0.2)))
    assert [type(op) for op in found] == [Scale, Function]
