"""Steps in MindSpore: operator by operator, or its graph mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mindspore
import numpy as np

from resnet_verify.adapters.outputs import flatten
from resnet_verify.bench.backends import Step
from resnet_verify.bench.workload import Engine, Unsupported, Workload

ENGINES: tuple[Engine, ...] = ("eager", "compiled")


def prepare(model: Any, workload: Workload) -> Step:
    """The step of `workload` on `model`, whose weights training changes.

    Raises:
        Unsupported: MindSpore does not run this workload.
    """
    engine = workload.engine_of("mindspore", ENGINES)
    if (workload.dtype, workload.layout, workload.device) != ("float32", "NCHW", "cpu"):
        raise Unsupported("mindspore is timed on the CPU, in float32 and NCHW")
    mode = mindspore.GRAPH_MODE if engine == "compiled" else mindspore.PYNATIVE_MODE
    mindspore.set_context(mode=mode)
    mindspore.set_device("CPU")
    mindspore.runtime.set_cpu_affinity(False)
    batch = np.random.default_rng(0).standard_normal(workload.shape, np.float32)
    step = _training if workload.mode == "training" else _inference
    run = step(model, mindspore.Tensor(batch))
    return Step(f"mindspore {mindspore.__version__}", engine, run)


def _tensors(outputs: Any) -> list[Any]:
    return flatten(outputs, lambda value: isinstance(value, mindspore.Tensor))


def _inference(model: Any, image: Any) -> Callable[[], Any]:
    model.set_train(False)
    return lambda: [output.asnumpy() for output in _tensors(model(image))]


def _training(model: Any, image: Any) -> Callable[[], Any]:
    model.set_train(True)
    parameters = model.trainable_params()
    optimizer = mindspore.nn.Momentum(parameters, 1e-4, 0.9)

    def loss(batch: Any) -> Any:
        return sum(output.square().mean() for output in _tensors(model(batch)))

    gradient = mindspore.value_and_grad(loss, None, parameters)

    def run() -> None:
        value, gradients = gradient(image)
        optimizer(gradients)
        value.asnumpy()  # waits

    return run
