"""Rules about padding, convolutions, norms, linear layers and activations."""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import (
    NO_PADDING,
    Add,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Padding,
    Relu,
    ZeroPad,
)
from resnet_ref.layers import Softmax as ClassSoftmax
from resnet_verify.graph import (
    OUT_FIRST,
    Activation,
    ChannelPad,
    Constant,
    Function,
    Matmul,
    Multiply,
    Node,
    Other,
    Pad,
    RawConv,
    RawNorm,
    Scale,
    Shape,
    Softmax,
)
from resnet_verify.normalise.draft import Draft, Rewritten
from resnet_verify.normalise.layout import significant


def pad_rule(node: Node, draft: Draft) -> Rewritten:
    """Padding of zeros around the image, or of zero channels, by its own name."""
    if not isinstance(node.op, Pad):
        return None
    op, source = node.op, node.inputs[0]
    if not any(any(pair) for pair in op.amounts):
        return source
    if len(op.amounts) == 4 and draft.source_last:
        batch, height, width, channels = op.amounts
        op = replace(op, amounts=(batch, channels, height, width))
    if len(op.amounts) == 5:  # a 5-D detour: an axis put in, padded around, taken out
        batch, channels, depth, height, width = op.amounts
        if op.channels_last:
            batch, depth, height, width, channels = op.amounts
        if depth != (0, 0):
            return _depth_pad(node, op, draft)
        op = replace(op, amounts=(batch, channels, height, width))
    zeros = op.mode == "constant" and op.value == 0
    around = image_padding(op)
    if zeros and around is not None:
        return replace(node, op=ZeroPad(around))
    if zeros and len(op.amounts) == 4 and not any(map(any, (op.amounts[0], *op.amounts[2:]))):
        return replace(node, op=ChannelPad(*op.amounts[1]))
    return replace(node, op=op)


def _depth_pad(node: Node, op: Pad, draft: Draft) -> Rewritten:
    """Channels taken for the depth of a volume: (N, C, H, W) padded as (N, 1, C, H, W)."""
    plain = op.mode == "constant" and op.value == 0
    if plain and not any(map(any, (*op.amounts[:2], *op.amounts[3:]))):
        return replace(node, op=ChannelPad(*op.amounts[2]))
    return None


def image_padding(pad: Pad | ZeroPad) -> Padding | None:
    """(top, bottom, left, right) where nothing but the image is padded."""
    if isinstance(pad, ZeroPad):
        return pad.padding
    if len(pad.amounts) != 4 or pad.amounts[:2] != ((0, 0), (0, 0)):
        return None
    return (*pad.amounts[2], *pad.amounts[3])


def pad_mode(pad: Pad | ZeroPad) -> str:
    """Conv's name of the way of padding, empty where it has none (a constant other than zero)."""
    if isinstance(pad, ZeroPad):
        return "zeros"
    if pad.mode != "constant":
        return pad.mode
    return "zeros" if pad.value == 0 else f"constant {pad.value:g}"


def _may_merge(own: Padding, mode: str) -> bool:
    return mode == "zeros" or own == NO_PADDING


def added(one: Padding, other: Padding) -> Padding:
    """Two paddings, one inside the other, as one."""
    top, bottom, left, right = (a + b for a, b in zip(one, other, strict=True))
    return (top, bottom, left, right)


def conv_rule(node: Node, draft: Draft) -> Rewritten:
    """A padding in front of a convolution is the convolution's own padding."""
    if not isinstance(node.op, RawConv):
        return None
    raw, (source, weight, *bias) = node.op, node.inputs
    bias = [value for value in bias if draft.op(value) != Constant(0.0)]
    # Of a weight that is computed, axes of length one at the end may have been left out.
    out, per_group, height, width = (*draft.shape(weight), 1, 1)[:4]
    padding, mode = raw.padding, "zeros"
    pad = draft.op(source)
    if isinstance(pad, Pad | ZeroPad):
        around = image_padding(pad)
        if around is not None and _may_merge(padding, pad_mode(pad)):
            padding, mode = added(padding, around), pad_mode(pad)
            source = draft.node(source).inputs[0]
    stride, dilation = raw.stride, raw.dilation
    if (height, width) == (1, 1):
        dilation = (1, 1)  # there is nothing to spread
        source, stride = _subsampled(source, stride, padding, draft)
    conv = Conv(
        per_group * raw.groups, out, (height, width), stride, padding, dilation, raw.groups,
        bias=bool(bias), pad_mode=mode,
    )  # fmt: skip
    weight, order = draft.kernel(weight)
    return replace(node, op=conv, inputs=(source, weight, *bias), order=order)


def _subsampled(
    source: int, stride: tuple[int, int], padding: Padding, draft: Draft
) -> tuple[int, tuple[int, int]]:
    """What a 1x1 convolution reads, and its stride: subsampling before it is a stride."""
    pool = draft.node(source)
    if isinstance(pool.op, MaxPool) and pool.op.kernel == (1, 1) and padding == NO_PADDING:
        rows, columns = pool.op.stride
        return pool.inputs[0], (rows * stride[0], columns * stride[1])
    return source, stride


def norm_rule(node: Node, draft: Draft) -> Rewritten:
    """A batch normalisation with the number of its channels."""
    if not isinstance(node.op, RawNorm):
        return None
    raw, channels = node.op, draft.shape(node.inputs[0])[1]
    affine = len(node.inputs) == 5
    norm = BatchNorm(channels, raw.eps, raw.momentum, affine, raw.statistics)  # type: ignore[arg-type]
    return replace(node, op=norm)


def affine_rule(node: Node, draft: Draft) -> Rewritten:
    """A scale and a shift per channel are what a norm with fixed statistics computes."""
    if not isinstance(node.op, Add) or len(node.inputs) != 2:
        return None
    for value, shift in (node.inputs, node.inputs[::-1]):
        product = draft.node(value)
        if not isinstance(product.op, Multiply) or not _is_per_channel(shift, value, draft):
            continue
        for x, scale in (product.inputs, product.inputs[::-1]):
            if _is_per_channel(scale, x, draft):
                op = Other("fixed norm", "a scale and a shift per channel")
                return replace(node, op=op, inputs=(x, scale, shift))
    return None


def _is_per_channel(value: int, image: int, draft: Draft) -> bool:
    """Whether the network holds `value`, one number for each channel of `image`."""
    shape, channels = draft.graph.shapes[value], draft.shape(image)[1:2]
    spread = len(shape) > 2 and shape[-2:] == (1, 1) and significant(shape) == channels
    return spread and value in draft.graph.held


def matmul_rule(node: Node, draft: Draft) -> Rewritten:
    """(N, in) @ (in, out) with a parameter on the right is a linear layer."""
    if not isinstance(node.op, Matmul) or len(node.inputs) != 2:
        return None
    weight = draft.param_source(node.inputs[1])
    # A pooled map (N, C, 1, 1) counts as (N, C): its reshaping was dropped.
    if weight is None or len(significant(draft.shape(node.inputs[0]))) > 2:
        return replace(node, op=Other("matmul"))
    rows, columns = draft.graph.shapes[node.inputs[1]][-2:]
    sizes = (columns, rows) if node.op.transposed else (rows, columns)
    linear = Linear(*sizes, bias=False)
    out_first = node.op.transposed != draft.is_turned(node.inputs[1])
    order = OUT_FIRST if out_first else ()
    return replace(node, op=linear, inputs=(node.inputs[0], weight), order=order)


def bias_rule(node: Node, draft: Draft) -> Rewritten:
    """Adding a parameter per channel to a convolution or a linear layer is its bias."""
    if not isinstance(node.op, Add) or len(node.inputs) != 2:
        return None
    for value, other in (node.inputs, node.inputs[::-1]):
        layer, bias = draft.node(value), draft.param_source(other)
        if bias is None or not isinstance(layer.op, Conv | Linear) or layer.op.bias:
            continue
        channels = layer.op.out_channels if isinstance(layer.op, Conv) else layer.op.out_features
        if (channels,) in (draft.shape(bias), _per_channel(other, node, draft)):
            op = replace(layer.op, bias=True)
            return replace(layer, op=op, inputs=(*layer.inputs, bias), output=node.output)
    return None


def _per_channel(vector: int, node: Node, draft: Draft) -> Shape:
    """The shape of `vector` less its axes of length one, if it lies along a result's channels.

    It is empty otherwise; shapes are aligned at their ends, as NumPy does it.
    """
    rank = len(draft.graph.shapes[node.output])
    behind = 0 if node.output in draft.channels_last else rank - 2
    shape = draft.graph.shapes[vector]
    lies_there = shape[len(shape) - behind :] == (1,) * behind
    return tuple(n for n in shape if n != 1) if lies_there else ()


def pointwise_rule(node: Node, draft: Draft) -> Rewritten:
    """On a 1x1 map a 1x1 convolution is a linear layer."""
    if not is_pointwise(node.op) or draft.shape(node.inputs[0])[2:] != (1, 1):
        return None
    if not _is_vector(node.inputs[0], draft):
        return None
    return as_linear(node)


def is_pointwise(op: object, stride: tuple[int, int] | None = None) -> bool:
    """Whether an operator is a 1x1 convolution of all channels, of that stride if one is given."""
    if not isinstance(op, Conv) or stride not in (None, op.stride):
        return False
    return (op.kernel, op.padding, op.groups) == ((1, 1), NO_PADDING, 1)


def as_linear(node: Node) -> Node:
    """The linear layer that a 1x1 convolution is for single pixels."""
    assert isinstance(node.op, Conv)
    out_first = not node.order or node.order[0] < node.order[1]
    linear = Linear(node.op.in_channels, node.op.out_channels, node.op.bias)
    return replace(node, op=linear, order=OUT_FIRST if out_first else ())


def _is_vector(value: int, draft: Draft) -> bool:
    """Whether a 1x1 map is one at any size of image: pooled, or made of what was pooled."""
    node = draft.node(value)
    while isinstance(node.op, Relu | Activation):
        node = draft.node(node.inputs[0])
    return isinstance(node.op, GlobalAvgPool | Linear)


MAXIMUM = Function("maximum", (None, None))


def is_nonnegative(value: int, draft: Draft) -> bool:
    """Whether no element of `value` can be below zero."""
    match draft.op(value):
        case Relu():
            return True
        case MaxPool(padding=padding, kernel=kernel):
            # A window of padding alone does not occur: padding is less than the kernel.
            return max(padding) < max(kernel) and is_nonnegative(draft.node(value).inputs[0], draft)
        case _:
            return False


def relu_rule(node: Node, draft: Draft) -> Rewritten:
    """ReLU of what is not negative is the identity: on the shortcut of v1, say."""
    if isinstance(node.op, Relu) and is_nonnegative(node.inputs[0], draft):
        return node.inputs[0]
    if node.op == MAXIMUM:
        return _leaky(node, draft)
    return None


def _leaky(node: Node, draft: Draft) -> Rewritten:
    """max(x, 0.1 x) is a leaky ReLU."""
    for value, rest in (node.inputs, node.inputs[::-1]):
        scaled = draft.node(value)
        if isinstance(scaled.op, Scale) and scaled.inputs == (rest,):
            if 0 < scaled.op.factor < 1 and scaled.op.offset == 0:
                return replace(node, op=Activation("leaky_relu"), inputs=(rest,))
    return None


def softmax_rule(node: Node, draft: Draft) -> Rewritten:
    """A softmax over the classes, and its logarithm in one step or two."""
    if isinstance(node.op, Softmax):
        if node.op.axis != 1:
            return replace(node, op=Other("softmax", f"over axis {node.op.axis}"))
        return replace(node, op=ClassSoftmax(node.op.log))
    if node.op == Function("log", (None,)):
        before = draft.node(node.inputs[0])
        if before.op == ClassSoftmax(log=False):
            return replace(node, op=ClassSoftmax(log=True), inputs=before.inputs)
    return None
