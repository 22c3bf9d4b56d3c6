"""`resnet-verify transplant`: the weights of one implementation into another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import FAILED, OK, complain

if TYPE_CHECKING:
    from resnet_verify.carry import Cargo, Landing, Parity
    from resnet_verify.commands import Parser
    from resnet_verify.recognised import Description

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
        report = _carry(arguments, limit)
    except CarryError as error:
        return complain(f"{error}; nothing is written", FAILED, verbose=arguments.verbose)
    except (OptionError, TargetError, WeightsError) as error:
        return complain(str(error), verbose=arguments.verbose)
    except OSError as error:
        return complain(f"--out {out}: {error.strerror}", verbose=arguments.verbose)
    print("\n".join(report))
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


def _carry(arguments: argparse.Namespace, limit: float) -> list[str]:
    """Carry the weights and write FILE; what is said of it."""
    from resnet_verify.atomic import write_whole
    from resnet_verify.carry import STEPS
    from resnet_verify.carrying import Order, carried_over
    from resnet_verify.commands.verdicts import show_printed
    from resnet_verify.progress import Progress

    source, destination, out = arguments.source, arguments.destination, arguments.out
    order = Order(source, destination, arguments.weights, arguments.seed, limit)
    with Progress(f"{source} to {destination}", sys.stderr, "carrying") as progress:

        def heed(step: str) -> None:
            progress.show_bar(step, STEPS.index(step) + 1, len(STEPS))

        def printed(target: str, text: str, died: bool) -> None:
            if died or arguments.verbose:
                show_printed(target, text)

        with carried_over(order, out.name, heed, printed) as (cargo, landing, draft):
            content = draft.read_bytes()
            write_whole(out, content)
    return list(_report(cargo, landing, out, len(content)))


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
