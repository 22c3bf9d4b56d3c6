"""Weights, batches and sizes to try a network on: random, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from resnet_ref.places import Key

if TYPE_CHECKING:
    from resnet_verify.adapters import Array

SIGNS = np.array([-1, 1, 1, 1, 1, 1, 1, 1], np.float32)
seeds = st.integers(min_value=0, max_value=1)
"""Two, so that weights drawn for one check serve another."""


def random_weights(shapes: Mapping[Key, tuple[int, ...]], seed: int) -> dict[Key, Array]:
    """A value for every tensor, none of them at its initial one.

    At initialisation half the mistakes cannot be seen: a batch norm used twice scales by one
    both times, and a zero-initialised scale hides its whole branch. Scales lie in 0.5 to 1.5, one
    in eight of them negative: only then do a pooling and a norm not change places. Activations
    keep their order of magnitude through 150 layers.
    """
    generator = np.random.default_rng(seed)
    return {key: _draw(generator, key[1], shape) for key, shape in shapes.items()}


def _draw(generator: np.random.Generator, role: str, shape: tuple[int, ...]) -> Array:
    if role == "variance" or (role == "weight" and len(shape) == 1):
        scale = generator.uniform(0.5, 1.5, shape).astype(np.float32)
        return scale if role == "variance" else scale * generator.choice(SIGNS, shape)
    if role.endswith("weight"):
        fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
        # Uniform, of variance 1 / fan in: normal ones take ten times as long to draw.
        weight = generator.random(shape, np.float32)
        weight -= np.float32(0.5)
        weight *= np.float32(np.sqrt(12 / fan_in))
        return weight
    return generator.standard_normal(shape, np.float32) * np.float32(0.2)


def random_batch(shape: tuple[int, ...], seed: int, dtype: str = "float32") -> Array:
    """Images of standard normal pixels, (N, C, H, W) or the target's own order of axes."""
    generator = np.random.default_rng(seed)
    kind = np.float64 if dtype == "float64" else np.float32
    return generator.standard_normal(shape, np.float32).astype(kind)
