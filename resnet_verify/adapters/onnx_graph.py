"""The graph of an ONNX network for input of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.onnx_meaning import Source
from resnet_verify.adapters.onnx_operators import OPERATORS, meaning
from resnet_verify.adapters.onnx_preparing import is_filled
from resnet_verify.adapters.onnx_reading import Call, Values, calls, values_of
from resnet_verify.graph import Constant, Graph, Input, Node, Param, Parameter, Shape, cuts

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
    drawing.add(Input(), (), drawing.named(network.input))
    for param in registered:
        drawing.add(Parameter(param), (), drawing.named(param.name))
    for call in calls(network, drawing.values):
        drawing.call(call)
    made = [value.name for value in network.operators.graph.output]
    graph = Graph(
        tuple(drawing.nodes),
        tuple(drawing.named(name) for name in made if drawing.values.dtypes[name]),
        drawing.shapes,
        drawing.dtypes,
        training=False,
        registered=tuple(registered),
        remarks=_remarks(network),
    )
    return graph, {value: name for name, value in drawing.numbers.items()}


@dataclass
class _Drawing:
    """A graph while it is drawn: its nodes so far, and what is known of its values by number."""

    values: Values
    nodes: list[Node] = field(default_factory=list)
    shapes: dict[int, Shape] = field(default_factory=dict)
    dtypes: dict[int, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def named(self, name: str) -> int:
        """The number of a value; one that does not depend on the image gets its node here."""
        if name not in self.numbers:
            self.numbers[name] = self._fresh(self.values.shapes[name], self.values.dtypes[name])
            if name in self.values.constants:
                filling = _filling(self.values.constants[name])
                self.add(Constant(filling), (), self.numbers[name])
        return self.numbers[name]

    def _fresh(self, shape: Shape, dtype: str) -> int:
        number = len(self.shapes)
        self.shapes[number], self.dtypes[number] = shape, dtype
        return number

    def add(self, op: object, inputs: Sequence[Source], output: int, origin: str = "") -> None:
        """Append a node."""
        numbers = tuple(self._source(value, origin) for value in inputs)
        self.nodes.append(Node(op, numbers, output, origin))

    def _source(self, value: Source, origin: str) -> int:
        if isinstance(value, str):
            return self.named(value)
        made = self._fresh(value.shape, "float32")
        self.add(value.op, value.inputs, made, origin)
        return made

    def call(self, call: Call) -> None:
        """Append what a call means; every output of an operator that is not known may matter."""
        if call.name == "Split":
            self._cut(call)
            return
        op, inputs = meaning(call)
        outputs = call.outputs[:1] if call.name in OPERATORS else call.outputs
        for output in filter(None, outputs):
            self.add(op, inputs, self.named(output), call.origin)

    def _cut(self, call: Call) -> None:
        """Append a slice for each part of a tensor that is split."""
        axis = call.attributes.get("axis", 0) % len(call.made)
        sizes = [call.shape(output)[axis] for output in call.outputs]
        for cut, output in zip(cuts(axis, sizes), call.outputs, strict=True):
            self.add(cut, call.inputs[:1], self.named(output), call.origin)


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
