"""The correct networks: the form that each one is."""

from __future__ import annotations

from tests.catalogue.entry import Correct, alike
from tests.catalogue_torch.correct import (
    branches,
    by_hand,
    cifar,
    functional,
    loops,
    openmm,
    outputs,
    preact,
    products,
    sequential,
    states,
    timm_like,
    vision,
)

CIFAR = {"stem": "cifar", "output_stride": 4, "num_classes": 10, "input_shape": (2, 3, 32, 32)}
DEEP = {"stem": "deep"}
BACKBONE = {"head": "none", "num_classes": None}


_VISION = (
    Correct("resnet18", vision.resnet18, "resnet18", "v1"),
    Correct("resnet34", vision.resnet34, "resnet34", "v1"),
    Correct("resnet50", vision.resnet50, "resnet50", "v1.5"),
    Correct("resnet50-v1", vision.resnet50_v1, "resnet50", "v1"),
    Correct("resnext50", vision.resnext50_32x4d, "resnext50_32x4d", "v1.5"),
    *alike(
        (branches.split_convs, branches.sliced_convs, branches.paths_in_three_ways),
        "resnext50_32x4d", "v1.5",
    ),
    Correct("dilated-os8", vision.dilated_os8, "resnet50", "v1.5", output_stride=8),
    Correct(
        "grey-input", vision.grey_input, "resnet18", "v1",
        in_channels=1, input_shape=(2, 1, 64, 64),
    ),
    Correct("ten-classes", vision.ten_classes, "resnet18", "v1", num_classes=10),
    Correct(
        "cifar-stem", vision.cifar_stem, "resnet18", "v1", **CIFAR | {"output_stride": 8},
    ),
    Correct("without-classifier", vision.without_classifier, "resnet34", "v1", **BACKBONE),
    Correct("backbone-of-children", vision.backbone_of_children, "resnet34", "v1", **BACKBONE),
    *alike(
        (vision.zero_init_residual, vision.momentum_of_a_hundredth),
        "resnet18", "v1", same_as=vision.resnet18,
    ),
    *alike(
        (vision.children_and_new_head,), "resnet18", "v1",
        same_as=vision.resnet18, input_shape=(2, 3, 224, 224),
    ),
)  # fmt: skip

_FUNCTIONAL = (
    Correct("functional-resnet18", functional.resnet18, "resnet18", "v1"),
    Correct("functional-resnet34", functional.resnet34, "resnet34", "v1"),
    Correct("functional-resnet50", functional.resnet50, "resnet50", "v1.5"),
    *alike(
        (
            functional.explicit_padding,
            functional.same_where_it_may_be,
            functional.largest_of_windows,
            functional.largest_of_columns,
            functional.pool_before_relu,
            functional.padded_pool,
            functional.zero_padded_pool,
        ),
        "resnet18", "v1", same_as=functional.resnet18,
    ),
    Correct("functional-resnet20", functional.resnet20, "resnet20", "cifar-b", **CIFAR),
    *alike(
        (
            functional.sum_pool,
            functional.mean_of_means,
            functional.mean_of_pixels,
            functional.whole_map_pool,
            functional.pool_8,
            functional.einsum_head,
            functional.matmul_head,
            functional.addmm_head,
            functional.conv_head,
            functional.map_of_classes,
            functional.add_in_place,
            functional.add_with_alpha,
            functional.add_out,
            functional.sum_of_paths,
            functional.clamped_blocks,
            functional.clamped_in_place,
            functional.maximum_with_zero,
            functional.maximum_with_one_zero,
            functional.threshold,
            functional.blocks_last,
            functional.stateless,
        ),
        "resnet20", "cifar-b", same_as=functional.resnet20, **CIFAR,
    ),
)  # fmt: skip

_STORED = alike((functional.kernels_last,), "resnet20", "cifar-b", **CIFAR)

_BY_HAND = alike(
    (
        by_hand.norm_by_hand,
        by_hand.norm_by_moments,
        by_hand.norm_by_columns,
        by_hand.norm_axis_by_axis,
        by_hand.norm_in_rows,
        by_hand.norm_by_var_mean,
    ),
    "resnet20", "cifar-b", same_as=functional.resnet20, **CIFAR,
)  # fmt: skip

_PRODUCTS = alike(
    (
        products.columns_times_weights,
        products.einsum_of_windows,
        products.classified_pixels,
        products.sum_of_pixels,
        products.masked_blocks,
    ),
    "resnet20", "cifar-b", same_as=functional.resnet20, **CIFAR,
)  # fmt: skip

_OTHER_FORMS = (
    Correct("d2l-resnet18", sequential.d2l_resnet18, "resnet18", "d2l", num_classes=10),
    Correct("generated-resnet50", sequential.generated_resnet50, "resnet50", "v1.5"),
    Correct(
        "one-relu-for-all", sequential.one_relu_for_all, "resnet18", "v1",
        same_as=sequential.generated_resnet18,
    ),
    Correct("cifar-resnet20-a", cifar.resnet20_a, "resnet20", "cifar-a", **CIFAR),
    Correct("cifar-resnet20-b", cifar.resnet20_b, "resnet20", "cifar-b", **CIFAR),
    Correct("cifar-resnet56-a", cifar.resnet56_a, "resnet56", "cifar-a", **CIFAR),
    Correct("zeros-behind", cifar.zeros_behind, "resnet20", "cifar-a", **CIFAR),
    *alike(
        (cifar.zeros_around, cifar.pad_first), "resnet20", "cifar-a",
        same_as=cifar.resnet20_a, **CIFAR,
    ),
    *alike(
        (cifar.filled_in,), "resnet20", "cifar-a", same_as=cifar.zeros_behind, **CIFAR,
    ),
    Correct("preact-resnet18", preact.resnet18_v2, "resnet18", "v2"),
    Correct("preact-resnet50", preact.resnet50_v2, "resnet50", "v2"),
    Correct("lightning-resnet34", loops.resnet34, "resnet34", "v1"),
    Correct("head-first", loops.head_first, "resnet18", "v1"),
)  # fmt: skip

_TIMM_LIKE = (
    Correct("timm-resnet18", timm_like.resnet18, "resnet18", "v1", same_as=vision.resnet18),
    Correct("timm-resnet50", timm_like.resnet50, "resnet50", "v1.5"),
    Correct("timm-resnet34d", timm_like.resnet34d, "resnet34", "vd", **DEEP),
    Correct("timm-deep-stem", timm_like.resnet18_deep_stem, "resnet18", "vc", **DEEP),
    Correct("timm-seresnet50", timm_like.seresnet50, "resnet50", "se"),
    Correct("timm-seresnet18", timm_like.seresnet18, "resnet18", "se"),
    Correct("timm-resnet18-os16", timm_like.resnet18_os16, "resnet18", "v1", output_stride=16),
    Correct("timm-no-classifier", timm_like.no_classifier, "resnet18", "v1", **BACKBONE),
)

_OPENMM = (
    Correct("openmm-resnet50-vd", openmm.resnet50_vd, "resnet50", "vd", **DEEP),
    Correct("openmm-resnet18-vd", openmm.resnet18_vd, "resnet18", "vd", **DEEP),
    Correct("openmm-resnet18-vc", openmm.resnet18_vc, "resnet18", "vc", **DEEP),
    Correct("stages-of-detection", openmm.stages_of_detection, "resnet34", "v1", **BACKBONE),
    Correct("last-stage-only", openmm.last_stage_only, "resnet18", "vd", **DEEP | BACKBONE),
    Correct("saving-memory", openmm.saving_memory, "resnet18", "v1", same_as=openmm.resnet18_vb),
)

_OUTPUTS = (
    *alike(
        (
            outputs.dict_output,
            outputs.logits_and_features,
            outputs.dataclass_output,
            outputs.optional_arguments,
            outputs.wrapper,
            outputs.data_parallel,
            outputs.averaged,
            outputs.plain_list_beside,
            outputs.left_overs,
            outputs.dropout_of_nothing,
        ),
        "resnet20", "cifar-b", same_as=cifar.resnet20_b, **CIFAR,
    ),
    *alike(
        (outputs.stage_dict, outputs.body_and_pooled),
        "resnet20", "cifar-b", **CIFAR | BACKBONE,
    ),
    Correct("named-output", outputs.named_output, "resnet18", "v1"),
    Correct(
        "backbone-and-classifier", outputs.backbone_and_classifier, "resnet18", "v1",
        num_classes=100,
    ),
)  # fmt: skip

_STATES = (
    *alike(
        (
            states.scripted,
            states.scripted_blocks,
            states.fx_traced,
            states.compiled_eager,
            states.compiled_stages,
            states.channels_last,
            states.channels_last_input,
            states.quantizable,
            states.own_batch_norm,
        ),
        "resnet18", "v1", same_as=vision.resnet18,
    ),
    *alike(
        (
            states.traced,
            states.checkpointed,
            states.checkpointed_reentrant,
            states.checkpointed_sequential,
            states.autocast_off,
            states.looking_hooks,
            states.trained,
            states.gradients_left,
            states.made_on_meta,
            states.deep_copies,
        ),
        "resnet20", "cifar-b", same_as=cifar.resnet20_b, **CIFAR,
    ),
    *alike(
        (states.compiled, states.compiled_forward),
        "resnet20", "cifar-a", same_as=cifar.resnet20_a, **CIFAR,
    ),
    *alike(
        (states.compiled_aot_eager,), "resnet18", "vd", same_as=openmm.resnet18_vd, **DEEP,
    ),
    *alike(
        (states.frugal_relu,), "resnet20", "cifar-b", same_as=functional.resnet20, **CIFAR,
    ),
    Correct("float64", states.float64, "resnet20", "cifar-b", dtype="float64", **CIFAR),
    Correct("half", states.half, "resnet20", "cifar-b", dtype="float16", **CIFAR),
    Correct("bfloat16", states.bfloat16, "resnet20", "cifar-b", dtype="bfloat16", **CIFAR),
    Correct("already-in-eval-mode", states.already_in_eval_mode, "resnet18", "v1"),
    *alike(
        (states.with_its_loss, states.made_in_inference_mode), "resnet20", "cifar-b", **CIFAR,
    ),
    Correct("misleading-names", states.misleading_names, "resnet18", "v1"),
)  # fmt: skip

CORRECT = (
    *_VISION,
    *_FUNCTIONAL,
    *_STORED,
    *_BY_HAND,
    *_PRODUCTS,
    *_OTHER_FORMS,
    *_TIMM_LIKE,
    *_OPENMM,
    *_OUTPUTS,
    *_STATES,
)
