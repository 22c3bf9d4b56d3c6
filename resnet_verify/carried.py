"""What the confined processes of a transplant do: one reads the source, one writes the destination.

The arrays go through files in their folders for temporary files.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from json import dumps
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_verify import tune
from resnet_verify.carry import read_source, write_destination
from resnet_verify.carry_json import cargo_to_wire, landing_to_wire
from resnet_verify.checks import NotRun
from resnet_verify.confined import guarded
from resnet_verify.confinement import confine
from resnet_verify.importing import raised_at
from resnet_verify.limits import Late, deadline
from resnet_verify.recognised import CarryError
from resnet_verify.target import TargetError
from resnet_verify.weights import WeightsError

if TYPE_CHECKING:
    from resnet_verify.carry import Cargo, Tell

ARRAYS = "arrays.npz"
"""The file that the first process leaves in its folder."""

Half = Callable[..., dict[str, Any]]


def serve_half(
    line: Connection,
    output: Connection,
    memory: int | None,
    half: Half,
    target: str,
    limit: float,
    *arguments: Any,
) -> None:
    """Answer on `line` by JSON objects: "step" as each begins, then what was found.

    That is "unloadable", a message, with a "traceback"; or "different", a message; or what
    ``half(tell, target, *arguments)`` returns.
    """
    confine(output, memory)

    def tell(step: str) -> None:
        line.send_bytes(dumps({"step": step}).encode())

    found = guarded(line, target, limit, partial(_found, half, limit, tell, target, *arguments))
    if found is not None:
        line.send_bytes(dumps(found).encode())


def _found(half: Half, limit: float, tell: Tell, target: str, *arguments: Any) -> dict[str, Any]:
    try:
        with deadline(limit):
            return half(tell, target, *arguments)
    except CarryError as error:
        return {"different": str(error), "traceback": traceback.format_exc()}
    except WeightsError as error:
        raise TargetError(str(error)) from error
    except NotRun as error:  # the network cannot be captured, or does not run
        raise TargetError(f"{target}: {error}") from error
    except Late as error:
        raise TargetError(f"{target}: {error}{raised_at(error)}") from error


def source(tell: Tell, target: str, weights: Path | None, seed: int) -> dict[str, Any]:
    """Read the source, and leave `ARRAYS`; the cargo as plain data."""
    arrays = Path(tempfile.gettempdir(), ARRAYS)
    after_load = tune.own_process()
    return cargo_to_wire(read_source(tell, target, weights, seed, arrays, after_load=after_load))


def destination(
    tell: Tell, target: str, cargo: Cargo, arrays: Path, out: str, seed: int
) -> dict[str, Any]:
    """Write the destination's file, of the name `out`; the landing as plain data."""
    draft = Path(tempfile.gettempdir(), out)
    after_load = tune.own_process()
    landing = write_destination(tell, target, cargo, arrays, draft, seed, after_load=after_load)
    return landing_to_wire(landing)
