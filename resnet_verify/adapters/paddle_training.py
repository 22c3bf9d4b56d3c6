"""Training of Paddle networks: steps by its own optimisers, and mixed precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import paddle

from resnet_verify.adapters.outputs import flatten

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def descend(
    model: Any,
    steps: Sequence[Sequence[Array]],
    cotangent: Array,
    output: int,
    method: str,
    rate: float,
) -> list[Array]:
    """See `resnet_verify.adapters.Adapter.descend`."""
    parameters, weights = model.parameters(), paddle.to_tensor(cotangent)
    seen = []
    with gradients_apart(parameters), _one_rate_for_all(parameters):
        optimiser = _optimiser(parameters, method, rate)
        for batches in steps:
            for batch in batches:
                # Static code of Paddle 2.6 has no backward pass for images without a gradient.
                image = paddle.to_tensor(batch, stop_gradient=False)
                outputs = flatten(model(image), paddle.is_tensor)
                chosen = outputs[output].astype(weights.dtype)
                (chosen * weights).sum().backward()
                seen.append(chosen.numpy())
            optimiser.step()
            optimiser.clear_grad()
    return seen


def _optimiser(parameters: Sequence[Any], method: str, rate: float) -> Any:
    if method == "adam":
        return paddle.optimizer.Adam(rate, parameters=parameters)
    return paddle.optimizer.Momentum(rate, 0.9, parameters=parameters, weight_decay=1e-4)


@contextmanager
def gradients_apart(parameters: Sequence[Any]) -> Iterator[None]:
    """Within, gradients start from none; those that the parameters held are put back."""
    held = [None if each.grad is None else each.grad.clone() for each in parameters]
    _clear(parameters)
    try:
        yield
    finally:
        _clear(parameters)
        for each, gradient in zip(parameters, held, strict=True):
            if gradient is not None:
                each.grad = gradient


def _clear(parameters: Sequence[Any]) -> None:
    for each in parameters:
        each.clear_gradient(False)  # None again, and not zeros


@contextmanager
def _one_rate_for_all(parameters: Sequence[Any]) -> Iterator[None]:
    """`ParamAttr` may give a parameter a rate and a regulariser: a recipe, not the network."""
    kept = [(each, each.optimize_attr, each.regularizer) for each in parameters]
    try:
        for each in parameters:
            each.optimize_attr, each.regularizer = {"learning_rate": 1.0}, None
        yield
    finally:
        for each, attributes, regulariser in kept:
            each.optimize_attr, each.regularizer = attributes, regulariser


def mixed() -> dict[str, Callable[[], AbstractContextManager[None]]]:
    """See `resnet_verify.adapters.Adapter.mixed`."""
    if not paddle.get_device().startswith("gpu"):
        return {}
    types = ("bfloat16", "float16")
    return {name: partial(paddle.amp.auto_cast, level="O1", dtype=name) for name in types}
