"""PyTorch in mixed precision."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def mixed(device: str) -> AbstractContextManager[None]:
    """Operators for which it is meant compute in bfloat16 inside, on "cpu" or "gpu"."""
    context: AbstractContextManager[None] = torch.autocast(
        "cuda" if device == "gpu" else "cpu", torch.bfloat16
    )
    return context
