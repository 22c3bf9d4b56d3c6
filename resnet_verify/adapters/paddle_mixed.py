"""Paddle in mixed precision."""

from __future__ import annotations

from contextlib import AbstractContextManager

import paddle


def mixed(_device: str) -> AbstractContextManager[None]:
    """Operators for which it is meant compute in bfloat16 inside, on the present device."""
    context: AbstractContextManager[None] = paddle.amp.auto_cast(dtype="bfloat16")
    return context
