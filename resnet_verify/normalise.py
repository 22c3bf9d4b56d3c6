"""Rewrite a captured graph into the vocabulary of `resnet_ref.layers`.

Every rule replaces a way of writing by the one way that the tables use, and does so only
where the two compute the same function; each says why they do. What no rule knows stays as
it is, and is a difference later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from resnet_ref.layers import (
    NO_PADDING,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Padding,
    PadShortcut,
    Relu,
    SqueezeExcite,
    ZeroPad,
)
from resnet_ref.layers import Softmax as ClassSoftmax
from resnet_verify.graph import (
    Activation,
    Cast,
    ChannelPad,
    Concat,
    Constant,
    Dropout,
    Expand,
    Graph,
    Identity,
    Input,
    Matmul,
    Mean,
    Multiply,
    Node,
    Other,
    Pad,
    Parameter,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Scale,
    Shape,
    Slice,
    Softmax,
    Transpose,
)

TO_CHANNELS_LAST = (0, 2, 3, 1)
TO_CHANNELS_FIRST = (0, 3, 1, 2)


@dataclass
class Draft:
    """The graph while it is rewritten: nodes so far by value, aliases, and layouts."""

    graph: Graph
    nodes: dict[int, Node] = field(default_factory=dict)
    alias: dict[int, int] = field(default_factory=dict)
    channels_last: set[int] = field(default_factory=set)
    source_last: bool = False
    """Whether the channels of the first input of the node at hand stand last in memory."""

    def node(self, value: int) -> Node:
        """The rewritten node that makes `value`."""
        return self.nodes[self.alias.get(value, value)]

    def op(self, value: int) -> object:
        """What makes `value`."""
        return self.node(value).op

    def shape(self, value: int) -> Shape:
        """The shape of `value`, channels first; an axis put in for a 3-D operator is left out."""
        shape = self.graph.shapes[value]
        if len(shape) == 5 and 1 in shape[1:3]:
            detour = 2 if shape[2] == 1 else 1
            shape = shape[:detour] + shape[detour + 1 :]
        if value in self.channels_last and len(shape) == 4:
            return (shape[0], shape[3], shape[1], shape[2])
        return shape

    def is_param(self, value: int) -> bool:
        """Whether `value` is a parameter, or one put into another shape."""
        return self.param_source(value) is not None

    def param_source(self, value: int) -> int | None:
        """The parameter that `value` is a reshaping of."""
        node = self.node(value)
        while isinstance(node.op, Reshape | Identity | Cast):
            node = self.node(node.inputs[0])
        return node.output if self.graph.param(node.output) is not None else None


Rewritten = Node | int | None
"""A new node, a value that is the same as this node's, or None where the rule does not apply."""
Rule = Callable[[Node, Draft], Rewritten]


def normalise(graph: Graph) -> Graph:
    """Apply every rule to every node, in execution order, and drop what they made superfluous."""
    used = graph.reachable(graph.outputs)
    draft = Draft(graph, channels_last=_channels_last_values(graph))
    for original in graph.nodes:
        inputs = tuple(draft.alias.get(value, value) for value in original.inputs)
        draft.source_last = original.inputs[:1] != () and original.inputs[0] in draft.channels_last
        _rewrite(replace(original, inputs=inputs), draft)
    outputs = tuple(draft.alias.get(value, value) for value in graph.outputs)
    rewritten = replace(graph, nodes=tuple(draft.nodes.values()), outputs=outputs)
    still_used = rewritten.reachable(outputs)
    # What the target computed without use stays, to be reported; what a rule left over goes.
    kept = tuple(
        node
        for node in rewritten.nodes
        if node.output in still_used or (node.output not in used and _computes(node))
    )
    shapes = {value: draft.shape(value) for value in graph.shapes}
    return replace(rewritten, nodes=kept, shapes=shapes)


def _computes(node: Node) -> bool:
    return not isinstance(node.op, Constant | Parameter | Input)


def _rewrite(node: Node, draft: Draft) -> None:
    for rule in RULES:
        result = rule(node, draft)
        if isinstance(result, int):
            draft.alias[node.output] = result
            return
        if result is not None:
            node = result
    draft.nodes[node.output] = node


# Layout


def _channels_last_values(graph: Graph) -> set[int]:
    """The values whose channels stand last; the input's own layout is the one that fits."""
    first, last = (_spread(graph, input_last=guess) for guess in (False, True))
    return last[0] if last[1] < first[1] else first[0]


def _spread(graph: Graph, *, input_last: bool) -> tuple[set[int], int]:
    """(values with channels last, operators that contradict) under a guess about the input."""
    last: set[int] = set()
    contradictions = 0
    for node in graph.nodes:
        shape = graph.shapes.get(node.output, ())
        source_last = bool(node.inputs) and node.inputs[0] in last
        declared = getattr(node.op, "channels_last", None)
        if isinstance(node.op, RawConv | RawPool | RawNorm) and len(shape) == 4:
            contradictions += declared != source_last
        match node.op:
            case Input():
                is_last = input_last
            case Transpose(order) if order in (TO_CHANNELS_LAST, TO_CHANNELS_FIRST):
                is_last = order == TO_CHANNELS_LAST
            case Reshape() if len(graph.shapes.get(node.inputs[0], ())) == 2:
                is_last = shape[1:3] == (1, 1)
            case _:
                is_last = any(value in last for value in node.inputs)
        if is_last and len(shape) in (4, 5):
            last.add(node.output)
    return last, contradictions


def _transpose(node: Node, draft: Draft) -> Rewritten:
    """Channels first or last is where numbers lie in memory, not what is computed."""
    if not isinstance(node.op, Transpose):
        return None
    order, source = node.op.order, node.inputs[0]
    if order == tuple(range(len(order))):
        return source
    wanted = TO_CHANNELS_FIRST if draft.source_last else TO_CHANNELS_LAST
    return source if order == wanted else None


def _wrong_axis(node: Node, draft: Draft) -> Rewritten:
    """An operator told that the channels stand elsewhere than they do."""
    if not isinstance(node.op, RawConv | RawPool | RawNorm):
        return None
    if len(draft.shape(node.inputs[0])) != 4 or node.op.channels_last == draft.source_last:
        return None
    kind = {RawConv: "convolution", RawPool: "pooling", RawNorm: "normalisation"}[type(node.op)]
    return replace(node, op=Other(f"{kind} over the wrong axes"))


def _identity(node: Node, draft: Draft) -> Rewritten:
    """Copies, dropout that does not drop, scaling by one and casts to the same type do nothing."""
    op, source = node.op, node.inputs[0] if node.inputs else -1
    match op:
        case Identity():
            return source
        case Dropout(p, active) if p == 0 or not active:
            return source
        case Scale(1.0, 0.0):
            return source
        case Add() | Concat() if len(node.inputs) == 1:
            return source
        case Cast():
            dtypes = draft.graph.dtypes
            same = dtypes.get(source) == dtypes.get(node.output)
            return source if same or draft.is_param(source) else None
        case Reshape() | Expand() if draft.shape(source) == draft.shape(node.output):
            return source
        case _:
            return None


# Convolution, normalisation, linear


def _conv(node: Node, draft: Draft) -> Rewritten:
    """A padding in front of a convolution is the convolution's own padding."""
    if not isinstance(node.op, RawConv):
        return None
    raw, (source, weight) = node.op, node.inputs[:2]
    out, per_group, height, width = draft.shape(weight)
    padding, mode = raw.padding, "zeros"
    pad = draft.op(source)
    if isinstance(pad, Pad | ZeroPad):
        around = _image_padding(pad)
        if around is not None and (pad_mode := _pad_mode(pad)) and _may_merge(padding, pad_mode):
            padding, mode = _sum(padding, around), pad_mode
            source = draft.node(source).inputs[0]
    # A 1x1 kernel has nothing to spread.
    dilation = raw.dilation if (height, width) != (1, 1) else (1, 1)
    conv = Conv(
        per_group * raw.groups, out, (height, width), raw.stride, padding, dilation, raw.groups,
        pad_mode=mode,
    )  # fmt: skip
    return replace(node, op=conv, inputs=(source, weight))


def _pad_mode(pad: Pad | ZeroPad) -> str:
    """Conv's name of the way of padding, empty where it has none (a constant other than zero)."""
    if isinstance(pad, ZeroPad):
        return "zeros"
    if pad.mode != "constant":
        return pad.mode
    return "zeros" if pad.value == 0 else f"constant {pad.value:g}"


def _may_merge(own: Padding, mode: str) -> bool:
    return mode == "zeros" or own == NO_PADDING


def _image_padding(pad: Pad | ZeroPad) -> Padding | None:
    if isinstance(pad, ZeroPad):
        return pad.padding
    if len(pad.amounts) != 4 or pad.amounts[:2] != ((0, 0), (0, 0)):
        return None
    return (*pad.amounts[2], *pad.amounts[3])


def _sum(one: Padding, other: Padding) -> Padding:
    top, bottom, left, right = (a + b for a, b in zip(one, other, strict=True))
    return (top, bottom, left, right)


def _norm(node: Node, draft: Draft) -> Rewritten:
    if not isinstance(node.op, RawNorm):
        return None
    raw, channels = node.op, draft.shape(node.inputs[0])[1]
    affine = len(node.inputs) == 5
    norm = BatchNorm(channels, raw.eps, raw.momentum, affine, raw.statistics)  # type: ignore[arg-type]
    return replace(node, op=norm)


def _matmul(node: Node, draft: Draft) -> Rewritten:
    """(N, in) @ (in, out) with a parameter on the right is a linear layer."""
    if not isinstance(node.op, Matmul) or len(node.inputs) != 2:
        return None
    weight = draft.param_source(node.inputs[1])
    # A pooled map (N, C, 1, 1) counts as (N, C): its reshaping was dropped.
    if weight is None or len(_significant(draft.shape(node.inputs[0]))) > 2:
        return replace(node, op=Other("matmul"))
    rows, columns = draft.shape(node.inputs[1])
    sizes = (columns, rows) if node.op.transposed else (rows, columns)
    linear = Linear(*sizes, bias=False)
    return replace(node, op=linear, inputs=(node.inputs[0], weight), out_first=node.op.transposed)


def _bias(node: Node, draft: Draft) -> Rewritten:
    """Adding a parameter per channel to a convolution or a linear layer is its bias."""
    if not isinstance(node.op, Add) or len(node.inputs) != 2:
        return None
    for value, other in (node.inputs, node.inputs[::-1]):
        layer, bias = draft.node(value), draft.param_source(other)
        if bias is None or not isinstance(layer.op, Conv | Linear) or layer.op.bias:
            continue
        channels = layer.op.out_channels if isinstance(layer.op, Conv) else layer.op.out_features
        if draft.shape(bias) == (channels,):
            op = replace(layer.op, bias=True)
            return replace(layer, op=op, inputs=(*layer.inputs, bias), output=node.output)
    return None


def _pointwise(node: Node, draft: Draft) -> Rewritten:
    """On a 1x1 map a 1x1 convolution is a linear layer."""
    op = node.op
    if not isinstance(op, Conv) or op.kernel != (1, 1) or op.padding != NO_PADDING:
        return None
    if draft.shape(node.inputs[0])[2:] != (1, 1) or op.groups != 1:
        return None
    pooled = draft.op(node.inputs[0])
    if not isinstance(pooled, GlobalAvgPool | Relu | Linear | Activation):
        return None
    return replace(node, op=Linear(op.in_channels, op.out_channels, op.bias), out_first=True)


# Activation


def _is_nonnegative(value: int, draft: Draft) -> bool:
    match draft.op(value):
        case Relu():
            return True
        case MaxPool(padding=padding, kernel=kernel):
            # A window of padding alone does not occur: padding is less than the kernel.
            return max(padding) < max(kernel) and _is_nonnegative(
                draft.node(value).inputs[0], draft
            )
        case _:
            return False


def _relu(node: Node, draft: Draft) -> Rewritten:
    """ReLU of what is not negative is the identity: on the shortcut of v1, say."""
    if isinstance(node.op, Relu) and _is_nonnegative(node.inputs[0], draft):
        return node.inputs[0]
    if isinstance(node.op, Other) and node.op.name == "maximum":
        zeros = [v for v in node.inputs if draft.op(v) == Constant(0.0)]
        if len(zeros) == 1 and len(node.inputs) == 2:
            rest = next(v for v in node.inputs if v not in zeros)
            return replace(node, op=Relu(), inputs=(rest,))
    return None


# Pooling


def _pool(node: Node, draft: Draft) -> Rewritten:
    if not isinstance(node.op, RawPool):
        return None
    raw, source = node.op, node.inputs[0]
    height, width = draft.shape(source)[2:]
    if raw.adaptive not in (None, (height, width)) and raw.adaptive != (1, 1):
        return replace(node, op=Other("adaptive pool", f"to {raw.adaptive}"))
    whole = raw.kernel == (height, width) and raw.padding == NO_PADDING
    if raw.adaptive == (height, width) and raw.adaptive != (1, 1):
        return source
    if raw.kind == "avg" and (raw.adaptive == (1, 1) or whole):
        return replace(node, op=GlobalAvgPool())
    if raw.kind == "max" and raw.adaptive == (1, 1):
        return replace(node, op=Other("global max pool"))
    if raw.kernel == (1, 1) and raw.padding == NO_PADDING:
        return source if raw.stride == (1, 1) else replace(node, op=MaxPool((1, 1), raw.stride))
    return _windowed_pool(node, raw, draft)


def _windowed_pool(node: Node, raw: RawPool, draft: Draft) -> Node:
    source, padding = node.inputs[0], raw.padding
    pad = draft.op(source)
    around = _image_padding(pad) if isinstance(pad, Pad | ZeroPad) else None
    counted = raw.count_include_pad
    if around is not None and _pad_mode(pad) == "zeros":  # type: ignore[arg-type]
        before = draft.node(source).inputs[0]
        if raw.kind == "max" and _is_nonnegative(before, draft):
            # Zeros never win against what is not negative, no more than minus infinity does.
            padding, source = _sum(padding, around), before
        elif raw.kind == "avg" and padding == NO_PADDING:
            padding, source, counted = around, before, True
    elif around is not None and raw.kind == "max" and getattr(pad, "value", 0.0) < -1e30:
        padding, source = _sum(padding, around), draft.node(source).inputs[0]
    if raw.kind == "max":
        return replace(
            node, op=MaxPool(raw.kernel, raw.stride, padding, raw.ceil_mode), inputs=(source,)
        )
    counted = counted and padding != NO_PADDING
    pool = AvgPool(raw.kernel, raw.stride, padding, raw.ceil_mode, counted)
    return replace(node, op=pool, inputs=(source,))


def _mean(node: Node, draft: Draft) -> Rewritten:
    """The mean over height and width, in one step or two, is global average pooling."""
    if not isinstance(node.op, Mean):
        return None
    source, axes = node.inputs[0], set(node.op.axes)
    spatial = {1, 2} if draft.source_last else {2, 3}
    shape = draft.graph.shapes[source]
    if len(shape) == 4 and axes == spatial:
        return replace(node, op=GlobalAvgPool())
    before = draft.node(source)
    if isinstance(before.op, Reshape) and len(shape) == 3 and axes == {2}:
        image = draft.shape(before.inputs[0])
        if len(image) == 4 and shape[:2] == image[:2] and shape[2] == image[2] * image[3]:
            return replace(node, op=GlobalAvgPool(), inputs=before.inputs)
    if isinstance(before.op, Mean) and len(draft.graph.shapes[before.inputs[0]]) == 4:
        if before.op.axes in ((3,), (2,)) and axes in ({2}, {3}):
            return replace(node, op=GlobalAvgPool(), inputs=before.inputs)
    return None


def _flat(node: Node, draft: Draft) -> Rewritten:
    """(N, C, 1, 1) and (N, C) hold the same numbers in the same order."""
    if not isinstance(node.op, Reshape):
        return None
    source = node.inputs[0]
    before, after = _significant(draft.shape(source)), _significant(draft.shape(node.output))
    if draft.is_param(source):
        return None
    if before == after:
        return source
    if len(draft.shape(source)) == 4 and len(draft.shape(node.output)) == 2:
        return replace(node, op=Flatten())
    return None


def _significant(shape: Shape) -> Shape:
    """The batch axis and every axis longer than one."""
    return shape[:1] + tuple(n for n in shape[1:] if n != 1)


# Padding


def _pad(node: Node, draft: Draft) -> Rewritten:
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
    around = _image_padding(op)
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


# Shortcuts without parameters


def _subsample(node: Node, draft: Draft) -> Rewritten:
    """Every s-th pixel from the first on is what a 1x1 pooling of stride s picks."""
    if not isinstance(node.op, Slice):
        return None
    op, shape = node.op, draft.graph.shapes[node.inputs[0]]
    spatial = (1, 2) if draft.source_last else (2, 3)
    full = all(a == 0 and z >= shape[axis] for axis, a, z in zip(op.axes, op.starts, op.stops,
                                                                 strict=True))  # fmt: skip
    if not full:
        return None
    steps = {axis: step for axis, step in zip(op.axes, op.steps, strict=True) if step != 1}
    if not steps:
        return node.inputs[0]
    if set(steps) <= set(spatial) and len(shape) == 4:
        stride = (steps.get(spatial[0], 1), steps.get(spatial[1], 1))
        # Two slices, one per axis, are one subsampling.
        before = draft.node(node.inputs[0])
        if isinstance(before.op, MaxPool) and before.op.kernel == (1, 1):
            first = before.op.stride
            stride = (stride[0] * first[0], stride[1] * first[1])
            return replace(node, op=MaxPool((1, 1), stride), inputs=before.inputs)
        return replace(node, op=MaxPool((1, 1), stride))
    return None


def _concat_zeros(node: Node, draft: Draft) -> Rewritten:
    """Zero channels put beside a value."""
    if not isinstance(node.op, Concat) or len(draft.shape(node.output)) != 4:
        return None
    axis = 3 if node.output in draft.channels_last else 1
    parts = [value for value in node.inputs if len(draft.shape(value)) == 4]
    real = [value for value in parts if not _is_zero(value, draft)]
    if node.op.axis != axis or len(real) != 1:
        return None
    position = parts.index(real[0])
    before = sum(draft.shape(value)[1] for value in parts[:position])
    after = sum(draft.shape(value)[1] for value in parts[position + 1 :])
    return replace(node, op=ChannelPad(before, after), inputs=(real[0],))


def _is_zero(value: int, draft: Draft) -> bool:
    match draft.op(value):
        case Constant(0.0) | Scale(0.0, 0.0):
            return True
        case Multiply():
            return any(_is_zero(v, draft) for v in draft.node(value).inputs)
        case Expand() | Reshape() | Slice() | MaxPool():
            return _is_zero(draft.node(value).inputs[0], draft)
        case _:
            return False


def _pad_shortcut(node: Node, draft: Draft) -> Rewritten:
    """Subsampling and zero channels, in either order, are option A."""
    before = draft.node(node.inputs[0]) if node.inputs else None
    if before is None:
        return None
    match node.op, before.op:
        case ChannelPad(front, back), MaxPool(kernel=(1, 1), stride=(rows, columns)):
            pass
        case MaxPool(kernel=(1, 1), stride=(rows, columns)), ChannelPad(front, back):
            pass
        case _:
            return None
    if rows != columns:
        return None
    return replace(node, op=PadShortcut(rows, front, back), inputs=before.inputs)


# Squeeze and excitation


def _gate(node: Node, draft: Draft) -> Rewritten:
    """X * sigmoid(linear(relu(linear(pool(x))))) is squeeze and excitation."""
    if not isinstance(node.op, Multiply) or len(node.inputs) != 2:
        return None
    for x, gate in (node.inputs, node.inputs[::-1]):
        chain = _gate_chain(gate, draft)
        if chain and chain[-1].inputs[0] == x:
            excite, squeeze = chain[1], chain[3]
            assert isinstance(excite.op, Linear) and isinstance(squeeze.op, Linear)  # noqa: PT018
            if excite.op.bias == squeeze.op.bias:
                op = SqueezeExcite(excite.op.out_features, squeeze.op.out_features, squeeze.op.bias)
                inputs = (x, *squeeze.inputs[1:], *excite.inputs[1:])
                return replace(node, op=op, inputs=inputs, out_first=squeeze.out_first)
    return None


GATE = (Activation, Linear, Relu, Linear, GlobalAvgPool)


def _gate_chain(value: int, draft: Draft) -> list[Node]:
    chain: list[Node] = []
    for kind in GATE:
        node = draft.node(value)
        while isinstance(node.op, Expand):
            node = draft.node(node.inputs[0])
        if not isinstance(node.op, kind):
            return []
        chain.append(node)
        value = node.inputs[0]
    return chain if chain[0].op == Activation("sigmoid") else []


# Head


def _softmax(node: Node, draft: Draft) -> Rewritten:
    if isinstance(node.op, Softmax):
        if node.op.axis != 1:
            return replace(node, op=Other("softmax", f"over axis {node.op.axis}"))
        return replace(node, op=ClassSoftmax(node.op.log))
    if isinstance(node.op, Other) and node.op.name == "log":
        before = draft.node(node.inputs[0])
        if before.op == ClassSoftmax(log=False):
            return replace(node, op=ClassSoftmax(log=True), inputs=before.inputs)
    return None


RULES: tuple[Rule, ...] = (
    _wrong_axis,
    _transpose,
    _identity,
    _pad,
    _flat,
    _conv,
    _norm,
    _matmul,
    _bias,
    _relu,
    _pool,
    _mean,
    _pointwise,
    _subsample,
    _concat_zeros,
    _pad_shortcut,
    _gate,
    _softmax,
)
