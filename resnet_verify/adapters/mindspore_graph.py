"""The graph of a recorded forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from resnet_ref.layers import Add
from resnet_verify.adapters.mindspore_layers import other
from resnet_verify.adapters.mindspore_operators import OPERANDS, OPERATORS, SPLITS, split_axis
from resnet_verify.adapters.mindspore_recording import Call, Recorder, Recording, Value
from resnet_verify.graph import (
    Cast,
    Constant,
    Graph,
    Input,
    Matmul,
    Node,
    Other,
    Param,
    Parameter,
    cuts,
)

FLOATS = ("float16", "bfloat16", "float32", "float64")
BETWEEN = 10**6
"""Numbers from here on are of values that stand within one of MindSpore's operators."""


def to_graph(recording: Recording, held: Mapping[int, Param], registered: Sequence[Param],
             training: bool) -> Graph:  # fmt: skip
    """The graph of a recorded forward pass; values keep the recording's numbers.

    `held` names the parameters, and other tensors, that the recording found.
    """
    recorder = recording.recorder
    sources = [Node(Input(), (), recording.image)]
    sources += [Node(Parameter(param), (), value) for value, param in held.items()]
    sources += [Node(Constant(number), (), v) for v, number in recorder.constants.items()]
    outputs = tuple(value for value in recording.outputs if value is not None)
    used = {value for call in recorder.calls for value in call.inputs} | set(outputs)
    nodes = [node for call in recorder.calls for node in _nodes(call, recorder, used)]
    denses = [node for node in nodes if node.output >= BETWEEN]
    return Graph(
        nodes=(*sources, *nodes),
        outputs=outputs,
        shapes=recorder.shapes | {n.output: recorder.shapes[n.output - BETWEEN] for n in denses},
        dtypes=recorder.dtypes | {n.output: recorder.dtypes[n.output - BETWEEN] for n in denses},
        training=training,
        registered=tuple(registered),
    )


def _nodes(call: Call, recorder: Recorder, used: set[int]) -> Iterator[Node]:
    """One node for the data that an operator makes, more where it does several things at once."""
    if call.name in SPLITS:
        yield from _parts(call, recorder)
    elif call.name == "Dense":
        yield from _dense(call)
    else:
        yield _node(call, recorder)
        for by_product in call.results[1:]:  # masks, indices, saved statistics
            if by_product in used:
                yield Node(Other(f"{other(call).name} (by-product)"), call.inputs, by_product)


def _node(call: Call, recorder: Recorder) -> Node:
    inputs, output = call.inputs, call.results[0]
    shapes = [recorder.shapes[value] for value in (*inputs, output)]
    op = OPERATORS[call.name](call, shapes) if call.name in OPERATORS else other(call)
    if isinstance(op, Cast):
        op = replace(op, dtype=recorder.dtypes[output])
    if call.name in OPERANDS and not isinstance(op, Other):
        inputs = tuple(inputs[position] for position in OPERANDS[call.name])
    if isinstance(op, Constant):  # of another tensor's shape, say
        inputs = ()
    return Node(
        op, inputs, output, call.origin, call.detached and recorder.dtypes[output] in FLOATS
    )


def _parts(call: Call, recorder: Recorder) -> Iterator[Node]:
    """A slice for each part of a tensor that was split."""
    whole = call.inputs[0]
    axis = split_axis(call) % len(recorder.shapes[whole])
    sizes = [recorder.shapes[part][axis] for part in call.results]
    for cut, part in zip(cuts(axis, sizes), call.results, strict=True):
        yield Node(cut, (whole,), part, call.origin)


def _dense(call: Call) -> Iterator[Node]:
    """X @ w.T + b, which is two operators elsewhere."""
    x, weight, bias = call.arguments
    output = call.results[0]
    product = BETWEEN + output if isinstance(bias, Value) else output
    yield Node(Matmul(transposed=True), (x.number, weight.number), product, call.origin)
    if isinstance(bias, Value):
        yield Node(Add(), (product, bias.number), output, call.origin)
