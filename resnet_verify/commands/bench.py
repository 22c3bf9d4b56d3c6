"""`resnet-verify bench`: throughput, and whether it is worse than another's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import FAILED, OK, complain

if TYPE_CHECKING:
    from resnet_verify.bench.describe import Described
    from resnet_verify.bench.measure import Side
    from resnet_verify.bench.record import Record
    from resnet_verify.bench.regress import Rule
    from resnet_verify.bench.versus import Contest, Taken, Tell
    from resnet_verify.bench.workload import Workload
    from resnet_verify.commands import Parser

UNDECIDED = 3

_EPILOG = """\
Each target is timed in turn with a yardstick, in processes of their own: with T0, or with what it
was at the revision REV, or else with its reference. What decides is the CPU time of one thread,
on a GPU the time of the device. A difference is confirmed by a second run.
Exit codes: 0 not slower, or nothing was asked of it; 1 slower; 2 usage, or a target that cannot be
loaded or timed; 3 undecided within the budget, with --against or --against-rev."""


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command to the parser."""
    bench = commands.add_parser(
        "bench",
        help="measure throughput, and compare it",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = bench.add_argument
    add("targets", metavar="TARGET", nargs="+", help="what to time")
    yardstick = bench.add_mutually_exclusive_group()
    yardstick.add_argument(
        "--against", metavar="T0", help="the target that it may not be slower than"
    )
    yardstick.add_argument("--against-rev", metavar="REV", help="or its own revision, HEAD~1 say")
    _add_workload(bench)
    add("--budget", metavar="S", type=float, default=120.0, help="seconds a target; default 120")
    add("--effect", metavar="P", type=float, default=2.0, help="percent that matter; default 2")
    add("--store", metavar="URL", help="where the record goes: a file, or postgresql+psycopg://...")
    add("--json", metavar="FILE", type=Path, help="write the records with all samples, as JSON")
    add("-v", "--verbose", action="store_true", help="tracebacks for what goes wrong")
    bench.set_defaults(command=_bench)


def _add_workload(parser: argparse.ArgumentParser) -> None:
    from resnet_verify.bench.workload import DTYPES, ENGINES, LAYOUTS, MODES

    add = parser.add_argument
    add("--mode", choices=MODES, default="inference", help="default inference")
    add("--engine", choices=ENGINES, default="", help="default: the first that the framework has")
    add("--dtype", choices=DTYPES, default="float32", help="default float32")
    add("--layout", choices=LAYOUTS, default="NCHW", help="order in memory; default NCHW")
    add("--batch", metavar="N", type=_positive, default=8, help="images a step; default 8")
    add("--size", metavar="N", type=_positive, default=224, help="pixels; default 224")
    add("--channels", metavar="N", type=_positive, default=3, help="of an image; default 3")
    add("--threads", metavar="N", type=_positive, default=1, help="that compute; default 1")
    add("--gpu", action="store_true", help="on the GPU")
    add("--tune", action=argparse.BooleanOptionalAction, default=True, help="resnet_ref.tune()")


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a positive number is needed, not {text!r}")
    return number


def _bench(arguments: argparse.Namespace) -> int:
    from resnet_verify.bench.measure import MeasureError
    from resnet_verify.bench.regress import Rule
    from resnet_verify.bench.text import record_text
    from resnet_verify.bench.workload import Unsupported

    records: list[Record] = []
    try:
        rule = Rule(effect=arguments.effect / 100)
        _require_writable(arguments.json)
        _require_gpu(arguments.gpu)
        for target in arguments.targets:
            record = _measure(target, arguments, rule)
            records.append(record)
            print("\n" * (len(records) > 1) + record_text(record), flush=True)
        _keep(records, arguments)
    except (MeasureError, Unsupported, ValueError) as error:
        return complain(str(error), verbose=arguments.verbose)
    if not (arguments.against or arguments.against_rev):
        return OK
    if any(record.verdict == "slower" for record in records):
        return FAILED
    return OK if all(record.data["settled"] for record in records) else UNDECIDED


def _require_writable(path: Path | None) -> None:
    from resnet_verify.bench.measure import MeasureError

    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise MeasureError(f"--json {path}: name a file in a folder that exists")


def _require_gpu(wanted: bool) -> None:
    from resnet_verify import gpu
    from resnet_verify.bench.workload import Unsupported

    if wanted and (why := gpu.why_unusable()):
        raise Unsupported(f"--gpu: {why}")


def _measure(target: str, arguments: argparse.Namespace, rule: Rule) -> Record:
    from resnet_verify.bench.describe import Described, describe
    from resnet_verify.bench.fingerprint import fingerprint
    from resnet_verify.bench.measure import Side
    from resnet_verify.bench.record import record_of
    from resnet_verify.bench.versus import alone, contest
    from resnet_verify.progress import Progress

    side = Side(target, _workload(arguments))
    with Progress(target, sys.stderr, "timing") as progress:
        progress.show_bar("identifying", 0, 1)
        described = describe(target, arguments.size)
        against = arguments.against and describe(arguments.against, arguments.size)
        with _yardstick(side, described, arguments) as yardstick:
            tell: Tell = progress.show_bar
            found: Contest | Taken
            if yardstick is None:
                found = alone(side, arguments.budget / 4, tell)
            else:
                asked = arguments.against is not None or arguments.against_rev is not None
                found = contest(side, yardstick, rule, arguments.budget, confirm=asked, tell=tell)
    # An older revision may be another network: its MACs are not known.
    other = against or (Described() if arguments.against_rev else described)
    return record_of(found, (described, other), fingerprint())


def _workload(arguments: argparse.Namespace) -> Workload:
    from dataclasses import fields

    from resnet_verify.bench.workload import Workload

    words = {f.name: getattr(arguments, f.name) for f in fields(Workload) if f.name != "device"}
    return Workload(**words, device="gpu" if arguments.gpu else "cpu")


@contextmanager
def _yardstick(
    side: Side, described: Described, arguments: argparse.Namespace
) -> Iterator[Side | None]:
    from resnet_verify.bench.measure import Side
    from resnet_verify.bench.revision import checked_out

    if arguments.against:
        yield Side(arguments.against, side.workload)
    elif arguments.against_rev:
        revision = arguments.against_rev
        with checked_out(revision, side.folder) as folder:
            yield Side(side.target, side.workload, folder, f"{side.target} at {revision}")
    elif described.twin:
        yield Side(described.twin, side.workload, label=f"reference {described.form}")
    else:
        print(f"resnet-verify: {side.target}: no reference: {described.why}", file=sys.stderr)
        yield None


def _keep(records: Sequence[Record], arguments: argparse.Namespace) -> None:
    import json

    from resnet_verify.bench.measure import MeasureError
    from resnet_verify.bench.record import as_dict

    if arguments.json is not None:
        arguments.json.write_text(json.dumps([as_dict(record) for record in records], indent=1))
    try:
        from resnet_verify.bench.store import DEFAULT, Store, StoreError
    except ModuleNotFoundError as error:
        missing = f"not recorded: {error.name} is not installed; pip install 'resnet-verify[bench]'"
        if arguments.store:
            raise MeasureError(missing) from error
        print(f"resnet-verify: {missing}", file=sys.stderr)
        return
    try:
        with Store(arguments.store or DEFAULT) as store:
            store.add(*records)
    except StoreError as error:
        raise MeasureError(str(error)) from error
