"""ONNX: capture by reading the operators of a model, run by onnxruntime, evaluation only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import onnx

from resnet_verify.adapters import Adapter
from resnet_verify.adapters.onnx_graph import to_graph
from resnet_verify.adapters.onnx_network import OnnxNetwork, dtype_of, load
from resnet_verify.adapters.process_state import python_state
from resnet_verify.graph import Graph, Param

if TYPE_CHECKING:
    from pathlib import Path

    from resnet_ref.layout import Network
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array


class OnnxAdapter:
    """ONNX behind the protocol of `resnet_verify.adapters`."""

    name = "onnx"
    version = onnx.__version__
    trains = False
    weights_suffix = ".onnx"
    linear_out_first = False

    def __init__(self) -> None:
        self._device = "cpu"

    def owns(self, model: object) -> bool:
        """Whether `model` is an ONNX model, as it is or loaded by this package."""
        return isinstance(model, OnnxNetwork | onnx.ModelProto)

    def ready(self, model: Any) -> OnnxNetwork:
        """The network to judge; onnxruntime has taken it.

        Raises:
            UnsuitableModel: the model does not take one batch of images.
        """
        network = model if isinstance(model, OnnxNetwork) else OnnxNetwork(model)
        network.start(self._device)
        return network

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """Nothing is global in ONNX; what is in Python and NumPy is put back."""
        device = self._device
        with python_state():
            try:
                yield
            finally:
                self._device = device

    def gpu_problem(self) -> str:
        """No onnxruntime, or one without CUDA."""
        try:
            from resnet_verify.adapters.onnx_runtime import gpu_problem
        except ImportError as error:
            return f"onnxruntime cannot be imported: {error}"
        return gpu_problem()

    def use_device(self, device: str) -> None:
        """Sessions that start from now on compute there."""
        self._device = device

    def tensor(self, array: Array) -> Array:
        """The array itself: it is what onnxruntime takes."""
        return array

    def seed(self, seed: int) -> None:
        """Nothing: no network draws numbers here."""

    def set_training(self, model: OnnxNetwork, training: bool) -> None:
        """Nothing: the network is in evaluation mode always."""

    def dtype(self, model: OnnxNetwork | onnx.ModelProto) -> str:
        """The type of the input."""
        return model.dtype if isinstance(model, OnnxNetwork) else dtype_of(model)

    def declared_shape(self, model: OnnxNetwork) -> tuple[int | None, ...] | None:
        """The sizes that the file gives for the input."""
        return model.declared_shape

    def capture(self, model: OnnxNetwork, shape: tuple[int, ...], training: bool) -> OnnxCapture:
        """Read the operators; onnxruntime has run them on such input."""
        graph, names = to_graph(model, shape, self.params(model))
        return OnnxCapture(graph, model, names)

    def params(self, model: OnnxNetwork) -> tuple[Param, ...]:
        """The weights by the names of their initializers; training moves all but statistics."""
        statistics = model.statistics()
        return tuple(
            Param(f"param:{name}", name, array.shape, name not in statistics)
            for name, array in model.weights.items()
        )

    def read(self, model: OnnxNetwork, capture: Any, keys: Sequence[str]) -> dict[str, Array]:
        """Copies of the weights."""
        return {key: model.weights[key.removeprefix("param:")].copy() for key in keys}

    def write(self, model: OnnxNetwork, capture: Any, arrays: Mapping[str, Array]) -> None:
        """Put other arrays in the place of weights."""
        model.write({key.removeprefix("param:"): array for key, array in arrays.items()})

    def forward(self, model: OnnxNetwork, batch: Array) -> tuple[Array, ...]:
        """Outputs of onnxruntime under its default options."""
        return tuple(value for value in model.run(batch) if isinstance(value, np.ndarray))

    def layouts(self, batch: Array) -> dict[str, Any]:
        """None: onnxruntime takes a batch row by row."""
        return {}

    def copies(self) -> dict[str, Callable[[Any], Any]]:
        """None: a file is copied as a file."""
        return {}

    def mixed(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """None: a file's types are written in it."""
        return {}

    def keeps_input(self, model: OnnxNetwork, batch: Array) -> bool:
        """Whether the array that went in still holds `batch` to the last bit."""
        image = batch.copy()
        model.run(image)
        return bool(np.array_equal(image, batch))

    def step(
        self,
        model: OnnxNetwork,
        batch: Array,
        cotangent: Array,
        output: int,
        earlier: Sequence[Array] = (),
    ) -> NoReturn:
        """There are no gradients.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("an ONNX network has no gradients")

    def descend(
        self,
        model: OnnxNetwork,
        steps: Sequence[Sequence[Array]],
        cotangent: Array,
        output: int,
        method: str,
        rate: float,
    ) -> NoReturn:
        """There are no gradients.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("an ONNX network has no gradients")

    def build(self, network: Network, dtype: str) -> OnnxNetwork:
        """The reference network."""
        from resnet_ref.onnx import build

        return self.ready(build(network, dtype))

    def place_keys(self, reference: OnnxNetwork) -> dict[Key, str]:
        """`Param.key` of each tensor of a network that `build` made."""
        from resnet_ref.onnx import keys

        return {key: f"param:{name}" for key, name in keys(reference.weights).items()}

    def modes(self, model: OnnxNetwork) -> list[bool]:
        """Of no part is there another mode than evaluation."""
        return []

    def set_modes(self, model: OnnxNetwork, modes: Sequence[bool]) -> None:
        """Nothing: there is nothing to put back."""

    def state(self, model: OnnxNetwork) -> dict[str, Array]:
        """The weights by the names of their initializers."""
        return {name: array.copy() for name, array in model.weights.items()}

    def load_state(self, model: OnnxNetwork, state: Mapping[str, Array]) -> None:
        """Put the arrays in the place of the weights of these names."""
        model.write(state)

    def read_weights(self, path: Path) -> dict[str, Array]:
        """The weights of the network in an ONNX file, by the names of their initializers.

        Raises:
            ValueError: the file holds no ONNX network; the message says what is wrong.
        """
        return dict(OnnxNetwork(load(path)).weights)

    def write_weights(self, model: OnnxNetwork, path: Path) -> None:
        """Save the whole network with the weights that it has now."""
        onnx.save(model.model(), path)


class OnnxCapture:
    """A model's operators, run by onnxruntime one by one as they are written."""

    def __init__(self, graph: Graph, network: OnnxNetwork, names: Mapping[int, str]) -> None:
        self.graph = graph
        self._network = network
        self._names = names

    def run(self, batch: Array, values: Sequence[int]) -> list[Array | None]:
        """Run the captured operators; None is what has no name, being a part of an operator."""
        wanted = [self._names.get(value, "") for value in values]
        inner = list(dict.fromkeys(n for n in wanted if n not in ("", self._network.input)))
        arrays = dict(zip(inner, self._network.look_inside(batch, inner), strict=True))
        arrays[self._network.input] = batch
        return [arrays.get(name) for name in wanted]


ADAPTER: Adapter = OnnxAdapter()
