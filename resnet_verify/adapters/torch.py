"""PyTorch 2.x: capture by recording what runs, below autograd."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from resnet_verify.adapters import Adapter, CaptureError, Step, torch_training
from resnet_verify.adapters.outputs import flatten
from resnet_verify.adapters.process_state import python_state
from resnet_verify.adapters.torch_capture import (
    TorchCapture,
    array_of,
    as_written,
    is_exported,
    is_tensor,
    record,
    registered_tensors,
    set_training,
)
from resnet_verify.adapters.torch_graph import to_graph
from resnet_verify.adapters.torch_preparing import prepared
from resnet_verify.adapters.torch_weights import read_pth
from resnet_verify.graph import Param

if TYPE_CHECKING:
    from resnet_ref.layout import Network
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array


class TorchAdapter:
    """PyTorch behind the protocol of `resnet_verify.adapters`."""

    name = "torch"
    version = torch.__version__
    trains = True
    weights_suffix = ".pth"
    linear_out_first = True

    def owns(self, model: object) -> bool:
        """Whether `model` is a `torch.nn.Module`; a scripted or compiled one is, too."""
        return isinstance(model, torch.nn.Module)

    def ready(self, model: Any) -> Any:
        """What `torch.compile` was given, on the present device; lazy layers are made.

        Half precision is too coarse to tell a mistake from rounding: float32 takes its place.

        Raises:
            CaptureError: a lazy network does not take images, or a script was frozen.
        """
        return prepared(model)

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """RNG states, default dtype and device, gradient mode and GPU settings are put back."""
        dtype, device = torch.get_default_dtype(), torch.empty(0).device
        with ExitStack() as stack:
            stack.enter_context(python_state())
            # Forking forks the CPU's generator always, and those of the GPUs named.
            gpus = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
            stack.enter_context(torch.random.fork_rng(gpus))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(_gpu_settings_kept())
            try:
                yield
            finally:
                torch.set_default_dtype(dtype)
                torch.set_default_device(None if device.type == "cpu" else device)

    def gpu_problem(self) -> str:
        """See `resnet_ref.torch_gpu`."""
        from resnet_ref.torch_gpu import gpu_problem

        return gpu_problem()

    def use_device(self, device: str) -> None:
        """Make the default device; on a GPU, no TF32 and only reproducible kernels."""
        torch.set_default_device("cuda" if device == "gpu" else None)
        if device == "gpu":
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cudnn.deterministic = True
            torch.backends.cudnn.benchmark = False

    def tensor(self, array: Array) -> torch.Tensor:
        """A tensor on the default device."""
        return torch.tensor(array)

    def seed(self, seed: int) -> None:
        """Seed PyTorch's generators."""
        torch.manual_seed(seed)

    def set_training(self, model: Any, training: bool) -> None:
        """Call `train` or `eval` on the network."""
        set_training(model, training)

    def dtype(self, model: Any) -> str:
        """The type of the first floating-point parameter."""
        types = (tensor.dtype for tensor in model.parameters() if tensor.is_floating_point())
        return str(next(types, torch.float32)).removeprefix("torch.")

    def declared_shape(self, model: Any) -> None:
        """None: no network says."""

    def capture(self, model: Any, shape: tuple[int, ...], training: bool) -> TorchCapture:
        """Run the network on noise and record it; its weights and statistics stay as they were."""
        self.set_training(model, training)
        noise = np.random.default_rng(0).standard_normal(shape)
        image = torch.tensor(noise, dtype=getattr(torch, self.dtype(model)))
        before = registered_tensors(model)
        recorder, outputs = record(model, image)
        if not outputs:
            raise CaptureError("the network puts out no tensor")
        after = registered_tensors(model)
        registered = [
            (param, tensor)
            for param in self.params(model)
            for tensor in (before.get(param.name), after[param.name])
            if tensor is not None
        ]
        graph, positions, tensors = to_graph(recorder, image, outputs, registered, training)
        return TorchCapture(graph, model, positions, tensors, recorder.names)

    def params(self, model: Any) -> tuple[Param, ...]:
        """Parameters and floating-point buffers; a counter of batches is neither."""
        return tuple(
            Param(f"param:{name}", name, tuple(tensor.shape), tensor.requires_grad)
            for name, tensor in registered_tensors(model).items()
        )

    def read(
        self, model: Any, capture: TorchCapture | None, keys: Sequence[str]
    ) -> dict[str, Array]:
        """Copies as NumPy arrays; bfloat16 comes as float32."""
        tensors = _by_key(model, capture)
        return {key: array_of(tensors[key]) for key in keys}

    def write(self, model: Any, capture: TorchCapture | None, arrays: Mapping[str, Array]) -> None:
        """Overwrite in place, keeping each tensor's own type and device."""
        tensors = _by_key(model, capture)
        with torch.no_grad():
            for key, array in arrays.items():
                # On the CPU wherever the default device is: copy_ goes across.
                tensors[key].copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def forward(self, model: Any, batch: Any) -> tuple[Array, ...]:
        """Eager forward without gradients."""
        image = batch if is_tensor(batch) else self.tensor(batch)
        with torch.no_grad(), as_written():
            return tuple(map(array_of, flatten(model(image), is_tensor)))

    def layouts(self, batch: Array) -> dict[str, torch.Tensor]:
        """Channels last, as `memory_format` has it, and a view that is not contiguous."""
        image = self.tensor(batch)
        return {
            "channels last": image.contiguous(memory_format=torch.channels_last),
            "column by column": image.transpose(2, 3).contiguous().transpose(2, 3),
        }

    def copies(self) -> dict[str, Callable[[Any], Any]]:
        """As weight averages copy a network, and as other processes get it."""
        # What is unpickled has been pickled here, from a network that runs here anyway.
        return {
            "copy.deepcopy": copy.deepcopy,
            "pickle": lambda model: pickle.loads(pickle.dumps(model, protocol=5)),
        }

    def mixed(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """`torch.autocast`; in float16 on a GPU only, where it is no slower than in float32."""
        return torch_training.mixed()

    def keeps_input(self, model: Any, batch: Array) -> bool:
        """Whether the tensor that went in still holds `batch` to the last bit."""
        image = self.tensor(batch)
        with torch.no_grad(), as_written():
            model(image)
        return bool(np.array_equal(array_of(image), batch))

    def step(
        self, model: Any, batch: Array, cotangent: Array, output: int, earlier: Sequence[Array] = ()
    ) -> Step:
        """Eager forward and backward; the gradients that the network holds are put back."""
        with torch_training.gradients_apart(model):
            for array in (*earlier, batch):
                image = self.tensor(array).requires_grad_()
                with as_written():
                    outputs = flatten(model(image), is_tensor)
                loss = (outputs[output] * self.tensor(cotangent).to(outputs[output].dtype)).sum()
                if loss.requires_grad:
                    loss.backward()
            gradients = {
                key: None if tensor.grad is None else array_of(tensor.grad)
                for key, tensor in _by_key(model, None).items()
            }
        image_gradient = None if image.grad is None else array_of(image.grad)
        return Step(tuple(map(array_of, outputs)), gradients, image_gradient)

    def descend(
        self,
        model: Any,
        steps: Sequence[Sequence[Array]],
        cotangent: Array,
        output: int,
        method: str,
        rate: float,
    ) -> list[Array]:
        """Eager training steps; the gradients that the network holds are put back."""
        return torch_training.descend(model, steps, self.tensor(cotangent), output, method, rate)

    def build(self, network: Network, dtype: str) -> Any:
        """The reference network, built under `dtype` as the default type."""
        from resnet_ref.torch import build

        torch.set_default_dtype(torch.float64 if dtype == "float64" else torch.float32)
        return build(network)

    def place_keys(self, reference: Any) -> dict[Key, str]:
        """`Param.key` of each tensor of a network that `build` made."""
        from resnet_ref.torch import named_tensors

        keys = {
            id(tensor): f"param:{name}" for name, tensor in registered_tensors(reference).items()
        }
        return {
            key: keys[id(tensor if tensor._base is None else tensor._base)]
            for key, tensor in named_tensors(reference)
        }

    def modes(self, model: Any) -> list[bool]:
        """`training` of each module."""
        return [module.training for module in model.modules()]

    def set_modes(self, model: Any, modes: Sequence[bool]) -> None:
        """Set `training` of each module."""
        for module, training in zip(model.modules(), modes, strict=False):
            module.training = training

    def state(self, model: Any) -> dict[str, Array]:
        """The network's own `state_dict`, as arrays by its names."""
        return {name: array_of(tensor) for name, tensor in model.state_dict().items()}

    def load_state(self, model: Any, state: Mapping[str, Array]) -> None:
        """Load `state` through the network's own `load_state_dict`."""
        model.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})

    def read_weights(self, path: Path) -> dict[str, Array]:
        """The tensors of a `.pth` file, unpickled with `weights_only`: nothing is executed.

        Raises:
            ValueError: the file holds something else than named tensors.
        """
        return read_pth(path)

    def write_weights(self, model: Any, path: Path) -> None:
        """Save the `state_dict`."""
        torch.save(model.state_dict(), path)


@contextmanager
def _gpu_settings_kept() -> Iterator[None]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    kept = (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32)
    try:
        yield
    finally:
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = kept


def _by_key(model: Any, capture: TorchCapture | None) -> dict[str, torch.Tensor]:
    registered = {f"param:{name}": tensor for name, tensor in registered_tensors(model).items()}
    return {**(capture.tensors if capture else {}), **registered}


class TracedAdapter(TorchAdapter):
    """Traces and exports: networks that stay in the mode in which they were made."""

    trains = False

    def owns(self, model: object) -> bool:
        """Whether `model` is a trace or an export, or a module that holds a trace."""
        return super().owns(model) and (
            is_exported(model)
            or any(
                isinstance(module, torch.jit.TracedModule)
                for module in model.modules()  # type: ignore[attr-defined]
            )
        )


ADAPTER: Adapter = TorchAdapter()
TRACED: Adapter = TracedAdapter()
