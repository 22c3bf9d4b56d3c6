"""Training a target or its twin on real images, step by step, by an optimiser of our own.

The framework computes outputs and gradients; the steps of SGD are taken here, in NumPy, so
that nothing but the network differs between a target and its twin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_verify.axes import in_shape
from resnet_verify.checks import NotApplicable
from resnet_verify.learning_data import IMAGES, LearningData
from resnet_verify.transplant import canonical, keys_of, stored, twin_network

if TYPE_CHECKING:
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination

FEWEST, MOST = 8, 48
"""Steps: the twin takes as many as it needs to have learned, within these bounds."""
LEARNED = 0.6
"""Share of the images trained on that is known, in training mode, once the twin has learned."""
FLOOR = 0.3
"""What a target has to know after as many steps; chance is 0.1, its deviation 0.05."""
BATCH = 16
RATE = 0.02
MOMENTUM = 0.9
EVALUATED_AFTER = (1, 2, 4, 8, 16, 32)
MOVE = 1e-6
"""By what share of itself each weight of a replica is moved: what rounding does to an output."""
ROUNDING = 1e-5
"""Of a loss: what is no difference at all."""
MIXED_MOVE = 2.0**-9
"""`MOVE` and `ROUNDING` of passes in mixed precision: half of bfloat16's spacing at 1."""


@dataclass(frozen=True)
class Curve:
    """How a network learned.

    `points` has what was measured in the order of time: by (step, number) its name and value.
    `accuracy` is that of the last passes over all images trained on, in training mode.
    """

    points: Mapping[tuple[int, int], tuple[str, float]]
    steps: int
    accuracy: float
    rounding: float


def learned(
    examination: Examination,
    data: LearningData,
    *,
    of_twin: bool,
    moved: int = 0,
    steps: int | None = None,
    mixed: bool = False,
) -> Curve:
    """Train the twin or the target from weights drawn as documented, the same for both.

    Args:
        examination: whose target and twin.
        data: what is trained on.
        of_twin: the twin and not the target.
        moved: number of a replica, whose weights are moved by rounding; 0 for none.
        steps: how many to take; None for as many as it needs to have learned.
        mixed: passes compute in bfloat16 where that is meant for it; weights stay as they are.
    """
    rounding = (MIXED_MOVE, MIXED_MOVE) if mixed else (MOVE, ROUNDING)
    examination.give_weights(_initial(examination, moved, rounding[0]))
    learner = _Learner(examination, of_twin, mixed)
    points: dict[tuple[int, int], tuple[str, float]] = {}
    right: list[bool] = []
    for step in range(steps or MOST):
        part = np.arange(step * BATCH, (step + 1) * BATCH) % IMAGES
        loss, guesses = learner.step(data.images[part], data.labels[part])
        points[step, 1] = ("training loss", loss)
        right += list(guesses == data.labels[part])
        if step + 1 in EVALUATED_AFTER:
            value = learner.evaluate(data.held_out, data.held_out_labels)
            points[step + 1, 0] = ("loss in evaluation mode", value)
        if steps is None and step + 1 >= FEWEST and np.mean(right[-IMAGES:]) >= LEARNED:
            break
    accuracy = float(np.mean(right[-IMAGES:]))
    return Curve(points, step + 1, accuracy, rounding[1] * points[0, 1][1])


def _initial(examination: Examination, moved: int, by: float) -> dict[Key, Array]:
    weights = examination.once("drawn as documented", lambda: _drawn(examination))
    if not moved:
        return weights
    generator = np.random.default_rng((examination.seed, moved))
    return {
        key: (array * (1 + by * generator.standard_normal(array.shape))).astype(array.dtype)
        for key, array in weights.items()
    }


def _drawn(examination: Examination) -> dict[Key, Array]:
    """The weights of a fresh reference network."""
    adapter = examination.adapter
    adapter.seed(examination.seed)
    fresh = adapter.build(twin_network(examination.match), examination.dtype)
    tensors = examination.tensors_of(fresh)
    return canonical(tensors, adapter.read(fresh, None, keys_of(tensors)))


def shares(scores: Array) -> Array:
    """Softmax of each row."""
    high = np.exp(scores - scores.max(1, keepdims=True))
    found: Array = high / high.sum(1, keepdims=True)
    return found


def cross_entropy(output: Array, labels: Array, head: str) -> tuple[float, Array]:
    """Mean cross-entropy of what a network with this head puts out, and its gradient.

    Args:
        output: (N, classes): scores, their softmax or its logarithm, by `head`.
        labels: (N,)
        head: "classifier", "softmax" or "log_softmax".
    """
    rows = np.arange(len(labels))
    wanted = np.zeros_like(output)
    wanted[rows, labels] = 1
    if head == "log_softmax":
        chosen, pull = output[rows, labels], -wanted
    else:
        known = np.maximum(output if head == "softmax" else shares(output), 1e-30)
        chosen = np.log(known[rows, labels])
        pull = -wanted / known if head == "softmax" else known - wanted
    return -float(chosen.mean()), pull / len(labels)


def _mixed(examination: Examination) -> Callable[[], AbstractContextManager[None]]:
    kinds = examination.adapter.mixed()
    if "bfloat16" not in kinds:
        name = examination.framework
        raise NotApplicable(f"{name} has no automatic mixed precision on this device")
    return kinds["bfloat16"]


class _Learner:
    """A network that takes steps of SGD with momentum."""

    def __init__(self, examination: Examination, of_twin: bool, mixed: bool) -> None:
        self._examination = examination
        self._precision = _mixed(examination) if mixed else nullcontext
        self._adapter = examination.adapter
        self._of_twin = of_twin
        self._network: Any = examination.twin if of_twin else examination.model
        self._output = 0 if of_twin else examination.main_output
        self._trainable = [p.key for p in self._adapter.params(self._network) if p.trainable]
        self._capture = None if of_twin else examination.probe.capture
        self._velocity: dict[str, Array] = {}
        self._weights = self._adapter.read(self._network, self._capture, self._trainable)

    def step(self, images: Array, labels: Array) -> tuple[float, Array]:
        """One step; the loss before it, and what the network took the images for."""
        adapter = self._adapter
        adapter.set_training(self._network, training=True)
        before = self._statistics()
        batch = self._turned(images)
        # Two passes: the gradient of the loss is a function of what the first one gives.
        with self._precision():
            output = adapter.forward(self._network, batch)[self._output]
        loss, pull, guesses = self._loss(output, labels)
        with self._precision():
            found = adapter.step(self._network, batch, pull, self._output)
        self._keep_target_share(before)
        for key in self._trainable:
            gradient = found.gradients.get(key)
            if gradient is None:
                continue
            velocity = MOMENTUM * self._velocity.get(key, np.float32(0)) + gradient
            self._velocity[key] = velocity.astype(gradient.dtype)
            self._weights[key] = self._weights[key] - np.float32(RATE) * self._velocity[key]
        adapter.write(self._network, self._capture, self._weights)
        return loss, guesses

    def evaluate(self, images: Array, labels: Array) -> float:
        """The loss in evaluation mode."""
        self._adapter.set_training(self._network, training=False)
        batches = range(0, len(images), BATCH)
        losses = []
        for start in batches:
            part = slice(start, start + BATCH)
            with self._precision():
                outputs = self._adapter.forward(self._network, self._turned(images[part]))
            losses.append(self._loss(outputs[self._output], labels[part])[0])
        return float(np.mean(losses))

    def _turned(self, images: Array) -> Array:
        kind = np.float64 if self._examination.dtype == "float64" else np.float32
        if not self._of_twin and self._examination.probe.channels_last:
            images = np.moveaxis(images, 1, 3)
        return np.ascontiguousarray(images, dtype=kind)

    def _loss(self, output: Array, labels: Array) -> tuple[float, Array, Array]:
        """Cross-entropy, its gradient in the shape of `output`, and the likeliest classes."""
        scores = in_shape(output, (len(labels), output.size // len(labels))).astype(np.float64)
        loss, pull = cross_entropy(scores, labels, self._examination.identity.head)
        return loss, pull.astype(output.dtype).reshape(output.shape), scores.argmax(1)

    def _statistics(self) -> dict[Key, Array]:
        if not self._of_twin:
            return {}
        ratios = self._examination.once("ratios of shares", lambda: _ratios(self._examination))
        held = self._examination.held_weights()[1] if ratios else {}
        return {key: array for key, array in held.items() if key in ratios}

    def _keep_target_share(self, before: Mapping[Key, Array]) -> None:
        """Move the twin's running statistics by the target's share, where that is legitimate."""
        if not before:
            return
        ratios = self._examination.once("ratios of shares", lambda: _ratios(self._examination))
        after = self._examination.held_weights()[1]
        tensors = self._examination.twin_tensors
        moved = {key: old + ratios[key] * (after[key] - old) for key, old in before.items()}
        moving = {key: tensors[key] for key in moved}
        self._adapter.write(self._network, None, stored(moving, moved))


def _ratios(examination: Examination) -> dict[Key, float]:
    """By how much farther a norm of the target moves in two passes than the twin's.

    Another momentum is a convention as long as most is kept at each step; where it is not,
    that is a mistake, and the twin stays with the documented one.
    """
    found = {}
    for key in examination.correspondence:
        if key[1] not in ("mean", "variance"):
            continue
        share, documented = examination.statistics_share(key[0])
        if share < 0.5 and not np.isclose(share, documented):
            found[key] = (1 - (1 - share) ** 2) / (1 - (1 - documented) ** 2)
    return found
