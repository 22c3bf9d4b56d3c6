"""What is legitimate but worth knowing: conventions, never mistakes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resnet_ref.layers import BatchNorm
from resnet_verify.match import paired

if TYPE_CHECKING:
    from resnet_verify.examine import Examination


def advice(examination: Examination) -> Iterator[str]:
    """One sentence for each convention that a user of the network should know.

    Raises:
        NotRun: the network cannot be captured.
    """
    yield from _momentum(examination)
    if dropout := examination.match.form.spec.dropout:
        yield f"in training a dropout with p = {dropout:g} stands before the classifier"
    if set(examination.shapes) == {examination.probe.main_shape}:
        side = examination.probe.side
        yield f"the head pools a window of fixed size: the network takes {side}x{side} images only"


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
