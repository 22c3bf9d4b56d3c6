"""Batch norms that an exporter wrote out as arithmetic, put together again.

Keras with its PyTorch backend writes ``(x - mean) * (gamma / sqrt(variance + eps)) + beta``, the
factor computed. Variance and eps are not to be had from that, but what it computes is a norm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import GraphProto, NodeProto, helper

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

EPS = 1e-5
FACTORS, TERMS = ("Mul", "Div"), ("Add", "Sub")
ORDERS = {1: None, 3: ((0, 3, 1, 2), (0, 2, 3, 1))}
"""How an image gets its channels to axis 1 and back again, by the axis at which they are."""


@dataclass(frozen=True)
class Step:
    """``value <op> vector``: a vector holds one number for each channel, at axis `axis`."""

    node: NodeProto
    value: str
    vector: Array
    axis: int | None


def join_norms(graph: GraphProto, tensors: dict[str, Array]) -> int:
    """Put a BatchNormalization in the place of each norm that is written out; count them.

    What is done to the image itself is no norm, but its own preparation.
    """
    readers, images = _readers(graph), {value.name for value in graph.input}
    replaced: dict[str, list[NodeProto]] = {}
    gone: set[str] = set()
    for node in graph.node:
        if node.output and node.output[0] not in gone:
            steps = list(_norm_from(node, tensors, readers))
            if steps and steps[0].value not in images:
                gone.update(step.node.output[0] for step in steps)
                replaced[steps[-1].node.output[0]] = _norm(steps, tensors)
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        output = node.output[0] if node.output else ""
        graph.node.extend(replaced.get(output, [] if output in gone else [node]))
    for name in readers.keys() - _readers(graph).keys():
        tensors.pop(name, None)
    return len(replaced)


def _readers(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """Who reads each value; an output of the graph is read by somebody unknown as well."""
    found: dict[str, list[NodeProto]] = {value.name: [NodeProto()] for value in graph.output}
    for node in graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def _norm_from(
    node: NodeProto, tensors: dict[str, Array], readers: dict[str, list[NodeProto]]
) -> Iterator[Step]:
    """The steps of the norm that begins at `node`: a mean, factors, a shift; none if none does."""
    chain: list[Step] = []
    step = _step(node, tensors)
    while step is not None and _continues(chain, step):
        chain.append(step)
        following = readers.get(step.node.output[0], [])
        step = _step(following[0], tensors) if len(following) == 1 else None
    axes = {step.axis for step in chain} - {None}
    kinds = {step.node.op_type for step in chain}
    if len(axes) == 1 and kinds.intersection(FACTORS) and kinds.intersection(TERMS):
        yield from chain


def _continues(chain: list[Step], step: Step) -> bool:
    kind = step.node.op_type
    if not chain:
        return kind in (*FACTORS, "Sub")
    if chain[-1].node.output[0] != step.value or chain[-1].vector.size != step.vector.size:
        return False
    scaled = any(each.node.op_type in FACTORS for each in chain)
    shifted = scaled and chain[-1].node.op_type in TERMS
    return not shifted and (kind in FACTORS or scaled)


def _step(node: NodeProto, tensors: dict[str, Array]) -> Step | None:
    if node.op_type not in (*FACTORS, *TERMS) or len(node.input) != 2:
        return None
    for value, name in (node.input, node.input[::-1]):
        turned = value != node.input[0] and node.op_type in ("Sub", "Div")
        vector = tensors.get(name)
        if vector is None or value in tensors or turned or vector.size < 2:
            continue
        if np.issubdtype(vector.dtype, np.floating) and vector.size == max(vector.shape):
            position = vector.shape.index(vector.size) - vector.ndim
            axis = {-3: 1, -1: 3 if vector.ndim == 4 else None}.get(position, 0)
            return None if axis == 0 else Step(node, value, vector.reshape(-1), axis)
    return None


def _norm(steps: list[Step], tensors: dict[str, Array]) -> list[NodeProto]:
    """The nodes that do what `steps` do."""
    subtracted = steps[0].node.op_type == "Sub"
    mean = steps[0].vector if subtracted else np.zeros_like(steps[0].vector)
    scale, shift = np.ones_like(mean), np.zeros_like(mean)
    for step in steps[subtracted:]:
        match step.node.op_type:
            case "Mul":
                scale, shift = scale * step.vector, shift * step.vector
            case "Div":
                scale, shift = scale / step.vector, shift / step.vector
            case "Add":
                shift = shift + step.vector
            case "Sub":
                shift = shift - step.vector
    output = steps[-1].node.output[0]
    where = steps[0].node.name or output
    held = {
        f"{where}.scale": scale,
        f"{where}.shift": shift,
        f"{where}.mean": mean,
        f"{where}.variance": np.full_like(mean, 1 - EPS),
    }
    tensors.update(held)
    orders = ORDERS[next(step.axis for step in steps if step.axis is not None)]
    inner, made = (f"{output} (image)", f"{output} (norm)") if orders else (steps[0].value, output)
    norm = helper.make_node("BatchNormalization", [inner, *held], [made], where, epsilon=EPS)
    if orders is None:
        return [norm]
    return [
        helper.make_node("Transpose", [steps[0].value], [inner], perm=orders[0]),
        norm,
        helper.make_node("Transpose", [made], [output], perm=orders[1]),
    ]
