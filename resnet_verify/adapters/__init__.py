"""One adapter per framework, behind one protocol; a framework is imported only by its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from resnet_ref.layout import Network
    from resnet_ref.places import Key
    from resnet_verify.graph import Graph, Param

    Array = NDArray[Any]


class CaptureError(Exception):
    """The network could not be captured; the message says why."""


@dataclass(frozen=True)
class Step:
    """What one forward and backward pass leaves behind.

    Gradients are keyed by `Param.key`; None where a parameter received none. `input_gradient`
    has the shape of the input.
    """

    outputs: tuple[Array, ...]
    gradients: Mapping[str, Array | None]
    input_gradient: Array | None


class Capture(Protocol):
    """A captured forward pass: its graph, and a way to run it and look inside."""

    graph: Graph

    def run(self, batch: Array, values: Sequence[int]) -> Sequence[Array | None]:
        """Run the captured operators on `batch` and return the arrays of `values`.

        None stands for what the framework computes together with something else.

        Raises:
            CaptureError: the network runs something else than what was captured.
        """
        ...


class Adapter(Protocol):
    """What the toolkit needs of a framework. Arrays are NumPy; `model` is the framework's own.

    `trains` says whether its networks have a training mode and gradients; where they have not,
    only evaluation mode is captured, and `step` is never called. `weights_suffix` is that of
    the framework's own files of weights, dot included. `linear_out_first` says that the
    reference network stores the weight of a linear layer as (out, in), and not as (in, out).
    """

    name: str
    version: str
    trains: bool
    weights_suffix: str
    linear_out_first: bool

    def owns(self, model: object) -> bool:
        """Whether `model` is a network of this framework."""
        ...

    def ready(self, model: Any) -> Any:
        """The network to judge: on the present device, unwrapped, its lazy parameters made.

        It is `model` itself wherever nothing has to be done; the user's own is never changed.
        """
        ...

    def preserved(self) -> AbstractContextManager[None]:
        """Whatever is global in the framework (RNG, dtype, device, mode) is put back on exit."""
        ...

    def gpu_problem(self) -> str:
        """Why the framework can use no GPU; empty where it can."""
        ...

    def use_device(self, device: str) -> None:
        """Compute on "cpu" or "gpu" from now on."""
        ...

    def tensor(self, array: Array) -> Any:
        """The framework's own tensor of an array."""
        ...

    def seed(self, seed: int) -> None:
        """Seed what dropout draws from: after it, two networks drop the same elements."""
        ...

    def set_training(self, model: Any, training: bool) -> None:
        """Switch between training and evaluation mode."""
        ...

    def dtype(self, model: Any) -> str:
        """The element type that the network computes in, "float32" say; before `ready`, too."""
        ...

    def declared_shape(self, model: Any) -> tuple[int | None, ...] | None:
        """The shape of input that the network itself declares, None for what it leaves open."""
        ...

    def capture(self, model: Any, shape: tuple[int, ...], training: bool) -> Capture:
        """Capture the forward pass for input of `shape`.

        Raises:
            CaptureError: the network cannot be captured at this shape.
        """
        ...

    def params(self, model: Any) -> tuple[Param, ...]:
        """The registered parameters and buffers, in the network's own order."""
        ...

    def read(self, model: Any, capture: Any, keys: Sequence[str]) -> dict[str, Array]:
        """Copies of the tensors named by `keys`.

        Those that are not registered are known to the capture (or None) that this adapter made.
        """
        ...

    def write(self, model: Any, capture: Any, arrays: Mapping[str, Array]) -> None:
        """Overwrite tensors in place."""
        ...

    def forward(self, model: Any, batch: Any) -> tuple[Array, ...]:
        """Outputs for `batch` without gradients, nested structures flattened in order.

        `batch` is an array, or one of the tensors of `layouts`.
        """
        ...

    def layouts(self, batch: Array) -> Mapping[str, Any]:
        """Tensors that hold `batch` otherwise in memory than row by row, by words for how."""
        ...

    def copies(self) -> Mapping[str, Callable[[Any], Any]]:
        """The ways of copying a network that the framework promises, by their names."""
        ...

    def mixed(self) -> Mapping[str, Callable[[], AbstractContextManager[None]]]:
        """Mixed precision by the framework's own means on the present device.

        By the coarse type: what is entered so that operators which bear it compute in it.
        """
        ...

    def keeps_input(self, model: Any, batch: Array) -> bool:
        """Whether a forward pass leaves its input as it was."""
        ...

    def step(
        self, model: Any, batch: Array, cotangent: Array, output: int, earlier: Sequence[Array] = ()
    ) -> Step:
        """Forward and backward of ``sum(outputs[output] * cotangent)``.

        First the same is done for the batches of `earlier`, whose gradients add up with it.
        """
        ...

    def descend(
        self,
        model: Any,
        steps: Sequence[Sequence[Array]],
        cotangent: Array,
        output: int,
        method: str,
        rate: float,
    ) -> list[Array]:
        """Train with the framework's own optimiser; ``outputs[output]`` of every forward pass.

        Each step goes down the sum of the gradients of its batches; the loss of a batch is
        ``sum(outputs[output] * cotangent)``. `method` is "sgd", with momentum 0.9 and weight
        decay 1e-4, or "adam"; `rate` is its learning rate.

        Raises:
            NotImplementedError: the framework has no optimisers.
        """
        ...

    def build(self, network: Network, dtype: str) -> Any:
        """The reference network that `network` describes."""
        ...

    def place_keys(self, reference: Any) -> dict[Key, str]:
        """`Param.key` of each tensor of a reference network, by location and role."""
        ...

    def modes(self, model: Any) -> list[bool]:
        """Training or evaluation, for each part of the network."""
        ...

    def set_modes(self, model: Any, modes: Sequence[bool]) -> None:
        """Put back what `modes` told."""
        ...

    def state(self, model: Any) -> dict[str, Array]:
        """The network's own saved state, by its names."""
        ...

    def read_weights(self, path: Path) -> dict[str, Array]:
        """The arrays in a file of the framework's own format, by their names.

        Nothing in the file is executed.

        Raises:
            ValueError: the file holds something else than named arrays; the message says what.
        """
        ...

    def write_weights(self, model: Any, path: Path) -> None:
        """Save the network's state in the framework's own format."""
        ...

    def load_state(self, model: Any, state: Mapping[str, Array]) -> None:
        """Load `state` the way the framework's users do."""
        ...


# By the name under which the framework is imported, in the order in which they are asked.
BUILT_IN = {
    "paddle": "resnet_verify.adapters.paddle:ADAPTER",
    "torch.jit": "resnet_verify.adapters.torch:TRACED",
    "torch": "resnet_verify.adapters.torch:ADAPTER",
    "mindspore": "resnet_verify.adapters.mindspore:ADAPTER",
    "onnx": "resnet_verify.adapters.onnx:ADAPTER",
}
ENTRY_POINTS = "resnet_verify.adapters"
"""The group under which others register theirs: ``framework = "package.module:ADAPTER"``."""


@cache
def registered() -> Mapping[str, EntryPoint]:
    """Every adapter's entry point by the import name of its framework; built-in ones win."""
    built_in = {name: EntryPoint(name, value, ENTRY_POINTS) for name, value in BUILT_IN.items()}
    others = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return {**built_in, **others, **built_in}


def awake() -> Iterator[Adapter]:
    """The adapters of the frameworks that are imported.

    A framework that is not yet imported owns no model, so it need not be woken.
    """
    for framework, entry_point in registered().items():
        if sys.modules.get(framework) is not None:
            yield entry_point.load()


def adapter_for(model: object) -> Adapter | None:
    """The adapter of the framework that `model` belongs to, None if there is none."""
    return next((adapter for adapter in awake() if adapter.owns(model)), None)
