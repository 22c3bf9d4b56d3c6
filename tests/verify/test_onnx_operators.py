"""What is read out of ONNX's operators, as every opset from 9 to 20 writes them."""

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from resnet_ref.layers import Add, Linear, Relu
from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.onnx import ADAPTER
from resnet_verify.adapters.onnx_network import OnnxNetwork
from resnet_verify.graph import (
    OUT_FIRST,
    Activation,
    Cast,
    Concat,
    Constant,
    Dropout,
    Einsum,
    Expand,
    Function,
    Identity,
    Input,
    Matmul,
    Mean,
    Multiply,
    Other,
    Pad,
    Parameter,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Scale,
    Slice,
    Softmax,
    Transpose,
)
from resnet_verify.normalise import normalise

OPSETS = range(9, 21)
IMAGE = (2, 4, 9, 7)
NONE = (0, 0, 0, 0)


def model(nodes, opset, tensors, output="y", sizes=("n", "c", "h", "w")):
    """A model of `nodes` from "x" to `output`."""
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", kind, sizes)],
        [onnx.ValueInfoProto(name=output)],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def read(nodes, opset, shape=IMAGE, **tensors):
    """The operators of a graph, weights and the image left out."""
    sizes = [None] * len(shape)
    network = OnnxNetwork(model(nodes, opset, tensors, sizes=sizes))
    graph = ADAPTER.capture(network, shape, training=False).graph
    sources = Input | Parameter | Constant
    return [node.op for node in graph.nodes if not isinstance(node.op, sources)]


def normalised(nodes, opset, shape=IMAGE, **tensors):
    """The nodes that rules leave, weights and the image left out."""
    network = OnnxNetwork(model(nodes, opset, tensors, sizes=[None] * len(shape)))
    graph = normalise(ADAPTER.capture(network, shape, training=False).graph)
    return [each for each in graph.nodes if not isinstance(each.op, Input | Parameter | Constant)]


def only(nodes, opset, shape=IMAGE, **tensors):
    """The one operator."""
    (op,) = read(nodes, opset, shape, **tensors)
    return op


def node(kind, *inputs, output="y", **attributes):
    return helper.make_node(kind, inputs or ["x"], [output], **attributes)


def floats(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def ints(*numbers):
    return np.array(numbers, np.int64)


@pytest.mark.parametrize("opset", OPSETS)
def test_convolution(opset):
    conv = node("Conv", "x", "w", "b", strides=[2, 1], pads=[1, 2, 3, 4], dilations=[1, 2], group=2)
    found = only([conv], opset, w=floats(6, 2, 3, 3), b=floats(6))
    assert found == RawConv((2, 1), (1, 3, 2, 4), (1, 2), 2)
    assert only([node("Conv", "x", "w")], opset, w=floats(6, 4, 1, 1)) == RawConv(
        (1, 1), NONE, (1, 1), 1
    )


@pytest.mark.parametrize(
    ("automatic", "padding"),
    [("VALID", NONE), ("SAME_UPPER", (1, 1, 0, 1)), ("SAME_LOWER", (1, 1, 1, 0))],
)
def test_automatic_padding_depends_on_the_size(automatic, padding):
    conv = node("Conv", "x", "w", auto_pad=automatic, strides=[2, 2])
    found = only([conv], 13, (2, 4, 9, 8), w=floats(5, 4, 3, 3))
    assert found == RawConv((2, 2), padding, (1, 1), 1)


@pytest.mark.parametrize("opset", OPSETS)
def test_batch_norm(opset):
    norm = node("BatchNormalization", "x", "s", "b", "m", "v", epsilon=1e-3, momentum=0.99)
    found = only([norm], opset, s=floats(4), b=floats(4), m=floats(4), v=floats(4) ** 2)
    assert found == RawNorm(1e-3, 0.99, "running")


def test_batch_norm_reads_mean_and_variance_first():
    norm = node("BatchNormalization", "x", "s", "b", "m", "v")
    arrays = {name: floats(4) ** 2 for name in "sbmv"}
    network = OnnxNetwork(model([norm], 17, arrays))
    capture = ADAPTER.capture(network, IMAGE, training=False)
    params = {param.name: param for param in ADAPTER.params(network)}
    last = capture.graph.nodes[-1]
    assert [param.name for param in capture.graph.params_of(last)] == ["m", "v", "s", "b"]
    assert [name for name, param in params.items() if not param.trainable] == ["m", "v"]


@pytest.mark.parametrize("opset", OPSETS)
def test_pools(opset):
    window = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}
    ceil = opset >= 10
    more = {"ceil_mode": 1} if ceil else {}
    assert only([node("MaxPool", **window, **more)], opset) == RawPool(
        "max", (3, 2), (2, 1), (1, 1, 0, 1), ceil
    )
    assert only([node("AveragePool", count_include_pad=1, **window)], opset) == RawPool(
        "avg", (3, 2), (2, 1), (1, 1, 0, 1), count_include_pad=True
    )
    for kind, name in (("max", "GlobalMaxPool"), ("avg", "GlobalAveragePool")):
        assert only([node(name)], opset) == RawPool(kind, (1, 1), (1, 1), NONE, adaptive=(1, 1))


@pytest.mark.parametrize("opset", OPSETS)
def test_mean(opset):
    """Axes are an attribute before opset 18 and an input after it."""
    if opset < 18:
        means = [node("ReduceMean", axes=[-1, 2]), node("ReduceMean")]
    else:
        means = [node("ReduceMean", "x", "axes"), node("ReduceMean", "x")]
    assert only(means[:1], opset, axes=ints(-1, 2)) == Mean((2, 3))
    assert only(means[1:], opset) == Mean((0, 1, 2, 3))


def test_a_mean_over_no_axes_may_do_nothing():
    mean = node("ReduceMean", "x", noop_with_empty_axes=1)
    assert only([mean], 18) == Identity()


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("shape", [(5,), (1, 5)])
def test_gemm_is_a_linear_layer(opset, transposed, shape):
    weight = floats(5, 3) if transposed else floats(3, 5)
    gemm = node("Gemm", "x", "w", "b", transB=transposed)
    (made,) = normalised([gemm], opset, (2, 3), w=weight, b=floats(*shape))
    assert made.op == Linear(3, 5, bias=True)
    assert made.order == (OUT_FIRST if transposed else ())


def test_the_factors_of_a_gemm_are_operators():
    arrays = {"w": floats(3, 5), "b": floats(5)}
    doubled = node("Gemm", "x", "w", "b", alpha=0.5, beta=2.0)
    assert read([doubled], 13, (2, 3), **arrays) == [Matmul(), Scale(0.5), Scale(2.0), Add()]
    assert read([node("Gemm", "x", "w", alpha=0.5)], 13, (2, 3), w=arrays["w"]) == [
        Matmul(),
        Scale(0.5),
    ]
    turned = node("Gemm", "x", "w", "b", transA=1)
    assert only([turned], 13, (3, 3), **arrays) == Other("Gemm", "transA=1")


def test_the_product_of_two_activations_is_no_layer():
    nodes = [node("Transpose", output="t"), node("Gemm", "x", "t")]
    assert [made.op for made in normalised(nodes, 13, (3, 4))] == [
        Transpose((1, 0)),
        Other("matmul"),
    ]


@pytest.mark.parametrize(
    ("equation", "op"),
    [
        ("ij,jk->ik", Matmul()),
        ("nc, kc -> nk", Matmul(transposed=True)),
        ("ij,jk->ki", Einsum("ij,jk->ki")),
        ("ij,ij->ij", Einsum("ij,ij->ij")),
        ("...j,jk->...k", Other("Einsum", "equation=...j,jk->...k")),
    ],
)
def test_einsum(equation, op):
    assert only([node("Einsum", "x", "w", equation=equation)], 13, (4, 4), w=floats(4, 4)) == op


@pytest.mark.parametrize("opset", OPSETS)
def test_a_sum_is_a_mean_times_the_number_of_its_terms(opset):
    total = node("ReduceSum", axes=[2, 3]) if opset < 13 else node("ReduceSum", "x", "axes")
    assert read([total], opset, axes=ints(2, 3)) == [Mean((2, 3)), Scale(63.0)]


@pytest.mark.parametrize("opset", OPSETS)
def test_matmul_and_arithmetic(opset):
    weight, vector = floats(7, 5), floats(1, 4, 1, 1)
    assert only([node("MatMul", "x", "w")], opset, (3, 7), w=weight) == Matmul()
    assert only([node("Add", "x", "v")], opset, v=vector) == Add()
    assert only([node("Mul", "v", "x")], opset, v=vector) == Multiply()
    assert only([node("Sum", "x", "x", "x")], opset) == Add()
    half = np.float32(0.5)
    expected = {
        "Add": Scale(1.0, 0.5),
        "Sub": Scale(1.0, -0.5),
        "Mul": Scale(0.5),
        "Div": Scale(2.0),
    }
    for kind, op in expected.items():
        assert only([node(kind, "x", "c")], opset, c=half) == op
    assert only([node("Sub", "c", "x")], opset, c=half) == Scale(-1.0, 0.5)
    assert read([node("Sub", "x", "x")], opset) == [Scale(-1.0), Add()]
    assert only([node("Neg")], opset) == Scale(-1.0)


@pytest.mark.parametrize("opset", OPSETS)
def test_clip(opset):
    """Limits are attributes before opset 11 and inputs after it."""

    def clipped(low, high):
        if opset < 11:
            limits = {"min": low, "max": high}
            given = {name: value for name, value in limits.items() if value is not None}
            return only([node("Clip", **given)], opset)
        names = ["x", "low" if low is not None else "", "high" if high is not None else ""]
        tensors = {"low": low, "high": high}
        arrays = {n: np.float32(value) for n, value in tensors.items() if value is not None}
        return only([node("Clip", *names)], opset, **arrays)

    assert clipped(0.0, None) == Relu()
    assert clipped(0.0, 3.4028235e38) == Relu()
    assert clipped(0.0, 6.0) == Activation("relu6")
    assert clipped(-1.0, 1.0) == Activation("clip to [-1, 1]")


def test_activations():
    assert only([node("Relu")], 9) == Relu()
    (zero,), (one,) = (
        normalised([node("Max", "x", "number")], 13, number=np.float32(number)) for number in (0, 1)
    )
    assert (zero.op, one.op) == (Relu(), Function("maximum", (None, 1.0)))
    for kind, name in (("LeakyRelu", "leaky_relu"), ("Sigmoid", "sigmoid"), ("Elu", "elu")):
        assert only([node(kind)], 9) == Activation(name)
    assert only([node("HardSwish")], 14) == Activation("hard_swish")
    assert only([node("Gelu")], 20) == Activation("gelu")


def test_silu_is_written_out():
    nodes = [node("Sigmoid", output="gate"), node("Mul", "x", "gate")]
    assert [made.op for made in normalised(nodes, 13)] == [Activation("silu")]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("log", [False, True])
def test_softmax(opset, log):
    """Before opset 13 the axes from one on are taken together, by default those from 1."""
    kind = "LogSoftmax" if log else "Softmax"
    assert only([node(kind)], opset, (2, 5)) == Softmax(1, log)
    assert only([node(kind, axis=1)], opset, (2, 5, 1, 1)) == Softmax(1, log)
    if opset < 13:
        assert only([node(kind)], opset) == Other(kind, "over all axes from 1 on")
    else:
        assert only([node(kind)], opset) == Softmax(3, log)


@pytest.mark.parametrize("opset", OPSETS)
def test_slice(opset):
    """Limits are attributes in opset 9 and inputs after it."""
    if opset < 10:
        cut = node("Slice", starts=[1, -3], ends=[2**31 - 1, -1], axes=[2, 3])
        assert only([cut], opset) == Slice((2, 3), (1, 4), (9, 6), (1, 1))
        return
    limits = {"s": ints(1, -3), "e": ints(2**31 - 1, -1), "a": ints(2, -1), "t": ints(2, 1)}
    cut = node("Slice", "x", *limits)
    assert only([cut], opset, **limits) == Slice((2, 3), (1, 4), (9, 6), (2, 1))
    backwards = {"s": ints(-1), "e": ints(-(2**31)), "a": ints(3), "t": ints(-1)}
    flip = node("Slice", "x", *backwards)
    assert only([flip], opset, **backwards) == Other("flip", "along axes [3]")


def test_one_place_along_an_axis():
    """``x[:, :, 0]`` takes out an axis."""
    first = node("Gather", "x", "place", axis=2)
    assert only([first], 13, (2, 4, 1, 1), place=np.array(0)) == Reshape()
    assert read([first], 13, place=np.array(-1)) == [Slice((2,), (8,), (9,), (1,)), Reshape()]
    assert only([first], 13, place=ints(0, 3)) == Other("Gather", "axis=2, indices=[0, 3]")


@pytest.mark.parametrize("opset", OPSETS)
def test_pad(opset):
    """Amounts are an attribute before opset 11 and an input after it."""
    amounts, expected = [0, 1, 2, 3, 0, 4, 5, 6], ((0, 0), (1, 4), (2, 5), (3, 6))
    if opset < 11:
        assert only([node("Pad", pads=amounts, value=0.5)], opset) == Pad(expected, value=0.5)
        assert only([node("Pad", pads=[0] * 6 + [1, 1], mode="edge")], opset).mode == "replicate"
        return
    arrays = {"p": ints(*amounts), "v": np.float32(0.5)}
    assert only([node("Pad", "x", "p", "v")], opset, **arrays) == Pad(expected, value=0.5)
    assert only([node("Pad", "x", "p")], opset, p=arrays["p"]) == Pad(expected)
    reflected = only([node("Pad", "x", "p", mode="reflect")], opset, p=ints(0, 0, 1, 1, 0, 0, 1, 1))
    assert reflected.mode == "reflect"
    if opset >= 18:
        some = {"p": ints(1, 2), "a": ints(-1)}
        assert only([node("Pad", "x", "p", "", "a")], opset, **some) == Pad(
            ((0, 0), (0, 0), (0, 0), (1, 2))
        )


@pytest.mark.parametrize("opset", OPSETS)
def test_shapes(opset):
    assert only([node("Flatten")], opset) == Reshape()
    assert only([node("Reshape", "x", "s")], opset, s=ints(0, -1)) == Reshape()
    squeezes = (
        [node("Squeeze", axes=[2, 3]), node("Unsqueeze", axes=[0])]
        if opset < 13
        else [node("Squeeze", "x", "axes"), node("Unsqueeze", "x", "first")]
    )
    one = (2, 4, 1, 1)
    assert only(squeezes[:1], opset, one, axes=ints(2, 3)) == Reshape()
    assert only(squeezes[1:], opset, one, first=ints(0)) == Reshape()
    assert only([node("Transpose", perm=[0, 2, 3, 1])], opset) == Transpose((0, 2, 3, 1))
    assert only([node("Transpose")], opset) == Transpose((3, 2, 1, 0))
    assert only([node("Concat", "x", "x", axis=-3)], opset) == Concat(1)
    assert only([node("Expand", "x", "s")], opset, one, s=ints(2, 4, 3, 3)) == Expand()
    assert only([node("Identity")], opset) == Identity()
    assert only([node("Cast", to=TensorProto.DOUBLE)], opset) == Cast("float64")


@pytest.mark.parametrize("opset", OPSETS)
def test_dropout_drops_only_where_it_is_told_to(opset):
    if opset < 12:
        assert only([node("Dropout", ratio=0.25)], opset) == Dropout(0.25, active=False)
        return
    arrays = {"r": np.float32(0.25), "t": np.array(True)}
    assert only([node("Dropout", "x", "r")], opset, r=arrays["r"]) == Dropout(0.25, active=False)
    assert only([node("Dropout", "x", "r", "t")], opset, **arrays) == Dropout(0.25, active=True)


@pytest.mark.parametrize("opset", OPSETS)
def test_a_reshape_to_a_computed_shape(opset):
    """``x.view(x.size(0), -1)``, as exporters write it: constants and shapes are no operators."""
    unsqueeze = (
        node("Unsqueeze", "n", axes=[0], output="batch")
        if opset < 13
        else node("Unsqueeze", "n", "first", output="batch")
    )
    nodes = [
        node("Relu", output="r"),
        node("Shape", "r", output="shape"),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.array(0))),
        node("Gather", "shape", "zero", axis=0, output="n"),
        unsqueeze,
        node("Concat", "batch", "rest", axis=0, output="flat"),
        node("Reshape", "r", "flat"),
    ]
    found = read(nodes, opset, rest=ints(-1), first=ints(0))
    assert found == [Relu(), Reshape()]


def test_zeros_of_a_computed_shape_are_a_constant():
    nodes = [
        node("Shape", output="shape"),
        node("ConstantOfShape", "shape", output="zeros"),
        node("Concat", "x", "zeros", axis=1),
    ]
    graph = ADAPTER.capture(OnnxNetwork(model(nodes, 13, {})), IMAGE, training=False).graph
    assert [node.op for node in graph.nodes] == [Input(), Constant(0.0), Concat(1)]


def test_what_no_table_knows_keeps_its_name():
    assert only([node("Erf")], 13) == Other("Erf")
    assert only([node("LRN", size=3, alpha=0.5)], 13) == Other("LRN", "alpha=0.5, size=3")
    custom = helper.make_node("FusedConv", ["x", "w"], ["y"], domain="com.microsoft",
                              activation="Relu")  # fmt: skip
    built = model([custom], 13, {"w": floats(5, 4, 3, 3)})
    built.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    graph = ADAPTER.capture(OnnxNetwork(built), IMAGE, training=False).graph
    assert graph.nodes[-1].op == Other("com.microsoft.FusedConv", "activation=Relu")
    assert graph.shapes[graph.outputs[0]] == (2, 5, 7, 5)  # as onnxruntime finds it


def test_branches_and_local_functions():
    """A function is inlined; a branch is an operator that no form has."""
    kind = TensorProto.FLOAT
    value = helper.make_tensor_value_info
    arms = [
        helper.make_graph([node(kind_, "x", output=kind_)], kind_, [], [value(kind_, kind, None)])
        for kind_ in ("Relu", "Neg")
    ]
    branch = helper.make_node("If", ["yes"], ["y"], then_branch=arms[0], else_branch=arms[1])
    assert only([branch], 13, yes=np.array(True)) == Other("If", "cond=True")
    opset = helper.make_opsetid("", 17)
    body = helper.make_function("local", "twice", ["a"], ["c"], [
        node("Relu", "a", output="b"), node("Neg", "b", output="c")], [opset])  # fmt: skip
    built = model([helper.make_node("twice", ["x"], ["y"], domain="local")], 17, {})
    built.opset_import.append(helper.make_opsetid("local", 1))
    built.functions.append(body)
    graph = ADAPTER.capture(OnnxNetwork(built), IMAGE, training=False).graph
    assert [node.op for node in graph.nodes] == [Input(), Relu(), Scale(-1.0)]


def test_an_input_that_does_not_fit_is_said():
    network = OnnxNetwork(model([node("Conv", "x", "w")], 13, {"w": floats(5, 4, 3, 3)}))
    with pytest.raises(CaptureError, match="channels"):
        ADAPTER.capture(network, (2, 3, 9, 9), training=False)
