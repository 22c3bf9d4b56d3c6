"""The broken networks: what is wrong with each, where, and how it shows."""

from __future__ import annotations

from tests.catalogue.entry import Broken
from tests.catalogue_torch.broken import (
    activations,
    addition,
    branches,
    by_hand,
    forms,
    heads,
    norms,
    operators,
    products,
    shortcuts,
    strides,
    structure,
    training,
)
from tests.catalogue_torch.correct import (
    cifar,
    functional,
    loops,
    openmm,
    preact,
    sequential,
    timm_like,
    vision,
)

ACTIVATION = ("relu", "activation")
CIFAR_INPUT = {"input_shape": (2, 3, 32, 32)}
AT_224 = {"input_shape": (2, 3, 224, 224)}

_ACTIVATIONS = (
    Broken(
        "relu-before-add", activations.relu_before_add, ("relu.*add", "activation"),
        "stage 3, block 1", "F", vision.resnet18,
    ),
    Broken(
        "no-final-relu", activations.no_final_relu, ACTIVATION,
        "stage 2, block 1", "F", vision.resnet18,
    ),
    Broken(
        "no-inner-relu", activations.no_inner_relu, ACTIVATION,
        "stage 3, block 1", "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "relu-then-norm", activations.relu_then_norm, ("relu", "order", "norm"),
        "stage 2, block 1", "F", vision.resnet18,
    ),
    Broken(
        "leaky-unit", activations.leaky_unit, ("leaky",),
        "stage 4, block 1", "F", loops.resnet18,
    ),
    Broken("silu-everywhere", activations.silu_everywhere, ("silu",), "", "F", vision.resnet18),
    Broken(
        "relu6-in-one-block", activations.relu6_in_one_block, ("relu6",),
        "stage 2, block 1", "F", timm_like.resnet18,
    ),
    Broken("prelu-in-stem", activations.prelu_in_stem, ("prelu",), "stem"),
    Broken(
        "stem-without-relu", activations.stem_without_relu, ACTIVATION,
        "stem", "F", vision.resnet18,
    ),
    Broken(
        "rectified-shortcut", activations.rectified_shortcut, ACTIVATION,
        "stage 3, block 0", "F", vision.resnet18,
    ),
    Broken(
        "branch-rectified-everywhere", activations.branch_rectified_everywhere, ACTIVATION,
        "", "F", sequential.generated_resnet18,
    ),
    Broken(
        "straight-through-relu", activations.straight_through, ("gradient",), "",
        "G", functional.resnet20, **CIFAR_INPUT,
    ),
)  # fmt: skip

PADDING = ("padding",)

_STRIDES = (
    Broken(
        "v1-for-v15", strides.v1_for_v15, ("stride",), "", "F", vision.resnet50,
        {"variant": "v1.5"},
    ),
    Broken(
        "v1-in-one-block", strides.v1_in_one_block, ("stride",),
        "stage 3, block 0", "F", vision.resnet50,
    ),
    Broken(
        "stride-on-second-conv", strides.stride_on_second_conv, ("stride",),
        "", "F", vision.resnet18,
    ),
    Broken(
        # Every second pixel taken one convolution later: only batch statistics can tell.
        "stride-on-last-1x1", strides.stride_on_last_1x1, ("stride",),
        "stage 2, block 0", "T", vision.resnet50,
    ),
    Broken(
        "stride-on-both", strides.stride_on_both, ("stride",),
        "stage 2, block 0", "F", vision.resnet18,
    ),
    Broken(
        "last-stage-keeps-size", strides.last_stage_keeps_size, ("stride",),
        "stage 4", "F", vision.resnet18,
    ),
    Broken("stem-padding-2", strides.stem_padding_2, PADDING, "stem", "F", vision.resnet18),
    Broken(
        "small-stem-of-stride-2", strides.small_stem_keeps_pool,
        ("kernel", "3x3", "stride", "pool"), "stem",
    ),
    Broken("stem-stride-1", strides.stem_stride_1, ("stride",), "stem", "F", vision.resnet18),
    Broken(
        "pool-without-padding", strides.pool_without_padding, PADDING,
        "stem", "F", vision.resnet18,
    ),
    Broken("ceil-pool", strides.ceil_pool, ("ceil", "padding"), "stem", "F", vision.resnet18),
    Broken(
        "average-pool-stem", strides.average_pool_stem, ("average", "avg", "max"),
        "stem", "F", timm_like.resnet18,
    ),
    Broken("no-pool", strides.no_pool, ("pool",), "stem", "F", vision.resnet18),
    Broken(
        "pool-before-norm", strides.pool_before_norm, ("pool", "order"),
        "stem", "F", vision.resnet18,
    ),
    Broken("blurred-pool", strides.blurred_pool, ("pool", "max"), "stem"),
    Broken(
        "same-like-tensorflow", strides.same_like_tensorflow, ("padding", "same"),
        "stage 2, block 0", "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "reflected-conv", strides.reflected_conv, ("reflect", "padding.mode"),
        "stage 2, block 1", "F", vision.resnet18,
    ),
    Broken(
        # PyTorch pads circularly slice by slice.
        "circular-conv", strides.circular_conv, ("circular", "padding", "slice"),
        "stage 3, block 1", "F", vision.resnet18,
    ),
    Broken(
        "dilated-inside", strides.dilated_inside, ("dilat",),
        "stage 3, block 1", "F", vision.resnet18,
    ),
    Broken("sixteen-groups", strides.sixteen_groups, ("group",), "stage 3, block 2"),
    Broken("ungrouped", strides.ungrouped, ("group",), "stage 2, block 1"),
    Broken("kernel-5", strides.kernel_5, ("kernel", "5x5"), "stage 2, block 1"),
    Broken("depthwise", strides.depthwise, ("conv", "group"), "stage 3, block 1"),
)  # fmt: skip

ADD = ("add", "sum", "shortcut", "addition")

_ADDITION = (
    Broken("equals-plus", addition.equals_plus, (*ADD, "unused", "not used", "blocks"),
           "stage 3", "F", vision.resnet18),
    Broken("forgotten-sum", addition.forgotten, ADD, "stage 3, block 1", "F", vision.resnet18),
    Broken(
        "changed-identity", addition.changed_identity, ADD, "stage 2, block 1",
        "F", vision.resnet18,
    ),
    # The forward pass is right; the backward pass raises an error.
    Broken("saved-input-changed", addition.saved_input, ("in.?place", "backward"), ""),
    Broken(
        "added-to-itself", addition.added_to_itself, ADD, "stage 1, block 1",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "second-conv-fed-the-input", addition.second_conv_fed_the_input,
        ("input", "unused", "not used", "dead", "first conv", "missing"), "stage 1, block 1",
        "F", cifar.resnet20_b, **CIFAR_INPUT,
    ),
    Broken(
        "small-alpha", addition.small_alpha, ("scale", r"0\.2", "multipl"), "stage 3, block 1",
        "F", timm_like.resnet18,
    ),
    Broken(
        "mean-of-paths", addition.mean_of_paths, ("scale", "mean", "divide", "stack"), "",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "learned-scale", addition.learned_scale, ("scale", "multipl", "product"),
        "stage 3, block 1",
    ),
    Broken(
        "difference", addition.difference, ("subtract", "difference", "minus", "scale by -1"),
        "", "F", loops.resnet18,
    ),
    Broken(
        "maximum", addition.maximum, ("maximum", "add"), "stage 2, block 1",
        "F", vision.resnet18,
    ),
    Broken(
        "product", addition.product, ("multipl", "product", "add"), "stage 4, block 1",
        "F", timm_like.resnet18,
    ),
    Broken(
        "first-channels-only", addition.first_channels_only,
        ("slice", "channels", "overwritten", "part"), "stage 2, block 1", "F", timm_like.resnet18,
    ),
    Broken("concatenated", addition.concatenated, ("concat",), "stage 3, block 1"),
    Broken(
        "norm-after-add", addition.norm_after_add, ("norm",), "stage 2, block 1",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "activated-in-place", addition.activated_in_place,
        ("relu", "activat", "shortcut", "norm"), "stage 3, block 1", "F", preact.resnet18_v2,
    ),
    Broken(
        "earlier-shortcut", addition.earlier_shortcut, ADD, "stage 3, block 5",
        "F", vision.resnet34,
    ),
)  # fmt: skip

STATISTICS = ("statistic", "frozen")
UPDATE = ("momentum", "running", "statistic")
NORM = ("norm", "bn")
SHARED = ("share", "same", "twice", "reuse", "tied")
UNREGISTERED = ("regist", "state_dict", "parameters()")

_NORMS = (
    Broken(
        "tensorflow-momentum", norms.tensorflow_momentum, ("momentum",), "",
        "B", vision.resnet18,
    ),
    Broken(
        "momentum-in-one-block", norms.momentum_in_one_block, ("momentum",),
        "stage 4, block 1", "B", timm_like.resnet18,
    ),
    Broken("momentum-zero", norms.momentum_zero, UPDATE, "", "B", vision.resnet18),
    Broken("tensorflow-epsilon", norms.tensorflow_epsilon, ("eps",), "", "F", vision.resnet18),
    Broken(
        "epsilon-in-one-block", norms.epsilon_in_one_block, ("eps",), "stage 3, block 1",
        "F", openmm.resnet18_vd,
    ),
    Broken("no-running-statistics", norms.no_running_statistics, ("batch stat", *STATISTICS), ""),
    Broken(
        "batch-statistics-in-one-block", norms.batch_statistics_in_one_block,
        ("batch stat", *STATISTICS), "stage 3, block 1",
    ),
    Broken(
        "always-training", norms.always_training, ("batch stat", *STATISTICS), "",
        "E", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "never-training", norms.never_training, STATISTICS, "",
        "T", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "copied-statistics", norms.copied_statistics, UPDATE, "",
        "B", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken("frozen-by-train", norms.frozen_by_train, STATISTICS, "", "T", vision.resnet18),
    Broken(
        "eval-is-ignored", norms.eval_is_ignored, ("batch stat", *STATISTICS), "",
        "E", vision.resnet18,
    ),
    Broken("frozen-batch-norm", norms.frozen_batch_norm, NORM, ""),
    Broken("forgetful-statistics", norms.forgetful_statistics, ("saved", "load"), "", "S"),
    Broken("plain-statistics", norms.plain_statistics, UNREGISTERED, ""),
    Broken("shared-norm", norms.shared_norm, SHARED, "stage 2, block 1"),
    Broken(
        "wrong-norm", norms.wrong_norm, (*SHARED, "unused", "never used"),
        "stage 3, block 1", "F", vision.resnet18,
    ),
    Broken(
        "missing-norm", norms.missing_norm, NORM, "stage 3, block 1", "F", vision.resnet18,
    ),
    Broken(
        "norm-before-conv", norms.norm_before_conv, ("norm", "order", "pre-?activ"),
        "stage 2, block 1", "F", vision.resnet18,
    ),
    Broken(
        "without-affine", norms.without_affine, ("affine", "scale", "gamma", "weight"),
        "stage 2, block 0",
    ),
    Broken("group-norm", norms.group_norm, ("group_?norm",), "stage 2, block 1"),
    Broken("instance-norm", norms.instance_norm, ("instance_?norm", "norm"), "stage 4, block 1"),
    Broken("group-norm-everywhere", norms.group_norm_everywhere, ("group_?norm",), ""),
    Broken("doubled-norm", norms.doubled_norm, NORM, "stage 3, block 1"),
    Broken("stem-without-norm", norms.stem_without_norm, NORM, "stem"),
    Broken("fused-norm", norms.fused_norms, ("norm", "bias"), "stage 3, block 1"),
)  # fmt: skip

PROJECTION = ("projection", "shortcut")

_SHORTCUTS = (
    Broken("projection-without-norm", shortcuts.projection_without_norm, NORM, "stage 3, block 0"),
    Broken("no-projection-has-norm", shortcuts.no_projection_has_norm, NORM, ""),
    Broken("biased-projection", shortcuts.biased_projection, ("bias",), "stage 2, block 0"),
    Broken("projection-3x3", shortcuts.projection_3x3, ("kernel", "3x3"), "stage 4, block 0"),
    Broken(
        "rectified-projection", shortcuts.rectified_projection, ACTIVATION,
        "stage 3, block 0", "F", timm_like.resnet18,
    ),
    Broken("projection-in-every-block", shortcuts.projection_in_every_block, PROJECTION, ""),
    Broken(
        "pooled-projection", shortcuts.pooled_projection, ("pool",),
        "stage 3, block 0", "F", vision.resnet18,
    ),
    Broken(
        "projection-of-branch", shortcuts.projection_of_branch, (*PROJECTION, "input"),
        "stage 2, block 0",
    ),
    Broken(
        "one-norm-for-two", shortcuts.one_projection_for_two, SHARED, "stage 3, block 0",
    ),
    Broken(
        "option-a-offset", shortcuts.offset_subsampling, ("slice", "offset", *PROJECTION),
        "stage 2, block 0", "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "option-a-averaged", shortcuts.averaged, ("pool", *PROJECTION), "",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken(
        "option-a-repeated", shortcuts.repeated, (*PROJECTION, "repeat"),
        "stage 3, block 0", "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken("pool-and-pad", shortcuts.pool_and_pad, (*PROJECTION, "pad", "pool"), ""),
    Broken(
        "interpolated-shortcut", shortcuts.interpolated, ("interp", "upsampl", "nearest"),
        "stage 2, block 1", "F", vision.resnet18,
    ),
)  # fmt: skip

COUNT = ("blocks", "depth", "count")
UNUSED = ("unused", "not used", "dead", "never used", "no effect", "bypass")
WEIGHT = ("weight", "parametri", "conv")

_STRUCTURE = (
    Broken("one-block-short", structure.one_block_short, COUNT, "stage 3"),
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
    Broken(
        "last-stage-not-widened", structure.last_stage_not_widened, ("width", "channels"),
        "stage 4",
    ),
    Broken(
        "basic-block-inside", structure.basic_block_inside,
        ("basic", "bottleneck", "block kind"), "stage 2, block 1",
    ),
    Broken("biases-everywhere", structure.biases_everywhere, ("bias",), ""),
    Broken("biased-stem", structure.biased_stem, ("bias",), "stem"),
    Broken(
        "bypassed-block", structure.bypassed_block, (*UNUSED, *COUNT), "stage 2",
        "F", openmm.resnet18_vb,
    ),
    Broken(
        "skipped-block", structure.skipped_block, (*UNUSED, *COUNT), "stage 4",
        "F", vision.resnet18,
    ),
    Broken(
        "repeated-block", structure.repeated_block, (*SHARED, *COUNT), "stage 2",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken("shared-blocks", structure.shared_blocks, SHARED, "stage [1-4]"),
    Broken(
        "tied-convs", structure.tied_convs, SHARED, "stage 2, block 1", "F", vision.resnet18,
    ),
    Broken(
        "one-conv-twice", structure.one_conv_twice, (*SHARED, *UNUSED), "stage 3, block 1",
        "F", cifar.resnet20_b, **CIFAR_INPUT,
    ),
    Broken("plain-list", structure.plain_list, UNREGISTERED, "stage 3", "S"),
    Broken("plain-tensors", structure.plain_tensors, UNREGISTERED, "head", "S", **CIFAR_INPUT),
    Broken(
        "built-in-forward", structure.built_in_forward, (*UNREGISTERED, "random"), "head", "R",
    ),
    Broken("unused-conv", structure.unused_conv, UNUSED, ""),
    Broken("auxiliary-head", structure.auxiliary_head, UNUSED, ""),
    Broken("weight-norm", structure.weight_norm, WEIGHT, "stage 3, block 1"),
    Broken("spectral-norm", structure.spectral_norm, WEIGHT, "stage 2, block 0"),
    Broken("pruned", structure.pruned, WEIGHT, "stage 4, block 0"),
    Broken("standardised-weights", structure.standardised_weights, WEIGHT, "stage 2, block 1"),
    Broken(
        "generated-without-pool", structure.generator_without_stem_pool, ("pool",), "stem",
        "F", sequential.generated_resnet18,
    ),
)  # fmt: skip

_HEADS = (
    Broken("softmax-end", heads.softmax_end, ("softmax",), "head", "F", vision.resnet18),
    Broken("softmax-layer", heads.softmax_layer, ("softmax",), "head", "F", loops.resnet18),
    Broken(
        "log-softmax-end", heads.log_softmax_end, ("log_?softmax",), "head",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "softmax-over-batch", heads.softmax_over_batch, ("softmax",), "head",
        "F", loops.resnet18,
    ),
    Broken("sigmoid-end", heads.sigmoid_end, ("sigmoid",), "head", "F", timm_like.resnet18),
    Broken("argmax-end", heads.argmax_end, ("argmax",), "head", "F", vision.resnet18),
    Broken("max-pool-head", heads.max_pool_head, ("max", "average"), "head", "F", vision.resnet18),
    Broken(
        "sum-pool-head", heads.sum_pool, ("sum", "pool"), "head",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "mean-and-max", heads.mean_and_max, ("max", "add"), "head",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken("no-pool-head", heads.no_pool, ("pool",), "head", **AT_224),
    Broken("pixels-for-images", heads.pixels_for_images, ("pool", "reshape", "transpos"), "head"),
    Broken(
        "mixed-up-flatten", heads.mixed_up_flatten, ("transpos", "reshape", "flatten"),
        "head", "F", openmm.resnet18_vb,
    ),
    Broken(
        "corner-pool", heads.corner_pool, ("pool", "slice", "select"), "head",
        "F", cifar.resnet20_a, **CIFAR_INPUT,
    ),
    Broken("pool-of-two", heads.pool_of_two, ("pool", "2x2", "features"), "head"),
    Broken("unbiased-classifier", heads.unbiased_classifier, ("bias",), "head"),
    Broken(
        "two-layer-classifier", heads.two_layer_classifier, ("linear", "classifier"), "head",
    ),
    Broken(
        "dropout-without-mode", heads.dropout_without_mode, ("dropout",), "head",
        "FR", vision.resnet18,
    ),
    Broken(
        "normalised-features", heads.normalised, ("normali", "norm", "divide", "div"), "head",
        "F", timm_like.resnet18,
    ),
    Broken("temperature", heads.temperature, ("scale", "divide"), "head", "F", vision.resnet18),
    Broken("norm-in-head", heads.norm_in_head, NORM, "head"),
    Broken(
        "preact-without-last-norm", heads.preact_without_last_norm,
        ("norm", "unused", "relu"), "head", "F", preact.resnet18_v2,
    ),
    Broken(
        "preact-without-last-relu", heads.preact_without_last_relu, ACTIVATION, "head",
        "F", preact.resnet18_v2,
    ),
)  # fmt: skip

_OPERATORS = (
    Broken(
        "half-block", operators.half_block, ("cast", "float16"), "stage 3, block (0|1)",
        "F", vision.resnet18,
    ),
    Broken(
        "bfloat16-head", operators.bfloat16_head, ("cast", "bfloat16"), "head",
        "F", timm_like.resnet18,
    ),
    Broken(
        "autocast-stage", operators.autocast_stage, ("cast", "bfloat16"), "stage (2|3)",
        "F", vision.resnet18,
    ),
    Broken("bgr", operators.bgr, ("index", "flip", "permut"), "stem|input", "F", vision.resnet18),
    Broken(
        "mirrored-map", operators.mirrored, ("flip",), "stage 3, block (0|1)",
        "F", loops.resnet18,
    ),
    Broken(
        "normalised-input", operators.normalising, ("subtract", "div", "normali", "scale"),
        "stem|input", "F", vision.resnet18,
    ),
    Broken(
        "divided-input", operators.divided, ("scale", "divide"), "stem|input",
        "F", timm_like.resnet18,
    ),
    Broken(
        "resized-input", operators.resized, ("interp", "resiz", "upsampl"), "stem|input",
        "F", timm_like.resnet18,
    ),
    Broken(
        "transposed-input", operators.transposed, ("transpos",), "stem|input",
        "F", vision.resnet18,
    ),
    Broken(
        "view-for-permute", operators.view_for_permute, ("reshape", "view", "transpos"),
        "stem|input", "F", vision.resnet18,
    ),
    Broken(
        "cropped-map", operators.cropped, ("slice", "crop"), "stem|stage 1",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "clamped-block", operators.clamped, ("clip", "clamp"), "stage 2, block 1|stage 3, block 0",
        "F", timm_like.resnet18,
    ),
    Broken("without-nan", operators.without_nan, ("nan_to_num",), ""),
    Broken(
        "masked-branch", operators.masked, ("mask", "where", "lt"), "stage 4, block 1",
        "F", vision.resnet18,
    ),
    Broken(
        "shuffled-channels", operators.shuffled, ("shuffle", "transpos", "reshape"),
        "stage 3, block 1", "F", timm_like.resnet18,
    ),
    Broken(
        "rolled-map", operators.rolled, ("roll",), "stage (3, block 1|4, block 0)",
        "F", vision.resnet18,
    ),
    Broken(
        "batch-centred", operators.batch_centred, ("mean", "subtract", "scale", "batch"), "head",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "altering-hook", operators.altering_hook, ("scale by 2",), "stage (2, block 1|3, block 0)",
        "E", vision.resnet18,
    ),
)  # fmt: skip

DROPOUT = ("dropout", "random", "determin")
DETACHED = ("detach", "gradient", "no_grad")
FROZEN = ("frozen", "trainable", "gradient")
STATEFUL = ("second call", "repeat", "state", "calls?", "cache", "again", "input")

_TRAINING = (
    Broken(
        "dropout-built-in-forward", training.dropout_built_in_forward, DROPOUT, "head",
        "FR", vision.resnet18,
    ),
    Broken(
        "always-dropped", training.always_dropped, DROPOUT, "stage 3, block 1",
        "FR", openmm.resnet18_vb,
    ),
    Broken(
        "drop-path-in-eval", training.drop_path_in_eval, (*DROPOUT, "bernoulli", "drop.path"),
        "stage 2, block 1", "F", timm_like.resnet18,
    ),
    Broken(
        "noisy-input", training.noisy, ("noise", "random", "gaussian", "normal", "randn"),
        "stem|input", "T", vision.resnet18,
    ),
    Broken(
        "detached-shortcut", training.detached_shortcut, DETACHED, "stage 3, block 1",
        "G", vision.resnet18,
    ),
    Broken(
        "data-of-shortcut", training.data_of_shortcut, DETACHED, "stage 2, block 1",
        "G", vision.resnet18,
    ),
    Broken("no-grad-stem", training.no_grad_stem, DETACHED, "stem", "G", loops.resnet18),
    Broken(
        "no-grad-features", training.no_grad_features, DETACHED, "stem|stage",
        "G", timm_like.resnet18,
    ),
    Broken("inference-stem", training.inference_stem, ("inference", *DETACHED), "", **CIFAR_INPUT),
    Broken("through-numpy", training.through_numpy, DETACHED, "", "G", vision.resnet18),
    Broken(
        "frozen-stages", training.frozen_stages, FROZEN, "stem|stage 1", "G", vision.resnet18,
    ),
    Broken(
        "frozen-conv", training.frozen_conv, FROZEN, "stage 2, block 1",
        "G", timm_like.resnet18,
    ),
    Broken(
        "buffer-classifier", training.buffer_classifier,
        (*FROZEN, *UNREGISTERED, "buffer", "parameter", "constant"), "head",
    ),
    Broken(
        "scaled-gradient", training.scaled_gradient, ("gradient",), "", "G", vision.resnet18,
    ),
    Broken(
        "hooked-parameter", training.hooked_parameter, ("gradient",), "stage 3, block 1",
        "G", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken("cached-features", training.cached_features, STATEFUL, "", "R", **CIFAR_INPUT),
    Broken("counting-block", training.counting_block, (*STATEFUL, *COUNT), "", "R", **CIFAR_INPUT),
    Broken(
        "moving-input-mean", training.moving_input_mean, (*STATEFUL, "subtract", "mean"),
        "", "R",
    ),
    Broken(
        "changes-input", training.changes_input, ("input", "in.place", "subtract", "scale"), "",
        "FR", openmm.resnet18_vb,
    ),
    Broken(
        "eval-skips-block", training.eval_skips_block, ("eval", "mode", *UNUSED, *COUNT), "",
        "E", vision.resnet18,
    ),
    Broken(
        "eval-features", training.eval_features, (r"linear .* is missing \(in evaluation mode",),
        "head", "E", vision.resnet18,
    ),
    Broken("eval-softmax", training.eval_softmax, ("softmax",), "head", "E", timm_like.resnet18),
    Broken(
        "classifier-not-saved", training.classifier_not_saved, ("saved", "load"), "",
        "S", **CIFAR_INPUT,
    ),
    Broken(
        "traced-in-training", training.traced_in_training, STATISTICS, "",
        "E", vision.resnet18,
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
        "mixed-options", forms.mixed_options, PROJECTION, "stage (2|3), block 0", **CIFAR_INPUT,
    ),
    Broken(
        "hard-sigmoid", forms.hard_sigmoid, ("sigmoid", "squeeze", "gate"),
        "stage 3, block 1", "F", timm_like.resnet18_se,
    ),
    Broken(
        "se-without-relu", forms.se_without_relu, (*ACTIVATION, "squeeze"), "",
        "F", timm_like.seresnet18,
    ),
    Broken(
        "se-reduction-4", forms.se_reduction_4, ("reduction", "squeeze", "width", "channels"),
        "stage 2, block 1",
    ),
    Broken("se-missing", forms.se_missing, ("squeeze", r"\bse\b"), "stage 3, block 1"),
    Broken(
        "gate-after-add", forms.gate_after_add, ("squeeze", r"\bse\b", "add"),
        "stage 3, block 1", "F", timm_like.seresnet18,
    ),
    Broken(
        "vd-projection-strides", forms.vd_projection_strides, ("pool", "stride"),
        "stage 3, block 0", "F", openmm.resnet18_vd,
    ),
    Broken(
        "vd-pool-3x3", forms.vd_pool_counts_padding, ("pool", "kernel", "3x3"),
        "stage 3, block 0", "F", openmm.resnet18_vd,
    ),
    Broken(
        "deep-stem-without-relu", forms.deep_stem_without_relu, ACTIVATION, "stem",
        "F", timm_like.resnet18_deep_stem,
    ),
    Broken(
        "deep-stem-strides-last", forms.deep_stem_strides_last, ("stride",), "stem",
        "F", timm_like.resnet18_deep_stem,
    ),
    Broken("deep-stem-width-64", forms.deep_stem_width_64, ("width", "channels"), "stem"),
    Broken(
        "preact-after-activation", forms.after_activation,
        ("shortcut", "norm", "relu", "activat"), "", "F", preact.resnet18_v2,
    ),
    Broken(
        "preact-activated", forms.activated, ACTIVATION, "stage 2, block 1",
        "F", preact.resnet18_v2,
    ),
    Broken(
        "preact-relu-missing", forms.relu_missing, ACTIVATION, "stage 3, block 1",
        "F", preact.resnet18_v2,
    ),
    Broken(
        "undilated-block", forms.undilated_block, ("dilat",), "stage 4, block 1",
        "F", timm_like.resnet18_os16,
    ),
    Broken("d2l-without-relu", forms.d2l_without_relu, ACTIVATION, ""),
    Broken("d2l-last-pool", forms.d2l_last_pool, ("pool",), "head"),
    Broken("groups-in-vd", forms.groups_in_vd, ("group",), "stage 3, block 1"),
)  # fmt: skip

_BRANCHES = (
    Broken("same-half-twice", branches.same_half_twice, ("channels",), "stage 3, block 1"),
    Broken("halves-changed", branches.halves_changed, ("channels",), "stage 3, block 1"),
    Broken("shared-halves", branches.shared_halves, ("share",), "stage 3, block 1"),
    Broken(
        "one-path-without-relu", branches.one_path_without_relu, ACTIVATION, "stage 2, block 1",
    ),
    Broken("one-path-frozen", branches.one_path_frozen, ("frozen",), "stage 2, block 1"),
    Broken("eps-of-one-path", branches.eps_of_one_path, ("eps",), "stage 2, block 1"),
)  # fmt: skip

_PRODUCTS = (
    Broken(
        "weights-in-another-order", products.weights_in_another_order,
        ("windows", "weight", "transpos", "conv"), "stage 2, block 1", "F", functional.resnet20,
        **CIFAR_INPUT,
    ),
    Broken(
        "rows-for-columns", products.rows_for_columns, ("transpos",), "stage 2, block 1",
        **CIFAR_INPUT,
    ),
    Broken(
        "mask-above-a-half", products.mask_above_a_half, ACTIVATION, "stage 3, block 1",
        "F", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "copied-shortcut", products.copied_shortcut, DETACHED, "stage 2, block 1",
        "G", functional.resnet20, **CIFAR_INPUT,
    ),
    Broken(
        "largest-of-small-columns", products.largest_of_small_columns, ("pool.*2x2",), "stem",
        "F", functional.resnet18,
    ),
    Broken("large-batches-scaled", products.large_batches_scaled, ("batch",), **CIFAR_INPUT),
)  # fmt: skip

_BY_HAND = (
    Broken("hand-large-eps", by_hand.large_eps, ("eps",), **CIFAR_INPUT),
    Broken("hand-forgetful", by_hand.forgetful_norm, ("momentum",), **CIFAR_INPUT),
    Broken("hand-unbiased", by_hand.unbiased_norm, ("unbiased",), **CIFAR_INPUT),
    Broken("hand-mixed-columns", by_hand.mixed_columns, ("variance",), **CIFAR_INPUT),
    Broken("hand-constant-moments", by_hand.constant_moments, ("gradient",), **CIFAR_INPUT),
    Broken(
        "hand-of-the-batch", by_hand.always_of_the_batch, ("evaluation.*batch statistics",),
        **CIFAR_INPUT,
    ),
)  # fmt: skip

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
    *_BRANCHES,
    *_PRODUCTS,
    *_BY_HAND,
)
