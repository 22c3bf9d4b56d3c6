"""Training in Paddle, on a CPU or a GPU, alone or under ``paddle.distributed.launch``."""

# Paddle is not analysed: its results are Any.
# mypy: warn-return-any=False

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from resnet_ref.paddle import build
from resnet_ref.paddle_gpu import gpu_problem
from resnet_ref.train import Tally

if TYPE_CHECKING:
    from resnet_ref.data import Array
    from resnet_ref.recipes import Recipe
    from resnet_ref.train import Settings


class PaddleTrainer:
    """Paddle behind the protocol of `resnet_ref.train`."""

    version = paddle.__version__

    def __init__(self, recipe: Recipe, settings: Settings) -> None:
        self.recipe = recipe
        paddle.set_device("gpu" if settings.gpu else "cpu")
        self.rank, self.world = _join()
        self.device = paddle.device.cuda.get_device_name() if settings.gpu else "cpu"
        paddle.seed(settings.seed)
        if settings.deterministic:
            paddle.set_flags({"FLAGS_cudnn_deterministic": True})
        with _own_names():
            self._plain: nn.Layer = build(recipe.network())
        if settings.sync_norm:
            self._plain = nn.SyncBatchNorm.convert_sync_batchnorm(self._plain)
        self._network = paddle.DataParallel(self._plain) if self.world > 1 else self._plain
        self._optimiser = _optimiser(recipe, self._plain)
        self._sums = paddle.zeros([4], "float64")

    def step(self, pixels: Array, labels: Array, rate: float) -> None:
        """Forward, backward and one update; nothing waits for the device."""
        self._network.train()
        self._optimiser.set_lr(rate)
        wanted = paddle.to_tensor(labels)
        scores = self._scores(self._network, pixels)
        loss = F.cross_entropy(scores, wanted)
        loss.backward()
        with _own_names():
            self._optimiser.step()
        self._optimiser.clear_grad()
        with paddle.no_grad():
            count, one = len(labels), loss.detach().astype("float64").reshape([1])
            right = (scores.argmax(1) == wanted).sum().astype("float64").reshape([1])
            added = paddle.concat([one * count, right, paddle.full([1], count, "float64")])
            self._sums = paddle.concat([self._sums[:3] + added, one])

    def tally(self) -> Tally:
        """What has been added up on the device."""
        values = self._sums.numpy().tolist()
        self._sums = paddle.zeros([4], "float64")
        return Tally(*values)

    def total(self, values: Array) -> Array:
        """An all-reduce, where there are several processes."""
        if self.world == 1:
            return values
        tensor = paddle.to_tensor(values)
        paddle.distributed.all_reduce(tensor)
        return tensor.numpy()

    def logits(self, pixels: Array) -> Array:
        """In evaluation mode, in this process alone."""
        self._plain.eval()
        with paddle.no_grad():
            return self._scores(self._plain, pixels).astype("float32").numpy()

    def weights(self) -> dict[str, Array]:
        """The state dictionary."""
        return {name: tensor.numpy() for name, tensor in self._plain.state_dict().items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Overwrite in place."""
        state = self._plain.state_dict()
        for name, array in weights.items():
            state[name].set_value(array)

    def state(self) -> dict[str, Array]:
        """The optimiser's tensors as ``optimiser/NAME``."""
        state = self._optimiser.state_dict()
        tensors = {name: value for name, value in state.items() if isinstance(value, paddle.Tensor)}
        return {f"optimiser/{name}": tensor.numpy() for name, tensor in tensors.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """The optimiser takes its tensors back."""
        own = {
            name.removeprefix("optimiser/"): paddle.to_tensor(array)
            for name, array in state.items()
        }
        self._optimiser.set_state_dict(own)

    def _scores(self, network: nn.Layer, pixels: Array) -> paddle.Tensor:
        recipe = self.recipe
        images = paddle.to_tensor(pixels).astype("float32")
        if images.shape[-1] != recipe.size:
            images = F.interpolate(
                images, [recipe.size, recipe.size], mode="bilinear", align_corners=False
            )
        mean, deviation = (
            paddle.to_tensor(np.array(values, np.float32)[:, None, None])
            for values in (recipe.mean, recipe.deviation)
        )
        half = recipe.precision == "bfloat16"
        with paddle.amp.auto_cast(half, dtype="bfloat16"):
            scores = network((images - mean) / deviation)
        return scores.astype("float32")


def make(recipe: Recipe, settings: Settings) -> PaddleTrainer:
    """A fresh network in training.

    Raises:
        ValueError: the GPU that is asked for cannot be used.
    """
    if settings.gpu and (why := gpu_problem()):
        raise ValueError(f"--gpu: {why}")
    if settings.sync_norm and not settings.gpu:
        raise ValueError("--sync-norm: Paddle shares batch statistics on GPUs only")
    return PaddleTrainer(recipe, settings)


def _own_names() -> AbstractContextManager[None]:
    """Names that are counted from 0, whatever else this process has made.

    The tensors of an optimiser are made at its first step, named after those of the network.
    Going on from a checkpoint they are found by these names.
    """
    return paddle.utils.unique_name.guard()


def _join() -> tuple[int, int]:
    """Rank and processes in all, by what ``paddle.distributed.launch`` has set."""
    world = paddle.distributed.get_world_size()
    if world > 1:
        paddle.distributed.init_parallel_env()
    return paddle.distributed.get_rank(), world


def _optimiser(recipe: Recipe, network: nn.Layer) -> paddle.optimizer.Optimizer:
    common = {"learning_rate": recipe.learning_rate, "parameters": network.parameters()}
    common["weight_decay"] = recipe.weight_decay or None
    if recipe.optimiser == "adam":
        return paddle.optimizer.Adam(**common)
    return paddle.optimizer.Momentum(momentum=recipe.momentum, **common)


def fetched(dataset: str) -> Path:
    """Where Paddle's own dataset class has put the archive of `dataset`, fetching it if need be."""
    if dataset == "cifar10":
        return Path(paddle.vision.datasets.Cifar10(mode="train", download=True).data_file)
    found = [
        paddle.vision.datasets.FashionMNIST(mode=mode, download=True) for mode in ("train", "test")
    ]
    return Path(found[0].image_path).parent
