"""The correct networks: the form that each one is."""

from __future__ import annotations

from tests.catalogue.correct import (
    branches,
    by_hand,
    cifar,
    classic,
    convbn,
    functional,
    keras_form,
    loops,
    outputs,
    own_functions,
    preact,
    sequential,
    states,
    timm_like,
)
from tests.catalogue.entry import Correct, alike

CIFAR = {"stem": "cifar", "output_stride": 4, "num_classes": 10, "input_shape": (2, 3, 32, 32)}
DEEP = {"stem": "deep"}
BACKBONE = {"head": "none", "num_classes": None}

_CLASSIC = (
    Correct("resnet18", classic.resnet18, "resnet18", "v1"),
    Correct("resnet34", classic.resnet34, "resnet34", "v1"),
    Correct("resnet50", classic.resnet50, "resnet50", "v1.5"),
    Correct("resnet101", classic.resnet101, "resnet101", "v1.5"),
    Correct("resnet50-v1", classic.resnet50_v1, "resnet50", "v1"),
    Correct("resnext50", classic.resnext50_32x4d, "resnext50_32x4d", "v1.5"),
    Correct("split-convs", branches.split_convs, "resnext50_32x4d", "v1.5"),
    Correct("summed-paths", branches.summed_paths, "resnext50_32x4d", "v1.5"),
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
    Correct(
        "dilated-os8-seg", classic.dilated_os8_seg, "resnet50", "v1.5", output_stride=8,
    ),
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
    Correct("map-of-classes", classic.map_of_classes, "resnet18", "v1"),
)  # fmt: skip

_CONVBN = (
    Correct("convbn-resnet18-vb", convbn.resnet18_vb, "resnet18", "vb"),
    Correct("convbn-resnet34-vb", convbn.resnet34_vb, "resnet34", "vb"),
    Correct("convbn-resnet50", convbn.resnet50, "resnet50", "v1.5"),
    Correct("convbn-resnet50-vc", convbn.resnet50_vc, "resnet50", "vc", **DEEP),
    Correct("convbn-resnet18-vd", convbn.resnet18_vd, "resnet18", "vd", **DEEP),
    Correct("convbn-resnet50-vd", convbn.resnet50_vd, "resnet50", "vd", **DEEP),
)

_FUNCTIONAL = (
    Correct("functional-resnet18", functional.resnet18, "resnet18", "v1"),
    Correct("functional-resnet34", functional.resnet34, "resnet34", "v1"),
    Correct("functional-resnet50", functional.resnet50, "resnet50", "v1.5"),
    Correct(
        "explicit-padding", functional.explicit_padding, "resnet50", "v1.5",
        same_as=functional.resnet50,
    ),
    Correct(
        "largest-of-columns", functional.largest_of_columns, "resnet18", "v1",
        same_as=functional.resnet18,
    ),
    Correct(
        "zero-padded-pool", functional.zero_padded_pool, "resnet18", "v1",
        same_as=functional.resnet18,
    ),
    Correct("mean-head", functional.mean_head, "resnet34", "v1", same_as=functional.resnet34),
    Correct(
        "channels-last-inside", functional.channels_last_inside, "resnet18", "v1",
        same_as=functional.resnet18,
    ),
    Correct(
        "transposed-blocks", functional.transposed_blocks, "resnet18", "v1",
        same_as=functional.resnet18,
    ),
    Correct(
        "spelled-out-padding", functional.spelled_out_padding, "resnet50", "v1.5",
        same_as=functional.resnet50,
    ),
    Correct(
        "same-where-it-coincides", functional.same_where_it_coincides, "resnet18", "v1",
        same_as=functional.resnet18,
    ),
)  # fmt: skip

_OTHER_FORMS = (
    Correct(
        "d2l-fashion-mnist", sequential.fashion_mnist, "resnet18", "d2l",
        num_classes=10, in_channels=1, input_shape=(2, 1, 64, 64),
    ),
    Correct(
        "d2l-cifar10-at-96", sequential.cifar10_at_96, "resnet18", "d2l",
        num_classes=10, input_shape=(2, 3, 96, 96),
    ),
    Correct("d2l-resnet34", sequential.resnet34, "resnet34", "d2l"),
    Correct("cifar-resnet20-a", cifar.resnet20_a, "resnet20", "cifar-a", **CIFAR),
    Correct("cifar-resnet20-b", cifar.resnet20_b, "resnet20", "cifar-b", **CIFAR),
    Correct(
        "cifar-resnet20-pad-at-the-end", cifar.resnet20_pad_at_the_end,
        "resnet20", "cifar-a", **CIFAR,
    ),
    Correct("cifar-resnet56-a", cifar.resnet56_a, "resnet56", "cifar-a", **CIFAR),
    Correct(
        "cifar-resnet110-b", cifar.resnet110_b, "resnet110", "cifar-b",
        **CIFAR | {"num_classes": 100},
    ),
    Correct("preact-resnet18", preact.resnet18_v2, "resnet18", "v2"),
    Correct("preact-resnet50", preact.resnet50_v2, "resnet50", "v2"),
    Correct("preact-resnet34-stem-norm", preact.resnet34_v2_stem_norm, "resnet34", "v2"),
    Correct("keras-resnet50", keras_form.resnet50_keras, "resnet50", "keras", head="softmax"),
    Correct(
        "keras-resnet50-v2", keras_form.resnet50_keras_v2, "resnet50", "keras-v2",
        head="softmax",
    ),
)  # fmt: skip

_TIMM_LIKE = (
    Correct("timm-resnet18", timm_like.resnet18, "resnet18", "v1", same_as=classic.resnet18),
    Correct("timm-resnet50", timm_like.resnet50, "resnet50", "v1.5", same_as=classic.resnet50),
    Correct(
        "timm-cifar-stem",
        timm_like.resnet18_cifar_stem,
        "resnet18",
        "v1",
        stem="cifar",
        output_stride=8,
        num_classes=100,
        input_shape=(2, 3, 32, 32),
    ),
    Correct("timm-resnet34-deep-stem", timm_like.resnet34_deep_stem, "resnet34", "vc", **DEEP),
    Correct("timm-resnet50d", timm_like.resnet50d, "resnet50", "vd", **DEEP),
    Correct("timm-resnet34d", timm_like.resnet34d, "resnet34", "vd", **DEEP),
    Correct("timm-seresnet50", timm_like.seresnet50, "resnet50", "se"),
    Correct("timm-seresnet18", timm_like.seresnet18, "resnet18", "se"),
    Correct("timm-resnet50-os16", timm_like.resnet50_os16, "resnet50", "v1.5", output_stride=16),
    Correct("timm-no-classifier", timm_like.no_classifier, "resnet50", "v1.5", **BACKBONE),
)

_LOOPS = (
    Correct("loops-resnet18", loops.resnet18, "resnet18", "v1"),
    Correct("loops-resnet34", loops.resnet34, "resnet34", "v1"),
    Correct("loops-resnet50", loops.resnet50, "resnet50", "v1.5"),
    Correct("head-first", loops.head_first, "resnet18", "v1"),
    Correct("head-first-50", loops.head_first_50, "resnet50", "v1.5"),
)

_OUTPUTS = (
    Correct("last-map", outputs.last_map, "resnet50", "v1.5", **BACKBONE),
    Correct("stage-tuple", outputs.stage_tuple, "resnet50", "v1.5", **BACKBONE),
    Correct("stage-list", outputs.stage_list, "resnet34", "v1", **BACKBONE),
    Correct("stage-dict", outputs.stage_dict, "resnet18", "v1", **BACKBONE),
    Correct(
        "logits-and-features", outputs.logits_and_features, "resnet18", "v1",
        same_as=classic.resnet18,
    ),
    Correct("output-object", outputs.output_object, "resnet18", "v1", same_as=classic.resnet18),
    Correct("dict-output", outputs.dict_output, "resnet34", "v1", same_as=classic.resnet34),
    Correct("wrapper", outputs.wrapper, "resnet50", "v1.5", same_as=classic.resnet50),
    Correct(
        "double-wrapper", outputs.double_wrapper, "resnet18", "vd", **DEEP,
        same_as=convbn.resnet18_vd,
    ),
    Correct(
        "backbone-and-classifier", outputs.backbone_and_classifier, "resnet50", "v1.5",
        num_classes=100,
    ),
    Correct(
        "sequential-of-one", outputs.sequential_of_one, "resnet18", "v1",
        same_as=loops.resnet18,
    ),
    Correct("recomputed", outputs.recomputed, "resnet18", "v1", same_as=classic.resnet18),
    Correct(
        "list-beside-registered", outputs.list_beside_registered, "resnet34", "v1",
        same_as=classic.resnet34,
    ),
    Correct("unused-pool", outputs.unused_pool, "resnet18", "v1", same_as=classic.resnet18),
    Correct(
        "dropout-of-nothing", outputs.dropout_of_nothing, "resnet50", "v1.5",
        same_as=classic.resnet50,
    ),
    Correct(
        "channels-last", outputs.channels_last, "resnet18", "v1",
        input_shape=(2, 64, 64, 3),
    ),
)  # fmt: skip

_STATES = (
    Correct("zero-gamma", states.zero_gamma, "resnet50", "v1.5", same_as=classic.resnet50),
    Correct("already-in-eval-mode", states.already_in_eval_mode, "resnet50", "v1.5"),
    Correct("trained", states.trained, "resnet50", "v1.5", same_as=classic.resnet50),
    Correct("float64", states.float64, "resnet18", "v1", dtype="float64"),
    Correct("compiled", states.compiled, "resnet18", "v1", same_as=timm_like.resnet18),
    Correct("decorated", states.decorated, "resnet18", "v1", same_as=classic.resnet18),
    Correct("named-parameters", states.named_parameters, "resnet18", "v1"),
    Correct(
        "no-weight-decay", states.no_weight_decay, "resnet18", "vb",
        same_as=convbn.resnet18_vb,
    ),
    Correct("with-hooks", states.with_hooks, "resnet18", "v1", same_as=classic.resnet18),
    Correct("with-its-loss", states.with_its_loss, "resnet18", "v1"),
    Correct("misleading-names", states.misleading_names, "resnet18", "v1"),
)  # fmt: skip

_BY_HAND = (
    Correct("rebound-statistics", by_hand.rebound_statistics, "resnet18", "v1"),
    Correct("set-statistics", by_hand.set_statistics, "resnet18", "v1"),
    *alike(
        (by_hand.norm_by_hand, by_hand.norm_by_columns, by_hand.norm_in_rows),
        "resnet18", "v1", same_as=functional.resnet18,
    ),
)  # fmt: skip

_OWN_FUNCTIONS = (
    Correct("made-at-first-call", own_functions.made_at_first_call, "resnet18", "v1"),
    *alike(
        (
            own_functions.own_relu,
            own_functions.pool_before_relu,
            own_functions.einsum_of_the_map,
            own_functions.norm_by_sums,
            own_functions.leaky_by_nothing,
        ),
        "resnet18", "v1", same_as=functional.resnet18,
    ),
)  # fmt: skip

CORRECT = (
    *_CLASSIC,
    *_CONVBN,
    *_FUNCTIONAL,
    *_BY_HAND,
    *_OWN_FUNCTIONS,
    *_OTHER_FORMS,
    *_TIMM_LIKE,
    *_LOOPS,
    *_OUTPUTS,
    *_STATES,
)
