"""Copies of the network: they are networks of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resnet_verify.adapters.outputs import cause
from resnet_verify.checks import NotApplicable, check
from resnet_verify.checks.numerics import bound_of, give_random, settled
from resnet_verify.tolerance import gap
from resnet_verify.verdict import Diagnosis

if TYPE_CHECKING:
    from resnet_verify.adapters import Array
    from resnet_verify.examine import Examination

COPIES = "https://docs.python.org/3/library/copy.html: a deep copy holds copies, not the originals"


@check("NUM-COPY", source=COPIES)
def copied(examination: Examination) -> Iterator[Diagnosis]:
    """A copy of the network computes the same, and has parameters of its own.

    Copied are networks by `copy.deepcopy`, as averages of their weights need it, and in PyTorch
    by pickle, too, as other processes get them. Then the original gets other weights, which the
    copy must not notice. What the network holds may be impossible to copy (a lambda cannot be
    pickled, say): such a way is left out.
    """
    batch, _ = settled(examination)
    adapter, model = examination.adapter, examination.model
    adapter.set_training(model, training=False)
    impossible, limit = [], bound_of(examination, "evaluation")
    for number, (how, make) in enumerate(adapter.copies().items()):
        first = adapter.forward(model, batch)
        try:
            copy = make(model)
        except Exception as error:  # what the network holds may not be made for it
            impossible.append(f"{how} raises {cause(error)}")
            continue
        if text := _departed(examination, copy, batch, first, limit):
            yield Diagnosis(
                "NUM-COPY", "the output", "the same from a copy", text,
                f"a copy by {how} does not compute what the network does ({text})",
            )  # fmt: skip
            return
        give_random(examination, 1 - number % 2)
        if text := _departed(examination, copy, batch, first, limit):
            yield Diagnosis(
                "NUM-COPY", "the output", "a copy with parameters of its own", text,
                f"a copy by {how} changes when the weights of the original do ({text}): it still "
                "computes with the original's",
            )  # fmt: skip
            return
    if len(impossible) == len(adapter.copies()):
        raise NotApplicable("; ".join(impossible) or f"{adapter.name} copies no networks")


def _departed(
    examination: Examination, copy: Any, batch: Array, first: tuple[Array, ...], limit: float
) -> str:
    """How the outputs of a copy differ from the `first` ones; empty where they do not."""
    try:
        found = examination.adapter.forward(copy, batch)
    except Exception as error:  # the target's code may raise anything
        return cause(error)
    if [each.shape for each in found] != [each.shape for each in first]:
        return "another number or shape of outputs"
    for a, b in zip(found, first, strict=True):
        distance = gap(a, b)
        if distance.exceeds(limit):
            return str(distance)
    return ""
