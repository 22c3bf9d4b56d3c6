"""`resnet-verify transplant`: the weights of one implementation into another."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from resnet_verify.commands import FAILED, OK, complain

if TYPE_CHECKING:
    from resnet_verify.carry import Cargo, Landing, Parity, Tell
    from resnet_verify.commands import Parser
    from resnet_verify.recognised import Description

T = TypeVar("T")

_EPILOG = """\
Both are targets as for 'resnet-verify check', in any framework; they must be the same form.
The weights are those that SOURCE comes with, or those of a file, loaded by their names.
Exit codes: 0 carried and measured; 1 the networks or their outputs differ; 2 usage, or a target
or a file that cannot be loaded. FILE is written, or replaced, only if all went well."""


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    transplant = commands.add_parser(
        "transplant",
        help="carry weights to another implementation",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = transplant.add_argument
    add("source", metavar="SOURCE", help="the network whose weights are carried")
    add("destination", metavar="DESTINATION", help="the network that they are for")
    add(
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="what to write: .safetensors, or the format of the destination's framework",
    )
    add("--weights", metavar="FILE", type=Path, help="what to load into SOURCE first")
    add("--seed", metavar="N", type=int, default=0, help="of the images compared; default 0")
    add("--timeout", metavar="S", help="seconds that each of the two may take; default 300")
    add("-v", "--verbose", action="store_true", help="tracebacks for what goes wrong")
    transplant.set_defaults(command=_transplant)


def _transplant(arguments: argparse.Namespace) -> int:
    from resnet_verify.isolation import LIMIT
    from resnet_verify.judge import OptionError, seconds_limit
    from resnet_verify.recognised import CarryError
    from resnet_verify.target import TargetError
    from resnet_verify.weights import WeightsError

    out: Path = arguments.out
    try:
        limit = LIMIT if arguments.timeout is None else seconds_limit(arguments.timeout)
        _require_usable(out, arguments.weights)
        # Beside the file: what lies there can take its place in one step.
        with TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as folder:
            draft = Path(folder) / out.name
            cargo, landing = _carry(arguments, draft, limit)
            os.chmod(draft, 0o644)
            size = draft.stat().st_size
            os.replace(draft, out)
    except CarryError as error:
        return complain(f"{error}; nothing is written", FAILED, verbose=arguments.verbose)
    except (OptionError, TargetError, WeightsError) as error:
        return complain(str(error), verbose=arguments.verbose)
    except OSError as error:
        return complain(f"--out {out}: {error.strerror}", verbose=arguments.verbose)
    print("\n".join(_report(cargo, landing, out, size)))
    return OK


def _require_usable(out: Path, weights: Path | None) -> None:
    from resnet_verify.weights import WeightsError, require_safetensors

    if out.is_dir():
        raise WeightsError(f"--out {out}: this is a folder; name a file")
    if not out.absolute().parent.is_dir():
        raise WeightsError(f"--out {out}: there is no folder {out.parent}")
    if weights is not None and not weights.is_file():
        raise WeightsError(f"--weights {weights}: there is no such file")
    for path in (out, weights):
        if path is not None:
            require_safetensors(path)


def _carry(arguments: argparse.Namespace, draft: Path, limit: float) -> tuple[Cargo, Landing]:
    from resnet_verify.carry import STEPS
    from resnet_verify.progress import Progress

    source, destination = arguments.source, arguments.destination
    arrays = draft.parent / "arrays.npz"
    with Progress(f"{source} to {destination}", sys.stderr, "carrying") as progress:

        def heed(step: str) -> None:
            progress.show_bar(step, STEPS.index(step) + 1, len(STEPS))

        cargo = _apart(limit, heed, _read_source, source, arguments.weights, arguments.seed, arrays)
        landing = _apart(
            limit, heed, _write_destination, destination, cargo, arrays, draft, arguments.seed
        )
    return cargo, landing


def _apart(
    limit: float, heed: Callable[[str], None], function: Callable[..., T], *arguments: Any
) -> T:
    from resnet_verify.process import ProcessError, run_apart
    from resnet_verify.target import TargetError

    try:
        return run_apart(function, *arguments, heed=heed, seconds=limit)
    except (ProcessError, TimeoutError) as error:
        raise TargetError(f"{arguments[0]}: {error}") from error


def _read_source(tell: Tell, *arguments: Any) -> Cargo:
    from resnet_verify import tune
    from resnet_verify.carry import read_source

    return read_source(tell, *arguments, after_load=tune.own_process())


def _write_destination(tell: Tell, *arguments: Any) -> Landing:
    from resnet_verify import tune
    from resnet_verify.carry import write_destination

    return write_destination(tell, *arguments, after_load=tune.own_process())


def _report(cargo: Cargo, landing: Landing, out: Path, size: int) -> Iterator[str]:
    from resnet_verify.report import form_text, row

    source, destination = cargo.source, landing.destination
    yield f"carried      {source.target} to {destination.target}"
    yield row("form", form_text(destination.identity))
    yield row("from", f"{source.framework}, {_types(source, 'read')}")
    yield row("to", f"{destination.framework}, {_types(destination, 'written')}")
    yield row("tensors", _tensors_text(cargo, landing))
    if cargo.left:
        yield row("left", f"{_listed(cargo.left)}: the form does not have them")
    if landing.kept:
        yield row("kept", f"{_listed(landing.kept)}: as the destination made them")
    for parity in landing.parity:
        yield row("parity", _parity_text(parity))
    yield row("file", f"{out}, {size / 1e6:,.1f} MB")


def _types(network: Description, done: str) -> str:
    if network.dtype == network.dtype_as_made:
        return network.dtype
    return f"{network.dtype_as_made}, {done} as {network.dtype}"


def _tensors_text(cargo: Cargo, landing: Landing) -> str:
    from math import prod

    shapes = cargo.source.shapes
    numbers = sum(prod(shape) for shape in shapes.values())
    exact = "each to the last bit"
    if landing.rounded:
        types = f"from {cargo.source.dtype} to {landing.destination.dtype}"
        exact = f"{landing.rounded} tensors rounded {types}"
    return f"{len(shapes)} with {numbers:,} numbers, {exact}"


def _parity_text(parity: Parity) -> str:
    image = "x".join(map(str, parity.image))
    return (
        f"evaluation mode, input {image}: relative error {parity.gap.norm:.1e}, worst element "
        f"{parity.gap.worst:.1e} (bound {parity.bound:.0e})"
    )


def _listed(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{rest}"
