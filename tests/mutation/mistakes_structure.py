"""Mistakes in what stands where: activations, additions, norms, convolutions, blocks, ends."""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import (
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Linear,
    MaxPool,
    PadShortcut,
    Relu,
    Softmax,
)
from tests.mutation import program as edit
from tests.mutation.mistake import (
    Mistake,
    adds,
    convs,
    deleted,
    extra,
    followed_by,
    has,
    last_of,
    layers,
    norms,
    only,
    op_with,
    preceded_by,
    relus,
    replaced,
    table,
)
from tests.mutation.program import Extra

ACTIVATION = "activation|relu"


def _inner(program, position):
    """Not the activation that a pre-activation network shares with its stem or head."""
    return program.path(position) in ("branch", "post")


def _in_spec(**attributes):
    def keep(program, position):
        return all(getattr(program.spec, name) == value for name, value in attributes.items())

    return keep


def _post_activation(program, position):
    return not program.spec.preactivation


def _swapped_with_next(program, position):
    first, second = program.steps[position].op, program.steps[position + 1].op
    return edit.changed(edit.changed(program, position, op=second), position + 1, op=first)


def _norm_then_relu(program, position):
    following = program.steps[position + 1]
    return isinstance(following.op, Relu) and following.inputs == (position,)


ACTIVATIONS = (
    Mistake("relu-missing-in-branch", ACTIVATION, relus("branch"), deleted),
    Mistake("relu-missing-after-add", ACTIVATION, relus("post"), deleted),
    Mistake("relu-missing-in-stem", ACTIVATION, relus("stem"), deleted),
    Mistake("relu-before-add", "activation|relu", last_of("branch", BatchNorm),
            followed_by(Relu())),
    Mistake("relu-on-projection", ACTIVATION, last_of("shortcut", BatchNorm), followed_by(Relu())),
    Mistake("relu-after-conv", ACTIVATION, convs("branch"), followed_by(Relu())),
    Mistake("relu-then-norm", "activation|relu|norm|operand",
            norms("branch", keep=_norm_then_relu), _swapped_with_next),
    *table(
        "activation|operator",
        relus(keep=_inner),
        {
            f"{name}-for-relu": replaced(extra(name))
            for name in (
                "leaky_relu", "relu6", "gelu", "silu", "elu", "tanh", "sigmoid", "softplus",
                "hardswish", "selu", "mish", "abs", "square",
            )
        },
    ),
    Mistake("relu-with-threshold", "activation|operator|scale|shift|layer|add",
            relus(keep=_inner), replaced(extra("threshold", 0.1))),
)  # fmt: skip


def _readdressed(operands):
    """The addition reads other operands: "b" the branch, "s" the shortcut."""

    def plant(program, position):
        branch, shortcut = program.steps[position].inputs
        chosen = tuple({"b": branch, "s": shortcut}[each] for each in operands)
        return edit.changed(program, position, inputs=chosen)

    return plant


def _without_add(path):
    def plant(program, position):
        branch, shortcut = program.steps[position].inputs
        source = branch if path == "branch" else shortcut
        rewired = edit.changed(program, position, inputs=(source,), op=Add())
        return edit.without(rewired, [position])

    return plant


def _without_any_shortcut(program, position):
    """A plain network: every block without its shortcut, and what only that needed gone too."""
    additions = [i for i, step in enumerate(program.steps) if isinstance(step.op, Add)]
    program = edit.without(program, additions)
    while unused := [i for i in range(len(program.steps) - 1) if not program.users(i)]:
        program = edit.without(program, unused)
    return program


def _operand_through(which, *ops):
    """Operators between one operand of the addition and the addition."""

    def plant(program, position):
        source = program.steps[position].inputs[which]
        last = len(ops)
        steps = list(program.steps)
        where = steps[position].where
        at = position
        new = []
        for k, op in enumerate(ops):
            inputs = (source if k == 0 else at + k - 1,)
            new.append(edit.Step(f"{where}, planted {k}", op, inputs))

        def moved(value):
            return value + last if value >= at else value

        shifted = [replace(s, inputs=tuple(map(moved, s.inputs))) for s in steps]
        operands = list(shifted[position].inputs)
        operands[which] = at + last - 1
        shifted[position] = replace(shifted[position], inputs=tuple(operands))
        return replace(program, steps=(*shifted[:at], *new, *shifted[at:]))

    return plant


def _same_shape_before(program, position):
    """Earlier steps that a block could read by mistake instead of what it reads."""
    found = edit.shapes(program)
    wanted = found[program.steps[position].inputs[0]]
    source = program.steps[position].inputs[0]
    mine = program.block(position)
    entering = [
        i
        for i in range(position)
        if found[i] == wanted and i != source and program.block(i) != mine
        if isinstance(program.steps[i].op, Relu | Add)
    ]
    return entering


def _reads_earlier(program, position):
    inputs = list(program.steps[position].inputs)
    inputs[0] = _same_shape_before(program, position)[0]
    return edit.changed(program, position, inputs=tuple(inputs))


def _identity_shortcut(program, position):
    block = program.block(position)
    return not program.members(block, "shortcut") and not program.members(block, "pre")


def _shortcut_from_inside(program, position):
    """The shortcut leaves the block behind its first activation."""
    branch = program.members(program.block(position), "branch")
    relu = next(i for i in branch[1:] if isinstance(program.steps[i].op, Relu))
    inputs = (program.steps[position].inputs[0], relu)
    return edit.changed(program, position, inputs=inputs)


def _inside_fits(program, position):
    if not _identity_shortcut(program, position):
        return False
    branch = program.members(program.block(position), "branch")
    found = edit.shapes(program)
    relu = next((i for i in branch[1:] if isinstance(program.steps[i].op, Relu)), None)
    return relu is not None and found[relu] == found[position]


def _block_entry(program, position):
    """The block's entry, as its branch has it."""
    branch = program.members(program.block(position), "branch")
    return program.steps[branch[0]].inputs[0]


def _second_conv_reads_entry(program, position):
    return edit.changed(program, position, inputs=(_block_entry(program, position),))


def _entry_fits_second(program, position):
    branch = program.members(program.block(position), "branch")
    if position not in branch or position == branch[0] or program.steps[position].op.stride != (
        1, 1,
    ):  # fmt: skip
        return False
    entry, source = _block_entry(program, position), program.steps[position].inputs[0]
    found = edit.shapes(program)
    return found[entry] == found[source] and entry != source


ADDITIONS = (
    Mistake("no-addition", "add|missing|block", adds(), _without_add("branch")),
    Mistake("shortcuts-forgotten-everywhere", "add|missing", only(("stem", 0)),
            _without_any_shortcut, near=False),
    Mistake("branch-dropped", "add|unused|block|bypass", adds(), _without_add("shortcut"),
            near=False),
    Mistake("branch-added-twice", "add", adds(), _readdressed("bb")),
    Mistake("shortcut-added-twice", "add|unused|block", adds(keep=_identity_shortcut),
            _readdressed("ss")),
    Mistake("shortcut-added-again", "add", adds(keep=_identity_shortcut),
            lambda program, position: _twice(program, position)),
    *table(
        "add|operator|scale|subtract|multipl|maximum|minus",
        adds(),
        {
            "branch-minus-shortcut": replaced(extra("subtract")),
            "branch-times-shortcut": replaced(extra("multiply")),
            "larger-of-both": replaced(extra("maximum")),
            "mean-of-both": replaced(extra("mean of both")),
            "branch-scaled": replaced(extra("weighted", 0.2)),
            "some-channels-added": replaced(extra("add some")),
            "sum-scaled": followed_by(extra("scale", 0.7071)),
        },
    ),
    Mistake("shortcut-scaled", "add|scale|operator", adds(),
            _operand_through(1, extra("scale", 0.5))),
    Mistake("shortcut-from-inside", "add|shortcut|operand", adds(keep=_inside_fits),
            _shortcut_from_inside),
    Mistake("shortcut-detached", "gradient|detach", adds(), _operand_through(1, extra("detach"))),
    Mistake("branch-detached", "gradient|detach", adds(), _operand_through(0, extra("detach"))),
    Mistake("shortcut-drops-out", "dropout|operator|layer", adds(),
            _operand_through(1, Dropout(0.2))),
    Mistake("shortcut-pooled", "pool|shortcut|operator|projection|layer",
            adds(keep=_identity_shortcut),
            _operand_through(1, AvgPool((3, 3), (1, 1), (1, 1, 1, 1)))),
    Mistake("shortcut-normalised", "norm", adds(keep=_identity_shortcut),
            lambda p, i: _operand_through(1, BatchNorm(edit.shapes(p)[i][1]))(p, i)),
    Mistake("conv-reads-entry", "reads|operand|unused|add|missing|layer",
            convs("branch", keep=_entry_fits_second), _second_conv_reads_entry),
    Mistake("block-bypassed", "bypass|unused|reads|operand|add|block",
            convs("branch", keep=lambda p, i: i == p.members(p.block(i), "branch")[0] and bool(
                _same_shape_before(p, i)) and _identity_shortcut(p, i)),
            _reads_earlier, near=False),
)  # fmt: skip


def _twice(program, position):
    """The shortcut is added once more behind the addition."""
    where = program.steps[position].where
    shortcut = program.steps[position].inputs[1]

    def moved(value):
        return value + 1 if value > position else value

    steps = []
    for step in program.steps:
        inputs = tuple(position + 1 if v == position else moved(v) for v in step.inputs)
        steps.append(replace(step, inputs=inputs))
    again = edit.Step(f"{where}, planted", Add(), (position, shortcut))
    return replace(program, steps=(*steps[: position + 1], again, *steps[position + 1 :]))


def _norm_like(name):
    def plant(program, position):
        op = Extra(name, channels=program.steps[position].op.channels)
        return edit.changed(program, position, op=op)

    return plant


def _shared(kind):
    """The tensors of the nearest earlier layer of the same kind and size."""

    def donor(program, position):
        op = program.steps[position].op
        alike = [
            i
            for i in range(position)
            if isinstance(program.steps[i].op, kind)
            and program.steps[i].op == op
            and not program.steps[i].owner
        ]
        return alike[-1] if alike else None

    def plant(program, position):
        where = program.steps[donor(program, position)].where
        return edit.changed(program, position, owner=where)

    return layers(kind, keep=lambda p, i: donor(p, i) is not None), plant


def _everywhere(kind, **changes):
    def plant(program, position):
        steps = [
            replace(s, op=replace(s.op, **changes)) if isinstance(s.op, kind) else s
            for s in program.steps
        ]
        return replace(program, steps=tuple(steps))

    return plant


NORMS = (
    Mistake("norm-missing", "norm", norms("branch", "shortcut", "stem"), deleted),
    Mistake("norm-after-add", "norm", adds(keep=_post_activation), lambda p, i: edit.after(
        p, i, BatchNorm(edit.shapes(p)[i][1]))),
    Mistake("norm-twice", "norm", norms("branch", "shortcut"), lambda p, i: edit.after(
        p, i, p.steps[i].op)),
    Mistake("norm-before-pool", "norm", only(("head", 0)), lambda p, i: edit.before(
        p, i, BatchNorm(edit.shapes(p)[p.steps[i].inputs[0]][1]))),
    *table("norm", norms("branch", "shortcut", "stem"), {
        f"{name.replace('_', '-')}-for-batch-norm": _norm_like(name)
        for name in ("group_norm", "layer_norm", "instance_norm")
    }),
    Mistake("eps-1e-3", "eps", norms(), op_with(eps=1e-3)),
    Mistake("eps-1e-8", "eps", norms(), op_with(eps=1e-8)),
    Mistake("eps-everywhere", "eps", only(("stem", 0)), _everywhere(BatchNorm, eps=1e-2),
            near=False),
    Mistake("momentum-inverted", "momentum", norms(), op_with(momentum=0.1)),
    Mistake("momentum-inverted-everywhere", "momentum", only(("stem", 0)),
            _everywhere(BatchNorm, momentum=0.1), near=False),
    Mistake("momentum-zero", "momentum|statistic", norms(), op_with(momentum=0.0)),
    Mistake("statistics-stand-still", "momentum|statistic", norms(), op_with(momentum=1.0)),
    Mistake("no-scale-and-shift", "affine|scale", norms(), op_with(affine=False)),
    Mistake("norm-frozen", "statistics", norms(), op_with(statistics="running")),
    Mistake("norms-frozen-everywhere", "statistics", only(("stem", 0)),
            _everywhere(BatchNorm, statistics="running"), near=False),
    Mistake("norm-shared", "shar", *_shared(BatchNorm)),
)  # fmt: skip


def _through_padding(mode):
    """A convolution whose padding is not of zeros."""

    def plant(program, position):
        op = program.steps[position].op
        bare = edit.with_op(program, position, padding=(0, 0, 0, 0))
        return edit.before(bare, position, extra(mode, op.padding[0]))

    return plant


def _with_kernel(size):
    def plant(program, position):
        pad = size // 2
        return edit.with_op(program, position, kernel=(size, size), padding=(pad,) * 4)

    return plant


def _stride_elsewhere(program, position):
    """The block's stride sits on its other 1x1 or 3x3 convolution."""
    branch = [
        i
        for i in program.members(program.block(position), "branch")
        if isinstance(program.steps[i].op, Conv)
    ]
    other = next(i for i in branch if (i != position and i != branch[-1]) or (len(branch) == 2
                 and i != position))  # fmt: skip
    stride = program.steps[position].op.stride
    moved = edit.with_op(program, position, stride=(1, 1))
    return edit.with_op(moved, other, stride=stride)


def _stride_lost(program, position):
    """A stage that does not stride: neither its branch nor its shortcut."""
    for i in program.members(program.block(position)):
        op = program.steps[i].op
        if isinstance(op, Conv):
            program = edit.with_op(program, i, stride=(1, 1))
        elif isinstance(op, PadShortcut):
            program = edit.with_op(program, i, stride=1)
        elif isinstance(op, AvgPool):
            program = edit.without(program, [i])
            return _stride_lost(program, position) if i < position else program
    return program


def _strided(program, position):
    return program.steps[position].op.stride != (1, 1)


def _narrowed(factor):
    """The width inside of a bottleneck, or of a basic block."""

    def plant(program, position):
        op = program.steps[position].op
        width = int(op.out_channels * factor)
        program = edit.with_op(program, position, out_channels=width)
        for i in program.members(program.block(position), "branch"):
            if i <= position:
                continue
            step = program.steps[i]
            if isinstance(step.op, BatchNorm):
                program = edit.with_op(program, i, channels=width)
            elif isinstance(step.op, Conv):
                return edit.with_op(program, i, in_channels=width)
        return program

    return plant


def _has_later_conv(program, position):
    later = [i for i in program.members(program.block(position), "branch") if i > position]
    ungrouped = [i for i in later if isinstance(program.steps[i].op, Conv)]
    return bool(ungrouped) and program.steps[ungrouped[0]].op.groups == 1


def _repeated_layer(program, position):
    """One more 3x3 convolution, norm and activation in the branch."""
    width = program.steps[position].op.out_channels
    conv = Conv(width, width, (3, 3), padding=(1, 1, 1, 1))
    return edit.after(program, position, BatchNorm(width), Relu(), conv)


def _layer_dropped(program, position):
    """A convolution that keeps the shape, with the norm that follows it."""
    gone = [position]
    following = program.users(position)
    if following and isinstance(program.steps[following[0]].op, BatchNorm):
        gone.append(following[0])
    return edit.without(program, gone)


def _keeps_shape(program, position):
    found = edit.shapes(program)
    return found[program.steps[position].inputs[0]] == found[position] and _inner(program, position)


CONVS = (
    Mistake("stride-moved", "stride", convs("branch", keep=_strided), _stride_elsewhere,
            asked=True),
    Mistake("stride-lost", "stride|dilat|subsampl", convs("branch", keep=_strided), _stride_lost),
    Mistake("stem-stride-lost", "stride|stem", convs("stem", keep=_strided),
            op_with(stride=(1, 1))),
    *table("padding", convs(keep=has(Conv, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))), {
        "padding-uneven": op_with(padding=(0, 2, 0, 2)),
        "padding-reflects": _through_padding("reflect"),
        "padding-replicates": _through_padding("replicate"),
        "padding-circular": _through_padding("circular"),
    }),
    Mistake("strided-padding-like-same", "padding", convs(keep=has(
        Conv, kernel=(3, 3), stride=(2, 2))), op_with(padding=(0, 1, 0, 1))),
    Mistake("stem-padding-2", "padding", convs("stem", keep=has(Conv, kernel=(7, 7))),
            op_with(padding=(2, 2, 2, 2))),
    Mistake("stem-padding-like-same", "padding", convs("stem", keep=has(Conv, kernel=(7, 7))),
            op_with(padding=(2, 3, 2, 3))),
    Mistake("kernel-5", "kernel|deep", convs(keep=has(Conv, kernel=(3, 3), dilation=(1, 1))),
            _with_kernel(5)),
    Mistake("kernel-1", "kernel|deep|stem", convs(keep=has(Conv, kernel=(3, 3), dilation=(1, 1))),
            _with_kernel(1)),
    Mistake("projection-kernel-3", "kernel", convs("shortcut"), _with_kernel(3)),
    Mistake("stem-kernel-5", "kernel", convs("stem", keep=has(Conv, kernel=(7, 7))),
            _with_kernel(5)),
    Mistake("dilation-2", "dilation", convs("branch", keep=has(
        Conv, kernel=(3, 3), dilation=(1, 1))), op_with(dilation=(2, 2), padding=(2, 2, 2, 2))),
    Mistake("groups-2", "groups", convs("branch", keep=has(Conv, groups=1)), op_with(groups=2)),
    Mistake("depthwise", "groups", convs("branch", keep=lambda p, i: p.steps[i].op.in_channels
            == p.steps[i].op.out_channels and p.steps[i].op.groups == 1),
            lambda p, i: edit.with_op(p, i, groups=p.steps[i].op.in_channels)),
    Mistake("bias-on", "bias", convs(keep=has(Conv, bias=False)), op_with(bias=True)),
    Mistake("bias-everywhere", "bias|norm",
            convs("stem", keep=has(Conv, bias=False)), _everywhere(Conv, bias=True),
            near=False, asked=True),
    Mistake("conv-shared", "shar", *_shared(Conv)),
    Mistake("width-halved", "width|channels", convs("branch", keep=_has_later_conv),
            _narrowed(0.5)),
    Mistake("width-doubled", "width|channels|block", convs("branch", keep=_has_later_conv),
            _narrowed(2)),
    Mistake("extra-conv", "layer|conv|block", convs("branch", keep=has(Conv, groups=1)),
            _repeated_layer),
    Mistake("conv-dropped", "layer|conv|block|missing|unused", convs("branch", keep=lambda p, i:
            _keeps_shape(p, i) and p.steps[i].op.groups == 1), _layer_dropped),
)  # fmt: skip


def _block_start(program, position):
    """Whether a block is neither its stage's first nor projects."""
    return _identity_shortcut(program, position) and not program.block(position).endswith("block 0")


def _block_dropped(program, position):
    members = program.members(program.block(position))
    entry = _block_entry(program, position)
    leaving = members[-1]
    steps = [
        replace(s, inputs=tuple(entry if v == leaving else v for v in s.inputs))
        for s in program.steps
    ]
    kept = [s for i, s in enumerate(steps) if i not in members]
    numbers = {-1: -1}
    for i in range(len(steps)):
        if i not in members:
            numbers[i] = len(numbers) - 1
    return replace(
        program, steps=tuple(replace(s, inputs=tuple(numbers[v] for v in s.inputs)) for s in kept)
    )


def _block_repeated(owned):
    """The block once more behind itself, with tensors of its own or with the same."""

    def plant(program, position):
        members = program.members(program.block(position))
        entry, leaving = _block_entry(program, position), members[-1]
        count, at = len(members), leaving + 1

        def again(value):
            return leaving if value == entry else value + count

        copies = [
            edit.Step(
                f"{s.where}, again" if owned else s.where + ", again",
                s.op,
                tuple(again(v) for v in s.inputs),
                "" if owned else s.tensors_of,
            )
            for s in (program.steps[i] for i in members)
        ]
        tail = [
            replace(s, inputs=tuple(v + count if v >= leaving else v for v in s.inputs))
            for s in program.steps[at:]
        ]
        return replace(program, steps=(*program.steps[:at], *copies, *tail))

    return plant


def _same_addition(program, position):
    return _block_start(program, position)


BLOCKS = (
    Mistake("block-missing", "blocks|missing", adds(keep=_same_addition), _block_dropped,
            near=False),
    Mistake("block-too-many", "blocks", adds(keep=_same_addition), _block_repeated(owned=True),
            near=False),
    Mistake("block-run-twice", "blocks|shar", adds(keep=_same_addition),
            _block_repeated(owned=False), near=False),
)  # fmt: skip


def _pools(program):
    return [i for i in layers(MaxPool, "stem")(program)]


POOLS = (
    Mistake("pool-missing", "pool|stem", _pools, deleted),
    *table("pool|padding|kernel|stride", _pools, {
        "average-for-max-pool": replaced(AvgPool((3, 3), (2, 2), (1, 1, 1, 1))),
        "pool-without-padding": op_with(padding=(0, 0, 0, 0)),
        "pool-rounds-up": op_with(padding=(0, 0, 0, 0), ceil_mode=True),
        "pool-kernel-2": op_with(kernel=(2, 2), padding=(0, 0, 0, 0)),
        "pool-stride-1": op_with(stride=(1, 1)),
        "pool-twice": followed_by(MaxPool((3, 3), (1, 1), (1, 1, 1, 1))),
    }),
)  # fmt: skip

_global_pool = layers(GlobalAvgPool)
_classifier = layers(Linear)


def _two_linear(program, position):
    op = program.steps[position].op
    first = Linear(op.in_features, 64)
    return edit.changed(
        edit.before(program, position, first), position + 1, op=Linear(64, op.out_features)
    )


HEADS = (
    *table("head|pool|operator|softmax", _global_pool, {
        "max-for-average-pool": replaced(extra("max pool")),
        "sum-for-average-pool": replaced(extra("sum pool")),
        "first-row-pooled": replaced(extra("row pool")),
        "pool-of-fixed-size": replaced(extra("fixed pool")),
        "features-normalised": followed_by(extra("normalised")),
        "features-rectified-and-scaled": followed_by(extra("scale", 2.0)),
    }),
    *table("head|softmax|activation|operator|bias|scale", _classifier, {
        "softmax-at-the-end": followed_by(Softmax()),
        "log-softmax-at-the-end": followed_by(Softmax(log=True)),
        "sigmoid-at-the-end": followed_by(extra("sigmoid")),
        "relu-at-the-end": followed_by(Relu()),
        "tanh-at-the-end": followed_by(extra("tanh")),
        "temperature": followed_by(extra("scale", 0.1)),
        "no-classifier-bias": op_with(bias=False),
        "two-linear-layers": _two_linear,
        "dropout-in-evaluation": preceded_by(extra("dropout", 0.5)),
    }),
    Mistake("classifier-of-other-width", "forward pass raises", _classifier,
            lambda p, i: edit.with_op(p, i, in_features=2 * p.steps[i].op.in_features),
            near=False, only_in=("torch", "paddle")),
)  # fmt: skip

_anywhere = layers((Conv, Relu, BatchNorm), "branch", "shortcut", "post", "stem")

OPERATORS = (
    *table("operator|layer|flip|transpose|roll|scale|add|clip|cast|activation|concat|head",
           _anywhere, {
        "image-flipped": followed_by(extra("flip", 3)),
        "image-upside-down": followed_by(extra("flip", 2)),
        "channels-reversed": followed_by(extra("flip", 1)),
        "image-rolled": followed_by(extra("roll", 3)),
        "image-transposed": followed_by(extra("transpose")),
        "channels-shuffled": followed_by(extra("shuffle")),
        "scaled": followed_by(extra("scale", 0.9)),
        "shifted": followed_by(extra("shift", 0.1)),
        "clipped": followed_by(extra("clip", 6.0)),
        "half-precision-inside": followed_by(extra("float16")),
        "bfloat16-inside": followed_by(extra("bfloat16")),
        "dropout-inside": followed_by(Dropout(0.1)),
        "dropout-always": followed_by(extra("dropout", 0.1)),
        "nan-hidden": followed_by(extra("nan hidden")),
        "image-standardised": followed_by(extra("image standardised")),
        "features-normalised-inside": followed_by(extra("normalised")),
    }),
    Mistake("input-scaled", "operator|scale|stem|head", convs("stem", keep=lambda p, i: i == 0),
            preceded_by(extra("scale", 1 / 255)), near=False),
    Mistake("input-ignored", "depend", convs("stem", keep=lambda p, i: i == 0),
            preceded_by(extra("zeros")), near=False, only_in=("torch", "paddle")),
    Mistake("input-flipped", "operator|flip", convs("stem", keep=lambda p, i: i == 0),
            preceded_by(extra("flip", 1)), near=False),
)  # fmt: skip

STRUCTURE = (*ACTIVATIONS, *ADDITIONS, *NORMS, *CONVS, *BLOCKS, *POOLS, *HEADS, *OPERATORS)
