"""The broken networks: what is wrong with each, where, and how it shows."""

from __future__ import annotations

from tests.catalogue.broken import activations, strides
from tests.catalogue.correct import classic
from tests.catalogue.entry import Broken

ACTIVATION = ("relu", "activation")
PADDING = ("padding",)

_ACTIVATIONS = (
    Broken(
        "relu-before-add", activations.relu_before_add, ("relu.*add", "activation"),
        "stage 3, block 1", "F", classic.resnet50,
    ),
    Broken(
        "relu-before-add-everywhere", activations.relu_before_add_everywhere,
        ("relu.*add", "activation"), "", "F", classic.resnet50,
    ),
    Broken(
        "no-final-relu", activations.no_final_relu, ACTIVATION,
        "stage 2, block 2", "F", classic.resnet34,
    ),
    Broken(
        "no-inner-relu", activations.no_inner_relu, ACTIVATION,
        "stage 3, block 1", "F", classic.resnet18,
    ),
    Broken(
        "relu-then-norm", activations.relu_then_norm, ("relu", "order", "norm"),
        "stage 2, block 3", "F", classic.resnet50,
    ),
    Broken(
        "branch-rectified", activations.branch_rectified, ACTIVATION,
        "", "F", classic.resnet34,
    ),
    Broken(
        "leaky-relu-block", activations.leaky_relu, ("leaky",),
        "stage 4, block 1", "F", classic.resnet18,
    ),
    Broken("gelu-everywhere", activations.gelu_everywhere, ("gelu",), "", "F", classic.resnet50),
    Broken("relu6-everywhere", activations.relu6_everywhere, ("relu6",), "", "F", classic.resnet18),
    Broken(
        "stem-without-relu", activations.stem_without_relu, ACTIVATION,
        "stem", "F", classic.resnet18,
    ),
    Broken(
        "stem-without-norm-and-relu", activations.stem_without_norm_and_relu,
        ("norm", "relu"), "stem", "F", classic.resnet50,
    ),
)  # fmt: skip

_STRIDES = (
    Broken(
        "v1-for-v15", strides.v1_everywhere, ("stride",), "", "F", classic.resnet50,
        {"variant": "v1.5"},
    ),
    Broken(
        "v15-for-v1", strides.v15_everywhere, ("stride",), "", "F", classic.resnet50_v1,
        {"variant": "v1"},
    ),
    Broken(
        "v1-in-one-block", strides.v1_in_one_block, ("stride",),
        "stage 3, block 0", "F", classic.resnet50,
    ),
    Broken(
        "v15-in-one-block", strides.v15_in_one_block, ("stride",),
        "stage 4, block 0", "F", classic.resnet50_v1,
    ),
    Broken(
        "stride-on-second-conv", strides.stride_on_second_conv, ("stride",),
        "stage 3, block 0", "F", classic.resnet18,
    ),
    Broken(
        "stride-on-second-conv-everywhere", strides.stride_on_second_conv_everywhere,
        ("stride",), "", "F", classic.resnet34,
    ),
    Broken(
        "stride-on-both", strides.stride_on_both, ("stride",),
        "stage 2, block 0", "F", classic.resnet50,
    ),
    Broken(
        # Every second pixel taken one convolution later: only batch statistics can tell.
        "stride-on-last-1x1", strides.stride_on_last_1x1, ("stride",),
        "stage 2, block 0", "T", classic.resnet50,
    ),
    Broken(
        "last-stage-keeps-size", strides.last_stage_keeps_size, ("stride",),
        "stage 4", "F", classic.resnet18,
    ),
    Broken(
        "first-stage-strides", strides.first_stage_strides, ("stride", "pool"),
        "stem|stage 1", "-", classic.resnet18,
    ),
    Broken("stem-padding-2", strides.stem_padding_2, PADDING, "stem", "F", classic.resnet50),
    Broken("stem-same", strides.stem_same, (*PADDING, "same"), "stem", "F", classic.resnet18),
    Broken("stem-kernel-5", strides.stem_kernel_5, ("kernel", "5x5"), "stem"),
    Broken("stem-stride-1", strides.stem_stride_1, ("stride",), "stem", "F", classic.resnet34),
    Broken(
        "pool-without-padding", strides.pool_without_padding, PADDING,
        "stem", "F", classic.resnet18,
    ),
    Broken("ceil-pool", strides.ceil_pool, ("ceil", "padding"), "stem", "F", classic.resnet50),
    Broken("same-pool", strides.same_pool, ("padding", "same"), "stem", "F", classic.resnet34),
    Broken("pool-2x2", strides.pool_2x2, ("kernel", "2x2"), "stem", "F", classic.resnet18),
    Broken(
        "average-pool-stem", strides.average_pool_stem, ("average", "avg", "max"),
        "stem", "F", classic.resnet50,
    ),
    Broken("no-pool", strides.no_pool, ("pool",), "stem", "F", classic.resnet18),
    Broken(
        "pool-before-norm", strides.pool_before_norm, ("pool", "order"),
        "stem", "F", classic.resnet18,
    ),
    Broken(
        "same-padding-block", strides.same_padding_block, ("padding", "same"),
        "stage 4, block 0", "F", classic.resnet18,
    ),
    Broken(
        "top-left-padding-block", strides.top_left_padding_block, ("pad",),
        "stage 3, block 2", "F", classic.resnet50,
    ),
    Broken(
        "reflect-padding-block", strides.reflect_padding_block, ("reflect", "padding.mode"),
        "stage 2, block 1", "F", classic.resnet50,
    ),
    Broken(
        "circular-padding-everywhere", strides.circular_padding_everywhere,
        ("circular", "padding.mode"), "", "F", classic.resnet18,
    ),
    Broken(
        "dilated-block", strides.dilated_block, ("dilat",),
        "stage 3, block 2", "F", classic.resnet50,
    ),
    Broken("grouped-block", strides.grouped_block, ("group",), "stage 2, block 1"),
    Broken("ungrouped-block", strides.ungrouped_block, ("group",), "stage 4, block 1"),
    Broken("kernel-5-block", strides.kernel_5_block, ("kernel", "5x5"), "stage 2, block 1"),
    Broken("kernel-1-block", strides.kernel_1_block, ("kernel", "1x1"), "stage 3, block 4"),
)  # fmt: skip

BROKEN = (*_ACTIVATIONS, *_STRIDES)
