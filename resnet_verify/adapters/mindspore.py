"""MindSpore 2.9 and newer: operators recorded as they run, looked into by running them again."""

from __future__ import annotations

import copy
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mindspore
import numpy as np

from resnet_verify.adapters import Adapter, CaptureError, Step
from resnet_verify.adapters.mindspore_graph import to_graph
from resnet_verify.adapters.mindspore_recording import record
from resnet_verify.adapters.mindspore_runtime import (
    as_written,
    global_state,
    quiet,
    seeded_dropout,
    set_context,
    silence,
    warm_up,
    whole_steps,
)
from resnet_verify.adapters.mindspore_tensors import (
    array_of,
    is_tensor,
    key_of,
    overwrite,
    tensor_of,
)
from resnet_verify.adapters.mindspore_training import descend, optimiser_of
from resnet_verify.adapters.outputs import cause, flatten
from resnet_verify.adapters.process_state import python_state
from resnet_verify.graph import Graph, Param

if TYPE_CHECKING:
    from resnet_ref.layout import Network
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array

HALF = (mindspore.float16, mindspore.bfloat16)
"""Types too coarse to tell a mistake from rounding."""
FLOATS = (*HALF, mindspore.float32, mindspore.float64)


class MindSporeAdapter:
    """MindSpore behind the protocol of `resnet_verify.adapters`."""

    name = "mindspore"
    version: str = mindspore.__version__
    trains = True
    weights_suffix = ".ckpt"
    linear_out_first = True

    def __init__(self) -> None:
        self._dropout_seeds: Iterator[int] | None = None

    def owns(self, model: object) -> bool:
        """Whether `model` is a `mindspore.nn.Cell`, or what ``mindspore.jit`` makes of one."""
        return isinstance(_cell(model), mindspore.nn.Cell)

    def ready(self, model: Any) -> Any:
        """The network itself, not compiled, its lazily initialised parameters made.

        Half precision is judged in float32.
        """
        model = _cell(model)
        if any(param.has_init for param in model.get_parameters()):
            model.init_parameters_data()
        if not _is_half(model):
            return model
        model = copy.deepcopy(model)
        for param in _weights(model):
            param.set_dtype(mindspore.float32)
        return model.to_float(mindspore.float32)

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """Seeds, generators, mode and device are put back, whatever happens inside."""
        with python_state(), global_state():
            try:
                yield
            finally:
                self._dropout_seeds = None

    def gpu_problem(self) -> str:
        """MindSpore is distributed for CPUs and for Ascend."""
        with silence(), quiet():
            usable = mindspore.device_context.gpu.is_available()
        return "" if usable else f"mindspore {self.version} has no GPU back end here"

    def use_device(self, device: str) -> None:
        """Set MindSpore's target."""
        set_context(device_target=device.upper())

    def tensor(self, array: Array) -> Any:
        """A tensor with a copy of the array."""
        return mindspore.Tensor(array)

    def seed(self, seed: int) -> None:
        """Seed MindSpore's generators, and the dropout of networks that are built already."""
        mindspore.set_seed(seed)
        mindspore.manual_seed(seed)
        self._dropout_seeds = itertools.count(1 + seed)

    def set_training(self, model: Any, training: bool) -> None:
        """Call `set_train` on the network."""
        model.set_train(training)

    def dtype(self, model: Any) -> str:
        """The type of the first floating-point parameter."""
        return next((str(param.dtype).lower() for param in _weights(model)), "float32")

    def declared_shape(self, model: Any) -> None:
        """MindSpore's networks do not say what input they take."""
        return None

    def capture(self, model: Any, shape: tuple[int, ...], training: bool) -> MindSporeCapture:
        """Record one forward pass on random images; the network is left as it was."""
        self.set_training(model, training)
        batch = np.random.default_rng(0).standard_normal(shape, np.float32)
        try:
            recording = record(model, tensor_of(batch, getattr(mindspore, self.dtype(model))))
        except CaptureError:
            raise
        except Exception as failure:  # the target's code may raise anything
            raise CaptureError(cause(failure)) from failure
        if None in recording.outputs or not recording.outputs:
            raise CaptureError("the network puts out no tensor that MindSpore's operators made")
        registered = self.params(model)
        by_key = {param.key: param for param in registered}
        tensors = {key_of(tensor): tensor for tensor in recording.recorder.held.values()}
        held = {
            number: by_key.get(key_of(tensor)) or _unregistered(tensor)
            for number, tensor in recording.recorder.held.items()
        }
        graph = to_graph(recording, held, registered, training)
        if recording.image not in graph.reachable(graph.outputs):
            raise CaptureError("the output is not computed from the input by MindSpore's operators")
        return MindSporeCapture(graph, model, tensors)

    def params(self, model: Any) -> tuple[Param, ...]:
        """Floating-point parameters, running statistics among them; a counter is neither."""
        return tuple(
            Param(key_of(tensor), name, tuple(tensor.shape), tensor.requires_grad)
            for name, tensor in model.parameters_and_names()
            if tensor.dtype in FLOATS
        )

    def read(
        self, model: Any, capture: MindSporeCapture | None, keys: Sequence[str]
    ) -> dict[str, Array]:
        """Copies as NumPy arrays; bfloat16 comes as float32."""
        tensors = self._tensors(model, capture)
        return {key: array_of(tensors[key]) for key in keys}

    def write(
        self, model: Any, capture: MindSporeCapture | None, arrays: Mapping[str, Array]
    ) -> None:
        """Overwrite in place, keeping each tensor's own type."""
        tensors = self._tensors(model, capture)
        overwrite((tensors[key], array) for key, array in arrays.items())

    def _tensors(self, model: Any, capture: MindSporeCapture | None) -> dict[str, Any]:
        registered = {key_of(tensor): tensor for tensor in _weights(model)}
        return {**(capture.tensors if capture else {}), **registered}

    def forward(self, model: Any, batch: Array) -> tuple[Array, ...]:
        """Forward as it is written, without gradients."""
        with as_written(model), seeded_dropout(self._dropout_seeds):
            outputs = flatten(model(mindspore.Tensor(batch)), is_tensor)
            return tuple(map(array_of, outputs))

    def layouts(self, batch: Array) -> dict[str, Any]:
        """None: a tensor lies in memory row by row."""
        return {}

    def copies(self) -> dict[str, Callable[[Any], Any]]:
        """None: MindSpore does not say that cells can be copied."""
        return {}

    def mixed(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """None: `mindspore.amp` builds another network instead."""
        return {}

    def keeps_input(self, model: Any, batch: Array) -> bool:
        """Whether the tensor that went in still holds `batch` to the last bit."""
        image = mindspore.Tensor(batch)
        with as_written(model):
            model(image)
        return bool(np.array_equal(array_of(image), batch))

    def step(
        self, model: Any, batch: Array, cotangent: Array, output: int, earlier: Sequence[Array] = ()
    ) -> Step:
        """Forward and backward of ``sum(outputs[output] * cotangent)``, as it is written."""
        weights = [param for param in _weights(model) if param.requires_grad]

        def weighted(image: Any) -> tuple[Any, ...]:
            outputs = flatten(model(image), is_tensor)
            chosen = outputs[output]
            return ((chosen * tensor_of(cotangent, chosen.dtype)).sum(), *outputs)

        both = mindspore.value_and_grad(weighted, 0, weights, has_aux=True)
        with as_written(model), seeded_dropout(self._dropout_seeds), whole_steps():
            summed: Sequence[Array] = ()
            for array in (*earlier, batch):
                (_, *outputs), (image_gradient, gradients) = both(mindspore.Tensor(array))
                arrays = list(map(array_of, gradients))
                summed = list(map(operator.add, summed, arrays)) if summed else arrays
        found = dict(zip(map(key_of, weights), summed, strict=True))
        without = dict.fromkeys(map(key_of, _weights(model)))
        return Step(tuple(map(array_of, outputs)), without | found, array_of(image_gradient))

    def descend(
        self,
        model: Any,
        steps: Sequence[Sequence[Array]],
        cotangent: Array,
        output: int,
        method: str,
        rate: float,
    ) -> list[Array]:
        """Training steps as they are written."""
        weights = [param for param in _weights(model) if param.requires_grad]
        optimiser = optimiser_of(weights, method, rate)
        with as_written(model), seeded_dropout(self._dropout_seeds), whole_steps():
            return descend(model, weights, optimiser, steps, cotangent, output)

    def build(self, network: Network, dtype: str) -> Any:
        """The reference network, in float32: on a CPU MindSpore convolves in no other type."""
        from resnet_ref.mindspore import build

        return build(network)

    def place_keys(self, reference: Any) -> dict[Key, str]:
        """`Param.key` of each tensor of a network that `build` made."""
        from resnet_ref.mindspore import tensors

        return {
            (where, role): key_of(tensor)
            for where, _, layer in reference.named_places()
            for role, tensor in tensors(layer).items()
        }

    def modes(self, model: Any) -> list[bool]:
        """`training` of each cell."""
        return [cell.training for _, cell in model.cells_and_names()]

    def set_modes(self, model: Any, modes: Sequence[bool]) -> None:
        """Set `training` of each cell."""
        for (_, cell), training in zip(model.cells_and_names(), modes, strict=False):
            cell.add_flags(training=training)

    def state(self, model: Any) -> dict[str, Array]:
        """The network's parameters by the names under which checkpoints keep them."""
        return {name: array_of(param) for name, param in model.parameters_dict().items()}

    def read_weights(self, path: Path) -> dict[str, Array]:
        """The arrays in a checkpoint, which is a protocol buffer.

        Raises:
            ValueError: the file is no checkpoint, is cut short, does not fit its checksum, or
                holds something else than tensors.
        """
        with quiet():
            found = mindspore.load_checkpoint(str(path), crc_check=True)
        for name, param in found.items():
            if not isinstance(param, mindspore.Tensor):
                raise ValueError(f"{path} holds a {type(param).__name__} as {name!r}, no tensor")
        return {name: array_of(param) for name, param in found.items()}

    def write_weights(self, model: Any, path: Path) -> None:
        """Save the network's parameters as a checkpoint; `path` ends in ``.ckpt``."""
        mindspore.save_checkpoint(model, str(path))

    def load_state(self, model: Any, state: Mapping[str, Array]) -> None:
        """Load `state` through `mindspore.load_param_into_net`."""
        params = {
            name: mindspore.Parameter(mindspore.Tensor(array), name=name)
            for name, array in state.items()
        }
        with quiet():
            mindspore.load_param_into_net(model, params)


class MindSporeCapture:
    """A recorded forward pass, run again to look inside."""

    def __init__(self, graph: Graph, model: Any, tensors: Mapping[str, Any]) -> None:
        self.graph = graph
        self.tensors = tensors
        self._model = model

    def run(self, batch: Array, values: Sequence[int]) -> list[Array | None]:
        """Run the network's own operators; None is what none of them makes."""
        modes = ADAPTER.modes(self._model)
        ADAPTER.set_training(self._model, self.graph.training)
        try:
            recording = record(self._model, mindspore.Tensor(batch), values)
        finally:
            ADAPTER.set_modes(self._model, modes)
        return [recording.recorder.arrays.get(value) for value in values]


def _cell(model: Any) -> Any:
    """The network whose `construct` was handed to ``mindspore.jit``."""
    return model.__self__ if hasattr(model, "__wrapped_by_jit__") else model


def _is_half(model: Any) -> bool:
    """Whether a network holds, or computes in, half precision."""
    held = any(param.dtype in HALF for param in _weights(model))
    cells = [cell for _, cell in model.cells_and_names()]
    return held or any(getattr(cell, flag, False) for cell in cells for flag in ("fp16", "bf16"))


def _weights(model: Any) -> list[Any]:
    return [param for param in model.get_parameters() if param.dtype in FLOATS]


def _unregistered(tensor: Any) -> Param:
    return Param(
        key_of(tensor), "", tuple(tensor.shape), bool(tensor._requires_grad), registered=False
    )


warm_up()
ADAPTER: Adapter = MindSporeAdapter()
