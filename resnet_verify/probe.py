"""Find out what images a network takes: channels, order of axes, sizes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from resnet_ref.layers import Add, AvgPool, Conv, Dropout, Linear
from resnet_verify.adapters import CaptureError
from resnet_verify.match import Canonical, Match, in_canonical_order, match_with
from resnet_verify.normalise import normalise

if TYPE_CHECKING:
    from resnet_verify.adapters import Adapter, Capture
    from resnet_verify.form import Form

# ImageNet first, then CIFAR and what else is common; a head of fixed size fits one of them.
SIDES = (224, 32, 64, 96, 256, 299)
# Small maps keep the checks fast; still the last one is larger than 1x1 after a stride of 32.
SMALL = ((2, 64, 64), (3, 65, 70))
"""(batch, height, width): a square whose maps are even in every stage, then a height whose maps
are odd in every stage, and another width."""
SMALL_UNSTRIDED = ((2, 32, 32), (3, 25, 18))
"""The same for nets whose stem does not stride, at the size of CIFAR."""


@dataclass(frozen=True)
class Probe:
    """What images a network takes, and its capture at one such size, training if it trains."""

    capture: Capture
    canonical: Canonical
    main_shape: tuple[int, ...]
    """The shape that was captured."""
    channels_last: bool

    def shape(self, batch: int, height: int, width: int) -> tuple[int, ...]:
        """The shape of a batch in the network's own order of axes."""
        if self.channels_last:
            return (batch, height, width, self.main_shape[3])
        return (batch, self.main_shape[1], height, width)

    def batch_of(self, images: int) -> int:
        """How many of `images` may go in together: a network that has not taken two takes one."""
        return images if self.main_shape[0] > 1 else 1


def probe(adapter: Adapter, model: Any) -> Probe:
    """Try sizes and channel counts until the network takes one.

    Raises:
        CaptureError: it takes none; the message is that of the first try.
    """
    first: CaptureError | None = None
    second_best: Probe | None = None
    refused: set[tuple[bool, int]] = set()
    for shape in shapes_to_try(adapter, model):
        channels_last = shape[1] not in _channel_counts(adapter, model)
        channels = (channels_last, shape[3 if channels_last else 1])
        if channels in refused:
            continue
        try:
            capture = adapter.capture(model, shape, training=adapter.trains)
        except CaptureError as error:
            first = first or error
            continue
        canonical = in_canonical_order(normalise(capture.graph))
        if not _fits(canonical):
            first = first or CaptureError(f"a convolution does not take the channels of {shape}")
            if not _convolutions_fit(canonical):  # nor will they at another height and width
                refused.add(channels)
            continue
        found = Probe(capture, canonical, shape, channels_last)
        if not _windowed_head(canonical):
            return found
        second_best = second_best or found
    if second_best is not None:
        return second_best
    assert first is not None  # at least one size was tried
    raise first


def _windowed_head(canonical: Canonical) -> bool:
    """Whether the head pools a window: at the size that it is made for, that is the whole map."""
    return any(isinstance(op, AvgPool) for op in canonical.ops[-4:])


def _fits(canonical: Canonical) -> bool:
    """Whether every layer gets as many channels as it takes; tracing does not see to it."""
    shapes = canonical.graph.shapes
    return _convolutions_fit(canonical) and all(
        # As many rows go in as come out, wherever the axis of images stands.
        prod(shapes[node.inputs[0]]) * node.op.out_features
        == prod(shapes[node.output]) * node.op.in_features
        for node in canonical.nodes
        if isinstance(node.op, Linear)
    )


def _convolutions_fit(canonical: Canonical) -> bool:
    shapes = canonical.graph.shapes
    return all(
        shapes[node.inputs[0]][1] == node.op.in_channels
        for node in canonical.nodes
        if isinstance(node.op, Conv)
    )


def shapes_to_try(adapter: Adapter, model: Any) -> list[tuple[int, ...]]:
    """The shapes to try, the likeliest first: the network's own, in batches of two if it can."""
    declared = adapter.declared_shape(model) or ()
    image = [size for size in declared[1:] if size is not None]
    own = [(2, *image)] if len(image) == 3 else []
    usual = [
        (2, side, side, channels) if channels_last else (2, channels, side, side)
        for channels in _channel_counts(adapter, model)
        for channels_last in (False, True)
        for side in SIDES
    ]
    fixed = [(declared[0], *image)] if own and declared[0] is not None else []
    return list(dict.fromkeys([*own, *fixed, *usual]))


def _channel_counts(adapter: Adapter, model: Any) -> list[int]:
    """Input channels that some convolution has; a stem's are the fewest."""
    kernels = [param.shape for param in adapter.params(model) if len(param.shape) == 4]
    counts = sorted({shape[1] for shape in kernels if shape[2:] != (1, 1)})
    likely = [count for count in (3, 1) if count in counts] + counts[:1]
    return list(dict.fromkeys([*likely, 3, 1]))  # a stem may be unregistered, or its kernel 1x1


@dataclass(frozen=True)
class Sized:
    """A capture in evaluation mode at one shape of input, held against the target's form."""

    shape: tuple[int, ...]
    capture: Capture
    match: Match


def evaluated(adapter: Adapter, model: Any, shape: tuple[int, ...], form: Form) -> Sized:
    """Capture in evaluation mode.

    Raises:
        CaptureError: the network does not take the shape.
    """
    capture = adapter.capture(model, shape, training=False)
    canonical = in_canonical_order(normalise(capture.graph))
    return Sized(shape, capture, match_with(canonical, form.in_evaluation))


def takes(adapter: Adapter, model: Any, shape: tuple[int, ...], like: Match) -> Sized | None:
    """The capture in evaluation mode at another size; None where it computes something else.

    A head of fixed size takes one size only, or pools another part of the map at others.
    """
    try:
        sized = evaluated(adapter, model, shape, like.form)
    except CaptureError:
        return None
    here, there = _kinds(sized.match.found), _kinds(like.found)
    # Only a head may have a size of its own; a body that changes with the size is a mistake.
    return sized if here == there or _body(here) != _body(there) else None


def _body(kinds: list[type]) -> list[type]:
    """Everything up to the last addition; a head may end in a convolution, too."""
    after = kinds[::-1].index(Add) if Add in kinds else 0
    return kinds[: len(kinds) - after]


def _kinds(canonical: Canonical) -> list[type]:
    # What drops in training only tells nothing about the size.
    return [type(op) for op in canonical.ops if not isinstance(op, Dropout)]
