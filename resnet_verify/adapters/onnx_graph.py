"""The graph of an ONNX network for input of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.onnx_operators import OPERATORS, is_out_first, meaning
from resnet_verify.adapters.onnx_preparing import is_filled
from resnet_verify.adapters.onnx_reading import Call, Values, calls, values_of
from resnet_verify.graph import Constant, Graph, Input, Node, Param, Parameter, Shape

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.adapters.onnx_network import OnnxNetwork


def to_graph(
    network: OnnxNetwork, shape: Shape, registered: Sequence[Param]
) -> tuple[Graph, dict[int, str]]:
    """The graph for input of `shape`, and the ONNX name of each of its values.

    Raises:
        CaptureError: onnxruntime does not run the network on such input.
    """
    drawing = _Drawing(values_of(network, shape))
    drawing.add(Input(), (), network.input)
    for param in registered:
        drawing.add(Parameter(param), (), param.name)
    for call in calls(network, drawing.values):
        drawing.call(call)
    outputs = tuple(drawing.number(value.name) for value in network.operators.graph.output)
    numbers = drawing.numbers
    graph = Graph(
        tuple(drawing.nodes),
        outputs,
        {value: drawing.values.shapes[name] for name, value in numbers.items()},
        {value: drawing.values.dtypes[name] for name, value in numbers.items()},
        training=False,
        registered=tuple(registered),
        remarks=_remarks(network),
    )
    return graph, {value: name for name, value in numbers.items()}


@dataclass
class _Drawing:
    """A graph while it is drawn: its nodes so far, and the numbers of its values."""

    values: Values
    nodes: list[Node] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The number of a value; one that does not depend on the image gets its node here."""
        if name not in self.numbers and name in self.values.constants:
            self.add(Constant(_filling(self.values.constants[name])), (), name)
        return self.numbers.setdefault(name, len(self.numbers))

    def add(self, op: object, inputs: Sequence[str], output: str, call: Call | None = None) -> None:
        """Append a node."""
        numbers = tuple(map(self.number, inputs))
        origin = call.origin if call else ""
        out_first = call is not None and is_out_first(call)
        made = self.numbers.setdefault(output, len(self.numbers))
        self.nodes.append(Node(op, numbers, made, origin, out_first=out_first))

    def call(self, call: Call) -> None:
        """Append what a call means; every output of an operator that is not known may matter."""
        op, inputs = meaning(call)
        outputs = call.outputs[:1] if call.name in OPERATORS else call.outputs
        for output in filter(None, outputs):
            self.add(op, inputs, output, call)


def _remarks(network: OnnxNetwork) -> tuple[str, ...]:
    if not network.joined_norms:
        return ()
    return (
        f"{network.joined_norms} batch norms are written out as arithmetic, eps and variance "
        "worked into a factor: they are judged and counted as norms, of the usual eps",
    )


def _filling(array: Array) -> float | None:
    """The one number that an array is filled with."""
    if not np.issubdtype(array.dtype, np.number) or not is_filled(array):
        return None
    return float(array.reshape(-1)[0])
