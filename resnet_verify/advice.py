"""What is legitimate but worth knowing: conventions, never mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from resnet_ref.layers import BatchNorm
from resnet_verify.form import form_of, parameters
from resnet_verify.match import paired

if TYPE_CHECKING:
    from resnet_verify.examine import Examination


def advice(examination: Examination) -> Iterator[str]:
    """One sentence for each convention that a user of the network should know.

    Raises:
        NotRun: the network cannot be captured.
    """
    yield from examination.match.found.graph.remarks
    yield from _folded(examination)
    yield from _idle(examination)
    if examination.adapter.trains:
        yield from _momentum(examination)
    if dropout := examination.match.form.spec.dropout:
        yield f"in training a dropout with p = {dropout:g} stands before the classifier"
    if set(examination.shapes) == {examination.probe.main_shape}:
        image = "x".join(map(str, examination.probe.main_shape))
        yield f"a size is built into the network: of those tried it takes input of {image} only"
    elif examination.probe.batch_of(2) == 1:
        yield "a batch size is built into the network: it takes one image at a time"


def _idle(examination: Examination) -> Iterator[str]:
    if idle := examination.match.found.graph.idle_buffers:
        size = sum(prod(param.shape) for param in idle)
        which = f"{idle[0].name} and {len(idle) - 1} more" if len(idle) > 1 else idle[0].name
        yield f"buffers that nothing reads are not counted: {which}, {size:,} numbers"


def _folded(examination: Examination) -> Iterator[str]:
    form = examination.match.form
    if form.folded:
        whole = parameters(form_of(form.spec, pooled=form.pooled))
        yield (
            f"{form.folded} batch norms are folded into the convolutions: structure, numbers and "
            f"parameters are judged without them; with them there would be {whole[True]:,} "
            f"trainable + {whole[False]:,} running statistics"
        )


def _momentum(examination: Examination) -> Iterator[str]:
    counts: Counter[float] = Counter(
        node.op.momentum
        for node, place in paired(examination.match)
        if isinstance(node.op, BatchNorm) and isinstance(place.op, BatchNorm)
        if node.op.momentum != place.op.momentum
    )
    if counts:
        momentum, places = counts.most_common(1)[0]
        yield (
            f"BN momentum is {momentum:g} in {places} places (PyTorch's {1 - momentum:.2g}), "
            f"documented is {examination.match.form.spec.momentum:g}"
        )
