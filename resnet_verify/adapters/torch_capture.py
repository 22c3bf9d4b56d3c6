"""A PyTorch network run under a recorder, and what it computed looked into."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch

from resnet_verify.adapters import CaptureError
from resnet_verify.adapters.outputs import cause, flatten
from resnet_verify.adapters.torch_recording import Recorder
from resnet_verify.graph import Graph, Input

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


class TorchCapture:
    """A recorded forward pass, run again to look inside."""

    def __init__(
        self,
        graph: Graph,
        model: Any,
        positions: Mapping[int, int],
        tensors: Mapping[str, torch.Tensor],
        names: Sequence[str],
    ) -> None:
        self.graph = graph
        self.tensors = tensors
        self._model = model
        self._positions = positions
        self._names = names

    def run(self, batch: Array, values: Sequence[int]) -> list[Array | None]:
        """Run the network in the mode of the capture, keeping what becomes `values`."""
        set_training(self._model, self.graph.training)
        wanted = {v: self._positions[v] for v in values if v in self._positions}
        recorder, _ = record(self._model, torch.tensor(batch), set(wanted.values()))
        if recorder.names != self._names:
            raise CaptureError("the network runs other operators when it is called again")
        seen = {value: array_of(recorder.kept[position]) for value, position in wanted.items()}
        return [batch if self._is_image(value) else seen.get(value) for value in values]

    def _is_image(self, value: int) -> bool:
        return isinstance(self.graph.producers[value].op, Input)


def record(
    model: Any, image: torch.Tensor, keep: set[int] | frozenset[int] = frozenset()
) -> tuple[Recorder, list[torch.Tensor]]:
    """Run the forward pass under a recorder: (what was recorded, the outputs).

    Raises:
        CaptureError: the forward pass raises.
    """
    recorder = Recorder(keep)
    recorder.value(image)
    before = {name: tensor.detach().clone() for name, tensor in _held(model)}
    try:
        with torch.enable_grad(), as_written(), recorder:
            outputs = flatten(model(image), is_tensor)
        for output in outputs:
            recorder.value(output)  # one that passed the dispatcher by is noted now
    except Exception as error:  # the target's code may raise anything
        raise CaptureError(cause(error)) from error
    finally:
        with torch.no_grad():
            for name, tensor in _held(model):  # by name: a pass may make running statistics anew
                if name in before:
                    tensor.copy_(before[name])
    return recorder, outputs


def _held(model: Any) -> list[tuple[str, torch.Tensor]]:
    return [*model.named_parameters(), *model.named_buffers()]


def is_exported(model: Any) -> bool:
    """Whether a network comes from `torch.export`: its mode was settled there."""
    return isinstance(model, torch.fx.GraphModule) and "train" in vars(model)


def set_training(model: Any, training: bool) -> None:
    """Call `train` or `eval`, where the network has modes."""
    if not is_exported(model):
        model.train(training)


@contextmanager
def as_written() -> Iterator[None]:
    """Compiled and scripted parts run operator by operator, as they were written."""
    with ExitStack() as stack:
        stack.enter_context(torch.jit.optimized_execution(False))
        if "torch._dynamo" in sys.modules:  # nothing is compiled otherwise
            stack.enter_context(_uncompiled())
        yield


def _uncompiled() -> Any:
    """From 2.6 on there is a way that `fullgraph=True` does not take for a failure."""
    if hasattr(torch.compiler, "set_stance"):
        return torch.compiler.set_stance("force_eager")
    return torch._dynamo.config.patch(disable=True)


def registered_tensors(model: Any) -> dict[str, torch.Tensor]:
    """Each registered floating-point tensor once, by its first name."""
    named = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor for name, tensor in named if tensor.is_floating_point()}


def is_tensor(value: object) -> bool:
    """Whether `value` is one of PyTorch's."""
    return isinstance(value, torch.Tensor)


def array_of(tensor: torch.Tensor) -> Array:
    """A copy; bfloat16 comes as float32."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:  # a type that NumPy does not have
        tensor = tensor.float()
    array: Array = tensor.contiguous().numpy().copy()
    return array
