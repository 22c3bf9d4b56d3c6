"""Training in PyTorch, on a CPU or a GPU, alone or under torchrun."""

# PyTorch is not analysed: its results are Any.
# mypy: warn-return-any=False

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from resnet_ref.torch import build
from resnet_ref.torch_gpu import gpu_problem
from resnet_ref.train import Tally

if TYPE_CHECKING:
    from resnet_ref.data import Array
    from resnet_ref.recipes import Recipe
    from resnet_ref.train import Settings


class TorchTrainer:
    """PyTorch behind the protocol of `resnet_ref.train`."""

    version = torch.__version__

    def __init__(self, recipe: Recipe, settings: Settings) -> None:
        self.recipe = recipe
        self.rank, self.world, local = _join(settings.gpu)
        self._device = torch.device("cuda", local) if settings.gpu else torch.device("cpu")
        self.device = torch.cuda.get_device_name(self._device) if settings.gpu else "cpu"
        torch.manual_seed(settings.seed)
        if settings.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = not settings.deterministic
        self._plain: nn.Module = build(recipe.network()).to(self._device)
        if settings.sync_norm:
            self._plain = nn.SyncBatchNorm.convert_sync_batchnorm(self._plain)
        self._network = self._plain
        if self.world > 1:
            self._network = nn.parallel.DistributedDataParallel(self._plain)
        self._optimiser = _optimiser(recipe, self._plain)
        self._sums = torch.zeros(4, dtype=torch.float64, device=self._device)

    def step(self, pixels: Array, labels: Array, rate: float) -> None:
        """Forward, backward and one update; nothing waits for the device."""
        self._network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        wanted = torch.from_numpy(labels).to(self._device, non_blocking=True)
        scores = self._scores(self._network, pixels)
        loss = F.cross_entropy(scores, wanted)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        with torch.no_grad():
            right = (scores.argmax(1) == wanted).sum()
            count = len(labels)
            added = torch.stack([loss * count, right, torch.full_like(loss, count)])
            self._sums[:3] += added.double()
            self._sums[3] = loss.double()

    def tally(self) -> Tally:
        """What has been added up on the device."""
        values = self._sums.tolist()
        self._sums.zero_()
        return Tally(*values)

    def total(self, values: Array) -> Array:
        """An all-reduce, where there are several processes."""
        if self.world == 1:
            return values
        tensor = torch.from_numpy(values).to(self._device)
        torch.distributed.all_reduce(tensor)
        return tensor.cpu().numpy()

    def logits(self, pixels: Array) -> Array:
        """In evaluation mode, in this process alone."""
        self._plain.eval()
        with torch.no_grad():
            return self._scores(self._plain, pixels).float().cpu().numpy()

    def weights(self) -> dict[str, Array]:
        """The state dictionary."""
        state = self._plain.state_dict()
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in state.items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Overwrite in place."""
        state = self._plain.state_dict()
        for name, array in weights.items():
            state[name].copy_(torch.from_numpy(np.array(array)))

    def state(self) -> dict[str, Array]:
        """The optimiser's tensors as ``optimiser/INDEX/NAME``, and the generators."""
        found = {"generator": torch.get_rng_state()}
        if self._device.type == "cuda":
            found["gpu generator"] = torch.cuda.get_rng_state(self._device)
        for index, tensors in self._optimiser.state_dict()["state"].items():
            for name, tensor in tensors.items():
                if tensor is not None:
                    found[f"optimiser/{index}/{name}"] = tensor
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in found.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """The optimiser takes its tensors back, and the generators theirs."""
        tensors = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
        torch.set_rng_state(tensors.pop("generator"))
        on_gpu = tensors.pop("gpu generator", None)
        if on_gpu is not None and self._device.type == "cuda":
            torch.cuda.set_rng_state(on_gpu, self._device)
        own = self._optimiser.state_dict()
        for name, tensor in tensors.items():
            _, index, key = name.split("/")
            own["state"].setdefault(int(index), {})[key] = tensor
        self._optimiser.load_state_dict(own)

    def _scores(self, network: nn.Module, pixels: Array) -> torch.Tensor:
        recipe = self.recipe
        images = torch.from_numpy(pixels).to(self._device, non_blocking=True).float()
        if images.shape[-1] != recipe.size:
            images = F.interpolate(
                images, (recipe.size, recipe.size), mode="bilinear", align_corners=False
            )
        mean, deviation = (
            torch.tensor(values, device=self._device)[:, None, None]
            for values in (recipe.mean, recipe.deviation)
        )
        half = recipe.precision == "bfloat16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            scores = network((images - mean) / deviation)
        return scores.float()


def make(recipe: Recipe, settings: Settings) -> TorchTrainer:
    """A fresh network in training.

    Raises:
        ValueError: the GPU that is asked for cannot be used.
    """
    if settings.gpu and (why := gpu_problem()):
        raise ValueError(f"--gpu: {why}")
    if settings.sync_norm and not settings.gpu:
        raise ValueError("--sync-norm: PyTorch shares batch statistics on GPUs only")
    return TorchTrainer(recipe, settings)


def _join(gpu: bool) -> tuple[int, int, int]:
    """Rank, processes in all, and number on this machine, by what torchrun has set."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return 0, 1, 0
    local = int(os.environ["LOCAL_RANK"])
    if gpu:
        torch.cuda.set_device(local)
    torch.distributed.init_process_group("nccl" if gpu else "gloo")
    return torch.distributed.get_rank(), world, local


def _optimiser(recipe: Recipe, network: nn.Module) -> torch.optim.Optimizer:
    parameters, rate, decay = network.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, rate, weight_decay=decay)
    return torch.optim.SGD(parameters, rate, recipe.momentum, weight_decay=decay)


def fetched(dataset: str, folder: Path) -> Path:
    """Where torchvision's dataset class has put the files of `dataset` under `folder`."""
    from torchvision import datasets

    if dataset == "cifar10":
        made = datasets.CIFAR10(folder, download=True)
        return Path(made.root, made.base_folder)
    made = datasets.FashionMNIST(folder, download=True)
    return Path(made.raw_folder)
