"""Rules about pooling."""

from __future__ import annotations

from dataclasses import replace

from resnet_ref.layers import NO_PADDING, AvgPool, GlobalAvgPool, MaxPool, ZeroPad
from resnet_verify.graph import Mean, Node, Other, Pad, RawPool, Reshape
from resnet_verify.normalise.draft import Draft, Rewritten
from resnet_verify.normalise.layers import added, image_padding, is_nonnegative, pad_mode


def pool_rule(node: Node, draft: Draft) -> Rewritten:
    """Pooling over the whole map is global, over single pixels is subsampling."""
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
    around = image_padding(pad) if isinstance(pad, Pad | ZeroPad) else None
    counted = raw.count_include_pad
    if around is not None and pad_mode(pad) == "zeros":  # type: ignore[arg-type]
        before = draft.node(source).inputs[0]
        if raw.kind == "max" and is_nonnegative(before, draft):
            # Zeros never win against what is not negative, no more than minus infinity does.
            padding, source = added(padding, around), before
        elif raw.kind == "avg" and padding == NO_PADDING:
            padding, source, counted = around, before, True
    elif around is not None and raw.kind == "max" and getattr(pad, "value", 0.0) < -1e30:
        padding, source = added(padding, around), draft.node(source).inputs[0]
    if raw.kind == "max":
        return replace(
            node, op=MaxPool(raw.kernel, raw.stride, padding, raw.ceil_mode), inputs=(source,)
        )
    counted = counted and padding != NO_PADDING
    pool = AvgPool(raw.kernel, raw.stride, padding, raw.ceil_mode, counted)
    return replace(node, op=pool, inputs=(source,))


def mean_rule(node: Node, draft: Draft) -> Rewritten:
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
