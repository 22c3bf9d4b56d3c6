"""How two recognised networks differ, in one sentence, where weights are to go across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_verify.recognised import Description, LayerWords


def contrast(source: Description, destination: Description) -> str:
    """What keeps weights from going from one to the other; empty where nothing does."""
    if source.layers == destination.layers:
        return ""
    difference = _by_identity(source, destination)
    difference = difference or _by_layer(source.layers, destination.layers)
    return f"{difference}: {_misfit(source, destination)}"


def _by_identity(source: Description, destination: Description) -> str:
    names = [f"{one.identity.arch} {one.identity.variant}" for one in (source, destination)]
    if names[0] != names[1]:
        return f"the source is {names[0]}, the destination {names[1]}"
    pairs = zip(_features(source), _features(destination), strict=True)
    different = [pair for pair in pairs if pair[0] != pair[1]]
    if not different:
        return ""
    have = [" and ".join(features) for features in zip(*different, strict=True)]
    return f"the source has {have[0]}, the destination {have[1]}"


def _features(one: Description) -> Iterator[str]:
    identity, classes, folded = one.identity, one.identity.num_classes, one.folded
    yield f"head {identity.head}"
    yield "no classes" if classes is None else f"{classes} classes"
    yield f"the {identity.stem} stem"
    yield f"{identity.in_channels} input channels"
    yield f"output stride {identity.output_stride}"
    yield f"{folded} batch norms folded into convolutions" if folded else "no batch norm folded"


def _by_layer(source: Iterable[LayerWords], destination: Iterable[LayerWords]) -> str:
    """The first layer that is not the same in both."""
    ours, theirs = next(pair for pair in zip_longest(source, destination) if pair[0] != pair[1])
    where = (ours or theirs).where
    layers = [layer.brief if layer else "nothing" for layer in (ours, theirs)]
    if layers[0] == layers[1]:
        layers = [ours.full, theirs.full]
    return f"{where} is {layers[0]} in the source, {layers[1]} in the destination"


def _misfit(source: Description, destination: Description) -> str:
    for key in dict.fromkeys((*source.shapes, *destination.shapes)):
        if source.shapes.get(key) != destination.shapes.get(key):
            return f"the weights do not fit, from {', '.join(key)} on"
    return "the weights fit, but the outputs would not agree"
