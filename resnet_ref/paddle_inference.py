"""A Paddle network as paddle.inference runs it, by the fastest kernels that there are."""

# Paddle 2 has no types and Paddle 3 some: what it returns is Any to one and not to the other.
# mypy: disallow-subclassing-any=False, warn-return-any=False

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import paddle
from paddle import inference


class _Assigned(paddle.nn.Layer):
    """The network, with a copy behind: oneDNN's passes crash where a matrix product comes last."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Any) -> Any:
        """What the network gives."""
        return paddle.assign(self.network(x))


def export(network: Any, folder: Path, shape: tuple[int, ...]) -> Path:
    """Write the network's program and weights, in evaluation mode, for input of `shape`.

    Modes are put back. A size that is None may vary.

    Returns:
        The path of both files, without their suffixes.
    """
    modes = [(layer, layer.training) for layer in network.sublayers(include_self=True)]
    prefix = folder / "network"
    try:
        network.eval()
        spec = [paddle.static.InputSpec(shape, "float32", name="x")]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            paddle.jit.save(_Assigned(network), str(prefix), input_spec=spec)
    finally:
        for layer, training in modes:
            layer.training = training
    return prefix


def predictor(
    network: Any,
    folder: Path,
    shape: tuple[int, ...],
    *,
    threads: int = 1,
    bfloat16: bool = False,
    gpu: bool = False,
) -> Any:
    """Export the network to `folder` and load it as a `paddle.inference.Predictor`.

    On a CPU it runs oneDNN's kernels, in bfloat16 where that is asked for; on a GPU Paddle's
    own. Call ``predictor.run([tensor])`` with a float32 tensor of `shape`.
    """
    prefix = export(network, folder, shape)
    programs = [prefix.with_suffix(suffix) for suffix in (".json", ".pdmodel")]
    program = next(path for path in programs if path.exists())  # Paddle 3, Paddle 2
    config = inference.Config(str(program), str(prefix.with_suffix(".pdiparams")))
    config.disable_glog_info()
    if gpu:
        config.enable_use_gpu(256, 0)
    else:
        config.disable_gpu()
        config.enable_mkldnn()
        config.set_cpu_math_library_num_threads(threads)
        if bfloat16:
            config.enable_mkldnn_bfloat16()
    return inference.create_predictor(config)
