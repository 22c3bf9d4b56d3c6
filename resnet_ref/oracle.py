"""The NumPy oracle: forward and backward of a network in float64, which judges the references.

`run(network, tensors, x, training=True)` computes what any implementation must: the output, the
running statistics after the step, and, through `Run.pull`, the gradient by every parameter
and by the input. Tensors go in and out under their (location, role), see
`resnet_ref.places`. The finite-difference tests trust no framework.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from resnet_ref.layers import Layer
from resnet_ref.layout import Block, Network, layout
from resnet_ref.oracle_layers import Array, step
from resnet_ref.places import Key, Slot, named_blocks, path_places, places, slots
from resnet_ref.spec import ResNetSpec

Tensors: TypeAlias = Mapping[Key, Array]
Pull: TypeAlias = Callable[[Array], tuple[Array, dict[Key, Array]]]


@dataclass(frozen=True, slots=True)
class Run:
    """What a network did to a batch.

    `output` is what it put out and `statistics` the running means and variances after it, under
    (location, role), those that a training step moves. `pull` takes the gradient by the
    output to (gradient by the input, gradients by the parameters under their keys).
    """

    output: Array
    statistics: dict[Key, Array]
    pull: Pull


def run(
    network: ResNetSpec | Network | Block, tensors: Tensors, x: Array, *, training: bool
) -> Run:
    """Run `network` on a batch.

    Args:
        network: what to compute.
        tensors: every parameter and buffer, under (location, role), as `random_tensors` gives.
        x: array of shape (N, C, H, W); float64 unless rounding is what is being studied.
        training: normalise by the batch's statistics, and report the running ones after it.

    Raises:
        KeyError: a tensor is missing.
    """
    oracle = _Oracle(tensors, training)
    if isinstance(network, ResNetSpec):
        network = layout(network)
    if isinstance(network, Block):
        return oracle.block("", network, x)
    runs = [oracle.path("stem", network.stem, x)]
    for where, block in named_blocks(network):
        runs.append(oracle.block(f"{where}, ", block, runs[-1].output))
    runs.append(oracle.path("head", network.head, runs[-1].output))
    return _chained(runs)


def random_tensors(
    network: ResNetSpec | Network | Block, rng: np.random.Generator
) -> dict[Key, Array]:
    """Tensors that hide nothing, in float64, under (location, role).

    Weights keep the scale of what passes through; scales and variances lie in 0.5 to 1.5 and
    shifts and means well away from zero, since at initialisation half of all mistakes
    are invisible.
    """
    return {(location, slot.role): _draw(slot, rng) for location, slot in named_slots(network)}


def named_slots(network: ResNetSpec | Network | Block) -> Iterator[tuple[str, Slot]]:
    """Location and slot of every tensor of `network`, in the order of the tables."""
    for location, layer in places(layout(network) if isinstance(network, ResNetSpec) else network):
        for slot in slots(layer):
            yield location, slot


def _draw(slot: Slot, rng: np.random.Generator) -> Array:
    if len(slot.shape) == 4:
        return rng.normal(0.0, math.sqrt(2 / math.prod(slot.shape[1:])), slot.shape)  # He's scale
    if len(slot.shape) == 2:
        fan_in = slot.shape[0]
        # A classifier's is smaller: of a saturated softmax the gradient is but rounding.
        return rng.normal(
            0.0, 1 / fan_in if slot.role == "weight" else math.sqrt(2 / fan_in), slot.shape
        )
    if slot.role in ("weight", "variance"):
        return rng.uniform(0.5, 1.5, slot.shape)
    return rng.normal(0.0, 0.3, slot.shape)


@dataclass(frozen=True, slots=True)
class _Oracle:
    """Runs the parts of a network that holds `tensors`."""

    tensors: Tensors
    training: bool

    def path(self, where: str, described: tuple[Layer, ...], x: Array) -> Run:
        runs = [Run(x, {}, lambda dy: (dy, {}))]
        for location, layer in path_places(where, described):
            runs.append(self.layer(location, layer, runs[-1].output))
        return _chained(runs)

    def layer(self, location: str, layer: Layer, x: Array) -> Run:
        held = {slot.role: self.tensors[location, slot.role] for slot in slots(layer)}
        done = step(layer, held, x, training=self.training)

        def pull(dy: Array) -> tuple[Array, dict[Key, Array]]:
            dx, grads = done.pull(dy)
            return dx, {(location, role): grad for role, grad in grads.items()}

        return Run(done.output, {(location, r): v for r, v in done.updates.items()}, pull)

    def block(self, prefix: str, block: Block, x: Array) -> Run:
        """``post(branch(p) + shortcut(p or x))`` with ``p = pre(x)``."""
        pre = self.path(f"{prefix}pre", block.pre, x)
        branch = self.path(f"{prefix}branch", block.branch, pre.output)
        skipped = pre.output if block.shortcut else x
        shortcut = self.path(f"{prefix}shortcut", block.shortcut, skipped)
        post = self.path(f"{prefix}post", block.post, branch.output + shortcut.output)

        def pull(dy: Array) -> tuple[Array, dict[Key, Array]]:
            by_sum, post_grads = post.pull(dy)
            by_branch, branch_grads = branch.pull(by_sum)
            by_shortcut, shortcut_grads = shortcut.pull(by_sum)
            through_pre = by_branch + by_shortcut if block.shortcut else by_branch
            dx, pre_grads = pre.pull(through_pre)
            around_pre = 0 if block.shortcut else by_shortcut
            return dx + around_pre, {**pre_grads, **branch_grads, **shortcut_grads, **post_grads}

        statistics = {k: v for r in (pre, branch, shortcut, post) for k, v in r.statistics.items()}
        return Run(post.output, statistics, pull)


def _chained(runs: list[Run]) -> Run:
    """One run after the other, as one."""

    def pull(dy: Array) -> tuple[Array, dict[Key, Array]]:
        grads: dict[Key, Array] = {}
        for done in reversed(runs):
            dy, found = done.pull(dy)
            grads |= found
        return dy, grads

    statistics = {key: value for done in runs for key, value in done.statistics.items()}
    return Run(runs[-1].output, statistics, pull)
