"""Steps in Paddle: eager, to_static, paddle.inference."""

# Paddle 2 has no types and Paddle 3 some: what it returns is Any to one and not to the other.
# mypy: warn-return-any=False

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import paddle

from resnet_verify.adapters.outputs import flatten
from resnet_verify.bench.backends import Step, nothing
from resnet_verify.bench.workload import Engine, Unsupported, Workload

INFERENCE: tuple[Engine, ...] = ("eager", "compiled", "engine")
TRAINING: tuple[Engine, ...] = ("eager", "compiled")


def prepare(model: Any, workload: Workload) -> Step:
    """The step of `workload` on `model`, whose weights training changes.

    Raises:
        Unsupported: Paddle does not run this workload.
    """
    training = workload.mode == "training"
    engine = workload.engine_of("paddle", TRAINING if training else INFERENCE)
    _require(workload, engine)
    paddle.set_device(workload.device)
    paddle.base.core.set_num_threads(workload.threads)
    batch = np.random.default_rng(0).standard_normal(workload.shape, np.float32)
    if engine == "engine":
        run: Callable[[], Any] = _inference_engine(model, workload, batch)
    else:
        run = (_training if training else _inference)(model, workload, engine, batch)
    on_gpu = workload.device == "gpu"
    return Step(
        framework=f"paddle {paddle.__version__}",
        engine=engine,
        run=run,
        wait=paddle.device.synchronize if on_gpu else nothing,
        device_seconds=_device_seconds if on_gpu else None,
        device_memory=paddle.device.cuda.max_memory_allocated if on_gpu else None,
        matmul=_matmul(workload.dtype if on_gpu else "float32"),
    )


def _require(workload: Workload, engine: Engine) -> None:
    if workload.layout != "NCHW":
        raise Unsupported(
            "paddle's layers have their layout built in: make the network with "
            "data_format='NHWC', for its layout cannot be chosen from outside"
        )
    if workload.dtype == "tf32":
        raise Unsupported("paddle chooses TF32 by the environment: FLAGS_cudnn_allow_tf32=1")
    if workload.dtype == "bfloat16" and workload.device == "cpu" and engine != "engine":
        raise Unsupported("on a CPU paddle has bfloat16 in inference with the engine 'engine' only")


def _autocast(workload: Workload) -> Callable[[], Any]:
    half = workload.dtype == "bfloat16"
    return partial(paddle.amp.auto_cast, enable=half, dtype="bfloat16", level="O1")


def _inference(model: Any, workload: Workload, engine: Engine, batch: Any) -> Callable[[], Any]:
    model.eval()
    image, autocast = paddle.to_tensor(batch), _autocast(workload)
    if engine == "compiled":
        model = paddle.jit.to_static(model, full_graph=True)

    def run() -> Any:
        with paddle.no_grad(), autocast():
            return model(image)

    return run


def _training(model: Any, workload: Workload, engine: Engine, batch: Any) -> Callable[[], Any]:
    model.train()
    image, autocast = paddle.to_tensor(batch), _autocast(workload)
    if engine == "compiled":
        model = paddle.jit.to_static(model, full_graph=True)
    parameters = [tensor for tensor in model.parameters() if not tensor.stop_gradient]
    optimizer = paddle.optimizer.Momentum(1e-4, 0.9, parameters)

    def run() -> None:
        with autocast():
            outputs = flatten(model(image), lambda value: isinstance(value, paddle.Tensor))
        loss = sum(output.astype("float32").square().mean() for output in outputs)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()

    return run


def _inference_engine(model: Any, workload: Workload, batch: Any) -> Callable[[], Any]:
    from resnet_ref.paddle_inference import predictor

    with TemporaryDirectory() as folder:  # the predictor has read all when it is made
        engine = predictor(
            model,
            Path(folder),
            workload.shape,
            threads=workload.threads,
            bfloat16=workload.dtype == "bfloat16",
            gpu=workload.device == "gpu",
        )
    return partial(engine.run, [paddle.to_tensor(batch)])


def _device_seconds(run: Callable[[], Any]) -> float:
    start, end = (paddle.device.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def _matmul(dtype: str) -> Callable[[int], Callable[[], Any]]:
    def matmul(size: int) -> Callable[[], Any]:
        square = paddle.ones([size, size], dtype)
        return partial(paddle.matmul, square, square)

    return matmul
