"""Read the operators of an ONNX network for input of one shape, all sizes and constants known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import ModelProto, NodeProto, TypeProto, defs, helper, shape_inference

from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.onnx_preparing import is_constant
from resnet_verify.adapters.outputs import cause
from resnet_verify.graph import Shape

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.adapters.onnx_network import OnnxNetwork

SHAPE_READERS = ("Shape", "Size")


@dataclass(frozen=True)
class Values:
    """What is known of an ONNX network's values for input of one shape, by name.

    `constants` are those that do not depend on what the image shows, weights left out.
    """

    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, str]
    constants: Mapping[str, Array]


@dataclass(frozen=True)
class Call:
    """One operator as written: `name` is its type, in front of it the domain if not ONNX's own.

    An input that is left out is an empty string.
    """

    name: str
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: str
    opset: int
    values: Values

    def shape(self, name: str) -> Shape:
        """The shape of a value."""
        return self.values.shapes[name]

    @property
    def made(self) -> Shape:
        """The shape of the first output."""
        return self.shape(self.outputs[0])

    def constant(self, position: int) -> Array | None:
        """The array at an input, where that is one that does not depend on the image."""
        name = self.inputs[position] if position < len(self.inputs) else ""
        return self.values.constants.get(name)

    def settings(self) -> Iterator[tuple[str, Array]]:
        """The constant inputs, by the names that ONNX gives them."""
        names = defs.get_schema(self.name, self.opset).inputs if defs.has(self.name) else []
        for position, name in enumerate(self.inputs):
            array = self.values.constants.get(name)
            if array is not None:
                formal = names[position].name if position < len(names) else f"input {position}"
                yield formal, array

    def number(self, position: int) -> float | None:
        """The single number at an input."""
        array = self.constant(position)
        return None if array is None or array.size != 1 else float(array.reshape(-1)[0])

    def setting(self, name: str, position: int, default: Any = None) -> Any:
        """What old opsets give as the attribute `name` and new ones as an input.

        Lists of numbers where it is an array, one number where it is a scalar.
        """
        if name in self.attributes:
            return self.attributes[name]
        array = self.constant(position)
        return default if array is None else array.tolist()

    def is_left_open(self, name: str, position: int) -> bool:
        """Whether such a setting is computed from the image, and so unknown."""
        given = position < len(self.inputs) and bool(self.inputs[position])
        return name not in self.attributes and given and self.constant(position) is None


def values_of(network: OnnxNetwork, shape: Shape) -> Values:
    """Shapes, types and constants for input of `shape`.

    What onnx's shape inference does not tell (constants, operators that it does not know),
    onnxruntime shows.

    Raises:
        CaptureError: onnxruntime does not run the network on such input.
    """
    inferred = dict(_inferred(network, shape))
    constants = _constants(network)
    made = [name for node in network.operators.graph.node for name in node.output if name]
    asked = [name for name in made if name in constants or name not in inferred]
    outputs = [value.name for value in network.operators.graph.output]
    names = list(dict.fromkeys([*asked, *outputs]))
    zeros = np.zeros(shape, network.dtype)
    try:
        shown = dict(zip(names, network.look_inside(zeros, names), strict=True))
    except Exception as error:  # onnxruntime's own is not imported before it is needed
        raise CaptureError(cause(error)) from error
    arrays = {name: value for name, value in shown.items() if isinstance(value, np.ndarray)}
    held = {**network.weights, **network.constants, **arrays}
    kinds = {
        **dict.fromkeys(made, ((), "")),  # a sequence, or an optional value
        **inferred,
        **{name: (array.shape, str(array.dtype)) for name, array in held.items()},
    }
    return Values(
        {name: sizes for name, (sizes, _) in kinds.items()},
        {name: dtype for name, (_, dtype) in kinds.items()},
        {**network.constants, **{n: array for n, array in arrays.items() if n in constants}},
    )


def _inferred(network: OnnxNetwork, shape: Shape) -> Iterator[tuple[str, tuple[Shape, str]]]:
    """(name, (shape, type)) of each value that onnx's shape inference knows in full."""
    model = ModelProto()
    model.CopyFrom(network.operators)
    kind = model.graph.input[0].type.tensor_type
    model.graph.input[0].type.CopyFrom(helper.make_tensor_type_proto(kind.elem_type, shape))
    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor: TypeProto.Tensor = value.type.tensor_type
        sizes = tuple(axis.dim_value for axis in tensor.shape.dim)
        if tensor.HasField("shape") and all(
            axis.HasField("dim_value") for axis in tensor.shape.dim
        ):
            yield value.name, (sizes, _type_name(tensor.elem_type))


def _type_name(kind: int) -> str:
    return str(np.dtype(helper.tensor_dtype_to_np_dtype(kind)))


def _constants(network: OnnxNetwork) -> set[str]:
    """The values that depend on constants and on shapes alone; weights are not among them."""
    known = set(network.constants)
    for node in network.operators.graph.node:
        like = node.op_type == "CastLike" and node.input[0] in known
        if node.op_type in SHAPE_READERS or like or is_constant(node, known):
            known.update(filter(None, node.output))
    return known


def calls(network: OnnxNetwork, values: Values) -> Iterator[Call]:
    """Every operator that computes something from the image, in order."""
    opsets = {each.domain or "ai.onnx": each.version for each in network.operators.opset_import}
    for node in network.operators.graph.node:
        if all(name in values.constants for name in node.output if name):
            continue
        domain = node.domain or "ai.onnx"
        name = node.op_type if domain == "ai.onnx" else f"{domain}.{node.op_type}"
        yield Call(
            name,
            dict(_attributes(node)),
            tuple(node.input),
            tuple(node.output),
            node.name or node.output[0],
            opsets.get(domain, 1),
            values,
        )


def _attributes(node: NodeProto) -> Iterator[tuple[str, Any]]:
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        yield attribute.name, value.decode() if isinstance(value, bytes) else value
