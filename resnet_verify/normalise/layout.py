"""Rules about how numbers lie in memory, and about what does nothing."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

from resnet_ref.layers import Add, Flatten
from resnet_ref.layers import Dropout as ActiveDropout
from resnet_verify.graph import (
    Cast,
    Concat,
    Constant,
    Detach,
    Dropout,
    Expand,
    Graph,
    Identity,
    Input,
    Node,
    Other,
    Parameter,
    RawConv,
    RawNorm,
    RawPool,
    Reshape,
    Scale,
    Shape,
    Transpose,
)
from resnet_verify.normalise.draft import Draft, Rewritten

TO_CHANNELS_LAST = (0, 2, 3, 1)


TO_CHANNELS_FIRST = (0, 3, 1, 2)


def channels_last_values(graph: Graph) -> set[int]:
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
        if node.op in (Transpose(TO_CHANNELS_LAST), Transpose(TO_CHANNELS_FIRST)):
            contradictions += source_last == (node.op.order == TO_CHANNELS_LAST)
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


def transpose_rule(node: Node, draft: Draft) -> Rewritten:
    """Channels first or last is where numbers lie in memory, not what is computed."""
    if not isinstance(node.op, Transpose):
        return None
    order, source = node.op.order, node.inputs[0]
    if order == tuple(range(len(order))):
        return source
    if len(order) == 4 and source in draft.graph.held:
        if draft.graph.shapes[source][2:] != (1, 1):
            return None  # the order in which a kernel is stored
    if order == (TO_CHANNELS_FIRST if draft.source_last else TO_CHANNELS_LAST):
        return source
    # Axes of length one may stand anywhere.
    sizes = draft.graph.shapes[node.output]
    moved = [axis for axis, size in zip(order, sizes, strict=True) if size != 1]
    if moved == sorted(moved):
        return replace(node, op=Reshape())
    return replace(node, op=Transpose((1, 0))) if len(moved) == 2 else None


def wrong_axis_rule(node: Node, draft: Draft) -> Rewritten:
    """An operator told that the channels stand elsewhere than they do."""
    if not isinstance(node.op, RawConv | RawPool | RawNorm):
        return None
    if len(draft.shape(node.inputs[0])) != 4 or node.op.channels_last == draft.source_last:
        return None
    kind = {RawConv: "convolution", RawPool: "pooling", RawNorm: "normalisation"}[type(node.op)]
    return replace(node, op=Other(f"{kind} over the wrong axes"))


def identity_rule(node: Node, draft: Draft) -> Rewritten:
    """Copies, dropout that does not drop now, scaling by one, casts to the same type do nothing."""
    op, source = node.op, node.inputs[0] if node.inputs else -1
    match op:
        case Identity():
            return source
        case Dropout(p, active):
            return replace(node, op=ActiveDropout(p)) if active and p > 0 else source
        case Scale(factor, 0.0) if isclose(factor, 1.0):
            return source
        case Add() | Concat() if len(node.inputs) == 1:
            return source
        case Detach() if _has_no_gradient(draft.op(source)):
            return source
        case Cast():
            dtypes = draft.graph.dtypes
            same = dtypes.get(source) == dtypes.get(node.output)
            return source if same or draft.is_param(source) else None
        case Reshape() | Expand() if draft.shape(source) == draft.shape(node.output):
            return source
        case _:
            return None


def _has_no_gradient(op: object) -> bool:
    return isinstance(op, Constant) or (isinstance(op, Parameter) and not op.param.trainable)


def scale_rule(node: Node, draft: Draft) -> Rewritten:
    """Scaling twice is scaling once: a sum over the map, say, divided by its size."""
    before = draft.node(node.inputs[0]) if node.inputs else None
    if before is None or not (isinstance(node.op, Scale) and isinstance(before.op, Scale)):
        return None
    factor, offset = node.op.factor, node.op.offset
    both = Scale(before.op.factor * factor, before.op.offset * factor + offset)
    return replace(node, op=both, inputs=before.inputs)


def flat_rule(node: Node, draft: Draft) -> Rewritten:
    """(N, C, 1, 1) and (N, C) hold the same numbers in the same order."""
    if not isinstance(node.op, Reshape):
        return None
    source = node.inputs[0]
    if isinstance(draft.op(source), Reshape):  # twice is once
        source = draft.node(source).inputs[0]
        node = replace(node, inputs=(source,))
    before, after = significant(draft.shape(source)), significant(draft.shape(node.output))
    if source in draft.graph.held:  # in what shape it is held tells what it is for
        return None
    if before == after:
        return source
    if len(draft.shape(source)) == 4 and len(draft.shape(node.output)) == 2:
        return replace(node, op=Flatten())
    return None


def significant(shape: Shape) -> Shape:
    """Every axis longer than one."""
    return tuple(n for n in shape if n != 1)
