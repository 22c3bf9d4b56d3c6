"""`resnet-verify history`: the records of `bench`, listed, shown, reported, exchanged, pruned."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_verify.commands import OK, complain

if TYPE_CHECKING:
    from resnet_verify.bench.store import Store
    from resnet_verify.commands import Parser

_DAY = 86400.0

_EPILOG = """\
Records of one series have been taken in the same way; they are compared on the same machine only.
Exit codes: 0 done; 2 usage, or a store or file that cannot be used."""


def add(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command, and its own commands, to the parser."""
    history = commands.add_parser(
        "history",
        help="the records of bench",
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_store(history, default="")
    history.set_defaults(command=_run, act=_list, verbose=False)
    acts = history.add_subparsers(metavar="ACTION")

    def action(name: str, act: Callable[..., None], words: str) -> argparse.ArgumentParser:
        parser = acts.add_parser(name, help=words, allow_abbrev=False)
        _add_store(parser, default=argparse.SUPPRESS)
        parser.add_argument("-v", "--verbose", action="store_true", help="tracebacks")
        parser.set_defaults(act=act)
        return parser

    action("list", _list, "all series; what is done without an action")
    show = action("show", _show, "the levels and newest records of a series")
    show.add_argument("series", metavar="SERIES", help="how its name begins")
    accept = action("accept", _accept, "a level shift is as it should be")
    accept.add_argument("record", metavar="RECORD", help="of the new level; how its id begins")
    accept.add_argument("--reason", metavar="TEXT", required=True, help="why; it is kept")
    report = action("report", _report, "a page of all series, or of one")
    report.add_argument("series", metavar="SERIES", nargs="?", default="")
    report.add_argument("--html", metavar="FILE", type=Path, help="one self-contained page")
    report.add_argument("--markdown", metavar="FILE", type=Path, help="for a pull request")
    report.add_argument(
        "--github-json", metavar="FILE", type=Path, help="as github-action-benchmark reads it"
    )
    taking = action("import", _import, "records out of pytest-benchmark's JSON")
    taking.add_argument("file", metavar="FILE", type=Path)
    giving = action("export", _export, "the records of a series as pytest-benchmark's JSON")
    giving.add_argument("series", metavar="SERIES")
    giving.add_argument("file", metavar="FILE", type=Path)
    prune = action("prune", _prune, "delete old records")
    prune.add_argument("--older-than", metavar="DAYS", type=float, required=True)


def _add_store(parser: argparse.ArgumentParser, default: str) -> None:
    words = "a file, or postgresql+psycopg://host/database"
    parser.add_argument("--store", metavar="URL", default=default, help=words)


def _run(arguments: argparse.Namespace) -> int:
    try:
        from resnet_verify.bench.store import DEFAULT, Store, StoreError
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed; pip install 'resnet-verify[bench]'"
        return complain(missing, verbose=arguments.verbose)
    url = arguments.store or DEFAULT
    try:
        if "://" not in url and not Path(url).exists() and arguments.act is not _import:
            raise StoreError(
                f"there is no store {url}; 'resnet-verify bench' makes one, or --store"
            )
        with Store(url) as store:
            arguments.act(store, arguments)
    except (StoreError, OSError, ValueError) as error:
        return complain(str(error), verbose=arguments.verbose)
    return OK


def _list(store: Store, _arguments: argparse.Namespace) -> None:
    from resnet_verify.bench.text import series_text

    print(series_text(store.series()))


def _show(store: Store, arguments: argparse.Namespace) -> None:
    from resnet_verify.bench.history import histories
    from resnet_verify.bench.text import history_text

    print("\n\n".join(map(history_text, histories(store, arguments.series))))


def _accept(store: Store, arguments: argparse.Namespace) -> None:
    record = store.find(arguments.record)
    store.accept(record, time.time(), arguments.reason)
    print(f"accepted     {record.id[:12]} of series {record.series}: {arguments.reason}")


def _report(store: Store, arguments: argparse.Namespace) -> None:
    from resnet_verify.bench.history import histories
    from resnet_verify.bench.interchange import to_github_action
    from resnet_verify.bench.markdown import markdown
    from resnet_verify.bench.page import page

    found = histories(store, arguments.series)
    if arguments.html:
        newest = [store.find(history.points[-1].id) for history in found]
        arguments.html.write_text(page(found, newest), encoding="utf-8")
    if arguments.github_json:
        points = [(history.series, history.points[-1]) for history in found]
        arguments.github_json.write_text(json.dumps(to_github_action(points), indent=1))
    if arguments.markdown:
        arguments.markdown.write_text(markdown(found), encoding="utf-8")
    if not (arguments.html or arguments.github_json or arguments.markdown):
        sys.stdout.write(markdown(found))


def _import(store: Store, arguments: argparse.Namespace) -> None:
    from resnet_verify.bench.interchange import from_pytest_benchmark

    records = from_pytest_benchmark(json.loads(arguments.file.read_text(encoding="utf-8")))
    added = store.add_missing(records)
    print(f"imported     {added} records, {len(records) - added} were there")


def _export(store: Store, arguments: argparse.Namespace) -> None:
    from resnet_verify.bench.history import histories
    from resnet_verify.bench.interchange import to_pytest_benchmark

    points = [point for one in histories(store, arguments.series) for point in one.points]
    records = [store.find(point.id) for point in points]
    arguments.file.write_text(json.dumps(to_pytest_benchmark(records), indent=1))
    print(f"exported     {len(records)} records to {arguments.file}")


def _prune(store: Store, arguments: argparse.Namespace) -> None:
    count = store.prune(time.time() - arguments.older_than * _DAY)
    print(f"pruned       {count} records")
