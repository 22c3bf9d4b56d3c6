"""Broken ONNX networks: a right one of a form, and the change that breaks it.

`check` is the one that names the mistake first, in a sentence that matches `words`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from tests.verify.onnx_edits import (
    add_tensor,
    bypass,
    fold,
    node_of,
    put_after,
    redirect,
    replace_kind,
    set_attributes,
    set_tensor,
    tensor_of,
    write_norms_out,
)


@dataclass(frozen=True)
class Broken:
    edit: Callable[[Any], None]
    check: str
    words: str
    arch: str = "resnet18"


def move_stride(model):
    set_attributes(model, "stage 2, block 0, branch, conv 0", strides=[2, 2])
    set_attributes(model, "stage 2, block 0, branch, conv 1", strides=[1, 1])


def group_a_convolution(model):
    where = "stage 3, block 1, branch, conv 0"
    weight = numpy_helper.to_array(tensor_of(model, f"{where}, weight"))
    set_attributes(model, where, group=2)
    set_tensor(model, f"{where}, weight", weight[:, :128].copy())


def widen_a_projection(model):
    where = "stage 3, block 0, shortcut, conv 0"
    set_attributes(model, where, kernel_shape=[3, 3], pads=[1] * 4)
    set_tensor(model, f"{where}, weight", np.ones((256, 128, 3, 3), np.float32))


def share_a_weight(model):
    own, other = (f"stage 2, block 1, branch, conv {index}, weight" for index in (1, 0))
    redirect(model, own, other)
    model.graph.initializer.remove(tensor_of(model, own))


def halve_a_branch(model):
    half = add_tensor(model, "half", np.float32(0.5))
    put_after(model, "stage 2, block 1, branch, norm 1", "Mul", half)


def flip_the_image(model):
    numbers = {"starts": -1, "ends": -(2**31), "axes": 3, "steps": -1}
    limits = [add_tensor(model, name, np.array([number])) for name, number in numbers.items()]
    put_after(model, "stage 1, block 1, post, relu 0", "Slice", *limits)


def clip_at_six(model):
    where = "stage 3, block 0, post, relu 0"
    replace_kind(model, where, "Clip")
    limits = [add_tensor(model, name, np.float32(n)) for name, n in (("low", 0), ("high", 6))]
    node_of(model, where).input.extend(limits)


def drop_out(model):
    ratio = add_tensor(model, "ratio", np.float32(0.5))
    put_after(model, "head, flatten 0", "Dropout", ratio, add_tensor(model, "on", np.array(True)))


def use_batch_statistics(model):
    where = "stage 1, block 0, branch, norm 0"
    set_attributes(model, where, training_mode=1)
    node_of(model, where).output.extend(["mean after", "variance after"])


def turn_the_image(model):
    turned = helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2])
    node_of(model, "stem, conv 0").input[0] = "turned"
    model.graph.node.insert(0, turned)


def reflect_at_the_border(model):
    set_attributes(model, "stem, conv 0", pads=[0] * 4)
    amounts = add_tensor(model, "amounts", np.array([0, 0, 3, 3, 0, 0, 3, 3]))
    pad = helper.make_node("Pad", ["image", amounts], ["padded"], mode="reflect")
    node_of(model, "stem, conv 0").input[0] = "padded"
    model.graph.node.insert(0, pad)


def add_before_the_relu(model):
    node_of(model, "stage 1, block 1, add").input[1] = "stage 1, block 0, add"


def cast_to_half(model):
    put_after(model, "stage 1, block 0, post, relu 0", "Cast", to=TensorProto.FLOAT16)
    put_after(model, "stage 1, block 0, post, relu 0 Cast", "Cast", to=TensorProto.FLOAT)


def without(where):
    return lambda model: bypass(model, where)


def attributes(where, **values):
    return lambda model: set_attributes(model, where, **values)


def kind(where, name, **values):
    return lambda model: replace_kind(model, where, name, **values)


def then(*edits):
    def all_of_them(model):
        for edit in edits:
            edit(model)

    return all_of_them


POOL = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}
NO_RELU = without("stage 2, block 0, branch, relu 0")
NO_LAST_RELU = without("stage 2, block 1, post, relu 0")
RELU_GONE = "stage 2, block 0, branch, relu 0: the ReLU is missing"
STRIDE = "stage 2, block 0, branch, conv 0: stride 2; the form has stride 1"
GROUPS = "stage 3, block 1, branch, conv 0: groups 2"
FIRST_CONV, A_NORM = "stage 1, block 0, branch, conv 0", "stage 3, block 0, branch, norm 1"

BROKEN = {
    "stride-moved": Broken(move_stride, "STR-STRIDE", STRIDE, "resnet50"),
    "relu-missing": Broken(NO_RELU, "STR-ACTIVATION", RELU_GONE),
    "last-relu-missing": Broken(NO_LAST_RELU, "STR-ACTIVATION", "block 1, post, relu 0: the ReLU"),
    "leaky-relu": Broken(
        kind("stem, relu 0", "LeakyRelu", alpha=0.1), "STR-ACTIVATION", "stem, relu 0: .*leaky_relu"
    ),
    "relu6": Broken(clip_at_six, "STR-ACTIVATION", "stage 3, block 0, post, relu 0: .*relu6"),
    "eps": Broken(attributes(A_NORM, epsilon=1e-3), "STR-EPS", f"{A_NORM}: eps 0.001"),
    "norm-missing": Broken(without(A_NORM), "STR-NORM", f"{A_NORM}: the batch norm of 256"),
    "batch-statistics": Broken(
        use_batch_statistics, "STR-STATISTICS", "block 0, branch, norm 0: .*by batch statistics"
    ),
    "padding": Broken(
        attributes(FIRST_CONV, pads=[0, 0, 2, 2]), "STR-PADDING", f"{FIRST_CONV}: padding top 0"
    ),
    "reflected": Broken(reflect_at_the_border, "STR-PADDING", "stem, conv 0: padding mode reflect"),
    "dilated": Broken(
        attributes("stage 4, block 1, branch, conv 0", dilations=[2, 2], pads=[2] * 4),
        "STR-DILATION",
        "stage 4, block 1, branch, conv 0: dilation 2",
    ),
    "grouped": Broken(group_a_convolution, "STR-GROUPS", GROUPS),
    "projection-kernel": Broken(
        widen_a_projection, "STR-KERNEL", "stage 3, block 0, shortcut, conv 0: kernel 3x3"
    ),
    "addition-missing": Broken(
        without("stage 2, block 1, add"), "STR-ADD", "stage 2, block 1, add: the addition is miss"
    ),
    "product-for-sum": Broken(
        kind("stage 1, block 0, add", "Mul"), "STR-ADD", "stage 1, block 0, add: multiply"
    ),
    "shortcut-before-relu": Broken(
        add_before_the_relu, "STR-ADD", "stage 1, block 1, add adds .* stage 1, block 0, add"
    ),
    "branch-halved": Broken(halve_a_branch, "STR-OPERATOR", "stage 2, block 1, .*scale by 0.5"),
    "flipped": Broken(flip_the_image, "STR-OPERATOR", r"flip \(along axes \[3\]\)"),
    "turned": Broken(turn_the_image, "STR-OPERATOR", "stem, .*transposition to"),
    "dropout": Broken(drop_out, "STR-OPERATOR", "dropout with p = 0.5 is active"),
    "pool-kernel": Broken(
        attributes("stem, max pool 0", kernel_shape=[2, 2], pads=[0] * 4),
        "STR-KERNEL",
        "stem, max pool 0: kernel 2x2",
    ),
    "pool-kind": Broken(
        kind("stem, max pool 0", "AveragePool", **POOL), "STR-POOL", "stem, .*average pool 3x3"
    ),
    "pool-rounds-up": Broken(
        attributes("stem, max pool 0", ceil_mode=1),
        "STR-PADDING",
        "stem, max pool 0: output size rounded up",
    ),
    "softmax": Broken(
        lambda model: put_after(model, "head, linear 0", "Softmax", axis=1), "STR-HEAD", "softmax"
    ),
    "head-by-maximum": Broken(
        kind("head, global pool 0", "GlobalMaxPool"), "STR-HEAD", "global max pool"
    ),
    "gemm-scaled": Broken(
        attributes("head, linear 0", alpha=0.5), "STR-ADD", "linear 0: scale by 0.5"
    ),
    "cast": Broken(cast_to_half, "STR-OPERATOR", "stage 1, block 1.*cast to float16"),
    "shared": Broken(share_a_weight, "STR-SHARING", "branch, conv 1 shares .* branch, conv 0"),
    "left-over": Broken(
        lambda model: add_tensor(model, "left over", np.ones((3, 4), np.float32)),
        "PAR-USED",
        r"\(12 numbers\) never used: left over",
    ),
    "folded-relu-missing": Broken(then(fold, NO_RELU), "STR-ACTIVATION", RELU_GONE),
    "folded-stride-moved": Broken(then(fold, move_stride), "STR-STRIDE", STRIDE, "resnet50"),
    "folded-norm-missing": Broken(
        then(without(A_NORM), fold), "STR-NORM", "stage 3, block 0, branch, norm 0: the batch norm"
    ),
    "written-out-grouped": Broken(then(write_norms_out, group_a_convolution), "STR-GROUPS", GROUPS),
    "written-out-norm-missing": Broken(
        then(without(A_NORM), write_norms_out), "STR-NORM", f"{A_NORM}: the batch norm of 256"
    ),
}
