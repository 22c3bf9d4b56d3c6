"""onnxruntime: the one place that imports it, so that the rest loads without it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import onnxruntime
from onnx import ModelProto, TensorProto

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

THREADS = 2
"""More would wait for one another on images as small as the checks use."""
FATAL = 4
"""Of onnxruntime's levels of severity: what it raises it need not print as well."""
PROVIDERS = {
    "cpu": ["CPUExecutionProvider"],
    "gpu": ["CUDAExecutionProvider", "CPUExecutionProvider"],
}


class Session:
    """A network as onnxruntime runs it.

    Args:
        model: the operators; a tensor that is marked as external is taken from `weights`.
        weights: arrays by the names of initializers.
        device: "cpu" or "gpu".
        optimised: whether operators may be fused, as onnxruntime does unless it is told not to;
            otherwise every value is what its operator alone makes of its inputs.
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
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=PROVIDERS[device]
        )

    def run(self, inputs: Mapping[str, Array]) -> list[Any]:
        """All outputs; an array each, but for types that no array can hold."""
        found: list[Any] = self._session.run(None, dict(inputs))
        return found


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
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return ""
    version = onnxruntime.__version__
    return f"onnxruntime {version} is built without CUDA; install onnxruntime-gpu"
