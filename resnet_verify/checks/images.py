"""Images: what odd ones, and the others of a batch, do to the output for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_verify.adapters.outputs import cause
from resnet_verify.axes import in_shape
from resnet_verify.checks import NotApplicable, check
from resnet_verify.checks.numerics import PURE, TWIN, bound_of, randomise, settled
from resnet_verify.tolerance import gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination


LARGER = (4, 8, 16)
"""Sizes of batch for which a network may do something else."""


@check("NUM-BATCH", source=PURE)
def batch_independence(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the output for an image does not depend on the rest of the batch.

    The others are changed, then are not a number, then are left out, then are more. A network
    may refuse what is not a number, by raising an exception.
    """
    batch, _ = settled(examination)
    if len(batch) < 2:
        raise NotApplicable("the network takes one image at a time")
    model, adapter = examination.model, examination.adapter
    adapter.set_training(model, training=False)
    first = adapter.forward(model, batch)
    changed, spoilt = batch.copy(), batch.copy()
    changed[1:] = 3 * batch[:1] + 1
    spoilt[1:] = np.nan
    limit = bound_of(examination, "evaluation")
    for images, how in (
        (changed, "changes with the other images of the batch"),
        (spoilt, "is spoilt by another image of the batch that is not a number"),
        (batch[:1], "is another where the image comes alone, in a batch of one"),
        *((_many(batch, n), f"is another in a batch of {n}") for n in LARGER),
    ):
        refusal = images is spoilt
        if text := _told_apart(examination, first, images, limit, 1, may_refuse=refusal):
            yield Diagnosis(
                "NUM-BATCH", "the output", "each image on its own", text,
                f"in evaluation mode the output for an image {how} ({text})",
            )  # fmt: skip
            return


@check("NUM-LAYOUT", source=PURE)
def layouts(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the output does not depend on how the batch lies in memory.

    Given in other orders than row by row: with the channels last, or as a view of a batch that
    was turned, as far as the framework has such tensors.
    """
    batch, _ = settled(examination)
    model, adapter = examination.model, examination.adapter
    others = adapter.layouts(batch)
    if not others:
        raise NotApplicable(f"{adapter.name} has one way to lay a batch out in memory")
    adapter.set_training(model, training=False)
    first = adapter.forward(model, batch)
    limit = bound_of(examination, "evaluation")
    for how, images in others.items():
        if text := _told_apart(examination, first, images, limit, count=len(batch)):
            yield Diagnosis(
                "NUM-LAYOUT", "the output", "the same for the same images", text,
                "in evaluation mode the output for a batch is another where the batch lies in "
                f"memory {how} ({text})",
            )  # fmt: skip
            return


def _many(batch: Array, count: int) -> Array:
    return np.resize(batch, (count, *batch.shape[1:]))


def _told_apart(
    examination: Examination,
    first: tuple[Array, ...],
    images: Any,
    limit: float,
    count: int,
    *,
    may_refuse: bool = False,
) -> str:
    """How the outputs for the first `count` images differ in another batch; empty if nowhere."""
    try:
        found = examination.adapter.forward(examination.model, images)
    except Exception as error:  # the target's code may raise anything
        return "" if may_refuse else cause(error)
    for a, b in zip(found, first, strict=False):
        if a.shape[1:] != b.shape[1:] or a.ndim != b.ndim:
            return f"shape {a.shape} where {(len(images), *b.shape[1:])} is expected"
        distance = gap(a[:count], b[:count])
        if distance.exceeds(limit):
            return str(distance)
    return ""


GROSS = 0.05
"""A hidden trigger or an overflow changes an output grossly; the gates of a squeeze-excite turn
the rounding of large values into 1e-4 of the output."""
LAST_DIGITS = 1e-5
"""What rounding makes of an image in a hundred layers of float32."""
ODD: dict[str, Callable[[Array], Array]] = {
    "an image of zeros": lambda noise: 0 * noise,
    "an image of one colour": lambda noise: 0 * noise + 1,
    "large values": lambda noise: 1e3 * noise,
    "small values": lambda noise: 1e-4 * noise,
    "negative values only": lambda noise: -abs(noise),
}


@check("NUM-ODD", source=TWIN)
def odd_images(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the outputs for odd images are the twin's: zeros, one colour, extremes."""
    randomise(examination)
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    limit = GROSS * examination.tolerance
    for network in (model, twin):
        adapter.set_training(network, training=False)
    drawn = examination.batch((1, *examination.shapes[-1][1:]))
    odd = [make(drawn).astype(drawn.dtype) for make in ODD.values()]
    # The twin is known not to mix the images of a batch; the target sees one at a time.
    wanted = adapter.forward(twin, examination.for_twin(np.concatenate(odd)))[0]
    for number, (kind, image) in enumerate(zip(ODD, odd, strict=True)):
        expected = wanted[number : number + 1]
        output = adapter.forward(model, image)[examination.main_output]
        distance = gap(in_shape(output, expected.shape), expected)
        if distance.exceeds(limit) and distance.norm > _unsteadiness(examination, image):
            text = f"{distance}, bound {limit:.1g}"
            yield Diagnosis(
                "NUM-ODD", "the output", "the twin's output", text,
                f"in evaluation mode the output for {kind} is not that of the reference with "
                f"the same weights ({text})",
            )  # fmt: skip
            return


def _unsteadiness(examination: Examination, image: Array) -> float:
    """How far rounding may move the output for an image, by what a change of its last digits does.

    Large values turn the gates of a squeeze-excite into switches, and some stand on the edge.
    """
    twin, adapter = examination.twin, examination.adapter
    signs = np.sign(np.random.default_rng(examination.seed).standard_normal((4, *image.shape[1:])))
    near = image * (1 + LAST_DIGITS * signs).astype(image.dtype)
    outputs = adapter.forward(twin, examination.for_twin(np.concatenate([image, near])))[0]
    return 10 * max(gap(output, outputs[0]).norm for output in outputs[1:])
