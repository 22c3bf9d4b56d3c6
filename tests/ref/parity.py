"""Runs a reference and the oracle on the same tensors, and measures how far apart they are."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol
from unittest.mock import patch

import numpy as np

from resnet_ref import oracle
from resnet_ref.derive import table
from resnet_ref.layers import BatchNorm, Layer, MaxPool, Relu
from resnet_ref.layout import Block, Network
from resnet_ref.oracle_layers import step
from resnet_ref.places import Key

Tensors = Mapping[Key, np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """What came of one pass, forward and backward."""

    output: np.ndarray
    statistics: Tensors
    input_gradient: np.ndarray
    gradients: Tensors


@dataclass(frozen=True)
class Descent:
    """Steps of SGD with momentum and weight decay; float32 holds these numbers exactly."""

    rate: float = 2**-12
    momentum: float = 0.875
    decay: float = 2**-4
    steps: int = 2


class Framework(Protocol):
    """What the tests need of a framework; arrays come and go in the layout of `slots`.

    `reference` is its module in `resnet_ref`, `precision` the widest type of its kernels,
    `unbiased` tells towards which variance of the batch the running one moves, and
    `float32_attributes` that momentum and eps are rounded in any type.
    """

    reference: Any
    precision: str
    unbiased: bool
    float32_attributes: bool

    def seed(self, seed: int) -> None: ...

    def build(self, network: Network | Block, dtype: str) -> Any: ...

    def undrawn(self) -> AbstractContextManager[Any]:
        """Inside, networks are built without their weights, which takes no time."""

    def write(self, built: Any, tensors: Tensors) -> None: ...

    def read(self, built: Any) -> dict[Key, np.ndarray]: ...

    def registered(self, built: Any) -> list[tuple[int, bool]]:
        """Size of each parameter and statistic, and whether it is trained."""

    def step(self, built: Any, x: np.ndarray, along: np.ndarray, *, training: bool) -> Outcome:
        """The gradients are those of ``sum(output * along)``."""

    def descend(self, built: Any, x: np.ndarray, along: np.ndarray, descent: Descent) -> None:
        """In training mode, on the same batch again and again."""


def is_statistic(key: Key) -> bool:
    return key[1] in ("mean", "variance")


def as_stored(network: Network | Block, framework: Framework) -> Network | Block:
    """`network` with momentum and eps as the framework's kernels hold them."""
    if not framework.float32_attributes:
        return network

    def path(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
        return tuple(
            replace(
                layer,
                momentum=float(np.float32(layer.momentum)),
                eps=float(np.float32(layer.eps)),
            )
            if isinstance(layer, BatchNorm)
            else layer
            for layer in layers
        )

    def block(each: Block) -> Block:
        return replace(each, **{name: path(layers) for name, layers in each.paths()})

    if isinstance(network, Block):
        return block(network)
    stages = tuple(tuple(map(block, stage)) for stage in network.stages)
    return Network(path(network.stem), stages, path(network.head))


def run_oracle(
    network: Network | Block, tensors: Tensors, x: np.ndarray, *, training: bool, unbiased: bool
) -> Outcome:
    """`unbiased` moves the running variance towards n / (n - 1) of the batch's."""
    done = oracle.run(network, tensors, x, training=training)
    input_gradient, gradients = done.pull(cotangent(network, x))
    statistics = {key: tensor for key, tensor in tensors.items() if is_statistic(key)}
    statistics |= done.statistics
    if unbiased and training:
        for row in table(network, x.shape).rows:
            if isinstance(row.layer, BatchNorm) and row.layer.statistics == "batch":
                key, n = (row.location, "variance"), prod(row.input_shape) // row.layer.channels
                kept = row.layer.momentum * tensors[key]
                statistics[key] = kept + (statistics[key] - kept) * n / (n - 1)
    return Outcome(done.output, statistics, input_gradient, gradients)


def descend_oracle(
    network: Network | Block, tensors: Tensors, x: np.ndarray, descent: Descent, *, unbiased: bool
) -> Tensors:
    """Every tensor after the steps: v = momentum v + g + decay w, then w = w - rate v."""
    tensors, velocity = dict(tensors), dict.fromkeys(tensors, 0.0)
    for _ in range(descent.steps):
        done = run_oracle(network, tensors, x, training=True, unbiased=unbiased)
        tensors |= done.statistics
        for key, gradient in done.gradients.items():
            decayed = gradient + descent.decay * tensors[key]
            velocity[key] = descent.momentum * velocity[key] + decayed
            tensors[key] = tensors[key] - descent.rate * velocity[key]
    return tensors


def run(
    framework: Framework,
    network: Network | Block,
    tensors: Tensors,
    x: np.ndarray,
    *,
    training: bool,
    dtype: str = "",
) -> Outcome:
    """In `dtype`, by default the framework's widest, on tensors that are rounded to it."""
    built = framework.build(network, dtype or framework.precision)
    framework.write(built, tensors)
    return framework.step(built, x, cotangent(network, x), training=training)


def cotangent(network: Network | Block, x: np.ndarray) -> np.ndarray:
    """What the gradients are pulled back from: fixed, and nowhere near zero in norm."""
    shape = table(network, x.shape).output_shape
    return np.random.default_rng(7).normal(size=shape).astype(x.dtype)


def distances(found: Outcome, expected: Outcome) -> dict[str, float]:
    """||found - expected|| / ||expected||, the largest of each kind."""
    return {
        "output": distance(found.output, expected.output),
        "statistics": max(each_distance(found.statistics, expected.statistics), default=0.0),
        "input gradient": distance(found.input_gradient, expected.input_gradient),
        "gradients": max(each_distance(found.gradients, expected.gradients), default=0.0),
    }


def each_distance(found: Tensors, expected: Tensors) -> list[float]:
    """The distance of each tensor.

    The bias of a convolution before a norm has gradient zero, of which only rounding is left:
    it is measured against the gradient of that convolution's weight.
    """
    assert found.keys() == expected.keys()
    return [
        distance(found[where, role], tensor, expected[where, role.replace("bias", "weight")])
        for (where, role), tensor in expected.items()
    ]


def distance(found: np.ndarray, expected: np.ndarray, like: np.ndarray | float = 0.0) -> float:
    """||found - expected|| over the larger of ||expected|| and ||like||; 0 for equals."""
    assert found.shape == expected.shape
    apart = np.linalg.norm(found - expected)
    return float(apart and apart / max(np.linalg.norm(expected), np.linalg.norm(like)))


def measure(
    framework: Framework,
    network: Network | Block,
    x: np.ndarray,
    *,
    training: bool,
    against: Network | Block | None = None,
    dtype: str = "",
) -> dict[str, float]:
    """How far `network` in `framework` is from the oracle's (or `against` there)."""
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    found = run(framework, network, tensors, x, training=training, dtype=dtype)
    stored = as_stored(against or network, framework)
    expected = run_oracle(stored, tensors, x, training=training, unbiased=framework.unbiased)
    return distances(found, expected)


def measure_rounding(
    framework: Framework, network: Network, images: Sequence[np.ndarray], *, training: bool
) -> tuple[dict[str, float], dict[str, float]]:
    """How far the framework and the oracle, both in float32, are from the oracle in float64."""
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    x = calmest(images, network, tensors, training=training)
    stored, unbiased = as_stored(network, framework), framework.unbiased
    expected = run_oracle(stored, tensors, x, training=training, unbiased=unbiased)
    own = run_oracle(stored, *narrow(tensors, x), training=training, unbiased=unbiased)
    found = run(framework, network, tensors, x, training=training, dtype="float32")
    return distances(found, expected), distances(own, expected)


def narrow(tensors: Tensors, x: np.ndarray) -> tuple[Tensors, np.ndarray]:
    """In float32."""
    return {key: tensor.astype("float32") for key, tensor in tensors.items()}, x.astype("float32")


def calmest(
    images: Sequence[np.ndarray], network: Network, tensors: Tensors, *, training: bool
) -> np.ndarray:
    """The image that keeps furthest from where a gradient jumps.

    An element that rounding takes across the zero of a ReLU changes every gradient before it,
    however small the rounding is.
    """
    return max(images, key=lambda x: margin(network, tensors, x, training=training))


def margin(network: Network, tensors: Tensors, x: np.ndarray, *, training: bool) -> float:
    """How near any element comes to where a gradient jumps, relative to the elements' size."""
    nearest = [1.0]

    def noting(layer: Layer, held, image, *, training: bool):
        nearest.append(_nearest(layer, image) / np.sqrt((image**2).mean()))
        return step(layer, held, image, training=training)

    with patch.object(oracle, "step", noting):
        oracle.run(network, tensors, x, training=training)
    return min(nearest)


def _nearest(layer: Layer, image: np.ndarray) -> float:
    """The least distance from the zero of a ReLU, or between the largest two under a max pool."""
    if isinstance(layer, Relu):
        return np.abs(image).min()
    if not isinstance(layer, MaxPool) or prod(layer.kernel) == 1:
        return np.inf
    windows = np.lib.stride_tricks.sliding_window_view(image, layer.kernel, (2, 3))
    ahead = np.diff(np.partition(windows.reshape(-1, prod(layer.kernel)), -2)[:, -2:])
    return np.min(ahead, where=ahead > 0, initial=np.inf)  # equal ones are zeros of a ReLU


def measure_descent(
    framework: Framework, network: Network, images: Sequence[np.ndarray], descent: Descent
) -> tuple[dict[str, float], dict[str, float]]:
    """How far the changes after some steps are from the oracle's: the framework's, its own.

    The framework's are in its widest type, the oracle's own in float32.
    """
    tensors = oracle.random_tensors(network, np.random.default_rng(3))
    x = calmest(images, network, tensors, training=True)
    built = framework.build(network, framework.precision)
    framework.write(built, tensors)
    framework.descend(built, x, cotangent(network, x), descent)
    stored, unbiased = as_stored(network, framework), framework.unbiased
    expected = descend_oracle(stored, tensors, x, descent, unbiased=unbiased)
    own = descend_oracle(stored, *narrow(tensors, x), descent, unbiased=unbiased)

    def apart(after: Tensors) -> dict[str, float]:
        found, wanted = ({k: a[k] - t for k, t in tensors.items()} for a in (after, expected))
        both = dict(zip(wanted, each_distance(found, wanted), strict=True))
        return {
            "statistics": max(each for key, each in both.items() if is_statistic(key)),
            "parameters": max(each for key, each in both.items() if not is_statistic(key)),
        }

    return apart(framework.read(built)), apart(own)
