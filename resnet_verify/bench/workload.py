"""What is timed: the same words for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["inference", "training"]
Engine = Literal["eager", "compiled", "engine", "graph"]
Layout = Literal["NCHW", "NHWC"]

MODES = ("inference", "training")
ENGINES = ("eager", "compiled", "engine", "graph")
DTYPES = ("float32", "bfloat16", "tf32")
LAYOUTS = ("NCHW", "NHWC")


class Unsupported(Exception):
    """A framework cannot run a workload; the message says which one can."""


@dataclass(frozen=True)
class Workload:
    """One step of a network: a forward pass, or one of training.

    Args:
        mode: `training` is forward, backward and a step of SGD with momentum.
        engine: `eager`; `compiled` (to_static, torch.compile, MindSpore's graph mode); `engine`
            (paddle.inference, onnxruntime); `graph` (CUDA graphs). Empty for the first of these
            that the framework has.
        dtype: bfloat16 is mixed precision, as the framework has it; tf32 is for GPUs.
        layout: NHWC is the order in memory, not the network's interface.
        batch: images a step.
        size: height and width of an image, in pixels.
        channels: of an image.
        threads: that compute; on a GPU those of the host.
        device: "cpu" or "gpu".
        tune: whether `resnet_ref.tune` is applied.
    """

    mode: Mode = "inference"
    engine: Engine | Literal[""] = ""
    dtype: str = "float32"
    layout: Layout = "NCHW"
    batch: int = 8
    size: int = 224
    channels: int = 3
    threads: int = 1
    device: str = "cpu"
    tune: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W) of the batch."""
        return (self.batch, self.channels, self.size, self.size)

    def engine_of(self, framework: str, engines: tuple[Engine, ...]) -> Engine:
        """The engine, which has to be one of those that `framework` has.

        Raises:
            Unsupported: it is not.
        """
        if not self.engine:
            return engines[0]
        if self.engine not in engines:
            raise Unsupported(
                f"{framework} has no engine {self.engine!r} for {self.mode} on the {self.device}; "
                f"it has {', '.join(engines)}"
            )
        return self.engine
