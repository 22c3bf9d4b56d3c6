"""An ONNX model made ready to be judged: what only weights go into is computed, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    inliner,
    numpy_helper,
)

from resnet_verify.adapters.onnx_norms import join_norms

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

OTHERS = (TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
"""The types of weights that are turned into float32.

Half precision is too coarse to tell a mistake from rounding, and onnxruntime has no convolution
in double precision.
"""
RANDOM = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial",
          "Bernoulli"}  # fmt: skip
LAYERS = {"Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization",
          "LayerNormalization", "GroupNormalization", "Gemm", "MatMul", "PRelu"}  # fmt: skip
ARITHMETIC = {"Add", "Sub", "Mul", "Div"}


class UnsuitableModel(ValueError):
    """A valid model that cannot be judged; the message says why."""


@dataclass(frozen=True)
class Prepared:
    """Operators without initializers, these as arrays by name, and how many norms were joined."""

    operators: ModelProto
    tensors: dict[str, Array]
    joined_norms: int


def prepared(model: ModelProto) -> Prepared:
    """A copy of `model`, made ready.

    Local functions are inlined. What is computed from initializers alone (a transposed or a
    dequantised weight) is an initializer then. Weights are in float32, and the sizes of the
    input open. Tensors that an exporter stored once because they are filled with the same
    number (the scales of fresh norms) are one for each layer. Norms that are written out as
    arithmetic are norms.

    Raises:
        UnsuitableModel: it has sparse weights.
    """
    copy = ModelProto()
    copy.CopyFrom(inliner.inline_local_functions(model) if model.functions else model)
    if copy.graph.sparse_initializer:
        raise UnsuitableModel("its weights are stored as sparse tensors, which are not supported")
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in copy.graph.initializer}
    del copy.graph.initializer[:]
    # From version 4 on, initializers need not be inputs as well, which any caller may change.
    copy.ir_version = max(copy.ir_version, 4)
    images = [value for value in copy.graph.input if value.name not in tensors]
    del copy.graph.input[:]
    copy.graph.input.extend(images)
    tensors = _folded(copy, tensors)
    _in_single_precision(copy, tensors)
    _with_open_sizes(copy.graph)
    norms = join_norms(copy.graph, tensors)
    _apart(copy.graph, tensors)
    return Prepared(copy, tensors, norms)


def _folded(model: ModelProto, tensors: dict[str, Array]) -> dict[str, Array]:
    """Take out the operators that read nothing but tensors; what they make is tensors, too."""
    known, constant, others = set(tensors), [], []
    for node in model.graph.node:
        if is_constant(node, known):
            constant.append(node)
            known.update(node.output)
        else:
            others.append(node)
    read = {name for node in others for name in names_read(node)}
    read.update(value.name for value in model.graph.output)
    made = [name for node in constant for name in node.output if name in read]
    computed = _evaluate(model, constant, tensors, made) if made else {}
    del model.graph.node[:]
    model.graph.node.extend(others)
    inner = {name for node in constant for name in node.input}
    # What nobody reads is clutter in the file, and stays; what only these operators read, goes.
    kept = {name: array for name, array in tensors.items() if name in read or name not in inner}
    return {**kept, **computed}


def is_constant(node: NodeProto, known: set[str]) -> bool:
    """Whether an operator always makes the same of the values in `known`, and reads no other."""
    if node.op_type in RANDOM or any(_graphs(node)):
        return False
    if not any(node.input):
        return bool(node.op_type == "Constant")
    return known.issuperset(filter(None, node.input))


def names_read(node: NodeProto) -> Iterator[str]:
    """The values that a node reads, those that its branches and loop bodies read included."""
    yield from filter(None, node.input)
    for graph in _graphs(node):
        for inner in graph.node:
            yield from names_read(inner)


def _graphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _evaluate(
    model: ModelProto, nodes: Iterable[NodeProto], tensors: Mapping[str, Array], names: list[str]
) -> dict[str, Array]:
    from resnet_verify.adapters.onnx_runtime import Session

    nodes = list(nodes)
    read = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "constants",
        [],
        [ValueInfoProto(name=name) for name in names],
        [numpy_helper.from_array(array, name) for name, array in tensors.items() if name in read],
    )
    alone = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, graph=graph)
    return dict(zip(names, Session(alone, {}, "cpu", optimised=False).run({}), strict=True))


def _in_single_precision(model: ModelProto, tensors: dict[str, Array]) -> None:
    """Turn the types of weights other than float32 into that, wherever the model names them.

    A cast to a type that no weight has is left: it is not for the weights' sake.
    """
    types = {name: helper.np_dtype_to_tensor_dtype(array.dtype) for name, array in tensors.items()}
    turned = {types[name] for name, array in tensors.items() if array.ndim > 1} & set(OTHERS)
    for name, array in tensors.items():
        if types[name] in turned:
            tensors[name] = array.astype(np.float32)
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type in turned:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in turned:
                attribute.i = TensorProto.FLOAT
            if attribute.t.data_type in turned:
                filled = numpy_helper.to_array(attribute.t).astype(np.float32)
                attribute.t.CopyFrom(numpy_helper.from_array(filled))


def _with_open_sizes(graph: GraphProto) -> None:
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        for axis in value.type.tensor_type.shape.dim:
            axis.Clear()


def _apart(graph: GraphProto, tensors: dict[str, Array]) -> None:
    """Give each reader of a tensor filled with one number a tensor of its own."""
    shared = {name for name, count in _readings(graph).items() if count > 1 and name in tensors}
    seen: Counter[str] = Counter()
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in shared and node.op_type in LAYERS and is_filled(tensors[name]):
                if seen[name]:
                    node.input[position] = f"{name} ({seen[name] + 1})"
                    tensors[node.input[position]] = tensors[name]
                seen[name] += 1


def _readings(graph: GraphProto) -> Counter[str]:
    return Counter(name for node in graph.node for name in names_read(node))


def is_filled(array: Array) -> bool:
    """Whether all elements are the same number."""
    return bool(array.size) and bool((array == array.reshape(-1)[0]).all())


def weight_names(graph: GraphProto, tensors: Mapping[str, Array]) -> set[str]:
    """The tensors that are weights, and not numbers that an operator is told.

    Layers read weights; anything else may read plain numbers as well, which are single, or
    all the same (the zeros that option A puts beside its channels).
    """
    readers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in names_read(node):
            readers.setdefault(name, set()).add(node.op_type)
    found: set[str] = set()
    for name, array in tensors.items():
        kinds = readers.get(name, set())
        several = array.size > 1 and (kinds & ARITHMETIC or not kinds or not is_filled(array))
        if np.issubdtype(array.dtype, np.floating) and (kinds & LAYERS or several):
            found.add(name)
    return found


def declared_shape(image: ValueInfoProto) -> tuple[int | None, ...] | None:
    """The sizes that a file declares for an input; None for those that it leaves open."""
    kind: TypeProto.Tensor = image.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(axis.dim_value or None for axis in kind.shape.dim)
