"""Steps in PyTorch: eager, torch.compile, CUDA graphs.

The GPU's paths have not been run on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from resnet_verify.adapters.outputs import flatten
from resnet_verify.bench.backends import Step, nothing
from resnet_verify.bench.workload import Engine, Unsupported, Workload

ON_CPU: tuple[Engine, ...] = ("eager", "compiled")
ON_GPU: tuple[Engine, ...] = ("eager", "compiled", "graph")

_WARM_UP = 3
"""Steps before a capture: what allocates and tunes has to have done so (PyTorch's own advice)."""


def prepare(model: Any, workload: Workload) -> Step:
    """The step of `workload` on `model`, whose weights training changes.

    Raises:
        Unsupported: PyTorch does not run this workload.
    """
    on_gpu = workload.device == "gpu"
    engine = workload.engine_of("torch", ON_GPU if on_gpu else ON_CPU)
    if workload.dtype == "tf32" and not on_gpu:
        raise Unsupported("TF32 is a type of GPUs; a CPU has float32 and bfloat16")
    torch.set_num_threads(workload.threads)
    torch.backends.cuda.matmul.allow_tf32 = workload.dtype == "tf32"
    torch.backends.cudnn.allow_tf32 = workload.dtype == "tf32"
    torch.backends.cudnn.benchmark = on_gpu
    device = "cuda" if on_gpu else "cpu"
    order = torch.channels_last if workload.layout == "NHWC" else torch.contiguous_format
    model = model.to(device, memory_format=order)
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(workload.shape, generator=generator).to(device, memory_format=order)
    called = torch.compile(model) if engine == "compiled" else model
    step = _training if workload.mode == "training" else _inference
    run = step(model, called, image, workload.dtype, engine == "graph")
    return Step(
        framework=f"torch {torch.__version__}",
        engine=engine,
        run=_captured(run) if engine == "graph" else run,
        wait=torch.cuda.synchronize if on_gpu else nothing,
        device_seconds=_device_seconds if on_gpu else None,
        device_memory=torch.cuda.max_memory_allocated if on_gpu else None,
        matmul=_matmul(workload.dtype, device),
    )


def _autocast(image: Any, dtype: str) -> Any:
    return partial(torch.autocast, image.device.type, torch.bfloat16, enabled=dtype == "bfloat16")


def _inference(
    model: Any, called: Any, image: Any, dtype: str, _captured: bool
) -> Callable[[], Any]:
    model.eval()
    autocast = _autocast(image, dtype)

    def run() -> Any:
        with torch.inference_mode(), autocast():
            return called(image)

    return run


def _training(model: Any, called: Any, image: Any, dtype: str, captured: bool) -> Callable[[], Any]:
    model.train()
    autocast = _autocast(image, dtype)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(parameters, 1e-4, momentum=0.9)

    def run() -> None:
        # A captured step writes its gradients where they were: it may not give them away.
        optimizer.zero_grad(set_to_none=not captured)
        with autocast():
            outputs = flatten(called(image), lambda value: isinstance(value, torch.Tensor))
        loss: Any = sum(output.float().square().mean() for output in outputs)
        loss.backward()
        optimizer.step()

    return run


def _captured(run: Callable[[], Any]) -> Callable[[], Any]:
    """`run` as a CUDA graph, warmed up on a stream of its own."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    replay: Callable[[], None] = graph.replay
    return replay


def _device_seconds(run: Callable[[], Any]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    run()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def _matmul(dtype: str, device: str) -> Callable[[int], Callable[[], Any]]:
    half = dtype == "bfloat16" and device == "cuda"
    kind = torch.bfloat16 if half else torch.float32

    def matmul(size: int) -> Callable[[], Any]:
        square = torch.ones(size, size, dtype=kind, device=device)
        return partial(torch.matmul, square, square)

    return matmul
