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

from resnet_ref.layers import BatchNorm, Conv, Linear, PadShortcut, SqueezeExcite
from resnet_ref.layout import Network
from resnet_ref.places import Key, slots
from resnet_verify.form import block_of
from resnet_verify.graph import Node, Param
from resnet_verify.match import Match, paired

if TYPE_CHECKING:
    from resnet_verify.adapters import Array


class TransplantError(Exception):
    """The target's tensors are not those of the form; the message names the first that differs."""


@dataclass(frozen=True)
class Held:
    """A tensor of the target under the form's name, and how it is stored there: `Node.order`."""

    param: Param
    shape: tuple[int, ...]
    order: tuple[int, ...] = ()

    def canonical(self, array: Array) -> Array:
        """The array in the common layout."""
        if not self.order:
            return array.reshape(self.shape)
        stored = [self.shape[self.order.index(axis)] for axis in range(len(self.order))]
        return array.reshape(stored).transpose(self.order)

    def stored(self, array: Array) -> Array:
        """The array as the target stores it."""
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return (array.transpose(back) if back else array).reshape(self.param.shape)


def correspondence(match: Match) -> dict[Key, Held]:
    """The target's tensor for every tensor of the form.

    Raises:
        TransplantError: a tensor is missing, or of another size.
    """
    found: dict[Key, Held] = {}
    for node, place in paired(match):
        if type(node.op) is not type(place.op):
            continue
        held = {
            role: param
            for role, value in roles(node).items()
            if (param := match.found.graph.param(value)) is not None
        }
        for slot in slots(place.op):  # type: ignore[arg-type]
            param = held.get(slot.role)
            if param is None or prod(param.shape) != prod(slot.shape):
                have = "nothing" if param is None else f"shape {param.shape}"
                raise TransplantError(
                    f"{place.where}, {slot.role}: the form has shape {slot.shape}, "
                    f"the target {have}"
                )
            order = node.order if len(slot.shape) == len(node.order) else ()
            found[place.where, slot.role] = Held(param, slot.shape, order)
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
