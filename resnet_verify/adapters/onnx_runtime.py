"""onnxruntime: the one place that imports it, so that the rest loads without it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import onnxruntime
from onnx import ModelProto, TensorProto

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

THREADS = 2
"""More would wait for one another on images as small as the checks use."""
FATAL = 4
"""Of onnxruntime's levels of severity: what it raises it need not print as well."""
CUDA = "CUDAExecutionProvider"
# On a GPU, convolutions of float32 are otherwise rounded to 10 bits (TF32).
PROVIDERS: dict[str, list[Any]] = {
    "cpu": ["CPUExecutionProvider"],
    "gpu": [(CUDA, {"use_tf32": "0"}), "CPUExecutionProvider"],
}

SOURCE_PLACES = re.compile(
    r"\[ONNXRuntimeError\] : \d+ : \w+ : "
    r"|/onnxruntime_src/\S+:\d+ [^()]*\([^()]*\)(?: const)? "
)


class OnnxRuntimeError(Exception):
    """What onnxruntime says is wrong."""


class Session:
    """A network as onnxruntime runs it.

    Args:
        model: the operators; a tensor that is marked as external is taken from `weights`.
        weights: arrays by the names of initializers.
        device: "cpu" or "gpu".
        optimised: whether operators may be fused, as onnxruntime does unless it is told not to;
            otherwise every value is what its operator alone makes of its inputs.

    Raises:
        OnnxRuntimeError: onnxruntime does not take the model, or cannot use the GPU that is
            asked for (it would take the CPU).
    """

    def __init__(
        self, model: ModelProto, weights: Mapping[str, Array], device: str, *, optimised: bool
    ) -> None:
        external = TensorProto.EXTERNAL
        names = [t.name for t in model.graph.initializer if t.data_location == external]
        # The session reads them where they are, so they have to live as long.
        self._held = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[name]) for name in names]
        options = _options(optimised=optimised)
        options.add_external_initializers(names, self._held)
        if device == "gpu" and (problem := gpu_problem()):
            raise OnnxRuntimeError(problem)
        with _plain_messages():
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=PROVIDERS[device]
            )
        if device == "gpu" and CUDA not in self._session.get_providers():
            raise OnnxRuntimeError("onnxruntime cannot load what it needs for CUDA")

    def run(self, inputs: Mapping[str, Array]) -> list[Any]:
        """All outputs; an array each, but for types that no array can hold.

        Raises:
            OnnxRuntimeError: the network does not take these inputs.
        """
        with _plain_messages():
            found: list[Any] = self._session.run(None, dict(inputs))
        return found


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Say what is wrong without the places in onnxruntime's own source."""
    try:
        yield
    except Exception as error:  # its exceptions have no class in common
        raise OnnxRuntimeError(SOURCE_PLACES.sub("", str(error)).strip()) from error


def _options(*, optimised: bool) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if not optimised:
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
    return options


def gpu_problem() -> str:
    """Why onnxruntime can use no GPU; empty where it can."""
    if CUDA in onnxruntime.get_available_providers():
        return ""
    version = onnxruntime.__version__
    return f"onnxruntime {version} is built without CUDA; install onnxruntime-gpu"
