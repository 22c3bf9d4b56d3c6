"""Precision: the network under the framework's automatic mixed precision."""

from __future__ import annotations

from collections.abc import Iterator
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

MICIKEVICIUS_2018 = "Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, section 3"
MARGIN = 5.0
"""How much farther from the twin a target may be than the twin is from itself in full precision.

Both round as often and as coarsely, so their errors have one size e, and lie sqrt(2) e apart
where they are independent; where they are not, at most 2 e. The rest is for ways of writing that
round more often."""


@check("NUM-MIXED", source=MICIKEVICIUS_2018, training=True)
def mixed_precision(examination: Examination) -> Iterator[Diagnosis]:
    """Under the framework's automatic mixed precision it trains, near to its twin under the same.

    One forward and backward pass in training mode: nothing raises, outputs and gradients are
    finite, and the outputs lie no farther from the twin's than five times the error that mixed
    precision makes of the twin's own. In PyTorch that is `torch.autocast` with bfloat16, on a GPU
    with float16, too; in Paddle `paddle.amp.auto_cast`, which works on a GPU only.
    """
    adapter, batch = examination.adapter, examination.batch()
    kinds = adapter.mixed()
    if not kinds:
        raise NotApplicable(f"{adapter.name} has no automatic mixed precision on this device")
    pull, own = cotangents(examination)
    examination.give_weights(gentle_weights(examination))
    images = examination.for_twin(batch)
    for network in (examination.model, examination.twin):
        adapter.set_training(network, training=True)
    exact = _seeded(examination, examination.twin, images)
    for kind, entered in kinds.items():
        with entered():
            rounded = _seeded(examination, examination.twin, images)
        error = gap(rounded, exact)
        limit = examination.tolerance * (MARGIN * error.norm + UNIT_ROUNDOFF[kind])
        adapter.seed(examination.seed)
        try:
            with entered():
                found = adapter.step(examination.model, batch, own, examination.main_output)
        except Exception as raised:  # the target's code may raise anything
            yield _diagnosis("the whole network", kind, "it runs", f"raises {cause(raised)}")
            return
        output = in_shape(found.outputs[examination.main_output], pull.shape)
        distance = gap(output, rounded)
        if not np.isfinite(output).all():
            yield _diagnosis("the output", kind, "finite", "is not finite")
        elif distance.exceeds(limit):
            text = f"relative difference {distance.norm:.2g}, bound {limit:.1g}"
            yield _diagnosis("the output", kind, "the twin's", f"is not the twin's ({text})")
        elif where := _infinite_gradient(examination, found):
            yield _diagnosis(where, kind, "a finite gradient", "has a gradient that is not finite")
        else:
            continue
        return


def _seeded(examination: Examination, network: object, images: Array) -> Array:
    examination.adapter.seed(examination.seed)
    return examination.adapter.forward(network, images)[0]


def _infinite_gradient(examination: Examination, step: Step) -> str:
    """The tensor nearest to the output whose gradient is not finite; empty if there is none."""
    for (where, role), held in reversed(examination.correspondence.items()):
        gradient = step.gradients.get(held.param.key)
        if gradient is not None and not np.isfinite(gradient).all():
            return f"{where}, {role}"
    return ""


def _diagnosis(where: str, kind: str, expected: str, found: str) -> Diagnosis:
    message = f"in mixed precision with {kind}, {where} {found}"
    return Diagnosis("NUM-MIXED", where, expected, found, message)
