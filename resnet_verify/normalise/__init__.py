"""Rewrite a captured graph into the vocabulary of `resnet_ref.layers`.

Every rule replaces a way of writing by the one way that the tables use, and does so only
where the two compute the same function; each says why they do. What no rule knows stays as
it is, and is a difference later.
"""

from __future__ import annotations

from dataclasses import replace

from resnet_verify.graph import Constant, Detach, Graph, Input, Node, Parameter
from resnet_verify.normalise.branches import with_branches_joined
from resnet_verify.normalise.draft import Draft, Rule
from resnet_verify.normalise.functions import function_rule
from resnet_verify.normalise.gathering import padding_rule
from resnet_verify.normalise.layers import (
    affine_rule,
    bias_rule,
    conv_rule,
    matmul_rule,
    norm_rule,
    pad_rule,
    pointwise_rule,
    relu_rule,
    softmax_rule,
)
from resnet_verify.normalise.layout import (
    channels_last_values,
    flat_rule,
    identity_rule,
    scale_rule,
    transpose_rule,
    wrong_axis_rule,
)
from resnet_verify.normalise.norms import with_norms_found
from resnet_verify.normalise.pooling import mean_rule, pool_rule
from resnet_verify.normalise.products import with_products_found
from resnet_verify.normalise.reordering import in_documented_order
from resnet_verify.normalise.shortcuts import (
    concat_zeros_rule,
    einsum_rule,
    gate_rule,
    pad_shortcut_rule,
    subsample_rule,
)


def normalise(graph: Graph) -> Graph:
    """Apply every rule to every node, in execution order, and drop what they made superfluous."""
    graph = with_branches_joined(with_products_found(with_norms_found(graph)))
    used = graph.reachable(graph.outputs)
    draft = Draft(graph, channels_last=channels_last_values(graph))
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
    return in_documented_order(replace(rewritten, nodes=kept, shapes=shapes))


def _computes(node: Node) -> bool:
    return not isinstance(node.op, Constant | Parameter | Input)


def _rewrite(node: Node, draft: Draft) -> None:
    for rule in RULES:
        result = rule(node, draft)
        if isinstance(result, int) and node.detached:  # it passes on all but the gradient
            node = replace(node, op=Detach(), inputs=(result,))
            break
        if isinstance(result, int):
            draft.alias[node.output] = result
            return
        if result is not None:
            node = result
    draft.nodes[node.output] = node


RULES: tuple[Rule, ...] = (
    wrong_axis_rule,
    transpose_rule,
    scale_rule,
    identity_rule,
    padding_rule,
    pad_rule,
    flat_rule,
    conv_rule,
    norm_rule,
    affine_rule,
    matmul_rule,
    bias_rule,
    function_rule,
    relu_rule,
    pool_rule,
    mean_rule,
    pointwise_rule,
    subsample_rule,
    concat_zeros_rule,
    pad_shortcut_rule,
    einsum_rule,
    gate_rule,
    softmax_rule,
)
