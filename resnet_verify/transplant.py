"""Carry weights between two implementations of one architecture, with no map of layers.

The captured graph is aligned with a form, so every tensor of the target has the name that
the form gives it: a location and a role, `resnet_ref.places.Key`. Under these names arrays
are kept in one layout (convolutions (out, in, height, width), linear maps (in, out)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from resnet_ref.layers import BatchNorm, Conv, Linear, PadShortcut, SqueezeExcite
from resnet_ref.layout import Network
from resnet_ref.places import Key, slots
from resnet_verify.form import block_of
from resnet_verify.graph import Concat, Node, Param
from resnet_verify.match import Match, paired

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


class TransplantError(Exception):
    """The target's tensors are not those of the form; the message names the first that differs."""


@dataclass(frozen=True)
class Held:
    """A tensor of the form as the target stores it: in one part, or in several along `axis`.

    `order` is that of the stored axes, see `Node.order`.
    """

    parts: tuple[Param, ...]
    shape: tuple[int, ...]
    order: tuple[int, ...] = ()
    axis: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the parts."""
        return tuple(param.key for param in self.parts)

    def canonical(self, arrays: Mapping[str, Array]) -> Array:
        """The tensor in the common layout, of the target's arrays by key."""
        array = np.concatenate([arrays[key] for key in self.keys], self.axis)
        if not self.order:
            return array.reshape(self.shape)
        stored = [self.shape[self.order.index(axis)] for axis in range(len(self.order))]
        return array.reshape(stored).transpose(self.order)

    def whole(self, arrays: Mapping[str, Array | None]) -> Array | None:
        """The same where each part may lack one; None where one does."""
        have = {key: array for key in self.keys if (array := arrays.get(key)) is not None}
        return self.canonical(have) if len(have) == len(self.parts) else None

    def stored(self, array: Array) -> dict[str, Array]:
        """The target's arrays by key, of the tensor in the common layout."""
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        array = array.transpose(back) if back else array
        if len(self.parts) > 1:
            ends = np.cumsum([param.shape[self.axis] for param in self.parts])
            pieces = np.split(array, ends[:-1], self.axis)
        else:
            pieces = [array]
        return {
            param.key: piece.reshape(param.shape)
            for param, piece in zip(self.parts, pieces, strict=True)
        }


def keys_of(tensors: Mapping[Key, Held]) -> list[str]:
    """The keys of everything that the target stores these tensors in."""
    return [key for held in tensors.values() for key in held.keys]


def canonical(tensors: Mapping[Key, Held], arrays: Mapping[str, Array]) -> dict[Key, Array]:
    """The tensors in the common layout, of the target's arrays by key."""
    return {key: held.canonical(arrays) for key, held in tensors.items()}


def stored(tensors: Mapping[Key, Held], arrays: Mapping[Key, Array]) -> dict[str, Array]:
    """The target's arrays by key, of the tensors in the common layout."""
    return {
        key: array
        for place, held in tensors.items()
        for key, array in held.stored(arrays[place]).items()
    }


def correspondence(match: Match) -> dict[Key, Held]:
    """The target's tensor for every tensor of the form.

    Raises:
        TransplantError: a tensor is missing, or of another size.
    """
    graph, found = match.found.graph, dict[Key, Held]()
    for node, place in paired(match):
        if type(node.op) is not type(place.op):
            continue
        values = roles(node)
        for slot in slots(place.op):  # type: ignore[arg-type]
            value = values.get(slot.role)
            parts = () if value is None else graph.parts(value)
            if value is None or sum(prod(param.shape) for param in parts) != prod(slot.shape):
                have = " and ".join(f"shape {param.shape}" for param in parts) or "nothing"
                raise TransplantError(
                    f"{place.where}, {slot.role}: the form has shape {slot.shape}, "
                    f"the target {have}"
                )
            order = node.order if len(slot.shape) == len(node.order) else ()
            made = graph.producers[value].op
            axis = made.axis if isinstance(made, Concat) else 0
            found[place.where, slot.role] = Held(parts, slot.shape, order, axis)
    _require_all(match, found)
    return found


def _require_all(match: Match, found: Mapping[Key, Held]) -> None:
    for place in match.form.places:
        for slot in slots(place.op) if isinstance(place.op, HOLDERS) else ():
            if (place.where, slot.role) not in found:
                raise TransplantError(f"{place.where}: the target has no such layer")


HOLDERS = (Conv, BatchNorm, Linear, SqueezeExcite)


def roles(node: Node) -> dict[str, int]:
    """The values of an operator's tensors, by role."""
    held = node.inputs[1:]
    match node.op:
        case Conv() | Linear():
            names: tuple[str, ...] = ("weight", "bias")
        case BatchNorm():
            names = ("mean", "variance", "weight", "bias")
        case SqueezeExcite(bias=True):
            names = ("squeeze weight", "squeeze bias", "excite weight", "excite bias")
        case SqueezeExcite():
            names = ("squeeze weight", "excite weight")
        case _:
            names = ()
    return dict(zip(names, held, strict=False))


def twin_network(match: Match) -> Network:
    """The form's network, its zero channels on the side where the target has them.

    He et al. 2016, section 4.2, leaves the side open, so either is right.
    """
    padded = {
        block_of(place.where): (node.op,)
        for node, place in paired(match)
        if isinstance(node.op, PadShortcut) and isinstance(place.op, PadShortcut)
    }
    network = match.form.network
    stages = tuple(
        tuple(
            replace(block, shortcut=padded.get(f"stage {stage}, block {index}", block.shortcut))
            for index, block in enumerate(blocks)
        )
        for stage, blocks in enumerate(network.stages, start=1)
    )
    return replace(network, stages=stages)
