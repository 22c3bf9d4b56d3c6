"""A documented form as a sequence of places, in the order in which captures are brought too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod

from resnet_ref.layers import Add, BatchNorm, Conv, Flatten, GlobalAvgPool
from resnet_ref.layout import Network, layout
from resnet_ref.places import block_places, named_blocks, path_places, places, slots
from resnet_ref.spec import ResNetSpec
from resnet_verify.folding import Folding, norm_count


@dataclass(frozen=True)
class Place:
    """One operator of a form: where it is, what it is, and the places it reads (-1: the image)."""

    where: str
    path: str
    op: object
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Form:
    """A documented form in canonical order.

    A backbone may put out its last map `pooled`. `folding` says which batch norms are worked
    into the convolutions before them, if any are, and `folded` how many.
    """

    spec: ResNetSpec
    network: Network
    places: tuple[Place, ...]
    pooled: bool = False
    folding: Folding | None = None
    folded: int = 0

    @cached_property
    def ops(self) -> tuple[object, ...]:
        """What stands at each place."""
        return tuple(place.op for place in self.places)

    @cached_property
    def in_evaluation(self) -> Form:
        """The same form without its dropout."""
        if not self.spec.dropout:
            return self
        spec = replace(self.spec, dropout=0.0)
        return form_of(spec, pooled=self.pooled, folding=self.folding)


@lru_cache(maxsize=256)
def form_of(spec: ResNetSpec, *, pooled: bool = False, folding: Folding | None = None) -> Form:
    """The form of `spec`, its norms folded into convolutions if so wanted."""
    network = layout(spec)
    if pooled:
        network = replace(network, head=(*network.head, GlobalAvgPool()))
    gone = 0
    if folding is not None:
        whole, network = network, folding.of(network)
        gone = norm_count(whole) - norm_count(network)
    return Form(spec, network, tuple(_places(network)), pooled, folding, gone)


def _places(network: Network) -> list[Place]:
    found: list[Place] = []

    def chain(located: Iterator[tuple[str, object]], source: int) -> int:
        for where, op in located:
            if not isinstance(op, Flatten):  # a reshaping without effect after global pooling
                found.append(Place(where, where.rpartition(", ")[0], op, (source,)))
                source = len(found) - 1
        return source

    source = chain(path_places("stem", network.stem), -1)
    for where, block in named_blocks(network):
        by_path: dict[str, list[tuple[str, object]]] = {name: [] for name, _ in block.paths()}
        for place, op in block_places(block, where):
            by_path[place.rpartition(", ")[0].rpartition(", ")[2]].append((place, op))
        entered = chain(iter(by_path["pre"]), source)
        branch = chain(iter(by_path["branch"]), entered)
        shortcut = chain(iter(by_path["shortcut"]), entered) if block.shortcut else source
        found.append(Place(f"{where}, add", where, Add(), (branch, shortcut)))
        source = chain(iter(by_path["post"]), len(found) - 1)
    chain(path_places("head", network.head), source)
    return found


def last_learned(form: Form) -> list[str]:
    """The location of the last norm or convolution of every branch."""
    last = {
        place.path: place.where
        for place in form.places
        if place.path.endswith(", branch") and isinstance(place.op, BatchNorm | Conv)
    }
    return list(last.values())


def parameters(form: Form) -> dict[bool, int]:
    """How many numbers its layers hold: those that are trained (True), and the others."""
    counts = {True: 0, False: 0}
    for _, layer in places(form.network):
        for slot in slots(layer):
            counts[slot.trainable] += prod(slot.shape)
    return counts


def block_of(where: str) -> str:
    """``stage 2, block 0`` of any location inside it; ``stem`` or ``head`` otherwise."""
    parts = where.split(", ")
    return ", ".join(parts[:2]) if where.startswith("stage") else parts[0]
