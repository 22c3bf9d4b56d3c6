"""The catalogue's tables: what is wrong with each broken network, what each correct one is.

`Broken.shows` says where the mistake is visible when weights are copied from `Broken.base`:

    F  forward outputs, in train and in eval mode
    E  eval outputs only
    T  train outputs only
    B  running statistics after a training step
    G  gradients: different, or absent where the base has them
    S  saving and loading into a second instance loses something
    R  the second call, or a call that finds its input changed
    -  parameters only, or nothing that a comparison with copied weights could show
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.catalogue.broken import activations, strides
from tests.catalogue.correct import classic

Factory = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Broken:
    """A network with one planted mistake.

    `keywords` are regular expressions, case ignored: the right first diagnosis contains at
    least one of them. `where` is a regular expression its place must contain; empty for a
    mistake made everywhere. `options` are those without which the network would conform.
    """

    id: str
    factory: Factory
    keywords: tuple[str, ...]
    where: str = ""
    shows: str = "-"
    base: Factory | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    input_shape: tuple[int, ...] = (2, 3, 64, 64)


@dataclass(frozen=True, eq=False)
class Correct:
    """A network that is right. `same_as` computes the same with the same parameters, in order.

    `output_stride` counts from the input: 32 for the ImageNet nets, 4 for the CIFAR ones, 8
    for an ImageNet net with a CIFAR stem. `num_classes` is None for a backbone.
    """

    id: str
    factory: Factory
    arch: str
    variant: str
    stem: str = "imagenet"
    head: str = "classifier"
    output_stride: int = 32
    num_classes: int | None = 1000
    in_channels: int = 3
    same_as: Factory | None = None
    input_shape: tuple[int, ...] = (2, 3, 64, 64)


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

BROKEN: tuple[Broken, ...] = (*_ACTIVATIONS, *_STRIDES)

_CLASSIC = (
    Correct("resnet18", classic.resnet18, "resnet18", "v1"),
    Correct("resnet34", classic.resnet34, "resnet34", "v1"),
    Correct("resnet50", classic.resnet50, "resnet50", "v1.5"),
    Correct("resnet101", classic.resnet101, "resnet101", "v1.5"),
    Correct("resnet50-v1", classic.resnet50_v1, "resnet50", "v1"),
    Correct("resnext50", classic.resnext50_32x4d, "resnext50_32x4d", "v1.5"),
    Correct("wide-resnet50", classic.wide_resnet50_2, "wide_resnet50_2", "v1.5"),
    Correct("ten-classes", classic.ten_classes, "resnet50", "v1.5", num_classes=10),
    Correct("one-class", classic.one_class, "resnet18", "v1", num_classes=1),
    Correct("22k-classes", classic.imagenet22k_classes, "resnet18", "v1", num_classes=21841),
    Correct(
        "grey-input", classic.grey_input, "resnet18", "v1",
        in_channels=1, input_shape=(2, 1, 64, 64),
    ),
    Correct(
        "four-channels", classic.four_channels, "resnet50", "v1.5",
        num_classes=17, in_channels=4, input_shape=(2, 4, 64, 64),
    ),
    Correct("dilated-os16", classic.dilated_os16, "resnet50", "v1.5", output_stride=16),
    Correct("dilated-os8", classic.dilated_os8, "resnet50", "v1.5", output_stride=8),
    Correct("add-method", classic.add_method, "resnet18", "v1", same_as=classic.resnet18),
    Correct("inplace-add", classic.inplace_add, "resnet34", "v1", same_as=classic.resnet34),
    Correct("add-n", classic.add_n, "resnet50", "v1.5", same_as=classic.resnet50),
    Correct(
        "relu-on-identity-shortcut", classic.relu_on_identity_shortcut, "resnet18", "v1",
        same_as=classic.resnet18,
    ),
    Correct("mean-pool", classic.mean_pool, "resnet18", "v1", same_as=classic.resnet18),
    Correct(
        "reshape-as-flatten", classic.reshape_as_flatten, "resnet34", "v1",
        same_as=classic.resnet34,
    ),
    Correct(
        "fixed-pool", classic.fixed_pool, "resnet50", "v1.5", same_as=classic.resnet50,
        input_shape=(2, 3, 224, 224),
    ),
    Correct("conv1x1-head", classic.conv1x1_head, "resnet50", "v1.5"),
)  # fmt: skip

CORRECT: tuple[Correct, ...] = (*_CLASSIC,)
