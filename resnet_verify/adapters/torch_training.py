"""Training of PyTorch networks: steps by its own optimisers, and mixed precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from resnet_verify.adapters.outputs import flatten
from resnet_verify.adapters.torch_capture import array_of, as_written, is_tensor

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def descend(
    model: Any,
    steps: Sequence[Sequence[Array]],
    cotangent: torch.Tensor,
    output: int,
    method: str,
    rate: float,
) -> list[Array]:
    """See `resnet_verify.adapters.Adapter.descend`."""
    try:
        optimiser = _optimiser(model, method, rate, fused=True)  # in a third of the time
    except (RuntimeError, TypeError):  # older versions have none, or none on a CPU
        optimiser = _optimiser(model, method, rate)
    seen = []
    with gradients_apart(model):
        for batches in steps:
            optimiser.zero_grad()
            for batch in batches:
                with as_written():
                    found = flatten(model(torch.tensor(batch)), is_tensor)[output]
                (found * cotangent.to(found.dtype)).sum().backward()
                seen.append(array_of(found))
            optimiser.step()
    return seen


@contextmanager
def gradients_apart(model: Any) -> Iterator[None]:
    """Within, gradients start from none; those that the network held are put back."""
    held = [(tensor, tensor.grad) for tensor in model.parameters()]
    try:
        for tensor, _ in held:
            tensor.grad = None
        yield
    finally:
        for tensor, gradient in held:
            tensor.grad = gradient


def _optimiser(model: Any, method: str, rate: float, **how: bool) -> Any:
    if method == "adam":
        return torch.optim.Adam(model.parameters(), rate, **how)
    return torch.optim.SGD(model.parameters(), rate, 0.9, weight_decay=1e-4, **how)


def mixed() -> dict[str, Callable[[], AbstractContextManager[None]]]:
    """See `resnet_verify.adapters.Adapter.mixed`."""
    device = torch.empty(0).device.type
    types = ("bfloat16",) if device == "cpu" else ("bfloat16", "float16")
    return {name: partial(torch.autocast, device, getattr(torch, name)) for name in types}
