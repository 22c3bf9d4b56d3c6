"""What the two halves of a transplant say, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from resnet_verify.carry import Cargo, Landing, Parity
from resnet_verify.recognised import Description, LayerWords
from resnet_verify.tolerance import Gap
from resnet_verify.verdict import Identity


def cargo_to_wire(cargo: Cargo) -> dict[str, Any]:
    """`cargo` as dicts, lists, strings and numbers."""
    return {**vars(cargo), "source": _description_to_wire(cargo.source)}


def cargo_from_wire(data: Mapping[str, Any]) -> Cargo:
    """What `cargo_to_wire` made, as a cargo again.

    Raises:
        KeyError: something is missing.
        TypeError: something is of another type.
        ValueError: something has another length.
    """
    return Cargo(
        _description(data["source"]), tuple(map(tuple, data["images"])), tuple(data["left"])
    )


def landing_to_wire(landing: Landing) -> dict[str, Any]:
    """`landing` as dicts, lists, strings and numbers."""
    return {**asdict(landing), "destination": _description_to_wire(landing.destination)}


def landing_from_wire(data: Mapping[str, Any]) -> Landing:
    """What `landing_to_wire` made, as a landing again; it raises as `cargo_from_wire` does."""
    parity = tuple(
        Parity(tuple(each["image"]), Gap(**each["gap"]), each["bound"]) for each in data["parity"]
    )
    return Landing(_description(data["destination"]), parity, data["rounded"], tuple(data["kept"]))


def _description_to_wire(description: Description) -> dict[str, Any]:
    shapes = [(*key, shape) for key, shape in description.shapes.items()]
    return {**vars(description), "shapes": shapes, "layers": list(map(vars, description.layers)),
            "identity": vars(description.identity)}  # fmt: skip


def _description(data: Mapping[str, Any]) -> Description:
    changes = {
        "identity": Identity(**data["identity"]),
        "layers": tuple(LayerWords(**layer) for layer in data["layers"]),
        "shapes": {(where, role): tuple(shape) for where, role, shape in data["shapes"]},
    }
    return Description(**{**data, **changes})
