"""Rules about shortcuts without parameters, and about squeeze and excitation."""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import GlobalAvgPool, Linear, MaxPool, PadShortcut, Relu, SqueezeExcite
from resnet_verify.graph import (
    Activation,
    ChannelPad,
    Concat,
    Constant,
    Einsum,
    Expand,
    Multiply,
    Node,
    Reshape,
    Scale,
    Slice,
)
from resnet_verify.normalise.draft import Draft, Rewritten


def subsample_rule(node: Node, draft: Draft) -> Rewritten:
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


def concat_zeros_rule(node: Node, draft: Draft) -> Rewritten:
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


def pad_shortcut_rule(node: Node, draft: Draft) -> Rewritten:
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


def einsum_rule(node: Node, draft: Draft) -> Rewritten:
    """One number for each channel of a map, by which it is multiplied, letter by letter."""
    if not isinstance(node.op, Einsum) or len(node.inputs) != 2:
        return None
    terms, _, result = node.op.equation.partition("->")
    one, other = terms.split(",")
    if len(set(result)) == 4 and {one, other} == {result, result[:2]}:
        return replace(node, op=Multiply())
    return None


def gate_rule(node: Node, draft: Draft) -> Rewritten:
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
                return replace(node, op=op, inputs=inputs, order=squeeze.order)
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
