"""Training passes of a target by two processes, and by one that does the work of both.

Each process is a fresh one that loads the target anew, as a launcher has it. They meet over
gloo on the CPU, whatever device the target is judged on.
"""

from __future__ import annotations

import os
import random
import socket
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_ref.tuning import cores
from resnet_verify import tune
from resnet_verify.adapters import adapter_for, awake
from resnet_verify.adapters.outputs import cause
from resnet_verify.process import run_apart, run_together
from resnet_verify.target import TargetError, load_target

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

FRAMEWORKS = ("paddle", "torch")
"""Those of which this knows how processes are joined on a CPU: ``adapters/NAME_parallel.py``."""

WORLD = 2
HOST = "127.0.0.1"


class CannotJoin(Exception):
    """The processes do not find each other on this machine, whatever the target; says why."""


@dataclass(frozen=True)
class Plan:
    """What is computed.

    Args:
        target: what `load_target` takes.
        framework: one of `FRAMEWORKS`.
        seed: of what is drawn by the target.
        weights: the registered tensors, in the network's own order.
        images: a batch for each process.
        cotangents: what the output is weighted with in the loss, (N, features) for each.
    """

    target: str
    framework: str
    seed: int
    weights: tuple[Array, ...]
    images: tuple[Array, ...]
    cotangents: tuple[Array, ...]


@dataclass(frozen=True)
class Passed:
    """What one pass in training mode gives, and leaves behind, in one process.

    `output` is (N, features), all outputs of the network side by side. `gradients` and `tensors`
    are those of the registered tensors, in the network's own order. `evaluated` is the output
    of evaluation mode afterwards: it depends on what is kept and not registered, too.
    """

    output: Array
    evaluated: Array
    gradients: tuple[Array | None, ...]
    tensors: tuple[Array, ...]


@dataclass(frozen=True)
class Alone:
    """What one process makes of the images of both.

    `halves` has a pass over the images of each, and the gradients of these alone; `joint` one
    over all images at once, None where the network does not take so many.
    """

    halves: tuple[Passed, Passed]
    joint: Passed | None


def alone(plan: Plan) -> Alone:
    """The second of two passes by one process; the first lets running statistics part.

    Raises:
        TargetError: the target is another one in a fresh process, or cannot be loaded there.
        ProcessError: the process ended without an answer.
        Exception: what the target raises.
    """
    return run_apart(_alone, plan)


def together(plan: Plan, seconds: float) -> tuple[Passed, ...]:
    """The second of two passes of each process over its images, started as a launcher does.

    The first process has the weights of `plan` and the others their own, until all are given
    the first one's.

    Raises:
        CannotJoin: processes do not find each other on this machine.
        TimeoutError: there is no answer after `seconds`.
        ProcessError: a process ended without an answer.
        Exception: what the target raises.
    """
    port = _free_port()
    return tuple(run_together(_together, [(plan, rank, port) for rank in range(WORLD)], seconds))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _alone(_tell: Callable[..., None], plan: Plan) -> Alone:
    trained = _Trained(plan, rank=0)
    network = trained.backend.Joined(trained.model)
    before_second = 0 if trained.backend.BROADCASTS else 1
    halves = (
        trained.after(network, [[0], [0]]),
        trained.after(network, [[before_second], [1]]),
    )
    everyone = list(range(WORLD))
    try:
        joint = trained.after(network, [everyone, everyone])
    except Exception:  # a network may take so many images and no more
        return Alone(halves, None)
    return Alone(halves, joint)


def _together(_tell: Callable[..., None], plan: Plan, rank: int, port: int) -> Passed:
    _as_launched(rank, port)
    trained = _Trained(plan, rank)
    if rank == 0:
        trained.reset()
    try:
        trained.backend.join()
    except Exception as error:
        raise CannotJoin(cause(error)) from error
    network = trained.backend.Joined(trained.backend.wrap(trained.model))
    trained.step(network, [rank])
    passed = trained.step(network, [rank])
    trained.backend.leave()
    return passed


def _as_launched(rank: int, port: int) -> None:
    """The environment as torchrun and ``paddle.distributed.launch`` have it, on one machine."""
    ends = [f"{HOST}:{port + number}" for number in range(WORLD)]
    os.environ |= {
        "RANK": f"{rank}",
        "LOCAL_RANK": f"{rank}",
        "WORLD_SIZE": f"{WORLD}",
        "LOCAL_WORLD_SIZE": f"{WORLD}",
        "MASTER_ADDR": HOST,
        "MASTER_PORT": f"{port}",
        "PADDLE_TRAINER_ID": f"{rank}",
        "PADDLE_TRAINERS_NUM": f"{WORLD}",
        "PADDLE_TRAINER_ENDPOINTS": ",".join(ends),
        "PADDLE_CURRENT_ENDPOINT": ends[rank],
        "PADDLE_DISTRI_BACKEND": "gloo",
    }


class _Trained:
    """The target as this process has it, and its passes."""

    def __init__(self, plan: Plan, rank: int) -> None:
        self._plan = plan
        os.environ.setdefault("OMP_NUM_THREADS", f"{max(cores() // WORLD, 1)}")
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        tune.before_import()
        warnings.simplefilter("ignore")
        self.backend: Any = import_module(f"resnet_verify.adapters.{plan.framework}_parallel")
        self._seed(rank)
        model = load_target(plan.target).create()
        adapter = adapter_for(model)
        if adapter is None or adapter.name != plan.framework:
            raise TargetError(f"{plan.target}: a fresh process makes another network of it")
        self._adapter = adapter
        adapter.use_device("cpu")
        self.model = adapter.ready(model)
        self._state = adapter.state(self.model)  # with counters of batches

    def _seed(self, number: int) -> None:
        """Whatever may draw: no launcher sees to it that processes draw the same."""
        seed = self._plan.seed + number
        random.seed(seed)
        np.random.seed(seed)
        for adapter in awake():
            adapter.seed(seed)

    def reset(self) -> None:
        """Give the network the weights and statistics of the plan."""
        self._adapter.load_state(self.model, self._state)
        keys = [param.key for param in self._adapter.params(self.model)]
        self._adapter.write(self.model, None, dict(zip(keys, self._plan.weights, strict=True)))

    def after(self, network: Any, history: Sequence[Sequence[int]]) -> Passed:
        """The last of several passes from the weights of the plan; see `step` for what each is."""
        self.reset()
        return [self.step(network, ranks) for ranks in history][-1]

    def step(self, network: Any, ranks: Sequence[int]) -> Passed:
        """One pass over the images of the processes `ranks` at once."""
        images, cotangent = (
            np.concatenate([each[rank] for rank in ranks])
            for each in (self._plan.images, self._plan.cotangents)
        )
        adapter = self._adapter
        adapter.set_training(network, training=True)
        self._seed(WORLD + ranks[0])
        step = adapter.step(network, images, cotangent, 0)
        keys = [param.key for param in adapter.params(network)]
        tensors = adapter.read(network, None, keys)
        adapter.set_training(network, training=False)
        (evaluated,) = adapter.forward(self.backend.Joined(self.model), images)
        return Passed(
            step.outputs[0],
            evaluated,
            tuple(step.gradients.get(key) for key in keys),
            tuple(tensors[key] for key in keys),
        )
