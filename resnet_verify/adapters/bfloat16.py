"""bfloat16, a type that NumPy does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def as_float32(bits: Array) -> Array:
    """The float32 of the same values; `bits` are those of bfloat16, as uint16."""
    widened: Array = (bits.astype(np.uint32) << 16).view(np.float32)
    return widened
