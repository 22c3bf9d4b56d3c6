"""Precision: the network under the framework's automatic mixed precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from resnet_verify.adapters.outputs import cause
from resnet_verify.axes import in_shape
from resnet_verify.checks import NotApplicable, check
from resnet_verify.checks.training import cotangents, gentle_weights
from resnet_verify.tolerance import UNIT_ROUNDOFF, gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array, Step
    from resnet_verify.examine import Examination

    Entered = Callable[[], AbstractContextManager[None]]

MICIKEVICIUS_2018 = "Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, section 3"
MARGIN = 5.0
"""How much farther from the twin a target may be than the twin is from itself in full precision.

Both round as often and as coarsely, so their errors have one size e, and lie sqrt(2) e apart
where they are independent; where they are not, at most 2 e. The rest is for ways of writing that
round more often."""


@check("NUM-MIXED", source=MICIKEVICIUS_2018, training=True)
def mixed_precision(examination: Examination) -> Iterator[Diagnosis]:
    """Under the framework's automatic mixed precision it trains, near to its twin under the same.

    A forward pass in evaluation mode, and a forward and backward pass in training mode: nothing
    raises, outputs and gradients are finite, and the outputs lie no farther from the twin's than
    five times the error that mixed precision makes of the twin's own. In PyTorch that is
    `torch.autocast` with bfloat16, on a GPU with float16, too; in Paddle `paddle.amp.auto_cast`,
    which works on a GPU only.
    """
    adapter = examination.adapter
    kinds = adapter.mixed()
    if not kinds:
        raise NotApplicable(f"{adapter.name} has no automatic mixed precision on this device")
    _ = cotangents(examination)  # it moves the weights where it is new
    examination.give_weights(gentle_weights(examination))
    for training in (False, True):
        for network in (examination.model, examination.twin):
            adapter.set_training(network, training)
        exact = _of_twin(examination)
        for kind, entered in kinds.items():
            if found := _wrong(examination, training, kind, entered, exact):
                yield found
                return


def _wrong(
    examination: Examination, training: bool, kind: str, entered: Entered, exact: Array
) -> Diagnosis | None:
    """What is wrong in one mode with one coarse type; None where nothing is."""
    with entered():
        rounded = _of_twin(examination)
    error = gap(rounded, exact)
    limit = examination.tolerance * (MARGIN * error.norm + UNIT_ROUNDOFF[kind])
    where = f"the output in {'training' if training else 'evaluation'} mode"
    try:
        with entered():
            outputs, step = _run(examination, training)
    except Exception as raised:  # the target's code may raise anything
        return _diagnosis("the whole network", kind, "it runs", f"raises {cause(raised)}")
    output = in_shape(outputs[examination.main_output], exact.shape)
    distance = gap(output, rounded)
    if not np.isfinite(output).all():
        return _diagnosis(where, kind, "finite", "is not finite")
    if distance.exceeds(limit):
        text = f"{distance}, bound {limit:.1g}"
        return _diagnosis(where, kind, "the twin's", f"is not the twin's ({text})")
    if step and (tensor := _infinite_gradient(examination, step)):
        return _diagnosis(tensor, kind, "a finite gradient", "has a gradient that is not finite")
    return None


def _run(examination: Examination, training: bool) -> tuple[tuple[Array, ...], Step | None]:
    """The target's outputs, and what a backward pass leaves in training mode."""
    adapter, model, batch = examination.adapter, examination.model, examination.batch()
    adapter.seed(examination.seed)
    if not training:
        return adapter.forward(model, batch), None
    _, own = cotangents(examination)
    step = adapter.step(model, batch, own, examination.main_output)
    return step.outputs, step


def _of_twin(examination: Examination) -> Array:
    """The twin's output; it drops what the target drops."""
    batch = examination.for_twin(examination.batch())
    examination.adapter.seed(examination.seed)
    return examination.adapter.forward(examination.twin, batch)[0]


def _infinite_gradient(examination: Examination, step: Step) -> str:
    """The tensor nearest to the output whose gradient is not finite; empty if there is none."""
    for (where, role), held in reversed(examination.correspondence.items()):
        gradients = [step.gradients.get(key) for key in held.keys]
        if not all(each is None or np.isfinite(each).all() for each in gradients):
            return f"{where}, {role}"
    return ""


def _diagnosis(where: str, kind: str, expected: str, found: str) -> Diagnosis:
    message = f"in mixed precision with {kind}, {where} {found}"
    return Diagnosis("NUM-MIXED", where, expected, found, message)
