"""The broken networks: what is wrong with each, where, and how it shows."""

from __future__ import annotations

from tests.catalogue.broken import (
    activations,
    addition,
    by_hand,
    forms,
    heads,
    norms,
    operators,
    own_functions,
    shortcuts,
    strides,
    structure,
    training,
)
from tests.catalogue.correct import (
    cifar,
    classic,
    convbn,
    functional,
    keras_form,
    loops,
    preact,
    sequential,
    timm_like,
)
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

ADD = ("add", "sum", "shortcut", "addition")
CIFAR_INPUT = {"input_shape": (2, 3, 32, 32)}

_ADDITION = (
    Broken(
        "no-add", addition.no_add, ADD, "stage 3, block 2", "F", classic.resnet34,
    ),
    Broken("no-add-anywhere", addition.no_add_anywhere, (*ADD, "plain"), "", "F", classic.resnet18),
    Broken(
        "shortcut-twice", addition.shortcut_twice, ADD, "stage 3, block 1", "F", convbn.resnet50,
    ),
    Broken(
        "added-to-itself", addition.added_to_itself, ADD, "stage 4, block 1",
        "F", classic.resnet18,
    ),
    Broken(
        "second-conv-fed-the-input", addition.second_conv_fed_the_input,
        ("input", "unused", "not used", "dead", "first conv", "missing"), "stage 1, block 1",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "first-channels-only", addition.first_channels_only,
        ("slice", "channels", "concat"), "stage 2, block 1", "F", timm_like.resnet18,
    ),
    Broken("concat-for-add", addition.concat_for_add, ("concat",), "stage 3, block 1"),
    Broken(
        "mean-of-both", addition.mean_of_both, ("scale", "mean", "divide", "0.5"),
        "", "F", functional.resnet18,
    ),
    Broken(
        "scaled-branch", addition.scaled_branch, ("scale", "0.17", "multipl"),
        "stage 3, block 3", "F", classic.resnet50,
    ),
    Broken(
        "difference", addition.difference, ("subtract", "difference", "minus", "add"),
        "", "F", loops.resnet18,
    ),
    Broken(
        "product", addition.product, ("multipl", "product", "add"), "stage 4, block 2",
        "F", timm_like.resnet50,
    ),
    Broken(
        "maximum", addition.maximum, ("maximum", "add"), "stage 2, block 3",
        "F", classic.resnet34,
    ),
    Broken(
        "norm-after-add", addition.norm_after_add, ("norm.*add", "add.*norm", "norm"),
        "stage 2, block 1", "F", functional.resnet18,
    ),
    Broken(
        "shortcut-from-the-middle", addition.shortcut_from_the_middle,
        ("shortcut", "projection", "input"), "stage 2, block 2",
    ),
    Broken(
        "overwritten-shortcut", addition.overwritten_shortcut, ACTIVATION,
        "stage 3, block 0", "F", classic.resnet34,
    ),
    Broken(
        "preact-inplace", addition.preact_inplace, ("relu", "activat", "shortcut", "norm"),
        "stage 3, block 1", "F", preact.resnet18_v2,
    ),
    Broken(
        "earlier-shortcut", addition.earlier_shortcut, ADD, "stage 3, block 5",
        "F", timm_like.resnet34,
    ),
)  # fmt: skip

STATISTICS = ("statistic", "use_global_stats", "mode", "frozen")
UPDATE = ("momentum", "running", "statistic")

_NORMS = (
    Broken("epsilon-everywhere", norms.epsilon_everywhere, ("eps",), "", "F", classic.resnet50),
    Broken(
        "epsilon-block", norms.large_epsilon_block, ("eps",), "stage 3, block 2",
        "F", timm_like.resnet50,
    ),
    Broken(
        "pytorch-momentum", norms.pytorch_momentum, ("momentum",), "",
        "B", functional.resnet18,
    ),
    Broken(
        "momentum-block", norms.momentum_block, ("momentum",), "stage 4, block 1",
        "B", classic.resnet50,
    ),
    Broken("never-updated", norms.never_updated, UPDATE, "", "B", loops.resnet18),
    Broken("copied-statistics", norms.copied_statistics, UPDATE, "", "B", functional.resnet18),
    Broken(
        "always-batch-statistics", norms.always_batch_statistics, ("batch stat", *STATISTICS),
        "", "E", functional.resnet18,
    ),
    Broken(
        "batch-statistics-block", norms.batch_statistics_block, ("batch stat", *STATISTICS),
        "stage 3, block 4", "E", classic.resnet34,
    ),
    Broken("frozen-norms", norms.frozen_norms, STATISTICS, "", "T", timm_like.resnet18),
    Broken(
        "frozen-norm-block", norms.frozen_norm_block, STATISTICS, "stage 2, block 2",
        "T", classic.resnet50,
    ),
    Broken(
        "norm-without-affine", norms.plain_norm_block,
        ("affine", "scale", "gamma", "weight"), "stage 2, block 0",
    ),
    Broken(
        "norm-without-shift", norms.no_shift_block, ("affine", "shift", "beta", "bias"),
        "stage 3, block 0",
    ),
    Broken(
        "missing-norm", norms.missing_norm_block, ("norm", "bn"), "stage 3, block 1",
        "F", classic.resnet50,
    ),
    Broken("dropped-norm", norms.dropped_norm_block, ("norm", "bn"), "stage 4, block 1"),
    Broken("doubled-norm", norms.doubled_norm_block, ("norm", "bn"), "stage 3, block 1"),
    Broken("shared-norm", norms.shared_norm_block, ("share", "same"), "stage 2, block 1"),
    Broken(
        "wrong-norm", norms.wrong_norm_block, ("share", "same", "unused", "twice"),
        "stage 3, block 3", "F", classic.resnet50,
    ),
    Broken("group-norm", norms.group_norm_block, ("group_?norm", "norm"), "stage 2, block 1"),
    Broken(
        "instance-norm", norms.instance_norm_block, ("instance_?norm", "norm"),
        "stage 4, block 1",
    ),
    Broken("extra-stem-norm", norms.extra_stem_norm, ("norm", "bn"), "stem"),
    Broken("stem-without-norm", norms.stem_without_norm, ("norm", "bn"), "stem"),
    Broken(
        "norm-before-conv", norms.norm_before_conv, ("norm", "order", "pre-?activ"),
        "stage 2, block 1", "F", classic.resnet18,
    ),
)  # fmt: skip

PROJECTION = ("projection", "shortcut")

_SHORTCUTS = (
    Broken(
        "projection-without-norm", shortcuts.projection_without_norm, ("norm", "bn"),
        "stage 3, block 0",
    ),
    Broken("no-projection-has-norm", shortcuts.no_projection_has_norm, ("norm", "bn"), ""),
    Broken("biased-projection", shortcuts.biased_projection, ("bias",), "stage 2, block 0"),
    Broken(
        "projection-3x3", shortcuts.projection_3x3, ("kernel", "3x3"), "stage 4, block 0",
    ),
    Broken("projection-2x2", shortcuts.projection_2x2, ("kernel", "2x2"), ""),
    Broken(
        "rectified-projection", shortcuts.rectified_projection, ACTIVATION,
        "stage 3, block 0", "F", convbn.resnet50,
    ),
    Broken("projection-in-every-block", shortcuts.projection_in_every_block, PROJECTION, ""),
    Broken("needless-projection", shortcuts.needless_projection, PROJECTION, "stage 3, block 2"),
    Broken(
        "pooled-projection", shortcuts.pooled_projection, ("pool",), "stage 3, block 0",
    ),
    Broken("max-pooled-projection", shortcuts.max_pooled_projection, ("pool",), ""),
    Broken(
        "pool-and-pad", shortcuts.pool_and_pad, (*PROJECTION, "pad", "pool"), "",
    ),
    Broken(
        "slice-and-tile", shortcuts.slice_and_tile, (*PROJECTION, "slice", "concat"),
        "stage 3, block 0",
    ),
    Broken(
        "projection-of-branch", shortcuts.projection_of_branch, (*PROJECTION, "input"),
        "stage 2, block 0",
    ),
    Broken(
        "smoothed-identities", shortcuts.smoothed_identities, ("pool",), "",
        "F", loops.resnet18,
    ),
    Broken(
        "option-a-offset", shortcuts.offset_subsampling, ("slice", "offset", *PROJECTION),
        "stage 2, block 0", "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "option-a-averaged", shortcuts.averaged_option_a, ("pool", *PROJECTION), "",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
)  # fmt: skip

COUNT = ("blocks", "depth", "count")
SHARED = ("share", "same", "twice", "reuse", "tied")
UNUSED = ("unused", "not used", "dead", "never used", "no effect", "bypass")
UNREGISTERED = ("regist", "state_dict", "parameters()")

_STRUCTURE = (
    Broken("one-block-short", structure.one_block_short, COUNT, "stage 3"),
    Broken("one-block-more", structure.one_block_more, COUNT, "stage 4"),
    Broken("swapped-depths", structure.swapped_depths, COUNT, "stage (2|3)"),
    Broken("cifar-stage-short", structure.cifar_stage_short, COUNT, "stage 3", **CIFAR_INPUT),
    Broken(
        "asked-for-50", structure.asked_for_50, ("resnet50", "resnet34", "block"), "",
        options={"arch": "resnet50"},
    ),
    Broken(
        "asked-for-vd", structure.asked_for_vd, ("pool", "projection", "vc"), "",
        options={"variant": "vd"},
    ),
    Broken("wide-block", structure.wide_block, ("width", "channels"), "stage 4, block 1"),
    Broken("narrow-block", structure.narrow_block, ("width", "channels"), "stage 3, block 5"),
    Broken(
        "last-stage-not-widened", structure.last_stage_not_widened,
        ("width", "channels"), "stage 4",
    ),
    Broken("stem-width-32", structure.stem_width_32, ("width", "channels"), "stem"),
    Broken(
        "basic-block-inside", structure.basic_block_inside,
        ("basic", "bottleneck", "block kind"), "stage 2, block 1",
    ),
    Broken(
        "three-convs", structure.three_convs, ("conv", "block kind", "basic"),
        "stage 3, block 1", **CIFAR_INPUT,
    ),
    Broken("biases-everywhere", structure.biases_everywhere, ("bias",), ""),
    Broken("biased-conv", structure.biased_conv, ("bias",), "stage 2, block 2"),
    Broken("biased-stem", structure.biased_stem, ("bias",), "stem"),
    Broken(
        "bypassed-block", structure.bypassed_block, (*UNUSED, *COUNT),
        "stage 2", "F", convbn.resnet34_vb,
    ),
    Broken(
        "skipped-block", structure.skipped_block, (*UNUSED, *COUNT),
        "stage 4", "F", timm_like.resnet50,
    ),
    Broken(
        "repeated-block", structure.repeated_block, (*SHARED, *COUNT),
        "stage 3", "F", functional.resnet18,
    ),
    Broken("shared-blocks", structure.shared_blocks, SHARED, "stage 3", "F", classic.resnet34),
    Broken(
        "tied-convs", structure.tied_convs, SHARED, "stage 2, block 1", "F", classic.resnet18,
    ),
    Broken(
        "one-conv-twice", structure.one_conv_twice, (*SHARED, *UNUSED), "stage 3, block 1",
        "F", timm_like.resnet18,
    ),
    Broken(
        "shared-projection-norm", structure.shared_projection_norm, SHARED,
        "stage 3, block 0", "F", loops.resnet18,
    ),
    Broken(
        "plain-list-of-blocks", structure.plain_list_of_blocks, UNREGISTERED, "stage 3", "S",
    ),
    Broken(
        "plain-dict-of-parameters", structure.plain_dict_of_parameters, UNREGISTERED,
        "head", "S",
    ),
    Broken("unused-conv", structure.unused_conv, UNUSED, ""),
    Broken("unused-projection", structure.unused_projection, UNUSED, ""),
    Broken("unused-auxiliary-head", structure.unused_auxiliary_head, UNUSED, ""),
)  # fmt: skip

_HEADS = (
    Broken("softmax-end", heads.softmax_end, ("softmax",), "head", "F", classic.resnet18),
    Broken("softmax-layer", heads.softmax_layer, ("softmax",), "head", "F", loops.resnet50),
    Broken(
        "log-softmax-end", heads.log_softmax_end, ("log_?softmax",), "head",
        "F", functional.resnet34,
    ),
    Broken("sigmoid-end", heads.sigmoid_end, ("sigmoid",), "head", "F", timm_like.resnet18),
    Broken("relu-end", heads.relu_end, ACTIVATION, "head", "F", classic.resnet34),
    Broken("max-pool-head", heads.max_pool_head, ("max", "average"), "head", "F", classic.resnet50),
    Broken(
        "sum-pool-head", heads.sum_pool_head, ("sum", "pool"), "head", "F", functional.resnet18,
    ),
    Broken(
        "no-pool-head", heads.no_pool_head, ("pool",), "head",
        input_shape=(2, 3, 224, 224),
    ),
    Broken("pool-2x2-head", heads.pool_2x2_head, ("pool", "2x2", "features"), "head"),
    Broken(
        "corner-pool", heads.corner_pool, ("pool", "slice"), "head",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "mixed-up-flatten", heads.mixed_up_flatten, ("transpose", "reshape", "flatten"),
        "head", "F", classic.resnet18,
    ),
    Broken("unbiased-classifier", heads.unbiased_classifier, ("bias",), "head"),
    Broken(
        "two-layer-classifier", heads.two_layer_classifier, ("linear", "classifier"), "head",
    ),
    Broken(
        "normalised-features", heads.normalised_features,
        ("normali", "norm", "divide", "unexpected"), "head", "F", timm_like.resnet50,
    ),
    Broken(
        "scaled-logits", heads.scaled_logits, ("scale", "divide", "unexpected"), "head",
        "F", classic.resnet18,
    ),
    Broken("norm-in-head", heads.norm_in_head, ("norm", "bn"), "head"),
    Broken(
        "preact-without-final-norm", heads.preact_without_final_norm,
        ("norm", "unused", "relu"), "head", "F", preact.resnet50_v2,
    ),
    Broken(
        "preact-without-final-relu", heads.preact_without_final_relu, ACTIVATION, "head",
        "F", preact.resnet18_v2,
    ),
)  # fmt: skip

_OPERATORS = (
    Broken(
        "half-precision-block", operators.half_precision_block, ("cast", "float16"),
        "stage 3, block 1", "F", classic.resnet18,
    ),
    Broken(
        "bfloat16-head", operators.bfloat16_head, ("cast", "bfloat16"), "head",
        "F", timm_like.resnet18,
    ),
    Broken(
        "flipped-channels", operators.flipped_channels, ("flip",), "stem|input",
        "F", classic.resnet50,
    ),
    Broken(
        "mirrored-map", operators.mirrored_map, ("flip",), "stage 3, block (0|1)",
        "F", loops.resnet18,
    ),
    Broken(
        "cropped-map", operators.cropped_map, ("slice", "crop"), "stem|stage 1",
        "F", functional.resnet18,
    ),
    Broken(
        "clipped-activations", operators.clipped_activations, ("clip", "relu6"),
        "stage 2, block 3", "F", convbn.resnet50,
    ),
    Broken(
        "where-in-branch", operators.where_in_branch, ("where", "threshold", "greater"),
        "stage 4, block 2", "F", classic.resnet50,
    ),
    Broken(
        "normalised-input", operators.normalised_input,
        ("subtract", "divide", "normali", "scale"), "stem|input", "F", classic.resnet50,
    ),
    Broken(
        "scaled-input", operators.scaled_input, ("scale", "divide"), "stem|input",
        "F", timm_like.resnet18,
    ),
    Broken(
        "resized-input", operators.resized_input, ("interp", "resiz", "upsampl"),
        "stem|input", "F", timm_like.resnet18,
    ),
    Broken(
        "transposed-input", operators.transposed_input, ("transpos",), "stem|input",
        "F", classic.resnet18,
    ),
    Broken(
        "batch-centred", operators.batch_centred, ("mean", "subtract", "batch"), "head",
        "F", functional.resnet18,
    ),
    Broken(
        "shuffled-channels", operators.shuffled_channels, ("shuffle",), "stage 3, block 3",
        "F", timm_like.resnet34,
    ),
    Broken(
        "nearest-shortcut", operators.nearest_shortcut, ("interp", "pool"),
        "stage 2, block 1", "F", classic.resnet18,
    ),
    Broken(
        "rolled-map", operators.rolled_map, ("roll",), "stage 3, block (3|4)",
        "F", classic.resnet50,
    ),
)  # fmt: skip

DROPOUT = ("dropout", "random", "determin")
DETACHED = ("detach", "gradient", "stop_gradient", "no_grad")
FROZEN = ("frozen", "trainable", "stop_gradient", "gradient")
STATEFUL = ("second call", "repeat", "state", "calls?", "cache", "again", "input")

_TRAINING = (
    Broken(
        "dropout-built-in-forward", training.dropout_built_in_forward, DROPOUT, "head",
        "FR", classic.resnet18,
    ),
    Broken(
        "always-dropped", training.always_dropped, DROPOUT, "stage 3, block 3",
        "FR", timm_like.resnet34,
    ),
    Broken(
        "drop-path-in-eval", training.drop_path_in_eval,
        (*DROPOUT, "bernoulli", "drop.path", "scale"), "stage 2, block 1",
        "F", timm_like.resnet50,
    ),
    Broken(
        "noisy-input", training.noisy_input, ("noise", "random", "gaussian", "determin", "normal"),
        "stem|input", "T", classic.resnet18,
    ),
    Broken(
        "detached-shortcut", training.detached_shortcut, DETACHED, "stage 3, block 1",
        "G", classic.resnet50,
    ),
    Broken(
        "detached-branch", training.detached_branch, DETACHED, "stage 4, block 1",
        "G", functional.resnet18,
    ),
    Broken(
        "detached-map", training.detached_map, DETACHED, "stage (2, block 3|3, block 0)",
        "G", timm_like.resnet34,
    ),
    Broken("no-grad-stem", training.no_grad_stem, DETACHED, "stem", "G", loops.resnet18),
    Broken(
        "frozen-stages", training.frozen_stages, FROZEN, "stem|stage 1", "G", classic.resnet50,
    ),
    Broken(
        "frozen-conv", training.frozen_conv, FROZEN, "stage 2, block 2", "G", classic.resnet34,
    ),
    Broken(
        "constant-classifier", training.constant_classifier,
        (*FROZEN, *UNREGISTERED, "buffer", "parameter", "constant"), "head",
    ),
    Broken("cached-features", training.cached_features, STATEFUL, "", "R"),
    Broken("running-input-mean", training.running_input_mean,
           (*STATEFUL, "subtract", "unexpected"), "", "FR", timm_like.resnet18),
    Broken(
        "input-changed", training.input_changed,
        ("input", "in.place", "subtract"), "", "FR", convbn.resnet18_vb,
    ),
    Broken(
        "counting-block", training.counting_block, (*STATEFUL, *COUNT), "", "R", **CIFAR_INPUT,
    ),
    Broken(
        "eval-skips-block", training.eval_skips_block, ("eval", "mode", *UNUSED, *COUNT),
        "", "E", classic.resnet18,
    ),
    Broken(
        "eval-softmax", training.eval_softmax, ("softmax",), "head", "E", timm_like.resnet50,
    ),
)  # fmt: skip

_FORMS = (
    Broken(
        "cifar-with-pool", forms.cifar_with_pool, ("pool",), "stem",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "cifar-stem-without-padding", forms.cifar_stem_without_padding, PADDING, "stem",
        "F", cifar.resnet20_b, **CIFAR_INPUT,
    ),
    Broken(
        "cifar-options-mixed", forms.cifar_options_mixed, PROJECTION, "stage (2|3), block 0",
        **CIFAR_INPUT,
    ),
    Broken(
        "se-without-sigmoid", forms.se_without_sigmoid, ("sigmoid", "squeeze", "gate"),
        "stage 3, block 1", "F", timm_like.seresnet50,
    ),
    Broken(
        "se-without-relu", forms.se_without_relu, (*ACTIVATION, "squeeze"), "",
        "F", timm_like.seresnet18,
    ),
    Broken(
        "se-reduction-4", forms.se_reduction_4, ("reduction", "squeeze", "width", "channels"),
        "stage 2, block 2",
    ),
    Broken("se-missing", forms.se_missing, ("squeeze", r"\bse\b"), "stage 3, block 4"),
    Broken(
        "se-after-add", forms.se_after_add, ("squeeze", r"\bse\b", "add"),
        "stage 3, block 1", "F", timm_like.seresnet18,
    ),
    Broken(
        "vd-projection-strides", forms.vd_projection_strides, ("pool", "stride"),
        "stage 3, block 0", "F", convbn.resnet50_vd,
    ),
    Broken(
        "deep-stem-without-relu", forms.deep_stem_without_relu, ACTIVATION, "stem",
        "F", lambda: timm_like.resnet50(stem_type="deep"),
    ),
    Broken(
        "deep-stem-strides-last", forms.deep_stem_strides_last, ("stride",), "stem",
        "F", lambda: timm_like.resnet18(stem_type="deep"),
    ),
    Broken("deep-stem-width-64", forms.deep_stem_width_64, ("width", "channels"), "stem"),
    Broken(
        "preact-shortcut-after-activation", forms.preact_shortcut_after_activation,
        ("shortcut", "norm", "relu", "activat"), "", "F", preact.resnet50_v2,
    ),
    Broken(
        "preact-final-relu", forms.preact_final_relu, ACTIVATION, "stage 2, block 1",
        "F", preact.resnet18_v2,
    ),
    Broken(
        "preact-relu-missing", forms.preact_relu_missing, ACTIVATION, "stage 3, block 2",
        "F", preact.resnet50_v2,
    ),
    Broken(
        "undilated-block", forms.undilated_block, ("dilat",), "stage 4, block 1",
        "F", classic.dilated_os16,
    ),
    Broken(
        "stride-dropped-without-dilation", forms.stride_dropped_without_dilation,
        ("stride", "dilat"), "stage 4", "F", classic.resnet50,
    ),
    Broken(
        "d2l-without-final-relu", forms.d2l_without_final_relu, ACTIVATION, "",
        "F", sequential.fashion_mnist, input_shape=(2, 1, 64, 64),
    ),
    Broken(
        "keras-epsilon", forms.keras_epsilon, ("eps",), "", "F", keras_form.resnet50_keras,
    ),
)  # fmt: skip

_BY_HAND = (
    Broken("hand-large-eps", by_hand.large_eps, ("eps",)),
    Broken("hand-unbiased", by_hand.unbiased_norm, ("unbiased",)),
    Broken("hand-mixed-columns", by_hand.mixed_columns, ("norm",)),
    Broken("hand-unsaved", by_hand.unsaved_statistics, ("moving_mean.*not in",)),
)

_OWN_FUNCTIONS = (
    Broken("own-relu-lets-all-through", own_functions.gradient_everywhere, ("gradient",)),
    Broken("own-leaky-relu", own_functions.own_leaky_relu, ("relu", "maximum")),
)

BROKEN = (
    *_ACTIVATIONS,
    *_STRIDES,
    *_ADDITION,
    *_NORMS,
    *_SHORTCUTS,
    *_STRUCTURE,
    *_HEADS,
    *_OPERATORS,
    *_TRAINING,
    *_FORMS,
    *_BY_HAND,
    *_OWN_FUNCTIONS,
)
