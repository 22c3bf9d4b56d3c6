"""Steps of ONNX files: onnxruntime, which is an engine of inference only."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from resnet_verify.bench.backends import Step
from resnet_verify.bench.workload import Unsupported, Workload


def prepare(model: Path | Any, workload: Workload) -> Step:
    """The step of `workload` on an ONNX file, or on a model that was read from one.

    Raises:
        Unsupported: onnxruntime does not run this workload.
    """
    if workload.mode == "training":
        raise Unsupported("an ONNX file cannot be trained; it has the mode 'inference'")
    engine = workload.engine_of("onnxruntime", ("engine",))
    if workload.dtype != "float32" or workload.layout != "NCHW":
        raise Unsupported("the type and layout of an ONNX file are its own: float32, NCHW")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = workload.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    provider = "CUDAExecutionProvider" if workload.device == "gpu" else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise Unsupported(f"this onnxruntime has no {provider}; install onnxruntime-gpu")
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, [provider])
    (name, *_) = [value.name for value in session.get_inputs()]
    batch = np.random.default_rng(0).standard_normal(workload.shape, np.float32)
    version = f"onnxruntime {onnxruntime.__version__}"
    return Step(version, engine, partial(session.run, None, {name: batch}))
