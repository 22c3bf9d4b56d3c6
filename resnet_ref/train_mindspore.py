"""Training in MindSpore, on a CPU, in one process."""

# MindSpore is not analysed: its results are Any.
# mypy: warn-return-any=False

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import mindspore
import numpy as np
from mindspore import nn, ops

from resnet_ref.mindspore import build
from resnet_ref.train import Tally

if TYPE_CHECKING:
    from resnet_ref.data import Array
    from resnet_ref.recipes import Recipe
    from resnet_ref.train import Settings


class MindSporeTrainer:
    """MindSpore behind the protocol of `resnet_ref.train`."""

    version = mindspore.__version__
    rank, world = 0, 1

    def __init__(self, recipe: Recipe, settings: Settings) -> None:
        self.recipe = recipe
        self.device = "cpu"
        if mindspore.get_context("device_target") != "CPU":  # it cannot be set once in use
            mindspore.set_device("CPU")
        mindspore.set_seed(settings.seed)
        if settings.deterministic:
            mindspore.set_deterministic(True)
        self._network: nn.Cell = build(recipe.network())
        self._optimiser = _optimiser(recipe, self._network)
        self._forward_and_back = mindspore.value_and_grad(
            self._loss, None, self._optimiser.parameters, has_aux=True
        )
        self._sums = np.zeros(4)

    def step(self, pixels: Array, labels: Array, rate: float) -> None:
        """Forward, backward and one update."""
        self._network.set_train(True)
        ops.assign(self._optimiser.learning_rate, mindspore.Tensor(rate, mindspore.float32))
        images, wanted = self._images(pixels), mindspore.Tensor(labels.astype(np.int32))
        (loss, scores), gradients = self._forward_and_back(images, wanted)
        self._optimiser(gradients)
        value, right = float(loss.asnumpy()), (scores.asnumpy().argmax(1) == labels).sum()
        self._sums[:3] += (value * len(labels), right, len(labels))
        self._sums[3] = value

    def tally(self) -> Tally:
        """What has been added up."""
        values, self._sums = self._sums.tolist(), np.zeros(4)
        return Tally(*values)

    def total(self, values: Array) -> Array:
        """These values: there is one process."""
        return values

    def logits(self, pixels: Array) -> Array:
        """In evaluation mode."""
        self._network.set_train(False)
        return self._network(self._images(pixels)).asnumpy()

    def weights(self) -> dict[str, Array]:
        """The parameters, running statistics among them."""
        return {name: p.asnumpy().copy() for name, p in self._network.parameters_dict().items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Overwrite in place."""
        own = self._network.parameters_dict()
        for name, array in weights.items():
            own[name].set_data(mindspore.Tensor(array))

    def state(self) -> dict[str, Array]:
        """The optimiser's own parameters, and the generator."""
        generator = mindspore.get_rng_state().asnumpy()
        own = self._optimisers_own()
        return {"generator": generator} | {n: p.asnumpy().copy() for n, p in own.items()}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Put both back."""
        mindspore.set_rng_state(mindspore.Tensor(state["generator"]))
        for name, parameter in self._optimisers_own().items():
            parameter.set_data(mindspore.Tensor(state[name]))

    def _optimisers_own(self) -> dict[str, mindspore.Parameter]:
        of_network = self._network.parameters_dict()
        found = self._optimiser.parameters_dict()
        return {name: found[name] for name in found if name not in of_network}

    def _loss(
        self, images: mindspore.Tensor, wanted: mindspore.Tensor
    ) -> tuple[mindspore.Tensor, mindspore.Tensor]:
        scores = self._network(images)
        return ops.cross_entropy(scores, wanted), scores

    def _images(self, pixels: Array) -> mindspore.Tensor:
        recipe = self.recipe
        images = mindspore.Tensor(pixels.astype(np.float32))
        if images.shape[-1] != recipe.size:
            images = ops.interpolate(
                images, size=(recipe.size, recipe.size), mode="bilinear", align_corners=False
            )
        mean, deviation = (
            mindspore.Tensor(np.array(values, np.float32)[:, None, None])
            for values in (recipe.mean, recipe.deviation)
        )
        return (images - mean) / deviation


def make(recipe: Recipe, settings: Settings) -> MindSporeTrainer:
    """A fresh network in training.

    Raises:
        ValueError: the GPU that is asked for cannot be used, or bfloat16 is.
    """
    if settings.gpu:
        raise ValueError(f"--gpu: mindspore {mindspore.__version__} can use no GPU here")
    if recipe.precision != "float32":
        raise ValueError("MindSpore on a CPU computes in float32 only")
    if settings.sync_norm:
        raise ValueError("--sync-norm: MindSpore trains in one process here")
    return MindSporeTrainer(recipe, settings)


def _optimiser(recipe: Recipe, network: nn.Cell) -> nn.Optimizer:
    parameters = network.trainable_params()
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "adam":
        return nn.Adam(parameters, rate, weight_decay=decay)
    return nn.Momentum(parameters, rate, recipe.momentum, weight_decay=decay)
