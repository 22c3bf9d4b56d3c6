"""Images and feature maps in the order of axes in which two networks can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def in_shape(found: Array, shape: tuple[int, ...]) -> Array:
    """An output in the order of axes of `shape`: maps with channels last, or flattened, are turned.

    What is not of that shape in any order comes back as it is.
    """
    channels_last = found.ndim == 4 and found.shape != shape
    if channels_last and np.moveaxis(found, 3, 1).shape == shape:
        return np.moveaxis(found, 3, 1)
    if [n for n in found.shape if n != 1] == [n for n in shape if n != 1]:
        return found.reshape(shape)
    return found
