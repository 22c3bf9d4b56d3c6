"""Training by a recipe: the loop, its measures, and what it writes. No framework in here.

A folder holds a run: ``run.json`` (recipe, sources, environment), ``metrics.jsonl`` (a line for
each epoch), ``last.safetensors`` (all that is needed to go on) and ``best.safetensors`` (the
weights with the highest test accuracy). Files are replaced as a whole, and the checkpoint says
how long the metrics were, so a run that is killed at any moment goes on as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np

from resnet_ref.batches import Batches
from resnet_ref.recipes import Recipe
from resnet_ref.train_files import Progress, Run

if TYPE_CHECKING:
    from resnet_ref.data import Array, Images, Split

FRAMEWORKS = ("paddle", "torch", "mindspore")
LOOK_EVERY = 10
"""Steps between two looks at what the device has added up: each look waits for it."""


@dataclass(frozen=True)
class Settings:
    """How a recipe is run on this machine.

    `gpu` and `deterministic` are for the framework; `sync_norm` shares batch statistics between
    processes; `limit` takes the first images alone.
    """

    seed: int = 0
    gpu: bool = False
    deterministic: bool = False
    sync_norm: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Tally:
    """Sums over the images since the last look: loss, right ones, images; and the last loss."""

    loss: float = 0.0
    right: float = 0.0
    images: float = 0.0
    last_loss: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.loss + other.loss,
            self.right + other.right,
            self.images + other.images,
            other.last_loss,
        )


class Trainer(Protocol):
    """A network in training in some framework. Images come as bytes (N, C, H, W).

    There may be several processes: this is the one of number `rank` of `world`.
    """

    version: str
    device: str
    rank: int
    world: int

    def step(self, pixels: Array, labels: Array, rate: float) -> None:
        """One step of the optimiser at the learning rate `rate`."""
        ...

    def tally(self) -> Tally:
        """What the steps since the last call amounted to, in this process."""
        ...

    def total(self, values: Array) -> Array:
        """The sum of `values` (float64) over all processes."""
        ...

    def logits(self, pixels: Array) -> Array:
        """What the network says, in evaluation mode: (N, classes), float32."""
        ...

    def weights(self) -> dict[str, Array]:
        """The network's weights and running statistics, by its framework's names."""
        ...

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Overwrite the weights named."""
        ...

    def state(self) -> dict[str, Array]:
        """All else that training goes on from: optimiser and random generators."""
        ...

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Put back what `state` gave."""
        ...


def trainer(framework: str, recipe: Recipe, settings: Settings) -> Trainer:
    """A fresh network of `recipe` in `framework`, ready to train.

    Raises:
        ValueError: the framework is unknown, not installed, or cannot do what is asked.
    """
    if framework not in FRAMEWORKS:
        raise ValueError(f"unknown framework {framework!r}; known: {', '.join(FRAMEWORKS)}")
    try:
        module = import_module(f"resnet_ref.train_{framework}")
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{framework} cannot be imported ({error}); pip install 'resnet-verify[{framework}]'"
        ) from error
    made: Trainer = module.make(recipe, settings)
    return made


def start_from(learner: Trainer, weights: Mapping[str, Array]) -> list[str]:
    """Give a fresh network the weights of another; its classifier stays where sizes differ.

    Returns:
        The names of the tensors that were left as they are.

    Raises:
        ValueError: these are not the weights of this network.
    """
    own = learner.weights()
    missing = sorted(own.keys() - weights.keys())
    if missing:
        raise ValueError(
            f"the weights to start from lack {missing[0]!r} and {len(missing) - 1} others; "
            "resnet-verify transplant makes a file for this network"
        )
    others = [name for name in own if own[name].shape != weights[name].shape]
    classifier = [name for name in own if name.startswith("head.")]
    if set(others) - set(classifier):
        name = next(name for name in others if name not in classifier)
        raise ValueError(
            f"the weights to start from have {name!r} of shape {weights[name].shape}; "
            f"expected {own[name].shape}"
        )
    learner.load_weights({name: weights[name] for name in own if name not in others})
    return others


def no_more(_line: Mapping[str, float]) -> None:
    """What is done with the measures of an epoch beside saving them: nothing."""


def train(
    learner: Trainer,
    recipe: Recipe,
    split: Split,
    run: Run,
    settings: Settings,
    tell: Callable[[int, int, int, Tally, float], None] = lambda *_: None,
    done: Callable[[dict[str, float]], None] = no_more,
) -> list[dict[str, float]]:
    """Train up to the last epoch, from the checkpoint of `run` where there is one.

    `tell` is called now and then with epoch, step, steps, the tally of the epoch so far and its
    seconds; `done` with the measures of each epoch, once they are saved. Only the process of
    rank 0 writes, and calls `done`.

    Returns:
        The measures of every epoch.
    """
    batches = Batches(
        split.train,
        recipe.batch_size,
        recipe.augmentation,
        settings.seed,
        learner.rank,
        learner.world,
    )
    progress = run.resume(learner)
    for epoch in range(len(progress.epochs), recipe.epochs):
        started = time.perf_counter()
        tally = _one_epoch(learner, batches, epoch, recipe.rate(epoch), tell)
        seconds = time.perf_counter() - started
        loss, accuracy = evaluate(learner, split.test, recipe.batch_size)
        line = {
            "epoch": epoch,
            "rate": recipe.rate(epoch),
            "train_loss": tally.loss / tally.images,
            "train_loss_last_batch": tally.last_loss,
            "train_accuracy": tally.right / tally.images,
            "test_loss": loss,
            "test_accuracy": accuracy,
            "seconds": seconds,
            "images_per_second": tally.images / seconds,
        }
        progress = Progress([*progress.epochs, line])
        if learner.rank == 0:
            run.save(learner, progress)
            done(line)
    return progress.epochs


def _one_epoch(
    learner: Trainer,
    batches: Batches,
    epoch: int,
    rate: float,
    tell: Callable[[int, int, int, Tally, float], None],
) -> Tally:
    started = time.perf_counter()
    tally, count = Tally(), batches.count
    for step, (pixels, labels) in enumerate(batches.epoch(epoch), 1):
        learner.step(pixels, labels, rate)
        if step % LOOK_EVERY == 0 or step == count:
            tally += learner.tally()
            tell(epoch, step, count, tally, time.perf_counter() - started)
    values = learner.total(np.array(list(asdict(tally).values())))
    loss, right, images, last_loss = values.tolist()
    return Tally(loss, right, images, last_loss / learner.world)


def evaluate(learner: Trainer, images: Images, batch_size: int) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on `images`."""
    scores = predict(learner, images, batch_size).astype(np.float64)
    scores -= scores.max(1, keepdims=True)
    log_share = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    loss = -log_share[np.arange(len(images)), images.labels].mean()
    return float(loss), float((scores.argmax(1) == images.labels).mean())


def predict(learner: Trainer, images: Images, batch_size: int) -> Array:
    """What the network says on `images`: (N, classes)."""
    starts = range(0, len(images), batch_size)
    return np.concatenate(
        [learner.logits(images.pixels[start : start + batch_size]) for start in starts]
    )
