"""Training steps of MindSpore networks by MindSpore's own optimisers."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mindspore

from resnet_verify.adapters.mindspore_tensors import array_of, is_tensor, tensor_of
from resnet_verify.adapters.outputs import flatten

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


def optimiser_of(weights: Sequence[Any], method: str, rate: float) -> Any:
    """MindSpore's optimiser of that name, for `resnet_verify.adapters.Adapter.descend`."""
    if method == "adam":
        return mindspore.nn.Adam(list(weights), rate)
    return mindspore.nn.Momentum(list(weights), rate, 0.9, weight_decay=1e-4)


def descend(
    model: Any,
    weights: Sequence[Any],
    optimiser: Any,
    steps: Sequence[Sequence[Array]],
    cotangent: Array,
    output: int,
) -> list[Array]:
    """The chosen output of every forward pass; each step sums the gradients of its batches."""

    def weighted(image: Any) -> tuple[Any, Any]:
        chosen = flatten(model(image), is_tensor)[output]
        return (chosen * tensor_of(cotangent, chosen.dtype)).sum(), chosen

    both = mindspore.value_and_grad(weighted, None, list(weights), has_aux=True)
    seen = []
    for batches in steps:
        gradients: Sequence[Any] = ()
        for batch in batches:
            (_, chosen), found = both(mindspore.Tensor(batch))
            seen.append(array_of(chosen))
            gradients = list(map(operator.add, gradients, found)) if gradients else found
        optimiser(tuple(gradients))
    return seen
