"""Paddle in several processes: DataParallel over gloo, on the CPU."""

# Paddle is not analysed: its base classes are Any.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

from typing import Any

import paddle

from resnet_verify.adapters.outputs import flatten

BROADCASTS = False
"""Buffers are made the same once, when a network is wrapped; then each process has its own."""


class Joined(paddle.nn.Layer):
    """All that a network puts out as one tensor (N, features), so that nothing is left unused."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: paddle.Tensor) -> paddle.Tensor:
        """Call the network."""
        outputs = flatten(self.network(images), paddle.is_tensor)
        floating = [one for one in outputs if paddle.is_floating_point(one)]
        return paddle.concat([one.reshape([len(images), -1]) for one in floating], 1)


def join() -> None:
    """Meet the other processes, where the environment says."""
    paddle.distributed.init_parallel_env()


def wrap(model: Any) -> Any:
    """The network as Paddle's users train it in several processes."""
    return paddle.DataParallel(model)


def leave() -> None:
    """Wait for the others, and part."""
    paddle.distributed.barrier()
    paddle.distributed.destroy_process_group()
