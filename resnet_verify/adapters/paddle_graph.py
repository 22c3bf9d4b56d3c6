"""A traced program of Paddle in the words of `resnet_verify.graph`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from resnet_verify.adapters.paddle_operators import OPERATORS, unknown
from resnet_verify.adapters.paddle_program import Program, RawOp, ValueKey
from resnet_verify.graph import Constant, Graph, Input, Node, Param, Parameter, cuts

FED = "x"
FLOATS = ("float16", "bfloat16", "float32", "float64")

# Operands that carry data; the ones behind them are shapes, sizes and seeds.
OPERANDS: Mapping[str, int] = {
    **dict.fromkeys(("conv2d", "depthwise_conv2d", "add", "multiply", "matmul"), 2),
    **dict.fromkeys(("batch_norm", "sync_batch_norm"), 5),
    **dict.fromkeys(
        ("pool2d", "clip", "scale", "mean", "slice", "strided_slice", "pad3d", "pad", "transpose",
         "reshape", "flatten", "squeeze", "unsqueeze", "expand", "expand_as", "cast", "dropout",
         "full_like", "pow", "sum", "max", "amax"),
        1,
    ),
    "assign_out": 1,
    **dict.fromkeys(("split", "split_with_num"), 1),
    **dict.fromkeys(("full", "full_int_array", "numel"), 0),
}  # fmt: skip


# Where an operator that cuts a tensor into parts is told the axis, if not by an attribute.
SPLITS: Mapping[str, int] = {"split": 2, "split_with_num": 1}


AXIS_OPERAND = "operand1"
"""Where Paddle 3 tells the axis of a concatenation, behind the values themselves."""


def to_graph(
    program: Program, outputs: Sequence[ValueKey], registered: Sequence[Param], training: bool
) -> tuple[Graph, Mapping[int, ValueKey]]:
    """The graph of a traced program, and the program's key of each of its values."""
    numbers: dict[ValueKey, int] = {}

    def number(key: ValueKey) -> int:
        return numbers.setdefault(key, len(numbers))

    by_key = {param.key: param for param in registered}
    nodes: list[Node] = []
    for key, tensor in program.tensors.items():
        param = by_key.get(key) or _unregistered(key, tensor)
        nodes.append(Node(Parameter(param), (), number(key)))
    if FED in program.variables:  # the old dialect has no operator for it
        nodes.append(Node(Input(), (), number(FED)))
    for raw in program.ops:
        if raw.name != "parameter":
            nodes.extend(_nodes(raw, program, number))
    graph = Graph(
        nodes=tuple(_without_idle_by_products(nodes, [number(key) for key in outputs])),
        outputs=tuple(number(key) for key in outputs),
        shapes={number(key): value.shape for key, value in program.variables.items()},
        dtypes={number(key): value.dtype for key, value in program.variables.items()},
        training=training,
        registered=tuple(registered),
    )
    return graph, {value: key for key, value in numbers.items()}


def _without_idle_by_products(nodes: Sequence[Node], outputs: Sequence[int]) -> Iterator[Node]:
    """Leave out what reads nothing but what an operator has put by for its backward pass."""
    used = set(outputs)
    for node in reversed(nodes):
        if node.output in used:
            used.update(node.inputs)
    made: set[int] = set()
    for node in nodes:
        if node.output in used or made.issuperset(node.inputs):
            made.add(node.output)
            yield node


def _unregistered(key: ValueKey, tensor: Any) -> Param:
    return Param(key, "", tuple(tensor.shape), not tensor.stop_gradient, registered=False)


def _nodes(raw: RawOp, program: Program, number: Callable[[ValueKey], int]) -> list[Node]:
    """One node per output that carries data: all of them where the operator is not known."""
    if raw.name in SPLITS:
        return list(_parts(raw, program, number))
    if raw.name in OPERATORS:
        return [_node(raw, program, number, raw.outputs[0])]
    return [_node(raw, program, number, output) for output in raw.outputs]


def _parts(raw: RawOp, program: Program, number: Callable[[ValueKey], int]) -> Iterator[Node]:
    """A slice for each part of a tensor that is split."""
    whole = program.variables[raw.inputs[0]].shape
    given = raw.attributes.get("axis", raw.attributes.get(f"operand{SPLITS[raw.name]}"))
    axis = int(given[0] if isinstance(given, list) else given) % len(whole)
    sizes = [program.variables[output].shape[axis] for output in raw.outputs]
    for cut, output in zip(cuts(axis, sizes), raw.outputs, strict=True):
        yield replace(_node(raw, program, number, output), op=cut)


def _node(
    raw: RawOp, program: Program, number: Callable[[ValueKey], int], output: ValueKey
) -> Node:
    shapes = [program.variables[key].shape for key in (*raw.inputs, output)]
    convert = OPERATORS.get(raw.name, unknown)
    op = convert(raw, shapes)
    inputs = raw.inputs[: OPERANDS.get(raw.name, len(raw.inputs))]
    if raw.name == "concat" and AXIS_OPERAND in raw.attributes:
        inputs = inputs[:-1]
    if isinstance(op, Constant):  # of another tensor's shape, say
        inputs = ()
    made = program.variables[output]
    differentiable = any(not program.variables[key].stop_gradient for key in inputs)
    # Integer results carry no gradient by their nature.
    detached = made.stop_gradient and differentiable and made.dtype in FLOATS
    return Node(op, tuple(map(number, inputs)), number(output), raw.origin, detached)
