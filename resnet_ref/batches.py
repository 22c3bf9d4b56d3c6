"""The batches of an epoch: their order, their augmentation, and making them ahead of time.

Order and augmentation follow from (seed, epoch, batch) alone, so that training can go on at any
epoch as if it had never stopped, and every process of several knows its part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from resnet_ref.data import Images

if TYPE_CHECKING:
    from resnet_ref.data import Array
    from resnet_ref.recipes import Augmentation

    Batch: TypeAlias = tuple[Array, Array]

PADDING = 4
"""Pixels around an image before it is cropped at random (He et al. 2016, section 4.2)."""

AHEAD = 4
"""Batches that are made while the device computes."""


@dataclass(frozen=True)
class Batches:
    """How images are drawn: `batch_size` of all `world` processes together, `rank` being one."""

    images: Images
    batch_size: int
    augmentation: Augmentation
    seed: int
    rank: int = 0
    world: int = 1

    @property
    def count(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return len(self._parts(np.arange(len(self.images))))

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch for this process: pixels (N, C, H, W) in bytes, labels (N,)."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.images))
        pending: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(1) as pool:
            for number, part in enumerate(self._parts(order)):
                pending.append(pool.submit(self._batch, part, epoch, number))
                if len(pending) > AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def _parts(self, order: Array) -> list[Array]:
        """The indices of each batch, cut so that every process has as many."""
        parts = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        even = [part[: len(part) // self.world * self.world] for part in parts]
        return [part for part in even if len(part)]

    def _batch(self, part: Array, epoch: int, number: int) -> Batch:
        pixels = self.images.pixels[part]
        if self.augmentation == "crop-flip":
            generator = np.random.default_rng((self.seed, epoch, number))
            pixels = crop_and_flip(pixels, generator)
        mine = slice(self.rank, None, self.world)
        return np.ascontiguousarray(pixels[mine]), self.images.labels[part][mine]


def crop_and_flip(pixels: Array, generator: np.random.Generator) -> Array:
    """Each image padded by zeros, cropped to its size at random, and flipped half of the time."""
    count, _, height, width = pixels.shape
    around = ((0, 0), (0, 0), (PADDING, PADDING), (PADDING, PADDING))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(pixels, around), (height, width), (2, 3)
    )
    top, left = generator.integers(0, 2 * PADDING + 1, (2, count))
    cropped = windows[np.arange(count), :, top, left]
    flips = np.less(generator.random((count, 1, 1, 1)), 0.5)
    return np.where(flips, cropped[..., ::-1], cropped)
