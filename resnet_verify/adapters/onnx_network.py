"""A network of an ONNX file: its operators, apart from its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

from resnet_verify.adapters.onnx_preparing import (
    UnsuitableModel,
    declared_shape,
    names_read,
    prepared,
    weight_names,
)
from resnet_verify.adapters.proportion import require_proportion

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.adapters.onnx_runtime import Session

STATISTICS = slice(3, 5)
"""The inputs of a BatchNormalization that hold its running mean and variance."""

T = TypeVar("T")


class OnnxNetwork:
    """The operators of an ONNX model, and its weights as arrays by the names of initializers.

    The model that it is made of is not changed; what is made of it is told by
    `resnet_verify.adapters.onnx_preparing.prepared`.

    Raises:
        UnsuitableModel: the model does not take one batch of floating-point images, or has
            sparse weights.
    """

    def __init__(self, model: ModelProto) -> None:
        images = _images(model.graph)
        if len(images) != 1:
            names = ", ".join(image.name for image in images) or "none"
            raise UnsuitableModel(
                f"a network takes one batch of images; the inputs here are: {names}"
            )
        self.declared_shape = declared_shape(images[0])
        self._declared = [images[0], *model.graph.output]
        ready = prepared(model)
        self.joined_norms = ready.joined_norms
        self.operators, tensors = ready.operators, ready.tensors
        graph = self.operators.graph
        self.input = graph.input[0].name
        self.dtype = dtype_of(self.operators)
        if self.dtype != "float32":
            raise UnsuitableModel(f"images are floating-point numbers; the input is {self.dtype}")
        held = weight_names(graph, tensors)
        self.weights = {name: array for name, array in tensors.items() if name in held}
        self.constants = {name: array for name, array in tensors.items() if name not in held}
        read = {name for node in graph.node for name in names_read(node)}
        # onnxruntime forgets initializers that nobody reads, and will not be given them.
        graph.initializer.extend(_elsewhere(n, a) for n, a in self.weights.items() if n in read)
        graph.initializer.extend(_tensors(self.constants))
        self._device = "cpu"
        self._session: Session | None = None

    def start(self, device: str) -> None:
        """Let onnxruntime take the network, to run on "cpu" or "gpu" from now on."""
        self._device = device
        self._session = self._start(self.operators, optimised=True)

    def statistics(self) -> set[str]:
        """The names of the running means and variances."""
        norms = [n for n in self.operators.graph.node if n.op_type == "BatchNormalization"]
        return {name for norm in norms for name in norm.input[STATISTICS]}

    def write(self, arrays: Mapping[str, Array]) -> None:
        """Put other arrays in the place of weights; each keeps its type and shape."""
        for name, array in arrays.items():
            held = self.weights[name]
            self.weights[name] = np.ascontiguousarray(array, held.dtype).reshape(held.shape)
        self._session = None

    def run(self, batch: Array) -> list[Any]:
        """All outputs for `batch`, computed as onnxruntime does unless it is told otherwise."""
        if self._session is None:
            self._session = self._start(self.operators, optimised=True)
        return self._session.run({self.input: batch})

    def look_inside(self, batch: Array, names: Sequence[str]) -> list[Any]:
        """The values named, each as its operator alone makes it."""
        model = ModelProto()
        model.CopyFrom(self.operators)
        del model.graph.output[:]
        model.graph.output.extend(ValueInfoProto(name=name) for name in names)
        return self._start(model, optimised=False).run({self.input: batch})

    def _start(self, model: ModelProto, *, optimised: bool) -> Session:
        from resnet_verify.adapters.onnx_runtime import Session

        return Session(model, self.weights, self._device, optimised=optimised)

    def model(self) -> ModelProto:
        """The network as a model that stands for itself, with the weights that it has now.

        Its sizes are as they were declared; its weights are in float32.
        """
        whole = ModelProto()
        whole.CopyFrom(self.operators)
        ours = [*whole.graph.input, *whole.graph.output]
        for value, declared in zip(ours, self._declared, strict=True):
            value.type.tensor_type.shape.CopyFrom(declared.type.tensor_type.shape)
        del whole.graph.initializer[:]
        whole.graph.initializer.extend(_tensors({**self.weights, **self.constants}))
        return whole


def load(path: Path) -> ModelProto:
    """The model in the file at `path`; nothing in the file is executed.

    Weights that the file keeps outside of itself are looked for in its own folder only.

    Raises:
        ValueError: it is no valid ONNX model; the message says what is wrong.
    """
    model = _attempt("it is no ONNX file, or truncated", onnx.load, path, load_external_data=False)
    claimed, held = _external_sizes(model, path.parent)
    require_proportion(path, claimed, held + path.stat().st_size)
    folder = str(path.parent)
    _attempt("its weights cannot be read", onnx.load_external_data_for_model, model, folder)
    _attempt("it is no valid ONNX model", onnx.checker.check_model, model)
    return model


def _external_sizes(model: ModelProto, folder: Path) -> tuple[int, int]:
    """Bytes of the tensors outside of the model's file, and of the files that they lie in.

    Files that are not in the folder count for nothing: onnx refuses them.
    """
    claimed, files = 0, {}
    for tensor in _tensors_of(model.graph):
        told = {entry.key: entry.value for entry in tensor.external_data}
        file = folder / told.get("location", "")
        if tensor.data_location != TensorProto.EXTERNAL or not file.is_file():
            continue
        files[file] = file.stat().st_size
        numbers = [told.get(key, "") for key in ("offset", "length")]
        offset, length = (int(n) if n.isdecimal() else 0 for n in numbers)
        claimed += length or max(files[file] - offset, 0)
    return claimed, sum(files.values())


def _tensors_of(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Those of the graph, and of the graphs in its operators."""
    yield from graph.initializer
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors_of(inner)


def _attempt(problem: str, step: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """What `step` returns.

    Raises:
        ValueError: it raised something; the message says `problem`, and the first line of it.
    """
    try:
        return step(*arguments, **options)
    except Exception as error:  # those of protobuf, of onnx and of NumPy have nothing in common
        first = str(error).strip().partition("\n")[0]
        raise ValueError(f"{problem} ({type(error).__name__}: {first})") from error


def _images(graph: onnx.GraphProto) -> list[ValueInfoProto]:
    """The inputs that hold no weights."""
    initializers = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in initializers]


def dtype_of(model: ModelProto) -> str:
    """The element type of the first input, "float32" say; empty where it is no tensor."""
    kinds = [image.type.tensor_type.elem_type for image in _images(model.graph)]
    if not kinds or kinds[0] == TensorProto.UNDEFINED:
        return ""
    return str(np.dtype(helper.tensor_dtype_to_np_dtype(kinds[0])))


def _tensors(arrays: Mapping[str, Array]) -> list[TensorProto]:
    return [numpy_helper.from_array(array, name) for name, array in arrays.items()]


def _elsewhere(name: str, array: Array) -> TensorProto:
    """A tensor of which the model holds type and shape only."""
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=array.shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights")
    return tensor
