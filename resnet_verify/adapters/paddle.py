"""Paddle 2.6 and 3.x: capture by tracing, run eagerly, look inside through the executor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle

from resnet_verify.adapters import Adapter, CaptureError, Step, paddle_training
from resnet_verify.adapters.outputs import flatten
from resnet_verify.adapters.paddle_graph import to_graph
from resnet_verify.adapters.paddle_inplace import apply_overwrites
from resnet_verify.adapters.paddle_program import (
    Program,
    ValueKey,
    key_of,
    read_program,
    with_links,
)
from resnet_verify.adapters.paddle_tracing import called_once, is_value, trace
from resnet_verify.adapters.paddle_weights import read_pdparams
from resnet_verify.adapters.process_state import python_state
from resnet_verify.graph import Graph, Param

if TYPE_CHECKING:
    from pathlib import Path

    from resnet_ref.layout import Network
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array


class PaddleAdapter:
    """Paddle behind the protocol of `resnet_verify.adapters`."""

    name = "paddle"
    version = paddle.__version__
    trains = True
    weights_suffix = ".pdparams"
    linear_out_first = False

    def owns(self, model: object) -> bool:
        """Whether `model` is a `paddle.nn.Layer`."""
        return isinstance(model, paddle.nn.Layer)

    def ready(self, model: Any) -> Any:
        """The network itself, or a copy that has made its layers, where it has none yet."""
        return model if model.parameters() else called_once(model)

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """RNG states, default dtype, device and mode are put back, whatever happens inside."""
        generators = paddle.get_rng_state()
        dtype, device = paddle.get_default_dtype(), paddle.get_device()
        with python_state():
            try:
                yield
            finally:
                paddle.disable_static()
                paddle.set_device(device)
                paddle.set_default_dtype(dtype)
                paddle.set_rng_state(generators)

    def gpu_problem(self) -> str:
        """See `resnet_ref.paddle_gpu`."""
        from resnet_ref.paddle_gpu import gpu_problem

        return gpu_problem()

    def use_device(self, device: str) -> None:
        """Set Paddle's device."""
        paddle.set_device(device)

    def tensor(self, array: Array) -> Any:
        """An eager tensor on the present device."""
        return paddle.to_tensor(array)

    def seed(self, seed: int) -> None:
        """Seed Paddle's generators."""
        paddle.seed(seed)

    def set_training(self, model: Any, training: bool) -> None:
        """Call `train` or `eval` on the network."""
        model.train() if training else model.eval()

    def dtype(self, model: Any) -> str:
        """The type of the first floating-point parameter."""
        types = [_dtype(tensor) for tensor in model.parameters()]
        return next((name for name in types if name.startswith(("float", "bfloat"))), "float32")

    def declared_shape(self, model: Any) -> None:
        """None: no network says."""

    def capture(self, model: Any, shape: tuple[int, ...], training: bool) -> PaddleCapture:
        """Trace the forward pass; Python control flow runs as it does eagerly, on noise."""
        self.set_training(model, training)
        traced = trace(model, shape, self.dtype(model))
        main = traced.concrete.main_program
        values = apply_overwrites(
            main, flatten(traced.concrete.outputs, is_value), traced.overwrites
        )
        names = {tensor.name: key for key, (_, tensor) in _registered(model).items()}
        program = with_links(read_program(traced.concrete, names), traced.links)
        outputs = [key_of(value) for value in values]
        if not outputs:
            raise CaptureError("the network puts out no tensor")
        graph, keys = to_graph(program, outputs, self.params(model), training)
        return PaddleCapture(graph, program, keys, main, model)

    def params(self, model: Any) -> tuple[Param, ...]:
        """Parameters and buffers by their structured names."""
        return tuple(
            Param(key, name, tuple(tensor.shape), not tensor.stop_gradient)
            for key, (name, tensor) in _registered(model).items()
        )

    def read(
        self, model: Any, capture: PaddleCapture | None, keys: Sequence[str]
    ) -> dict[str, Array]:
        """Copies as NumPy arrays; bfloat16 comes as float32."""
        tensors = _tensors(model, capture)
        return {key: _numpy(tensors[key]) for key in keys}

    def write(self, model: Any, capture: PaddleCapture | None, arrays: Mapping[str, Array]) -> None:
        """Overwrite in place, keeping each tensor's own type."""
        tensors = _tensors(model, capture)
        for key, array in arrays.items():
            tensor, dtype = tensors[key], _dtype(tensors[key])
            if dtype == "bfloat16":  # a type that NumPy does not have
                tensor.set_value(paddle.to_tensor(array).astype(tensor.dtype))
            else:
                tensor.set_value(np.ascontiguousarray(array, dtype))

    def forward(self, model: Any, batch: Any) -> tuple[Array, ...]:
        """Eager forward without gradients."""
        image = batch if _is_tensor(batch) else paddle.to_tensor(batch)
        with paddle.no_grad():
            return tuple(map(_numpy, flatten(model(image), _is_tensor)))

    def layouts(self, batch: Array) -> dict[str, Any]:
        """A view that is not contiguous."""
        turned = paddle.to_tensor(np.ascontiguousarray(batch.swapaxes(2, 3)))
        return {"column by column": turned.transpose([0, 1, 3, 2])}

    def copies(self) -> dict[str, Callable[[Any], Any]]:
        """As weight averages copy a network; Paddle's layers are not made to be pickled."""
        return {"copy.deepcopy": copy.deepcopy}

    def mixed(self) -> dict[str, Callable[[], AbstractContextManager[None]]]:
        """`paddle.amp.auto_cast`, which has no effect on a CPU."""
        return paddle_training.mixed()

    def keeps_input(self, model: Any, batch: Array) -> bool:
        """Whether the tensor that went in still holds `batch` to the last bit."""
        image = paddle.to_tensor(batch)
        with paddle.no_grad():
            model(image)
        return bool(np.array_equal(_numpy(image), batch))

    def step(
        self, model: Any, batch: Array, cotangent: Array, output: int, earlier: Sequence[Array] = ()
    ) -> Step:
        """Eager forward and backward; the gradients that the network holds are put back."""
        with paddle_training.gradients_apart(model.parameters()):
            for array in (*earlier, batch):
                image = paddle.to_tensor(array, stop_gradient=False)
                outputs = flatten(model(image), _is_tensor)
                chosen = outputs[output]
                loss = (chosen * paddle.to_tensor(cotangent).astype(chosen.dtype)).sum()
                if not loss.stop_gradient:
                    loss.backward()
            gradients = {
                key: None if tensor.grad is None else _numpy(tensor.grad)
                for key, (_, tensor) in _registered(model).items()
            }
        image_gradient = None if image.grad is None else _numpy(image.grad)
        return Step(tuple(map(_numpy, outputs)), gradients, image_gradient)

    def descend(
        self,
        model: Any,
        steps: Sequence[Sequence[Array]],
        cotangent: Array,
        output: int,
        method: str,
        rate: float,
    ) -> list[Array]:
        """Eager training steps."""
        return paddle_training.descend(model, steps, cotangent, output, method, rate)

    def build(self, network: Network, dtype: str) -> Any:
        """The reference network, built under `dtype` as the default type."""
        from resnet_ref.paddle import build

        paddle.set_default_dtype(dtype if dtype in ("float32", "float64") else "float32")
        return build(network)

    def place_keys(self, reference: Any) -> dict[Key, str]:
        """`Param.key` of each tensor of a network that `build` made."""
        from resnet_ref.paddle import tensors

        names = {tensor.name: key for key, (_, tensor) in _registered(reference).items()}
        return {
            (where, role): names[tensor.name]
            for where, _, layer in reference.named_places()
            for role, tensor in tensors(layer).items()
        }

    def modes(self, model: Any) -> list[bool]:
        """`training` of each layer."""
        return [layer.training for layer in model.sublayers(include_self=True)]

    def set_modes(self, model: Any, modes: Sequence[bool]) -> None:
        """Set `training` of each layer."""
        for layer, training in zip(model.sublayers(include_self=True), modes, strict=False):
            layer.training = training

    def state(self, model: Any) -> dict[str, Array]:
        """The network's own `state_dict`, as arrays by its names."""
        return {name: _numpy(tensor) for name, tensor in model.state_dict().items()}

    def load_state(self, model: Any, state: Mapping[str, Array]) -> None:
        """Load `state` through the network's own `set_state_dict`, which converts no type."""
        types = {name: tensor.dtype for name, tensor in model.state_dict().items()}
        tensors = {name: paddle.to_tensor(array) for name, array in state.items()}
        known = types.keys() & tensors.keys()
        model.set_state_dict({name: tensors[name].astype(types[name]) for name in known})

    def read_weights(self, path: Path) -> dict[str, Array]:
        """The arrays of a ``.pdparams`` file; nothing in it is executed."""
        return read_pdparams(path)

    def write_weights(self, model: Any, path: Path) -> None:
        """Save the `state_dict`."""
        paddle.save(model.state_dict(), str(path))


class PaddleCapture:
    """A traced program, run by the static executor on the network's present weights."""

    def __init__(
        self,
        graph: Graph,
        program: Program,
        keys: Mapping[int, ValueKey],
        traced: Any,
        model: Any,
    ) -> None:
        self.graph = graph
        self.program = program
        self._keys = keys
        self._traced = traced
        self._model = model
        self._scope = paddle.base.core.Scope()
        # Where the weights are, that are shared with it.
        self._executor = paddle.static.Executor(paddle.framework._current_expected_place())

    def run(self, batch: Array, values: Sequence[int]) -> list[Array | None]:
        """Run the captured operators; None is what the program does not compute on its own."""
        present = _tensors(self._model, self)
        held = []
        for key, traced in self.program.tensors.items():
            held.append(self._scope.var(traced.name).get_tensor())
            # Shared, not copied: the program sees the network's weights as they are now.
            held[-1]._share_data_with(present[key].get_tensor())
        there = [value for value in values if value in self._keys]
        fetch = [self.program.handles[self._keys[value]] for value in there]
        paddle.enable_static()
        try:
            with paddle.static.scope_guard(self._scope):
                arrays: list[Array] = self._executor.run(
                    self._traced, feed={"x": batch}, fetch_list=fetch, scope=self._scope
                )
        finally:
            paddle.disable_static()
            for variable in held:  # the executor outlives its caller, and would keep the weights
                variable._clear()
        found = dict(zip(there, arrays, strict=True))
        return [found.get(value) for value in values]


def _registered(model: Any) -> dict[str, tuple[str, Any]]:
    """(structured name, tensor) of each registered tensor, by `Param.key`.

    That is its first name: a forward pass may put another tensor in a buffer's place.
    """
    found: dict[str, tuple[str, Any]] = {}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        found.setdefault(tensor.name, (name, tensor))
    return {f"param:{name}": (name, tensor) for name, tensor in found.values()}


def _tensors(model: Any, capture: PaddleCapture | None) -> dict[str, Any]:
    """What is held at present, by `Param.key`, and what a capture has found beside."""
    tensors = {key: tensor for key, (_, tensor) in _registered(model).items()}
    return {**(capture.program.tensors if capture else {}), **tensors}


def _is_tensor(value: object) -> bool:
    return isinstance(value, paddle.Tensor)


def _dtype(tensor: Any) -> str:
    name = str(tensor.dtype).rpartition(".")[2].lower()
    return {"fp32": "float32", "fp64": "float64", "fp16": "float16", "bf16": "bfloat16"}.get(
        name, name
    )


def _numpy(tensor: Any) -> Array:
    if _dtype(tensor) == "bfloat16":
        tensor = tensor.astype("float32")
    array: Array = np.array(tensor.numpy())
    return array


ADAPTER: Adapter = PaddleAdapter()
