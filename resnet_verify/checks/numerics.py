"""Numerics: the network as it runs, against a twin that holds the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resnet_verify.axes import in_shape
from resnet_verify.checks import NotRun, check
from resnet_verify.tolerance import bound, gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_ref.places import Key
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination

TWIN = "He et al. 2016, https://arxiv.org/abs/1512.03385, by the reference network resnet_ref"
PURE = "a network in evaluation mode is a function of its weights and its input"


@check("NUM-EVAL", source=TWIN)
def evaluation(examination: Examination) -> Iterator[Diagnosis]:
    """In evaluation mode the outputs are those of the twin, at several sizes and batches."""
    yield from outputs(examination, training=False)


def bound_of(examination: Examination, kind: str) -> float:
    """The bound of `resnet_verify.tolerance` for the target's type."""
    return bound(examination.dtype, kind, examination.tolerance)


def randomise(examination: Examination, seed: int = 0) -> dict[Key, Array]:
    """Give target and twin the same random weights, which are returned."""
    weights = examination.drawn_weights(examination.seed + seed)
    examination.give_weights(weights)
    return weights


def give_random(examination: Examination, seed: int = 0) -> None:
    """Give the target alone the random weights of `randomise`."""
    examination.give_target(examination.drawn_weights(examination.seed + seed))


def settled(examination: Examination) -> tuple[Array, int]:
    """A batch and the output that counts, for checks that need no twin.

    The weights are random where they are known, and else as they are.
    """
    try:
        give_random(examination)
        return examination.batch(), examination.main_output
    except NotRun:
        return examination.batch(examination.runnable_shape), 0


def outputs(examination: Examination, *, training: bool) -> Iterator[Diagnosis]:
    """Where the outputs of one mode are not the twin's."""
    mode = "training" if training else "evaluation"
    check_id = "NUM-TRAIN" if training else "NUM-EVAL"
    limit = bound_of(examination, mode)
    model, twin, adapter = examination.model, examination.twin, examination.adapter
    for seed, shape in enumerate(examination.shapes):
        randomise(examination, seed)
        adapter.set_training(model, training)
        adapter.set_training(twin, training)
        batch = examination.batch(shape, seed)
        adapter.seed(seed)  # where both draw, a dropout before the classifier drops the same
        expected = adapter.forward(twin, examination.for_twin(batch))[0]
        adapter.seed(seed)
        output = adapter.forward(model, batch)[examination.main_output]
        found = in_shape(output, expected.shape)
        image = "x".join(map(str, shape))
        if found.shape != expected.shape:
            text = f"shape {found.shape} where the twin's is {expected.shape}"
        else:
            distance = gap(found, expected)
            if not distance.exceeds(limit):
                continue
            text = f"{distance}, bound {limit:.1g}"
        yield Diagnosis(
            check_id, "the output", "the twin's output", text,
            f"in {mode} mode the output for input {image} is not that of the reference with the "
            f"same weights ({text})",
        )  # fmt: skip
        return
